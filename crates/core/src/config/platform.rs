//! A loaded root directory: one plain workspace, or a platform of tenants.
//!
//! Guarantees: what is wrong with one instance's settings is that instance's
//! problem; the others are given all the same.
//! Must not: know state or networks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::instance::{Instance, Seated, Selected, seat_workspace, seated, workspace};
use super::model::{Module, Settings};
use super::passed_on::passed_on;
use super::selection::Selection;
use super::settle::{Owner, settle, undeclared};
use super::tenancy::{
    Explained, Facts, Guard, IMPLICIT, Merged, Node, PLATFORM, Policy, Seat, Setting, Tenancy, Tenant,
    explain,
};
use crate::addr::WorkspaceName;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::value::{Type, Value};

/// The workspace of a root without tenants.
const DEFAULT_WORKSPACE: &str = "default";

/// A loaded root directory.
#[derive(Debug)]
pub struct Platform {
    pub(super) root: PathBuf,
    pub(super) module: Arc<Module>,
    pub(super) tenancy: Option<Tenancy>,
    pub(super) simulate: Vec<String>,
    pub(super) digest: String,
    /// What the root module's variables were given.
    pub(super) variables: Settings,
    /// Whether some file is not all there, since its syntax is wrong.
    pub(super) is_torn: bool,
}

impl Platform {
    /// Whether there are tenants rather than one workspace.
    pub fn is_fleet(&self) -> bool {
        self.tenancy.is_some()
    }

    /// Whether it can be looked through although something in it is wrong: all
    /// of it is there.
    pub fn can_be_looked_through(&self) -> bool {
        !self.is_torn && self.tenancy.is_none()
    }

    /// The platform's name.
    pub fn name(&self) -> &str {
        self.tenancy.as_ref().map_or(DEFAULT_WORKSPACE, |tenancy| &tenancy.name.name)
    }

    /// Providers that the configuration asks to be simulated.
    pub fn simulate(&self) -> &[String] {
        &self.simulate
    }

    /// Names of the outputs by which it passes settings on to tenants.
    pub fn passed_on(&self) -> impl Iterator<Item = &Arc<str>> {
        let names = self.module.outputs.iter().map(|output| &output.name.name);
        names.filter(|name| passed_on(name).is_some())
    }

    /// Of all configuration files.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What no plan may exceed.
    pub fn guard(&self) -> Guard {
        self.tenancy.as_ref().map(|tenancy| tenancy.guard).unwrap_or_default()
    }

    /// What must hold of the plans of an instance: a tenant's, or the platform's own.
    pub fn policies(&self, instance: &Instance) -> Vec<&Policy> {
        let Some(tenancy) = &self.tenancy else { return Vec::new() };
        let is_about = |policy: &&Policy| match &instance.seated {
            Some(seated) => policy.is_about(seated),
            None => policy.is_about_platform(&tenancy.compliance, &|name| instance.has_variable(name)),
        };
        tenancy.policies.iter().filter(is_about).collect()
    }

    /// Where it is said that there is such an instance, and what that line is.
    pub fn owner(&self, instance: &Instance) -> (Span, &'static str) {
        let platform = self.tenancy.as_ref().map(|tenancy| tenancy.name.span);
        match &instance.seated {
            Some(seated) => (seated.span, "the tenant"),
            None => (platform.unwrap_or_default(), "the platform"),
        }
    }

    /// The workspace of the shared resources, when there can be any.
    pub fn shared_workspace(&self) -> Option<WorkspaceName> {
        self.tenancy.as_ref().map(|_| workspace(PLATFORM))
    }

    /// The directory in which tenants have a file each.
    pub fn tenant_directory(&self) -> Option<&Path> {
        self.tenancy.as_ref()?.directory.as_deref()
    }

    /// The type that a setting has by the blueprint of a tier: `db.size`.
    pub fn setting_type(&self, tier: &str, path: &str) -> Option<Type> {
        let tenancy = self.tenancy.as_ref()?;
        let blueprint = tenancy.tiers.get(tier).map_or(&tenancy.blueprint, |tier| tenancy.blueprint_of(tier));
        let mut steps = path.split('.');
        let name = steps.next()?;
        let variable = blueprint.variables.iter().find(|variable| &*variable.name.name == name)?;
        steps.try_fold(variable.constraint.ty.clone(), |ty, step| match ty {
            Type::Object(object) => object.attributes.get(step).cloned(),
            Type::Map(element) => Some((*element).clone()),
            _ => None,
        })
    }

