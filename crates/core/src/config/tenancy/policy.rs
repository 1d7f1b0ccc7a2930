//! `policy` blocks: what must hold of every plan, over its variables and
//! planned objects. The ones that come with the program are written in the same
//! language, in `policies.hcl`; one of the same name in the configuration takes
//! its place.

use std::sync::Arc;

use super::read::Reader;
use crate::config::model::Rule;
use crate::config::platform::Seated;
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::syntax::{Block, Body, Ident, parse_file};

/// The policies that come with the program.
const BUILT_IN: &str = include_str!("policies.hcl");

/// What becomes of a plan that breaks a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// It cannot be applied.
    Deny,
    /// It is warned of.
    Warn,
    /// Nothing.
    Off,
}

/// A `policy` block.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Ident,
    /// What becomes of a plan that breaks it.
    pub enforcement: Enforcement,
    /// What must hold. `var` are the instance's variables, `self` is a planned
    /// object, or all of them.
    pub rule: Rule,
    /// Types of objects that each must hold for, with `*` at the end for all
    /// that begin so; none means the plan as a whole.
    resources: Vec<Arc<str>>,
    /// It is about tenants under one of these regimes; all, when empty.
    compliance: Vec<Arc<str>>,
    tiers: Vec<Arc<str>>,
    environments: Vec<Arc<str>>,
    tenants: Vec<Arc<str>>,
    /// It came with the program.
    pub is_built_in: bool,
}

impl Policy {
    /// Whether it is about plans as a whole.
    pub fn is_of_plan(&self) -> bool {
        self.resources.is_empty()
    }

    /// Whether it is about each object of this type.
    pub fn is_of(&self, kind: &str) -> bool {
        self.resources.iter().any(|named| match named.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == &**named,
        })
    }

    /// The regimes whose tenants it is about; all tenants without one.
    pub fn regimes(&self) -> &[Arc<str>] {
        &self.compliance
    }

    /// Whether it is about this tenant.
    pub fn is_about(&self, seated: &Seated) -> bool {
        let is = |chosen: &[Arc<str>], name: &Arc<str>| chosen.is_empty() || chosen.contains(name);
        let environment = seated.environment.clone().unwrap_or_else(|| super::IMPLICIT.into());
        is(&self.tiers, &seated.tier)
            && is(&self.environments, &environment)
            && is(&self.tenants, &seated.tenant)
            && (self.compliance.is_empty()
                || seated.compliance.iter().any(|regime| self.compliance.contains(regime)))
    }
}

impl Reader<'_, '_> {
    /// Those of the configuration, and the built-in ones that it does not
    /// replace.
    pub(super) fn policies<'b>(&mut self, blocks: impl Iterator<Item = &'b Block>) -> Vec<Policy> {
        let mut policies: Vec<Policy> = Vec::new();
        for block in blocks {
            let Some(policy) = self.policy(block) else { continue };
            let first = policies.iter().find(|known| known.name.name == policy.name.name);
            let first = first.map(|known| known.name.span);
            self.once("policies", &policy.name, first);
            policies.push(policy);
        }
        let built_in = built_in(self.decoder.sources, self.diagnostics());
        for block in &built_in.blocks {
            let replaced = |name: &Ident| policies.iter().any(|policy| policy.name.name == name.name);
            if !block.labels.first().is_some_and(replaced) {
                let policy = self.policy(block);
                policies.extend(policy.map(|policy| Policy { is_built_in: true, ..policy }));
            }
        }
        policies.retain(|policy| policy.enforcement != Enforcement::Off);
        policies
    }

    fn policy(&mut self, block: &Block) -> Option<Policy> {
        let name = self.named(block, "policy")?;
        let enforcement = self.text(&block.body, "enforcement");
        let enforcement = match enforcement.as_ref().map(|word| (&*word.name, word)) {
            None | Some(("deny", _)) => Enforcement::Deny,
            Some(("warn", _)) => Enforcement::Warn,
            Some(("off", _)) => Enforcement::Off,
            Some((other, word)) => {
                let detail = format!("{other:?} is none of \"deny\", \"warn\", \"off\".");
                let error = Diagnostic::error("Unknown enforcement", detail).at(word.span);
                self.error(error.suggest(other, ["deny", "warn", "off"]));
                return None;
            }
        };
        let rule = match (block.body.attribute("condition"), block.body.attribute("error_message")) {
            (Some(condition), Some(message)) => {
                Rule { condition: condition.value.clone(), message: message.value.clone() }
            }
            _ => {
                let detail = "A policy block needs \"condition\" and \"error_message\".";
                self.error(Diagnostic::error("Missing required argument", detail).at(block.header()));
                return None;
            }
        };
        let mut listed = |name: &str| -> Vec<Arc<str>> {
            self.names(&block.body, name).into_iter().flatten().map(|ident| ident.name).collect()
        };
        Some(Policy {
            enforcement,
            rule,
            resources: listed("resources"),
            compliance: listed("compliance"),
            tiers: listed("tiers"),
            environments: listed("environments"),
            tenants: listed("tenants"),
            is_built_in: false,
            name,
        })
    }
}

fn built_in(sources: &SourceMap, diagnostics: &mut Diagnostics) -> Body {
    let file = sources.add("<policies of tenantctl>", BUILT_IN);
    parse_file(file, BUILT_IN, diagnostics)
}
