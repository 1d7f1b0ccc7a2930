//! Tenancy blocks from syntax to data.
//!
//! Guarantees: every mistake in every block is reported in one run; a setting
//! that leads to resources of the platform is kept as what the platform passes
//! on.
//! Must not: merge layers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::model::{Environment, Guard, Tenancy, Tier};
use super::policy::Enforcement;
use super::scope::RootScope;
use super::setting::{Content, Setting, Written};
use crate::addr::is_valid_name;
use crate::config::decode::Decoder;
use crate::config::model::Module;
use crate::config::part_of;
use crate::config::reader::{check_labels, constant, listed};
use crate::config::vocabulary::{self, vocabulary};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::expr::{Expr, ExprKind, evaluate};
use crate::syntax::{Block, Body, Ident};
use crate::value::{Type, Value};

/// The workspace of a platform's shared resources.
pub(in crate::config) const PLATFORM: &str = "platform";

/// Reads the tenancy blocks of a root directory.
pub(in crate::config) struct Reader<'a, 'd> {
    pub(in crate::config) root: &'a Path,
    pub(in crate::config) scope: &'a RootScope<'a>,
    /// The root module, whose objects the platform passes on.
    pub(in crate::config) module: &'a Module,
    pub(in crate::config) decoder: &'a mut Decoder<'d>,
    /// What the platform passes on, by name.
    pub(in crate::config) shared: Vec<(Arc<str>, Expr)>,
}

