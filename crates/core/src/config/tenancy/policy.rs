//! `policy` blocks: what must hold of every plan, over its variables and
//! planned objects. The ones that come with the program are written in the same
//! language, in `policies.hcl`; one of the same name in the configuration takes
//! its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::read::Reader;
use super::scope::RootScope;
use crate::config::instance::Seated;
use crate::config::model::{Rule, Settings};
use crate::config::vocabulary;
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::expr::{Expr, ExprKind, Reference, Scope as _};
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

/// Whose plans a policy is about.
#[derive(Clone, Copy, Debug)]
struct AppliesTo {
    tenants: bool,
    platform: bool,
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
    compliance: Vec<Ident>,
    pub(super) tiers: Vec<Ident>,
    pub(super) environments: Vec<Ident>,
    pub(super) tenants: Vec<Ident>,
    /// Whose plans it is about, where it says so: tenants', the platform's.
    applies_to: Option<AppliesTo>,
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
        self.resources.iter().any(|named| is_named(named, kind))
    }

    /// The regimes whose tenants it is about; all tenants without one.
    pub fn regimes(&self) -> impl Iterator<Item = &str> {
        self.compliance.iter().map(|regime| &*regime.name)
    }

    /// Whether it is about this tenant.
    pub fn is_about(&self, seated: &Seated) -> bool {
        let is = |chosen: &[Ident], name: &Arc<str>| {
            chosen.is_empty() || chosen.iter().any(|chosen| chosen.name == *name)
        };
        if self.applies_to.is_some_and(|it| !it.tenants) {
            return false;
        }
        let environment = seated.environment.clone().unwrap_or_else(|| super::IMPLICIT.into());
        is(&self.tiers, &seated.tier)
            && is(&self.environments, &environment)
            && is(&self.tenants, &seated.tenant)
            && (self.compliance.is_empty()
                || self.regimes().any(|regime| seated.compliance.iter().any(|under| **under == *regime)))
    }

    /// Whether it is about the platform's own resources, which are under these
    /// regimes and have such variables. Unless it says, it is when it is about
    /// objects, and about no tenant, tier or environment in particular.
    pub fn is_about_platform(&self, regimes: &[Ident], has: &dyn Fn(&str) -> bool) -> bool {
        let is_under = |named: &str| regimes.iter().any(|regime| *regime.name == *named);
        let is_under = self.compliance.is_empty() || self.regimes().any(is_under);
        let chooses = [&self.tiers, &self.environments, &self.tenants].iter().any(|names| !names.is_empty());
        is_under
            && match self.applies_to {
                Some(AppliesTo { platform, .. }) => platform,
                None => !self.is_of_plan() && !chooses && self.asks_only_for(has),
            }
    }

    fn asks_only_for(&self, has: &dyn Fn(&str) -> bool) -> bool {
        let mut all = true;
        for expr in [&self.rule.condition, &self.rule.message] {
            expr.for_each_reference(&mut |reference, _| {
                all &= !matches!(reference, Reference::Var(name) if !has(name));
            });
        }
        all
    }
}

