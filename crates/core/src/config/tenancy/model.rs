//! The tenancy blocks of a root directory, as they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::policy::Policy;
use super::setting::{Setting, Written};
use crate::config::model::Module;
use crate::diag::{Diagnostics, SourceMap, Span};
use crate::syntax::Ident;

/// All of them.
#[derive(Debug)]
pub(in crate::config) struct Tenancy {
    /// The platform's name.
    pub(in crate::config) name: Ident,
    /// What its tenants consist of.
    pub(in crate::config) blueprint: Arc<Module>,
    /// Where they run, unless they or their tier say otherwise.
    pub(in crate::config) environments_of_all: Option<Vec<Ident>>,
    /// Its settings.
    pub(in crate::config) settings: Written,
    /// Its labels.
    pub(in crate::config) labels: Setting,
    /// Regimes that all there is is under.
    pub(in crate::config) compliance: Vec<Ident>,
    /// What no plan may exceed.
    pub(in crate::config) guard: Guard,
    /// Settings that no two instances may have in common.
    pub(in crate::config) unique: Vec<Ident>,
    /// Tiers by name.
    pub(in crate::config) tiers: BTreeMap<Arc<str>, Tier>,
    /// Environments by name.
    pub(in crate::config) environments: BTreeMap<Arc<str>, Environment>,
    /// Where tenants have a file each.
    pub(in crate::config) directory: Option<PathBuf>,
    /// Tenants by name.
    pub(in crate::config) tenants: BTreeMap<Arc<str>, Tenant>,
    /// Those whose block or file is not right, which are in no other list.
    pub(in crate::config) broken: BTreeMap<Arc<str>, Broken>,
    /// Roles by name.
    pub(in crate::config) roles: BTreeMap<Arc<str>, Setting>,
    /// Policies, those that are turned off left out.
    pub(in crate::config) policies: Vec<Policy>,
}

impl Tenancy {
    /// What is set for variables that are secret is not to be shown.
    pub(in crate::config) fn hide_secrets(&self, sources: &SourceMap) {
        let tiers = self.tiers.values().filter_map(|tier| tier.blueprint.as_ref());
        let own = self.tenants.values().filter_map(|tenant| tenant.blueprint.as_ref());
        let mut seen = Vec::new();
        let mut names = BTreeSet::new();
        for blueprint in [&self.blueprint].into_iter().chain(tiers).chain(own) {
            // Many tenants have one blueprint.
            if seen.iter().any(|other| Arc::ptr_eq(other, blueprint)) {
                continue;
            }
            seen.push(Arc::clone(blueprint));
            let secret = blueprint.variables.iter().filter(|v| v.sensitive || v.ephemeral);
            names.extend(secret.map(|v| v.name.name.clone()));
        }
        let tenants = self.tenants.values();
        let layers = [&self.settings]
            .into_iter()
            .chain(self.tiers.values().map(|tier| &tier.settings))
            .chain(self.environments.values().map(|environment| &environment.settings))
            .chain(tenants.flat_map(Tenant::written))
            .chain(self.broken.values().flat_map(|broken| &broken.settings));
        if names.is_empty() {
            return;
        }
        for written in layers {
            names.iter().filter_map(|name| written.get(name)).for_each(|set| sources.hide(set.span));
        }
    }
}

/// A `tier` block.
#[derive(Debug)]
pub(in crate::config) struct Tier {
    pub(in crate::config) name: Ident,
    /// `namespace`, `node_pool` or `cluster`; of the tier it extends if unset.
    pub(in crate::config) isolation: Option<Arc<str>>,
    /// The tier whose settings lie below these.
    pub(in crate::config) extends: Option<Ident>,
    pub(in crate::config) blueprint: Option<Arc<Module>>,
    /// What is wrong with that: a problem of the tenants that would have it.
    pub(in crate::config) problems: Diagnostics,
    pub(in crate::config) environments: Option<Vec<Ident>>,
    pub(in crate::config) settings: Written,
    pub(in crate::config) labels: Setting,
}

/// An `environment` block.
#[derive(Debug)]
pub(in crate::config) struct Environment {
    pub(in crate::config) name: Ident,
    pub(in crate::config) region: Setting,
    /// How its cluster is reached: whatever the blueprint takes for that.
    pub(in crate::config) cluster: Setting,
    /// What its shared cluster has to promise, by the path of the setting that
    /// promises it.
    pub(in crate::config) capacity: Setting,
    pub(in crate::config) settings: Written,
    pub(in crate::config) labels: Setting,
}

/// A `tenant` block.
#[derive(Debug)]
pub(in crate::config) struct Tenant {
    pub(in crate::config) name: Ident,
    pub(in crate::config) tier: Ident,
    /// Its own, or the one it would have with its extension in it.
    pub(in crate::config) blueprint: Option<Arc<Module>>,
    pub(in crate::config) environments: Option<Vec<Ident>>,
    /// What it sets for one environment, by its name.
    pub(in crate::config) own: BTreeMap<Arc<str>, (Ident, Written)>,
    /// Regimes it is under: `gdpr`, `hipaa`, `soc2`, or policies' own words.
    pub(in crate::config) compliance: Vec<Ident>,
    /// It is on its way out: its blueprint is told to serve nobody.
    pub(in crate::config) suspended: bool,
    /// RFC 3339: what it has may be deleted after that, and not before.
    pub(in crate::config) delete_after: Option<Ident>,
    /// Who has which role.
    pub(in crate::config) members: Setting,
    pub(in crate::config) settings: Written,
    pub(in crate::config) labels: Setting,
}

impl Tenant {
    /// Its own settings, and those for its environments.
    fn written(&self) -> impl Iterator<Item = &Written> {
        self.own.values().map(|(_, own)| own).chain([&self.settings])
    }
}

/// A tenant that nothing can be planned for, and why: nobody else's problem.
#[derive(Debug, Default)]
pub(in crate::config) struct Broken {
    /// Its tier, as far as that is known.
    pub(in crate::config) tier: Option<Arc<str>>,
    /// What it sets, as far as that could be read, so that secrets stay hidden.
    pub(in crate::config) settings: Vec<Written>,
    /// What is wrong.
    pub(in crate::config) problems: Diagnostics,
}

impl Tenancy {
    /// Takes a tenant out of those that can be planned.
    pub(in crate::config) fn breaks(&mut self, name: &Arc<str>, problems: Diagnostics) {
        let broken = self.broken.entry(name.clone()).or_default();
        broken.problems.extend(problems);
        if let Some(tenant) = self.tenants.remove(name) {
            broken.settings.extend(tenant.written().cloned());
            broken.tier = Some(tenant.tier.name).filter(|tier| self.tiers.contains_key(tier));
        }
    }

    /// Names of all tenants, the broken ones too.
    pub(in crate::config) fn tenant_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tenants.keys().chain(self.broken.keys())
    }
}

/// What a plan may not exceed without a word from the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Of all objects planned, so many percent may be destroyed.
    pub max_destroy_percent: Option<u32>,
    /// Of all tenants there are, so many percent may be changed.
    pub max_tenant_percent: Option<u32>,
    /// So many tenants may be changed.
    pub max_tenants: Option<u32>,
    /// Where that is said.
    pub span: Span,
}
