//! What is wrong with the blocks of a module taken together, and with the
//! arguments of a call.
//!
//! Guarantees: reports everything, each at its place.
//! Must not: change what was decoded.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::decode::noun;
use super::dropped;
use super::model::{Module, ModuleCall, Variable};
use super::reader::unexpected_argument;
use super::vocabulary;
use crate::diag::{Diagnostic, Diagnostics, Span, nearest};
use crate::expr::{ChainStep, Expr, Reference};
use crate::syntax::{Block, Ident};

/// Which warnings are given of what modules say is not to be used any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deprecation {
    /// Of all modules.
    #[default]
    All,
    /// Of modules in directories, which are one's own.
    Local,
    /// None.
    None,
}

impl Deprecation {
    /// Whether something is told of a module from there.
    pub(super) fn tells_of(self, source: &str) -> bool {
        match self {
            Deprecation::All => true,
            Deprecation::Local => source.starts_with("./") || source.starts_with("../"),
            Deprecation::None => false,
        }
    }
}

/// Warns where outputs are used that their module says are not to be.
pub(super) fn deprecated_outputs(module: &Module, deprecation: Deprecation, diagnostics: &mut Diagnostics) {
    let of_call = |name: &str| module.calls.iter().find(|call| *call.name.name == *name);
    let is_deprecated = |call: &ModuleCall| {
        deprecation.tells_of(&call.source) && call.module.outputs.iter().any(|one| one.deprecated.is_some())
    };
    if !module.calls.iter().any(is_deprecated) {
        return;
    }
    // What is deprecated itself may be made of what is.
    let passing = module.outputs.iter().filter(|output| output.deprecated.is_some());
    let passing: Vec<Span> = passing.map(|output| output.value.span).collect();
    let mut found = Vec::new();
    for expr in module.expressions().filter(|expr| !passing.contains(&expr.span)) {
        expr.for_each_chain(&mut |chain| {
            let Reference::Module(name) = chain.reference else { return };
            let output = chain.steps.iter().find_map(|step| match step {
                ChainStep::Attribute(name) => Some(*name),
                ChainStep::Index(_) => None,
            });
            let (Some(call), Some(output)) = (of_call(name).filter(|call| is_deprecated(call)), output)
            else {
                return;
            };
            let output = call.module.outputs.iter().find(|one| one.name.name == *output);
            let words = output.and_then(|one| Some((one, one.deprecated.as_ref()?)));
            if let Some((output, words)) = words {
                let detail = format!("{chain} is deprecated by the author of its module: {words}");
                found.push(
                    Diagnostic::warning("Value derived from a deprecated source", detail)
                        .at(chain.span)
                        .related(output.name.span, "declared here"),
                );
            }
        });
    }
    found.into_iter().for_each(|warning| diagnostics.push(warning));
}

/// Reports variables that no `module` block could set.
pub(super) fn reserved(module: &Module, diagnostics: &mut Diagnostics) {
    let names = module.variables.iter().map(|variable| &variable.name);
    for name in names.filter(|name| vocabulary::is_reserved(&name.name)) {
        let detail = "A module block has an argument of this name, so that no variable can have it.";
        diagnostics.push(Diagnostic::error("Invalid name", detail).at(name.span));
    }
}

/// Reports configurations of providers that are as many as something says that
/// is known only once resources are planned, which have them made.
pub(super) fn configurations(module: &Module, diagnostics: &mut Diagnostics) {
    for (block, each) in module.providers.iter().filter_map(|block| Some((block, block.for_each.as_ref()?))) {
        let mut seen: Vec<&str> = Vec::new();
        let Some(found) = planned(module, each, &mut seen) else { continue };
        let detail = format!(
            "The for_each of a provider depends on {found}, which is known only when everything is planned."
        );
        let problem = Diagnostic::error("Invalid for_each argument", detail).at(each.span);
        diagnostics.push(
            problem
                .related(block.span, "in this block")
                .hint("Variables and local values that come of them may be used."),
        );
    }
}

