//! One tenant in one environment: its layers merged, and what its blueprint is
//! told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Environment, Tenancy, Tenant, Tier};
use super::read::PLATFORM;
use super::setting::{Content, Layer, Merged, Node, Setting, Written, lay};
use crate::config::model::{Module, ModuleCall, Repetition};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, Reference};
use crate::syntax::Ident;
use crate::value::Value;

/// The name of the module call that a tenant's extension becomes.
const EXTENSION: &str = "extension";

/// The environment of a platform that declares none.
pub(in crate::config) const IMPLICIT: &str = "default";

/// A tenant in an environment; `None` is the implicit one.
#[derive(Clone, Copy)]
pub(in crate::config) struct Seat<'t> {
    pub(in crate::config) tenant: &'t Tenant,
    pub(in crate::config) tier: &'t Tier,
    pub(in crate::config) environment: Option<&'t Environment>,
}

impl Seat<'_> {
    /// The name of its environment.
    pub(in crate::config) fn environment_name(&self) -> &str {
        self.environment.map_or(IMPLICIT, |environment| &environment.name.name)
    }
}

impl Tenancy {
    /// A tier with those it extends, lowest first.
    pub(super) fn chain<'t>(&'t self, tier: &'t Tier) -> Vec<&'t Tier> {
        let mut chain = vec![tier];
        let mut next = tier.extends.as_ref();
        while let Some(base) = next.and_then(|base| self.tiers.get(&base.name)) {
            // A cycle was reported.
            if chain.iter().any(|seen| seen.name.name == base.name.name) {
                break;
            }
            chain.push(base);
            next = base.extends.as_ref();
        }
        chain.reverse();
        chain
    }

    /// Of the nearest tier that says.
    pub(in crate::config) fn isolation(&self, tier: &Tier) -> Arc<str> {
        let said = self.chain(tier).into_iter().rev().find_map(|tier| tier.isolation.clone());
        said.unwrap_or_else(|| "namespace".into())
    }

    /// What a tenant consists of: its own blueprint, its tier's, or the
    /// platform's.
    pub(in crate::config) fn blueprint<'t>(&'t self, tenant: &'t Tenant) -> &'t Arc<Module> {
        let of_tier = || self.tiers.get(&tenant.tier.name).map(|tier| self.blueprint_of(tier));
        tenant.blueprint.as_ref().or_else(of_tier).unwrap_or(&self.blueprint)
    }

    /// What tenants of a tier consist of.
    pub(in crate::config) fn blueprint_of<'t>(&'t self, tier: &'t Tier) -> &'t Arc<Module> {
        let said = self.chain(tier).into_iter().rev().find_map(|tier| tier.blueprint.as_ref());
        said.unwrap_or(&self.blueprint)
    }

    /// What is wrong with the blueprint that tenants of a tier would have.
    pub(in crate::config) fn blueprint_problems<'t>(&'t self, tier: &'t Tier) -> Option<&'t Diagnostics> {
        let nearest = self.chain(tier).into_iter().rev();
        let mut named = nearest.filter(|tier| tier.blueprint.is_some() || !tier.problems.is_empty());
        named.next().map(|tier| &tier.problems)
    }