impl Reader<'_, '_> {
    /// All of them; `None` without a `platform` block that can be read.
    pub(in crate::config) fn read(&mut self, bodies: &[Body]) -> Option<Tenancy> {
        let blocks: Vec<&Block> = bodies.iter().flat_map(|body| &body.blocks).collect();
        let of = |kind: &'static str| blocks.iter().copied().filter(move |b| &*b.kind.name == kind);
        let mut platforms = of("platform");
        let platform = platforms.next();
        for second in platforms {
            let error = Diagnostic::error("Duplicate definition", "There may be one platform block only.");
            self.error(error.at(second.header()));
        }
        let Some(platform) = platform else {
            if let Some(stray) =
                ["tier", "environment", "tenant", "role", "policy"].into_iter().flat_map(of).next()
            {
                let detail = "Tiers, environments, tenants and roles need a platform block, which names \
                              their blueprint.";
                let error = Diagnostic::error("Missing platform", detail).at(stray.header());
                self.error(error.hint("Add: platform \"NAME\" { blueprint = \"./blueprint\" }"));
            }
            return None;
        };
        let mut tenancy = self.platform(platform)?;
        for block in of("tier") {
            if let Some(tier) = self.tier(block) {
                let (name, key) = (tier.name.clone(), tier.name.name.clone());
                let first = tenancy.tiers.insert(key, tier);
                self.once("tiers", &name, first.map(|tier| tier.name.span));
            }
        }
        for block in of("environment") {
            if let Some(environment) = self.environment(block) {
                let (name, key) = (environment.name.clone(), environment.name.name.clone());
                let first = tenancy.environments.insert(key, environment);
                self.once("environments", &name, first.map(|environment| environment.name.span));
            }
        }
        for block in of("role") {
            if let Some((name, role)) = self.role(block) {
                let first = tenancy.roles.insert(name.name.clone(), role);
                self.once("roles", &name, first.map(|role| role.span));
            }
        }
        self.tenants(&of("tenant").collect::<Vec<_>>(), platform, &mut tenancy);
        self.blueprints_of_nobody(&tenancy);
        self.tiers(&tenancy);
        let mut policies = self.policies(of("policy"));
        self.names_of_nothing(&mut tenancy, &policies);
        // Nothing is brought to whom nothing can be planned for.
        let is_broken = |path: &str| {
            let owner = path.strip_prefix("tenant.").and_then(|rest| rest.split('.').next());
            owner.is_some_and(|name| tenancy.broken.contains_key(name))
        };
        self.shared.retain(|(path, _)| !is_broken(path));
        policies.retain(|policy| policy.enforcement != Enforcement::Off);
        tenancy.policies = policies;
        Some(tenancy)
    }

    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        self.decoder.diagnostics.push(diagnostic);
    }

    /// What is read, and what is wrong with it.
    pub(super) fn apart<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> (T, Diagnostics) {
        let before = std::mem::take(self.diagnostics());
        let value = read(self);
        (value, std::mem::replace(self.diagnostics(), before))
    }

    /// Reports the second of two blocks of one name.
    pub(super) fn once(&mut self, what: &str, name: &Ident, first: Option<Span>) {
        if let Some(first) = first {
            let detail = format!("There are two {what} {:?}.", name.name);
            let error = Diagnostic::error("Duplicate definition", detail);
            self.error(error.at(name.span).related(first, "first defined here"));
        }
    }

    fn platform(&mut self, block: &Block) -> Option<Tenancy> {
        let name = self.named(block, "platform")?;
        if block.body.attribute("blueprint").is_none() {
            if !vocabulary::is_misspelt("platform", &block.body, "blueprint") {
                let detail =
                    "The argument \"blueprint\" is required: the module that an instance consists of.";
                self.error(Diagnostic::error("Missing required argument", detail).at(block.header()));
            }
            return None;
        }
        let (blueprint, _) = self.module(&block.body, "blueprint")?;
        Some(Tenancy {
            blueprint,
            environments_of_all: self.names(&block.body, "environments"),
            settings: self.settings(&block.body, "platform"),
            labels: self.labels(&block.body, "platform"),
            compliance: self.names(&block.body, "compliance").unwrap_or_default(),
            guard: self.guard(&block.body),
            unique: self.names(&block.body, "unique").unwrap_or_default(),
            tiers: BTreeMap::new(),
            environments: BTreeMap::new(),
            tenants: BTreeMap::new(),
            broken: BTreeMap::new(),
            directory: None,
            roles: BTreeMap::new(),
            policies: Vec::new(),
            name,
        })
    }

    fn guard(&mut self, body: &Body) -> Guard {
        let Some(attribute) = body.attribute("guard") else { return Guard::default() };
        let Some(value) = self.evaluated(&attribute.value) else { return Guard::default() };
        let mut guard = Guard { span: attribute.name.span, ..Guard::default() };
        for (name, limit) in value.as_entries().into_iter().flat_map(|entries| entries.iter()) {
            let (part, _) = part_of(&attribute.value, &crate::value::Path::root().attribute(name.clone()));
            let Some(place) = (match &**name {
                "max_destroy_percent" => Some(&mut guard.max_destroy_percent),
                "max_tenant_percent" => Some(&mut guard.max_tenant_percent),
                "max_tenants" => Some(&mut guard.max_tenants),
                _ => None,
            }) else {
                let error = Diagnostic::error("Unsupported argument", format!("There is no guard {name:?}."));
                let known = vocabulary("platform guard").arguments.iter().copied();
                self.error(error.at(attribute.value.span).suggest(name, known));
                continue;
            };
            if limit.is_null() {
                continue;
            }
            let most = if name.ends_with("_percent") { 100 } else { u32::MAX };
            *place = limit.as_number().and_then(|n| u32::try_from(n.as_i64()?).ok()).filter(|n| *n <= most);
            if place.is_none() {
                let range = if most == 100 { "from 0 to 100" } else { "not less than 0" };
                let detail = format!("{name:?} takes a whole number, {range}.");
                self.error(Diagnostic::error("Wrong type", detail).at(part.span));
            }
        }
        if value.as_entries().is_none() {
            let detail = "\"guard\" takes an object in braces: { max_destroy_percent = 10 }.";
            self.error(Diagnostic::error("Wrong type", detail).at(attribute.value.span));
        }
        guard
    }

    fn tier(&mut self, block: &Block) -> Option<Tier> {
        let name = self.named(block, "tier")?;
        let isolation = self.text(&block.body, "isolation");
        let known = ["namespace", "node_pool", "cluster"];
        if let Some(isolation) = isolation.as_ref().filter(|given| !known.contains(&&*given.name)) {
            let detail =
                format!("{:?} is none of \"namespace\", \"node_pool\", \"cluster\".", isolation.name);
            let error = Diagnostic::error("Unknown isolation", detail).at(isolation.span);
            self.error(error.suggest(&isolation.name, known));
        }
        let owner = format!("tier.{}", name.name);
        let (blueprint, problems) = self.apart(|reader| reader.module(&block.body, "blueprint"));
        let (problems, warnings): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.severity == Severity::Error);
        self.decoder.diagnostics.extend(warnings);
        Some(Tier {
            isolation: isolation.map(|isolation| isolation.name),
            extends: self.text(&block.body, "extends"),
            blueprint: blueprint.map(|(module, _)| module),
            problems: problems.into_iter().collect(),
            environments: self.names(&block.body, "environments"),
            settings: self.settings(&block.body, &owner),
            labels: self.labels(&block.body, &owner),
            name,
        })
    }

    /// What is wrong with blueprints of tiers, where no tenant tells of it.
    fn blueprints_of_nobody(&mut self, tenancy: &Tenancy) {
        for tier in tenancy.tiers.values().filter(|tier| !tier.problems.is_empty()) {
            let has_it = |name: &Arc<str>| {
                let chain = tenancy.tiers.get(name).map(|own| tenancy.chain(own));
                chain.is_some_and(|chain| chain.iter().any(|base| base.name.name == tier.name.name))
            };
            if !tenancy.broken.values().filter_map(|broken| broken.tier.as_ref()).any(has_it) {
                self.decoder.diagnostics.extend(tier.problems.iter().cloned());
            }
        }
    }

    /// Tiers extend tiers that there are, and none itself.
    fn tiers(&mut self, tenancy: &Tenancy) {
        for tier in tenancy.tiers.values() {
            let mut seen = vec![&tier.name.name];
            let mut next = tier.extends.as_ref();
            while let Some(base) = next {
                let Some(below) = tenancy.tiers.get(&base.name) else {
                    self.unknown("tier", base, tenancy.tiers.keys());
                    break;
                };
                if seen.contains(&&base.name) {
                    if base.name == tier.name.name {
                        let way = seen.iter().map(|name| &***name).collect::<Vec<_>>().join(" extends ");
                        let detail = format!("{way} extends {}: a tier cannot lie below itself.", base.name);
                        self.error(Diagnostic::error("Tier cycle", detail).at(base.span));
                    }
                    break;
                }
                seen.push(&base.name);
                next = below.extends.as_ref();
            }
        }
    }

    fn environment(&mut self, block: &Block) -> Option<Environment> {
        let name = self.named(block, "environment")?;
        let owner = format!("environment.{}", name.name);
        let mut optional = |name: &str| match block.body.attribute(name) {
            Some(attribute) => self.setting(&format!("{owner}.{name}"), &attribute.value),
            None => None,
        };
        let (region, cluster, capacity) = (optional("region"), optional("cluster"), optional("capacity"));
        let absent = || Setting::told(Value::NULL, name.span);
        Some(Environment {
            region: region.unwrap_or_else(absent),
            cluster: cluster.unwrap_or_else(absent),
            capacity: capacity.unwrap_or_else(absent),
            settings: self.settings(&block.body, &owner),
            labels: self.labels(&block.body, &owner),
            name,
        })
    }

    fn role(&mut self, block: &Block) -> Option<(Ident, Setting)> {
        let name = self.named(block, "role")?;
        let mut role = BTreeMap::new();
        for attribute in &block.body.attributes {
            let path = format!("role.{}.{}", name.name, attribute.name.name);
            if let Some(setting) = self.setting(&path, &attribute.value) {
                role.insert(attribute.name.name.clone(), setting);
            }
        }
        let span = name.span;
        Some((name, Setting { span, content: Content::Map(role) }))
    }

    /// The name of a block with one label, when block and name are right.
    pub(super) fn named(&mut self, block: &Block, kind: &str) -> Option<Ident> {
        vocabulary::check(kind, &block.body, &mut self.decoder.diagnostics);
        let what = kind.rsplit(' ').next().unwrap_or(kind);
        if !check_labels(block, &["name"], &mut self.decoder.diagnostics) {
            return None;
        }
        let name = block.labels[0].clone();
        let free =
            what == "platform" || is_valid_name(&name.name) && !(what == "tenant" && &*name.name == PLATFORM);
        if !free {
            let error =
                Diagnostic::error("Invalid name", format!("{:?} cannot be the name of a {what}.", name.name));
            self.error(error.at(name.span).hint(if &*name.name == PLATFORM {
                "The platform's own resources go by that name."
            } else {
                "Names have lower-case letters, digits and hyphens inside, start with a letter, and are \
                 63 characters at most."
            }));
        }
        free.then_some(name)
    }

    pub(super) fn unknown<'n>(
        &mut self,
        what: &str,
        name: &Ident,
        known: impl Iterator<Item = &'n Arc<str>>,
    ) {
        let error =
            Diagnostic::error(format!("Unknown {what}"), format!("There is no {what} {:?}.", name.name));
        self.error(error.at(name.span).suggest(&name.name, known.map(|name| &**name)));
    }

    /// A plain text and where it stands.
    pub(super) fn text(&mut self, body: &Body, name: &str) -> Option<Ident> {
        let value = constant(body, name, &Type::String, self.scope, &mut self.decoder.diagnostics)?;
        let span = body.attribute(name)?.value.span;
        Some(Ident { name: value.as_str()?.into(), span })
    }

    /// A plain truth value, false when absent.
    pub(super) fn flag(&mut self, body: &Body, name: &str) -> bool {
        let value = constant(body, name, &Type::Bool, self.scope, &mut self.decoder.diagnostics);
        value.and_then(|value| value.as_bool()).unwrap_or_default()
    }

    /// Plain texts, each with its place.
    pub(super) fn names(&mut self, body: &Body, name: &str) -> Option<Vec<Ident>> {
        body.attribute(name)?;
        let items = listed(body, name, &mut self.decoder.diagnostics);
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            match self.evaluated(item).as_ref().map(Value::as_str) {
                Some(Some(text)) => names.push(Ident { name: text.into(), span: item.span }),
                Some(None) => {
                    let detail = format!("{name:?} takes a list of texts.");
                    self.error(Diagnostic::error("Wrong type", detail).at(item.span));
                }
                None => {}
            }
        }
        Some(names)
    }

    /// The module that an argument names.
    pub(super) fn module(&mut self, body: &Body, name: &str) -> Option<(Arc<Module>, Span)> {
        let source = self.text(body, name)?;
        Some((self.decoder.source(self.root, &source.name, source.span)?, source.span))
    }

    /// The `settings` of a block.
    pub(super) fn settings(&mut self, body: &Body, owner: &str) -> Written {
        self.object(body, "settings", owner)
    }

    /// The `labels` of a block.
    pub(super) fn labels(&mut self, body: &Body, owner: &str) -> Setting {
        let span = body.attribute("labels").map_or(Span::default(), |attribute| attribute.value.span);
        Setting { span, content: Content::Map(self.object(body, "labels", owner)) }
    }

    pub(super) fn object(&mut self, body: &Body, name: &str, owner: &str) -> Written {
        let Some(attribute) = body.attribute(name) else { return Written::new() };
        match self.setting(&format!("{owner}.{name}"), &attribute.value).map(|setting| setting.content) {
            None => Written::new(),
            Some(Content::Map(settings)) => settings,
            Some(Content::Value(_) | Content::Removed | Content::Shared(_)) => {
                let detail = format!("{name:?} takes an object in braces: {{ name = value }}.");
                self.error(Diagnostic::error("Wrong type", detail).at(attribute.value.span));
                Written::new()
            }
        }
    }

    /// A setting as it is written; `path` names it for the platform to pass on.
    fn setting(&mut self, path: &str, expr: &Expr) -> Option<Setting> {
        let (span, scope) = (expr.span, self.scope);
        // What a local value brings of the platform merges as if it stood here.
        let expr = if scope.is_shared(expr) { scope.written(expr) } else { expr };
        if let ExprKind::Object(items) = &expr.kind {
            let literal = |(key, _): &(Expr, Expr)| match &key.kind {
                ExprKind::Literal(name) => name.as_str().map(Arc::<str>::from),
                _ => None,
            };
            if let Some(names) = items.iter().map(literal).collect::<Option<Vec<_>>>() {
                let mut settings = BTreeMap::new();
                for (name, (key, value)) in names.into_iter().zip(items) {
                    let Some(mut setting) = self.setting(&format!("{path}.{name}"), value) else { continue };
                    setting.span = key.span.to(setting.span);
                    if settings.insert(name.clone(), setting).is_some() {
                        let detail = format!("{name:?} is set twice here.");
                        self.error(Diagnostic::error("Duplicate definition", detail).at(key.span));
                    }
                }
                return Some(Setting { span, content: Content::Map(settings) });
            }
        }
        if self.scope.is_shared(expr) {
            let mut lacking = Vec::new();
            expr.for_each_reference(&mut |reference, span| {
                if !self.module.declares(reference) {
                    lacking.push(self.module.lacks(reference).at(span));
                }
            });
            if !lacking.is_empty() {
                lacking.into_iter().for_each(|problem| self.error(problem));
                return None;
            }
            self.shared.push((path.into(), expr.clone()));
            return Some(Setting { span, content: Content::Shared(path.into()) });
        }
        Some(Setting::new(&self.evaluated(expr)?, span))
    }

    fn evaluated(&mut self, expr: &Expr) -> Option<Value> {
        evaluate(expr, self.scope).map_err(|error| self.error(*error)).ok()
    }

    pub(super) fn diagnostics(&mut self) -> &mut Diagnostics {
        &mut self.decoder.diagnostics
    }
}