/// The first of what an expression comes of that is planned.
fn planned<'m>(module: &'m Module, expr: &Expr, seen: &mut Vec<&'m str>) -> Option<Reference> {
    let mut referred = Vec::new();
    expr.for_each_reference(&mut |reference, _| referred.push(reference.clone()));
    referred.into_iter().find_map(|reference| match &reference {
        Reference::Resource { .. } | Reference::Module(_) => Some(reference),
        Reference::Local(name) => {
            let (name, value) = module.locals.iter().find(|(local, _)| local.name == *name)?;
            if seen.contains(&&*name.name) {
                return None;
            }
            seen.push(&name.name);
            planned(module, value, seen)
        }
        _ => None,
    })
}

/// Reports what is defined more than once.
pub(super) fn duplicates(module: &Module, diagnostics: &mut Diagnostics) {
    fn plain<'m>(what: &'static str, ident: &'m Ident) -> ((&'static str, &'m str, &'m str), Span) {
        ((what, "", &ident.name), ident.span)
    }
    let names = module
        .variables
        .iter()
        .map(|v| plain("variable", &v.name))
        .chain(module.locals.iter().map(|(name, _)| plain("local value", name)))
        .chain(module.outputs.iter().map(|o| plain("output", &o.name)))
        .chain(module.calls.iter().map(|c| plain("module", &c.name)))
        .chain(module.providers.iter().map(|p| {
            let name = p.local.as_deref().unwrap_or(&p.name.name);
            (("provider", name, p.alias.as_deref().unwrap_or_default()), p.name.span)
        }))
        .chain(module.checks.iter().map(|c| plain("check", &c.name)))
        .chain(module.resources.iter().map(|r| ((noun(r.mode), &*r.kind, &*r.name), r.span)));
    let mut seen = FxHashMap::with_capacity_and_hasher(module.resources.len(), FxBuildHasher);
    for (name, span) in names {
        if let Some(first) = seen.insert(name, span) {
            let name = match name {
                (what, "", name) => format!("{what} {name:?}"),
                (what, kind, "") => format!("{what} {kind}"),
                (what, kind, name) => format!("{what} {kind}.{name}"),
            };
            diagnostics.push(
                Diagnostic::error(
                    "Duplicate definition",
                    format!("There are two definitions of {name} in this module."),
                )
                .at(span)
                .related(first, "first defined here"),
            );
        }
    }
}

/// Says which arguments a module has no variables for, and which it lacks;
/// `tells` of those that are deprecated.
pub(super) fn arguments(
    block: &Block,
    module: &Module,
    arguments: &BTreeMap<Arc<str>, Expr>,
    tells: bool,
    diagnostics: &mut Diagnostics,
) {
    for attribute in block.body.attributes.iter().filter(|a| arguments.contains_key(&a.name.name)) {
        let set = module.variables.iter().find(|v| v.name.name == attribute.name.name);
        if let Some(words) = set.and_then(|variable| variable.deprecated.as_ref()).filter(|_| tells) {
            let detail = format!("The variable {:?} is deprecated: {words}", attribute.name.name);
            diagnostics.push(
                Diagnostic::warning("Variable marked as deprecated by the module author", detail)
                    .at(attribute.name.span),
            );
        }
        match set {
            Some(set) => {
                dropped::attributes(&set.name.name, &attribute.value, &set.constraint.ty, diagnostics);
            }
            None => {
                let known: Vec<&str> = module.variables.iter().map(|v| &*v.name.name).collect();
                diagnostics.push(unexpected_argument(attribute, known, &[]));
            }
        }
    }
    // What is there misspelt is told as that.
    let known = module.variables.iter().map(|v| &*v.name.name);
    let given: Vec<&str> =
        arguments.keys().map(|name| &**name).filter(|name| !known.clone().any(|k| k == *name)).collect();
    let is_misspelt = |name: &str| given.iter().any(|given| nearest(given, known.clone()) == Some(name));
    let lacks = |v: &&Variable| v.default.is_none() && !arguments.contains_key(&v.name.name);
    for variable in module.variables.iter().filter(lacks).filter(|v| !is_misspelt(&v.name.name)) {
        diagnostics.push(
            Diagnostic::error(
                "Missing required argument",
                format!("The module's variable {:?} must be set.", variable.name.name),
            )
            .at(block.header())
            .related(variable.name.span, "declared here"),
        );
    }
}
