//! Names in tenancy blocks that stand for nothing: each would be taken in
//! silence for "nobody", "nowhere" or "never".
//!
//! Must not: look at settings, which are checked with each instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::model::{Tenancy, Tenant};
use super::policy::Policy;
use super::read::Reader;
use super::setting::Content;
use crate::config::model::{Module, Variable};
use crate::diag::{Diagnostic, Diagnostics, Span, agree, nearest};
use crate::syntax::Ident;
use crate::value::Type;

impl Reader<'_, '_> {
    /// Reports them, those of `policies` that are turned off included.
    pub(super) fn names_of_nothing(&mut self, tenancy: &mut Tenancy, policies: &[Policy]) {
        let tiers = tenancy.tiers.values().filter_map(|tier| tier.environments.as_deref());
        for name in tenancy.environments_of_all.as_deref().into_iter().chain(tiers).flatten() {
            if !tenancy.environments.contains_key(&name.name) {
                self.unknown("environment", name, tenancy.environments.keys());
            }
        }
        self.of_variables(tenancy);
        self.of_policies(tenancy, policies);
        let regimes: BTreeSet<&str> = policies.iter().flat_map(Policy::regimes).collect();
        self.regimes(tenancy, &regimes);
        let wrong: Vec<_> = tenancy
            .tenants
            .values()
            .map(|tenant| (tenant.name.name.clone(), of_tenant(tenancy, tenant, &regimes)))
            .filter(|(_, problems)| !problems.is_empty())
            .collect();
        for (name, problems) in wrong {
            tenancy.breaks(&name, problems);
        }
    }

    /// What is unique, and what environments have to promise, are settings.
    fn of_variables(&mut self, tenancy: &Tenancy) {
        let blueprints = blueprints(tenancy);
        let variables = || blueprints.iter().flat_map(|module| &module.variables);
        let names: BTreeSet<&str> = variables().map(|variable| &*variable.name.name).collect();
        let mut check = |path: &str, span: Span| {
            if variables().any(|variable| has(variable, path)) {
                return;
            }
            let detail = format!("The blueprint has no variable {path:?}.");
            self.error(
                Diagnostic::error("Undeclared setting", detail).at(span).suggest(path, names.iter().copied()),
            );
        };
        tenancy.unique.iter().for_each(|name| check(&name.name, name.span));
        for environment in tenancy.environments.values() {
            let Content::Map(capacity) = &environment.capacity.content else { continue };
            capacity.iter().for_each(|(path, limit)| check(path, limit.span));
        }
    }

    /// Tiers and environments that policies are about; tenants come and go.
    fn of_policies(&mut self, tenancy: &Tenancy, policies: &[Policy]) {
        for policy in policies {
            for name in policy.tiers.iter().filter(|name| !tenancy.tiers.contains_key(&name.name)) {
                self.unknown("tier", name, tenancy.tiers.keys());
            }
            let is_known = |name: &&Ident| {
                tenancy.environments.contains_key(&name.name)
                    || tenancy.environments.is_empty() && *name.name == *super::IMPLICIT
            };
            for name in policy.environments.iter().filter(|name| !is_known(name)) {
                self.unknown("environment", name, tenancy.environments.keys());
            }
            let is_tenant = |name: &Ident| {
                [tenancy.tenants.contains_key(&name.name), tenancy.broken.contains_key(&name.name)]
            };
            for name in policy.tenants.iter().filter(|name| is_tenant(name) == [false; 2]) {
                let detail = format!("There is no tenant {:?}, whom a policy is about.", name.name);
                let warning = Diagnostic::warning("Unknown tenant", detail).at(name.span);
                self.error(warning.suggest(&name.name, tenancy.tenant_names().map(|name| &**name)));
            }
        }
    }