impl Reader<'_, '_> {
    /// Those of the configuration, and the built-in ones that it does not
    /// replace; those that are turned off, too.
    pub(super) fn policies<'b>(&mut self, blocks: impl Iterator<Item = &'b Block>) -> Vec<Policy> {
        let mut policies: Vec<Policy> = Vec::new();
        for block in blocks {
            let Some(policy) = self.policy(block, self.scope) else { continue };
            let first = policies.iter().find(|known| known.name.name == policy.name.name);
            let first = first.map(|known| known.name.span);
            self.once("policies", &policy.name, first);
            policies.push(policy);
        }
        let body = built_in(self.decoder.sources, self.diagnostics());
        let nothing = Settings::new();
        let names = RootScope::of(locals(&body), &nothing, self.scope.functions());
        for block in body.blocks.iter().filter(|block| &*block.kind.name == "policy") {
            let replaced = |name: &Ident| policies.iter().any(|policy| policy.name.name == name.name);
            if !block.labels.first().is_some_and(replaced) {
                let policy = self.policy(block, &names);
                policies.extend(policy.map(|policy| Policy { is_built_in: true, ..policy }));
            }
        }
        policies
    }

    fn policy(&mut self, block: &Block, locals: &RootScope<'_>) -> Option<Policy> {
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
        let mut rule = match (block.body.attribute("condition"), block.body.attribute("error_message")) {
            (Some(condition), Some(message)) => {
                Rule { condition: condition.value.clone(), message: message.value.clone() }
            }
            _ => {
                if vocabulary::lacks_rule("policy", &block.body) {
                    let detail = "A policy block needs \"condition\" and \"error_message\".";
                    self.error(Diagnostic::error("Missing required argument", detail).at(block.header()));
                }
                return None;
            }
        };
        self.settle(&mut rule.condition, locals);
        self.settle(&mut rule.message, locals);
        let resources = self.names(&block.body, "resources").unwrap_or_default();
        resources.iter().for_each(|kind| self.known_type(kind));
        let applies_to = self.applies_to(&block.body);
        let mut listed = |name: &str| self.names(&block.body, name).unwrap_or_default();
        Some(Policy {
            enforcement,
            rule,
            resources: resources.into_iter().map(|kind| kind.name).collect(),
            compliance: listed("compliance"),
            tiers: listed("tiers"),
            environments: listed("environments"),
            tenants: listed("tenants"),
            applies_to,
            is_built_in: false,
            name,
        })
    }

    /// Puts local values in the place of their names.
    fn settle(&mut self, expr: &mut Expr, locals: &RootScope<'_>) {
        if let ExprKind::Reference(reference @ Reference::Local(_)) = &expr.kind {
            match locals.lookup(reference, expr.span) {
                Ok(value) => *expr = Expr::literal(value, expr.span),
                Err(error) => self.error(*error),
            }
        }
        expr.for_each_child_mut(&mut |child| self.settle(child, locals));
    }

    /// A policy about types that there are not would hold of everything.
    fn known_type(&mut self, named: &Ident) {
        let kinds: Vec<&str> =
            self.decoder.registry.iter().flat_map(|p| p.schema().resources.keys()).copied().collect();
        if kinds.iter().any(|kind| is_named(&named.name, kind)) {
            return;
        }
        let detail = match named.name.strip_suffix('*') {
            Some(start) => format!("No provider of this build has a type that begins with {start:?}."),
            None => format!("No provider of this build has the type {:?}.", named.name),
        };
        let error = Diagnostic::error("Unknown resource type", detail).at(named.span);
        let begins = |kind: &str| kind.split_once('_').map(|(first, _)| format!("{first}_*"));
        let beginnings: BTreeSet<String> = kinds.iter().filter_map(|kind| begins(kind)).collect();
        self.error(match named.name.ends_with('*') {
            true => error.suggest(&named.name, beginnings.iter().map(String::as_str)),
            false => error.suggest(&named.name, kinds),
        });
    }

    fn applies_to(&mut self, body: &Body) -> Option<AppliesTo> {
        let named = self.names(body, "applies_to")?;
        let known = ["tenants", "platform"];
        for other in named.iter().filter(|it| !known.contains(&&*it.name)) {
            let detail = format!("{:?} is none of \"tenants\", \"platform\".", other.name);
            let error = Diagnostic::error("Unknown target of a policy", detail).at(other.span);
            self.error(error.suggest(&other.name, known));
        }
        let is = |name: &str| named.iter().any(|it| *it.name == *name);
        Some(AppliesTo { tenants: is("tenants"), platform: is("platform") })
    }
}

/// Whether a type is meant by its name, or by how it begins.
fn is_named(named: &str, kind: &str) -> bool {
    match named.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => kind == named,
    }
}

fn built_in(sources: &SourceMap, diagnostics: &mut Diagnostics) -> Body {
    let file = sources.add("<policies of tenantctl>", BUILT_IN);
    parse_file(file, BUILT_IN, diagnostics)
}

/// What `locals` blocks name.
fn locals(body: &Body) -> impl Iterator<Item = (&str, &Expr)> {
    let blocks = body.blocks.iter().filter(|block| &*block.kind.name == "locals");
    blocks.flat_map(|block| &block.body.attributes).map(|local| (&*local.name.name, &local.value))
}
