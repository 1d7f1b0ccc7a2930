//! A module as a test has it: with providers mocked, objects and called
//! modules overridden.
//!
//! Guarantees: the module that was loaded stays as it is; an override of what
//! is not there is an error, of an output that a module does not have a warning.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{Configured, Mocked, Override, OverrideKind};
use super::mock::Mock;
use crate::addr::ResourceMode;
use crate::config::{Module, Output, ProviderBlock, ProviderRef};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::Expr;
use crate::provider::Registry;
use crate::value::Value;

/// What is laid over a module.
pub(super) struct Overlay<'a> {
    /// Configurations of providers.
    pub mocks: &'a BTreeMap<Configured, Mocked>,
    /// What the module calls configurations of the test file: those that a run
    /// names, else all by their own names.
    pub given: &'a [(ProviderRef, ProviderRef)],
    /// The later, the stronger.
    pub overrides: Vec<&'a Override>,
    /// Takes in what stands in for providers.
    pub registry: &'a mut Registry,
    /// Of `overrides`, those whose target is there.
    found: Vec<bool>,
    warnings: Diagnostics,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(
        mocks: &'a BTreeMap<Configured, Mocked>,
        given: &'a [(ProviderRef, ProviderRef)],
        overrides: Vec<&'a Override>,
        registry: &'a mut Registry,
    ) -> Self {
        let found = vec![false; overrides.len()];
        Overlay { mocks, given, overrides, registry, found, warnings: Diagnostics::new() }
    }

    /// The module with everything in its place, and what overrides nothing there.
    ///
    /// # Errors
    /// Overrides of what is not there.
    pub(super) fn over(mut self, module: &Arc<Module>) -> Result<(Arc<Module>, Diagnostics), Diagnostics> {
        if self.mocks.is_empty() && self.overrides.is_empty() {
            return Ok((module.clone(), self.warnings));
        }
        let made = self.module(module, "", None);
        let missing = self.overrides.iter().zip(&self.found).filter(|(_, found)| !**found);
        let problems: Diagnostics = missing
            .map(|(one, _)| {
                let detail = format!("There is no {} in the configuration to be overridden.", one.target);
                Diagnostic::error("Unknown target of an override", detail).at(one.span)
            })
            .collect();
        if problems.has_errors() { Err(problems) } else { Ok((made, self.warnings)) }
    }

    /// The override of an address that counts.
    fn find(&mut self, kind: OverrideKind, address: &str) -> Option<&'a Override> {
        let mut last = None;
        for (one, found) in self.overrides.iter().zip(&mut self.found) {
            if one.kind == kind && one.target == address {
                *found = true;
                last = Some(*one);
            }
        }
        last
    }

    /// Overrides inside of what is overridden as a whole have nothing to do.
    fn is_inside(&mut self, path: &str) {
        for (one, found) in self.overrides.iter().zip(&mut self.found) {
            *found |= one.target.starts_with(path);
        }
    }

    /// Tells of values for outputs that a module does not have.
    fn check_outputs(&mut self, given: &Override, module: &Module) {
        let known = || module.outputs.iter().map(|output| &*output.name.name);
        for name in given.values.keys().filter(|name| !known().any(|known| known == &***name)) {
            let detail =
                format!("{} has no output {name:?}, so that its value is for nothing.", given.target);
            let problem = Diagnostic::warning("Unknown output in an override", detail).at(given.span);
            self.warnings.push(problem.suggest(name, known()));
        }
    }

    /// The mock that a resource is made with.
    fn mock(&self, named: &ProviderRef, callers: Option<&Callers<'_>>) -> Option<&'a Mocked> {
        let (name, alias) = Callers::meant(callers, &named.name, named.alias.as_ref())?;
        let given = self.given.iter().find(|(inner, _)| inner.names(&name, alias.as_ref()));
        let meant = given.map_or((name, alias), |(_, outer)| (outer.name.clone(), outer.alias.clone()));
        self.mocks.get(&meant)
    }

    fn module(&mut self, module: &Arc<Module>, path: &str, callers: Option<&Callers<'_>>) -> Arc<Module> {
        let mut made = (**module).clone();
        for resource in &mut made.resources {
            let (data, kind) = match resource.mode {
                ResourceMode::Managed => ("", OverrideKind::Resource),
                ResourceMode::Data => ("data.", OverrideKind::Data),
                ResourceMode::Ephemeral => ("ephemeral.", OverrideKind::Data),
            };
            let address = format!("{path}{data}{}.{}", resource.kind, resource.name);
            let mock = self.mock(&resource.configuration, callers);
            let given = self.find(kind, &address).map(|one| &one.values);
            if mock.is_none() && given.is_none() {
                continue;
            }
            let Some(inner) = self.registry.get(&resource.provider).cloned() else { continue };
            // What is given to one block stands for all that is given to its type.
            let values = match (given, mock) {
                (Some(given), _) => given.clone(),
                (None, Some(mock)) => mock.defaults(kind, &resource.kind),
                (None, None) => BTreeMap::new(),
            };
            let name = format!("{} for {address}", resource.provider);
            self.registry.insert(Arc::new(Mock { name: name.clone(), inner, values }));
            resource.provider = name.into();
        }
        for call in &mut made.calls {
            let address = format!("{path}module.{}", call.name.name);
            call.module = match self.find(OverrideKind::Module, &address) {
                Some(given) => {
                    self.is_inside(&format!("{address}."));
                    self.check_outputs(given, &call.module);
                    Arc::new(stand_in(&call.module, &given.values))
                }
                None => {
                    let own = &call.module.providers;
                    let callers = Callers { own, given: &call.providers, outer: callers };
                    self.module(&call.module, &format!("{address}."), Some(&callers))
                }
            };
        }
        Arc::new(made)
    }
}

/// How a called module comes to configurations of providers.
struct Callers<'c> {
    /// Its own.
    own: &'c [ProviderBlock],
    /// What its caller gives it.
    given: &'c [(ProviderRef, ProviderRef)],
    /// How the caller does; the root has all that it names.
    outer: Option<&'c Callers<'c>>,
}

impl Callers<'_> {
    /// What the root calls a configuration; `None` of a module's own.
    fn meant(this: Option<&Self>, name: &Arc<str>, alias: Option<&Arc<str>>) -> Option<Configured> {
        let Some(here) = this else { return Some((name.clone(), alias.cloned())) };
        if here.own.iter().any(|block| block.reference().names(name, alias)) {
            return None;
        }
        match here.given.iter().find(|(inner, _)| inner.names(name, alias)) {
            Some((_, outer)) => Self::meant(here.outer, &outer.name, outer.alias.as_ref()),
            None => Self::meant(here.outer, name, alias),
        }
    }
}

/// A module that has nothing but these outputs; the others are null.
fn stand_in(module: &Module, values: &BTreeMap<Arc<str>, Value>) -> Module {
    let outputs = module.outputs.iter().map(|output| {
        let value = values.get(&output.name.name).cloned().unwrap_or(Value::NULL);
        let mut made = Output { value: Expr::literal(value, output.value.span), ..output.clone() };
        made.depends_on.clear();
        made.preconditions.clear();
        made
    });
    let mut variables = module.variables.clone();
    variables.iter_mut().for_each(|variable| variable.validations.clear());
    Module { dir: module.dir.clone(), variables, outputs: outputs.collect(), ..Module::default() }
}