    /// An instance with nothing in it, by whose plan all goes that its
    /// workspace still has.
    pub fn emptied(&self, workspace: WorkspaceName) -> Instance {
        let module = Arc::new(Module { dir: self.root.clone(), ..Module::default() });
        Instance { module, facts: Facts::default(), ..self.plain(workspace, Settings::new()) }
    }

    /// Names of all tenants, wherever they run.
    pub fn tenant_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tenancy.iter().flat_map(Tenancy::tenant_names)
    }

    /// Tenants whose block or file is not right, and what is wrong: what the
    /// configuration says of them is not known, and nothing can be planned for
    /// them.
    pub fn broken(&self) -> impl Iterator<Item = (&Arc<str>, &Diagnostics)> {
        let broken = self.tenancy.iter().flat_map(|tenancy| &tenancy.broken);
        broken.map(|(name, broken)| (name, &broken.problems))
    }

    /// Of these, those that a selection may mean.
    pub fn broken_of(&self, selection: &Selection) -> impl Iterator<Item = (&Arc<str>, &Diagnostics)> {
        let broken = self.tenancy.iter().flat_map(|tenancy| &tenancy.broken);
        let meant = broken.filter(|(name, broken)| selection.may_mean(name, broken.tier.as_deref()));
        meant.map(|(name, broken)| (name, &broken.problems))
    }

    /// Tenants of which it is not known where they run: the broken ones, and
    /// those of which nothing says.
    pub fn unseated(&self) -> impl Iterator<Item = &Arc<str>> {
        let nowhere = self.tenancy.iter().flat_map(|tenancy| {
            let is_nowhere = |tenant: &&Tenant| tenancy.seats(tenant).is_err();
            tenancy.tenants.values().filter(is_nowhere).map(|tenant| &tenant.name.name)
        });
        nowhere.chain(self.broken().map(|(name, _)| name))
    }

    /// What is wrong with a tenant whose block or file is not right.
    ///
    /// # Errors
    /// That, when there is such a tenant.
    pub fn is_whole(&self, tenant: &str) -> Result<(), Diagnostics> {
        match self.broken().find(|(name, _)| ***name == *tenant) {
            Some((_, problems)) => Err(problems.clone().sorted()),
            None => Ok(()),
        }
    }

    /// Every tenant in every environment it runs in, by name.
    pub fn seated(&self) -> Vec<Seated> {
        self.seats().into_iter().map(|(tenancy, seat)| seated(tenancy, seat)).collect()
    }

    fn seats(&self) -> Vec<(&Tenancy, Seat<'_>)> {
        self.tenancy.iter().flat_map(|tenancy| tenancy.all_seats().map(move |seat| (tenancy, seat))).collect()
    }

    /// Those that a selection means.
    ///
    /// # Errors
    /// A selected tenant, tier or environment that does not exist.
    pub fn chosen(&self, selection: &Selection) -> Result<Vec<Seated>, Diagnostics> {
        self.known(selection)?;
        let seats = self.seats().into_iter().filter(|_| !selection.platform);
        let seated =
            seats.filter(|(_, seat)| selection.means(*seat)).map(|(tenancy, seat)| seated(tenancy, seat));
        Ok(seated.filter(|seated| selection.has_labels(seated)).collect())
    }

    /// The instances that a selection means, each with its variables settled.
    ///
    /// # Errors
    /// A selected tenant, tier or environment that does not exist; variables of
    /// the root directory that are not set; settings that two instances may not
    /// have in common.
    pub fn instances(&self, selection: &Selection) -> Result<Selected, Diagnostics> {
        self.selected(selection, Owner::User)
    }

    /// All instances, to be checked: variables of the root that are not set
    /// stand for unknown values, whatever their defaults, since a module is to
    /// be right for all values and some defaults are to be replaced.
    ///
    /// # Errors
    /// As of [`Platform::instances`].
    pub fn checked(&self) -> Result<Selected, Diagnostics> {
        self.selected(&Selection::default(), Owner::Anybody)
    }

    /// The root module and the blueprint of a platform.
    pub fn modules(&self) -> (&Arc<Module>, Option<&Arc<Module>>) {
        (&self.module, self.tenancy.as_ref().map(|tenancy| &tenancy.blueprint))
    }

    /// The root module of each workspace that the configuration has.
    pub fn module_of_each(&self) -> HashMap<WorkspaceName, &Arc<Module>> {
        let own = workspace(if self.tenancy.is_some() { PLATFORM } else { DEFAULT_WORKSPACE });
        let seats = self.seats();
        let seated =
            seats.into_iter().map(|(tenancy, seat)| (seat_workspace(seat), tenancy.blueprint(seat.tenant)));
        [(own, &self.module)].into_iter().chain(seated).collect()
    }

    fn known(&self, selection: &Selection) -> Result<(), Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let Some(tenancy) = &self.tenancy else {
            let names = selection.tenants.iter().chain(&selection.tiers).chain(&selection.environments);
            let labels = selection.labels.iter().map(|(name, _)| name);
            return match names.chain(labels).next() {
                None => Ok(()),
                Some(name) => {
                    let detail = format!("{name:?} was selected, but this configuration has no tenants.");
                    Err(Diagnostic::error("No tenants", detail).into())
                }
            };
        };
        let mut check = |what: &str, names: &[String], known: Vec<&str>| {
            let set: HashSet<&str> = known.iter().copied().collect();
            for name in names.iter().filter(|name| !set.contains(name.as_str())) {
                let error =
                    Diagnostic::error(format!("Unknown {what}"), format!("There is no {what} {name:?}."));
                diagnostics.push(error.suggest(name, known.iter().copied()));
            }
        };
        check("tenant", &selection.tenants, tenancy.tenant_names().map(|name| &**name).collect());
        check("tier", &selection.tiers, tenancy.tiers.keys().map(|name| &**name).collect());
        let implicit = tenancy.environments.is_empty().then_some(IMPLICIT);
        let environments = tenancy.environments.keys().map(|name| &**name).chain(implicit);
        check("environment", &selection.environments, environments.collect());
        if !selection.labels.is_empty() {
            let seats = tenancy.all_seats();
            let labels: BTreeSet<Arc<str>> = seats.flat_map(|seat| tenancy.label_names(seat)).collect();
            let names: Vec<String> = selection.labels.iter().map(|(name, _)| name.clone()).collect();
            check("label", &names, labels.iter().map(|name| &**name).collect());
        }
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(()) }
    }

    fn selected(&self, selection: &Selection, owner: Owner) -> Result<Selected, Diagnostics> {
        self.known(selection)?;
        if !selection.gone.is_empty() {
            let instances = selection.gone.iter().map(|name| self.emptied(name.clone())).collect();
            return Ok(Selected { instances, failed: Vec::new() });
        }
        let mut diagnostics = Diagnostics::new();
        let given = given(&self.variables);
        let root = settle(&self.module, &given, owner, &mut diagnostics);
        let mut selected = Selected::default();
        let Some(tenancy) = &self.tenancy else {
            if diagnostics.has_errors() {
                return Err(diagnostics);
            }
            selected.instances.push(self.plain(workspace(DEFAULT_WORKSPACE), root.values));
            return Ok(selected);
        };
        if (selection.is_all() || selection.platform) && !self.module.is_empty() {
            selected.instances.push(self.own(tenancy, root.values));
        }
        tenancy.check_capacity(&mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics.sorted());
        }
        let broken = self.broken_of(selection);
        selected.failed.extend(broken.map(|(name, problems)| (workspace(name), problems.clone().sorted())));
        for tenant in tenancy.tenants.values() {
            let name = &tenant.name.name;
            if let Err(problem) = tenancy.seats(tenant)
                && selection.may_mean(name, Some(&tenant.tier.name))
            {
                selected.failed.push((workspace(name), (*problem).into()));
            }
        }
        let mut claimed = tenancy.claimed_twice();
        for (tenancy, seat) in self.seats().into_iter().filter(|_| !selection.platform) {
            if !selection.means(seat) {
                continue;
            }
            let seated = seated(tenancy, seat);
            if !selection.has_labels(&seated) {
                continue;
            }
            let mut problems = claimed.remove(&seated.workspace).unwrap_or_default();
            let instance = self.seat(tenancy, seat, seated, owner, &mut problems);
            if problems.has_errors() {
                selected.failed.push((instance.workspace, problems.sorted()));
            } else {
                selected.instances.push(instance);
            }
        }
        Ok(selected)
    }

    fn seat(
        &self,
        tenancy: &Tenancy,
        seat: Seat<'_>,
        seated: Seated,
        owner: Owner,
        diagnostics: &mut Diagnostics,
    ) -> Instance {
        let blueprint = tenancy.blueprint(seat.tenant);
        let mut merged = tenancy.settings(seat);
        undeclared(blueprint, &merged, diagnostics);
        merged.extend(tenancy.described(seat));
        let owner = match owner {
            Owner::Nobody | Owner::Anybody => Owner::Nobody,
            Owner::User | Owner::Tenant(_) => Owner::Tenant(seat.tenant.name.span),
        };
        let settled = settle(blueprint, &merged, owner, diagnostics);
        let is_judged = tenancy.policies.iter().any(|policy| policy.is_about(&seated));
        let facts = if is_judged { Facts(merged) } else { Facts::default() };
        Instance {
            workspace: seated.workspace.clone(),
            seated: Some(Arc::new(seated)),
            module: blueprint.clone(),
            variables: settled.values,
            shared: settled.shared,
            passed: Value::NULL,
            facts,
            root: self.root.clone(),
        }
    }

    /// The platform's own resources.
    fn own(&self, tenancy: &Tenancy, variables: Settings) -> Instance {
        let mut own = self.plain(workspace(PLATFORM), variables);
        let described = tenancy.described_platform().into_iter();
        own.facts.0.extend(described.filter(|(name, _)| !own.variables.contains_key(name)));
        own
    }

    fn plain(&self, workspace: WorkspaceName, variables: Settings) -> Instance {
        Instance {
            workspace,
            seated: None,
            module: self.module.clone(),
            variables,
            shared: BTreeMap::new(),
            passed: Value::NULL,
            facts: Facts(given(&self.variables)),
            root: self.root.clone(),
        }
    }

    /// One instance to look at: a tenant's, in its first environment unless one
    /// is named, else the root module's. Variables that are not set stand for
    /// unknown values.
    ///
    /// # Errors
    /// A tenant that does not exist or does not run there; settings that do not
    /// suit the variables.
    pub fn inspected(
        &self,
        tenant: Option<&str>,
        environment: Option<&str>,
    ) -> Result<Instance, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let instance = match tenant {
            None => {
                let name = if self.tenancy.is_some() { PLATFORM } else { DEFAULT_WORKSPACE };
                let settled = settle(&self.module, &given(&self.variables), Owner::Nobody, &mut diagnostics);
                self.plain(workspace(name), settled.values)
            }
            Some(name) => {
                let (tenancy, seat) = self.find(name, environment)?;
                self.seat(tenancy, seat, seated(tenancy, seat), Owner::Nobody, &mut diagnostics)
            }
        };
        if diagnostics.has_errors() { Err(diagnostics.sorted()) } else { Ok(instance) }
    }

    /// Where every setting of a tenant comes from.
    ///
    /// # Errors
    /// A tenant that does not exist or does not run there.
    pub fn explain(
        &self,
        tenant: &str,
        environment: Option<&str>,
    ) -> Result<(Seated, Vec<Explained>), Diagnostics> {
        let (tenancy, seat) = self.find(tenant, environment)?;
        let blueprint = tenancy.blueprint(seat.tenant);
        let explained = explain(blueprint, &tenancy.settings(seat), &tenancy.described(seat));
        Ok((seated(tenancy, seat), explained))
    }

    fn find(&self, name: &str, environment: Option<&str>) -> Result<(&Tenancy, Seat<'_>), Diagnostics> {
        let selection = Selection {
            environments: environment.map(String::from).into_iter().collect(),
            ..Selection::tenant(name)
        };
        self.known(&selection)?;
        self.is_whole(name)?;
        let found = self.tenancy.iter().find_map(|tenancy| Some((tenancy, tenancy.tenants.get(name)?)));
        let Some((tenancy, tenant)) = found else { return Err(Diagnostics::new()) };
        let seats = tenancy.seats(tenant).map_err(|problem| Diagnostics::from(*problem))?;
        let seat = seats.into_iter().find(|seat| selection.means(*seat));
        seat.map(|seat| (tenancy, seat)).ok_or_else(|| {
            let detail =
                format!("The tenant {name:?} does not run in {:?}.", environment.unwrap_or(IMPLICIT));
            Diagnostic::error("Not in this environment", detail).at(tenant.name.span).into()
        })
    }
}

/// Plain values as settings.
pub(super) fn given(values: &Settings) -> Merged {
    let setting =
        |value: &Value, span| Setting { span, content: super::tenancy::Content::Value(value.clone()) };
    let node = |value, span| Node::over(None, &super::tenancy::Layer::Platform, &setting(value, span));
    values.iter().map(|(name, (value, span))| (name.clone(), node(value, *span))).collect()
}