    /// Where a tenant runs.
    ///
    /// # Errors
    /// When nothing says where.
    pub(in crate::config) fn seats<'t>(
        &'t self,
        tenant: &'t Tenant,
    ) -> Result<Vec<Seat<'t>>, Box<Diagnostic>> {
        // A tier that is not there was reported.
        let Some(tier) = self.tiers.get(&tenant.tier.name) else { return Ok(Vec::new()) };
        if self.environments.is_empty() {
            return Ok(vec![Seat { tenant, tier, environment: None }]);
        }
        let of_tiers = || self.chain(tier).into_iter().rev().find_map(|tier| tier.environments.as_ref());
        let mut names: Vec<&Arc<str>> = match (&tenant.environments, tenant.own.is_empty()) {
            (Some(named), _) => named.iter().map(|name| &name.name).collect(),
            (None, false) => Vec::new(),
            (None, true) => of_tiers()
                .or(self.environments_of_all.as_ref())
                .map(|named| named.iter().map(|name| &name.name).collect())
                .ok_or_else(|| {
                    let detail = format!("Nothing says in which environments {:?} runs.", tenant.name.name);
                    let known: Vec<String> =
                        self.environments.keys().map(|name| format!("{name:?}")).collect();
                    Diagnostic::error("No environment", detail).at(tenant.name.span).hint(format!(
                        "Set environments in the tenant, its tier or the platform; there are {}.",
                        known.join(", ")
                    ))
                })?,
        };
        if names.is_empty() && tenant.own.is_empty() {
            let detail = format!("{:?} runs in no environment: its list of them is empty.", tenant.name.name);
            let error = Diagnostic::error("No environment", detail).at(tenant.name.span);
            let hint = format!("Name one, or let it go: tenantctl offboard {}", tenant.name.name);
            return Err(Box::new(error.hint(hint)));
        }
        names.extend(tenant.own.keys());
        names.sort();
        names.dedup();
        let found = names.into_iter().filter_map(|name| self.environments.get(name));
        Ok(found.map(|environment| Seat { tenant, tier, environment: Some(environment) }).collect())
    }

    /// The settings of a seat, merged from the platform to the tenant's own for
    /// the environment.
    pub(in crate::config) fn settings(&self, seat: Seat<'_>) -> Merged {
        let mut merged = Merged::new();
        self.each_layer(seat, &mut |layer, written| lay(&mut merged, layer, written));
        merged
    }

    /// The layers of a seat's settings, lowest first.
    pub(super) fn each_layer(&self, seat: Seat<'_>, each: &mut dyn FnMut(&Layer, &Written)) {
        each(&Layer::Platform, &self.settings);
        for tier in self.chain(seat.tier) {
            each(&Layer::Tier(tier.name.name.clone()), &tier.settings);
        }
        if let Some(environment) = seat.environment {
            each(&Layer::Environment(environment.name.name.clone()), &environment.settings);
        }
        let tenant = &seat.tenant.name.name;
        each(&Layer::Tenant(tenant.clone()), &seat.tenant.settings);
        if let Some((name, own)) = seat.tenant.own.get(seat.environment_name()) {
            each(&Layer::TenantEnvironment(tenant.clone(), name.name.clone()), own);
        }
    }

    /// The labels of a seat, merged alike.
    pub(in crate::config) fn labels(&self, seat: Seat<'_>) -> Node {
        let mut node = Node::over(None, &Layer::Platform, &self.labels);
        for tier in self.chain(seat.tier) {
            node = Node::over(Some(node), &Layer::Tier(tier.name.name.clone()), &tier.labels);
        }
        if let Some(environment) = seat.environment {
            let layer = Layer::Environment(environment.name.name.clone());
            node = Node::over(Some(node), &layer, &environment.labels);
        }
        Node::over(Some(node), &Layer::Tenant(seat.tenant.name.name.clone()), &seat.tenant.labels)
    }

    /// Names of the labels of a seat.
    pub(in crate::config) fn label_names(&self, seat: Seat<'_>) -> Vec<Arc<str>> {
        let labels = self.labels(seat);
        labels.settings().into_iter().flat_map(|labels| labels.keys().cloned()).collect()
    }

    /// The regimes of all there is, and those of a tenant.
    pub(in crate::config) fn regimes(&self, tenant: Option<&Tenant>) -> Vec<Arc<str>> {
        let mut regimes: Vec<Arc<str>> = Vec::new();
        for regime in self.compliance.iter().chain(tenant.into_iter().flat_map(|t| &t.compliance)) {
            if !regimes.contains(&regime.name) {
                regimes.push(regime.name.clone());
            }
        }
        regimes
    }

    /// What policies may ask about the platform's own resources, which are as
    /// if they were of a tenant of that name.
    pub(in crate::config) fn described_platform(&self) -> Merged {
        let span = self.name.span;
        let regimes = Value::tuple(self.regimes(None).into_iter().map(Value::from));
        let told = |value: Value| Setting::new(&value, span);
        let tenant = [
            ("name", told(PLATFORM.into())),
            ("compliance", told(regimes)),
            ("labels", self.labels.clone()),
            ("suspended", told(Value::from(false))),
        ];
        let described = [
            ("tenant", Setting::map(span, tenant)),
            ("platform", Setting::map(span, [("name", told(self.name.name.clone().into()))])),
        ];
        let node = |setting: &Setting| Node::over(None, &Layer::Platform, setting);
        described.iter().map(|(name, setting)| (Arc::from(*name), node(setting))).collect()
    }

    /// What a blueprint may ask about the instance: variables that the engine
    /// sets.
    pub(in crate::config) fn described(&self, seat: Seat<'_>) -> Merged {
        let tenant = seat.tenant;
        let layer = Layer::Tenant(tenant.name.name.clone());
        let span = tenant.name.span;
        let text = |text: &str| Setting::new(&text.into(), span);
        let compliance = Value::tuple(self.regimes(Some(tenant)).into_iter().map(Value::from));
        let nothing = Setting::told(Value::NULL, span);
        let of_environment =
            |pick: fn(&Environment) -> &Setting| seat.environment.map_or(&nothing, pick).clone();
        let roles = Setting { span, content: Content::Map(self.roles.clone()) };
        let described = [
            (
                "tenant",
                Setting::map(
                    span,
                    [
                        ("name", text(&tenant.name.name)),
                        ("compliance", Setting::new(&compliance, span)),
                        ("members", tenant.members.clone()),
                        ("suspended", Setting::new(&Value::from(tenant.suspended), span)),
                    ],
                ),
            ),
            (
                "tier",
                Setting::map(
                    span,
                    [("name", text(&seat.tier.name.name)), ("isolation", text(&self.isolation(seat.tier)))],
                ),
            ),
            (
                "environment",
                Setting::map(
                    span,
                    [
                        ("name", text(seat.environment_name())),
                        ("region", of_environment(|environment| &environment.region)),
                        ("cluster", of_environment(|environment| &environment.cluster)),
                    ],
                ),
            ),
            ("platform", Setting::map(span, [("name", text(&self.name.name))])),
            ("roles", roles),
        ];
        let mut merged: Merged = described
            .iter()
            .map(|(name, setting)| (Arc::from(*name), Node::over(None, &layer, setting)))
            .collect();
        if let Some(Node { content: Content::Map(inner), .. }) = merged.get_mut("tenant") {
            inner.insert("labels".into(), self.labels(seat));
        }
        merged
    }
}