    /// Regimes that no policy is about: a slip of the platform's, where one is
    /// near; else what may be meant is warned of once.
    fn regimes(&mut self, tenancy: &Tenancy, known: &BTreeSet<&str>) {
        let mut of_nothing: BTreeMap<&Arc<str>, Vec<Span>> = BTreeMap::new();
        let of_tenants = tenancy.tenants.values().flat_map(|tenant| &tenant.compliance);
        for regime in tenancy.compliance.iter().chain(of_tenants).filter(|r| !known.contains(&*r.name)) {
            of_nothing.entry(&regime.name).or_default().push(regime.span);
        }
        for (regime, places) in of_nothing {
            if nearest(regime, known.iter().copied()).is_some() {
                let own = tenancy.compliance.iter().filter(|own| own.name == *regime);
                own.for_each(|own| self.error(unknown_regime(own, known)));
                continue;
            }
            let times = match places.len() - 1 {
                0 => String::new(),
                more => format!(" It is named at {more} more {}.", agree(more, "place", "places")),
            };
            let detail = format!("No policy is about the regime {regime:?}, so it asks for nothing.{times}");
            self.error(Diagnostic::warning("Regime without policy", detail).at(places[0]));
        }
    }
}

/// What a tenant's block names that there is not.
fn of_tenant(tenancy: &Tenancy, tenant: &Tenant, regimes: &BTreeSet<&str>) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let slips = tenant.compliance.iter().filter(|regime| !regimes.contains(&*regime.name));
    let slips = slips.filter(|regime| nearest(&regime.name, regimes.iter().copied()).is_some());
    problems.extend(slips.map(|regime| unknown_regime(regime, regimes)));
    // Where the platform has roles, members have those.
    if let (false, Content::Map(members)) = (tenancy.roles.is_empty(), &tenant.members.content) {
        for (role, setting) in members.iter().filter(|(role, _)| !tenancy.roles.contains_key(*role)) {
            let error = Diagnostic::error("Unknown role", format!("There is no role {role:?}."));
            problems.push(error.at(setting.span).suggest(role, tenancy.roles.keys().map(|name| &**name)));
        }
    }
    if let Some(at) = tenant.delete_after.as_ref().filter(|at| at.name.parse::<Timestamp>().is_err()) {
        let detail = format!("{:?} is held until {:?}, which is no time.", tenant.name.name, at.name);
        let error = Diagnostic::error("Invalid time", detail).at(at.span);
        problems.push(error.hint("Write it as 2027-01-31T00:00:00Z."));
    }
    problems
}

fn unknown_regime(regime: &Ident, known: &BTreeSet<&str>) -> Diagnostic {
    let detail = format!("No policy is about the regime {:?}, so it asks for nothing.", regime.name);
    let error = Diagnostic::error("Unknown regime", detail).at(regime.span);
    error.suggest(&regime.name, known.iter().copied())
}

/// Every blueprint that some tenant may have, once.
fn blueprints(tenancy: &Tenancy) -> Vec<&Arc<Module>> {
    let tiers = tenancy.tiers.values().filter_map(|tier| tier.blueprint.as_ref());
    let tenants = tenancy.tenants.values().filter_map(|tenant| tenant.blueprint.as_ref());
    let mut seen = BTreeSet::new();
    let all = [&tenancy.blueprint].into_iter().chain(tiers).chain(tenants);
    all.filter(|module| seen.insert(Arc::as_ptr(module))).collect()
}

/// Whether a path leads into a variable, as far as its type tells.
fn has(variable: &Variable, path: &str) -> bool {
    let mut steps = path.split('.');
    if steps.next() != Some(&*variable.name.name) {
        return false;
    }
    let mut ty = &variable.constraint.ty;
    for step in steps {
        match ty {
            Type::Object(object) => match object.attributes.get(step) {
                Some(inner) => ty = inner,
                None => return false,
            },
            Type::Map(element) => ty = element,
            Type::Dynamic => return true,
            _ => return false,
        }
    }
    true
}