/// A blueprint with a tenant's own module in it. The module's variables get the
/// blueprint's outputs of their name, else its variables; those that neither
/// has become settings.
///
/// # Errors
/// When the blueprint has a module of that name.
pub(super) fn extended(
    blueprint: &Module,
    extension: &Arc<Module>,
    span: Span,
) -> Result<Module, Box<Diagnostic>> {
    if blueprint.calls.iter().any(|call| &*call.name.name == EXTENSION) {
        let detail = "The blueprint has a module \"extension\" already, which is what this one would be.";
        return Err(Box::new(Diagnostic::error("Duplicate definition", detail).at(span)));
    }
    let mut module = blueprint.clone();
    let mut arguments: BTreeMap<Arc<str>, Expr> = BTreeMap::new();
    for variable in &extension.variables {
        let name = &variable.name.name;
        if let Some(output) = blueprint.outputs.iter().find(|output| output.name.name == *name) {
            arguments.insert(name.clone(), output.value.clone());
            continue;
        }
        if !blueprint.variables.iter().any(|known| known.name.name == *name) {
            module.variables.push(variable.clone());
        }
        let kind = ExprKind::Reference(Reference::Var(name.clone()));
        arguments.insert(name.clone(), Expr { kind, span });
    }
    module.calls.push(ModuleCall {
        name: Ident { name: EXTENSION.into(), span },
        module: extension.clone(),
        source: extension.dir.to_string_lossy().into(),
        repetition: Repetition::None,
        arguments,
        providers: Vec::new(),
        depends_on: Vec::new(),
    });
    Ok(module)
}
