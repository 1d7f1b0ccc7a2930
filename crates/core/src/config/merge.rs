//! A root directory as a whole: one plain workspace, or a platform of tenants
//! whose settings are merged layer by layer.
//!
//! Guarantees: each setting remembers the place that set it; a setting that no
//! variable declares, or of the wrong type, is an error at that place.
//! Must not: know state or networks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::decode::{Decoder, object_items};
use super::given::{self, Given};
use super::model::{Module, Settings, Tenancy, Tenant, Tier};
use super::reader::{Constants, check_labels, check_names, constant, constant_expr};
use super::requirements;
use crate::addr::{WorkspaceName, is_valid_name};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::expr::{DiskFiles, FunctionContext, fill_defaults};
use crate::modules::Modules;
use crate::provider::Registry;
use crate::syntax::{Block, Body, Ident, parse_template};
use crate::value::{Kind, Type, Value};

/// The workspace of a root without tenants.
const DEFAULT_WORKSPACE: &str = "default";
/// The workspace of a platform's shared resources.
const PLATFORM_WORKSPACE: &str = "platform";

/// A loaded root directory.
#[derive(Debug)]
pub struct Platform {
    pub(super) root: PathBuf,
    pub(super) module: Arc<Module>,
    pub(super) tenancy: Option<Tenancy>,
    pub(super) simulate: Vec<String>,
    pub(super) digest: String,
    pub(super) variables: Settings,
}

/// A tenant, for listings.
#[derive(Clone, Debug)]
pub struct TenantSummary {
    /// Its name.
    pub name: String,
    /// Its tier's name.
    pub tier: String,
    /// Its tier's isolation.
    pub isolation: String,
    /// Its workspace.
    pub workspace: WorkspaceName,
    /// Where it is declared.
    pub span: Span,
}

/// One unit of plan and state: a module with its variables settled.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its workspace.
    pub workspace: WorkspaceName,
    /// The tenant and its tier.
    pub tenant: Option<(String, String)>,
    /// The root module.
    pub module: Arc<Module>,
    /// Values of the root module's variables, converted, and their places.
    pub variables: Settings,
    /// The platform's root directory.
    pub root: PathBuf,
}

impl Platform {
    /// Whether there are tenants rather than one workspace.
    pub fn is_fleet(&self) -> bool {
        self.tenancy.is_some()
    }

    /// The platform's name.
    pub fn name(&self) -> &str {
        self.tenancy.as_ref().map_or(DEFAULT_WORKSPACE, |t| &t.name)
    }

    /// Providers that the configuration asks to be simulated.
    pub fn simulate(&self) -> &[String] {
        &self.simulate
    }

    /// Of all configuration files.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The tenants, by name.
    pub fn tenants(&self) -> Vec<TenantSummary> {
        let Some(tenancy) = &self.tenancy else { return Vec::new() };
        tenancy
            .tenants
            .values()
            .filter_map(|tenant| {
                Some(TenantSummary {
                    name: tenant.name.name.to_string(),
                    tier: tenant.tier.name.to_string(),
                    isolation: tenancy
                        .tiers
                        .get(&tenant.tier.name)
                        .map(|t| t.isolation.clone())
                        .unwrap_or_default(),
                    workspace: tenant.name.name.parse().ok()?,
                    span: tenant.name.span,
                })
            })
            .collect()
    }

    /// The instances that a selection means, each with its variables settled.
    ///
    /// # Errors
    /// A selected tenant or tier that does not exist; settings that do not
    /// suit the blueprint, of all instances at once.
    pub fn instances(&self, tenants: &[String], tiers: &[String]) -> Result<Vec<Instance>, Diagnostics> {
        self.selected(tenants, tiers, Some(Span::default()))
    }

    /// All instances, to be checked: variables of the root that are not set
    /// stand for unknown values.
    ///
    /// # Errors
    /// Settings that do not suit the blueprint, of all instances at once.
    pub fn checked(&self) -> Result<Vec<Instance>, Diagnostics> {
        self.selected(&[], &[], None)
    }

    /// The root module and the blueprint of a platform.
    pub fn modules(&self) -> (&Arc<Module>, Option<&Arc<Module>>) {
        (&self.module, self.tenancy.as_ref().map(|tenancy| &tenancy.blueprint))
    }

    /// `owner` is the place for root variables that are not set, see [`settle`].
    fn selected(
        &self,
        tenants: &[String],
        tiers: &[String],
        owner: Option<Span>,
    ) -> Result<Vec<Instance>, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let Some(tenancy) = &self.tenancy else {
            if let Some(name) = tenants.iter().chain(tiers).next() {
                return Err(Diagnostic::error(
                    "No tenants",
                    format!("{name:?} was selected, but this configuration has no tenants."),
                )
                .into());
            }
            let variables = settle(&self.module, &self.variables, owner, &mut diagnostics);
            if diagnostics.has_errors() {
                return Err(diagnostics);
            }
            return Ok(vec![self.instance(DEFAULT_WORKSPACE, None, self.module.clone(), variables)]);
        };
        let known: Vec<&str> = tenancy.tenants.keys().map(|k| &**k).collect();
        for name in tenants.iter().filter(|name| !tenancy.tenants.contains_key(name.as_str())) {
            diagnostics.push(
                Diagnostic::error("Unknown tenant", format!("There is no tenant {name:?}."))
                    .suggest(name, known.iter().copied()),
            );
        }
        let tier_names: Vec<&str> = tenancy.tiers.keys().map(|k| &**k).collect();
        for name in tiers.iter().filter(|name| !tenancy.tiers.contains_key(name.as_str())) {
            diagnostics.push(
                Diagnostic::error("Unknown tier", format!("There is no tier {name:?}."))
                    .suggest(name, tier_names.iter().copied()),
            );
        }
        let mut instances = Vec::new();
        let all = tenants.is_empty() && tiers.is_empty();
        if all && (!self.module.resources.is_empty() || !self.module.calls.is_empty()) {
            let variables = settle(&self.module, &self.variables, owner, &mut diagnostics);
            instances.push(self.instance(PLATFORM_WORKSPACE, None, self.module.clone(), variables));
        }
        for tenant in tenancy.tenants.values() {
            let chosen = (tenants.is_empty() || tenants.iter().any(|t| **t == *tenant.name.name))
                && (tiers.is_empty() || tiers.iter().any(|t| **t == *tenant.tier.name));
            let Some(tier) = tenancy.tiers.get(&tenant.tier.name).filter(|_| chosen) else { continue };
            let given = settings_of(tenancy, tier, tenant);
            let variables = settle(&tenancy.blueprint, &given, Some(tenant.name.span), &mut diagnostics);
            let who = Some((tenant.name.name.to_string(), tenant.tier.name.to_string()));
            instances.push(self.instance(&tenant.name.name, who, tenancy.blueprint.clone(), variables));
        }
        if diagnostics.has_errors() { Err(diagnostics.sorted()) } else { Ok(instances) }
    }

    /// One instance to look at: a tenant's, else the root module's. Variables
    /// that are not set stand for unknown values.
    ///
    /// # Errors
    /// A tenant that does not exist; settings that do not suit the variables.
    pub fn inspected(&self, tenant: Option<&str>) -> Result<Instance, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let instance = match (tenant, &self.tenancy) {
            (None, tenancy) => {
                let name = if tenancy.is_some() { PLATFORM_WORKSPACE } else { DEFAULT_WORKSPACE };
                let variables = settle(&self.module, &self.variables, None, &mut diagnostics);
                self.instance(name, None, self.module.clone(), variables)
            }
            (Some(name), Some(tenancy)) if tenancy.tenants.contains_key(name) => {
                let tenant = &tenancy.tenants[name];
                let Some(tier) = tenancy.tiers.get(&tenant.tier.name) else { return Err(diagnostics) };
                let given = settings_of(tenancy, tier, tenant);
                let variables = settle(&tenancy.blueprint, &given, None, &mut diagnostics);
                let who = Some((name.to_owned(), tenant.tier.name.to_string()));
                self.instance(&tenant.name.name, who, tenancy.blueprint.clone(), variables)
            }
            (Some(name), tenancy) => {
                let known = tenancy.iter().flat_map(|t| t.tenants.keys()).map(|name| &**name);
                let error = Diagnostic::error("Unknown tenant", format!("There is no tenant {name:?}."));
                return Err(error.suggest(name, known).into());
            }
        };
        if diagnostics.has_errors() { Err(diagnostics.sorted()) } else { Ok(instance) }
    }

    fn instance(
        &self,
        workspace: &str,
        tenant: Option<(String, String)>,
        module: Arc<Module>,
        variables: Settings,
    ) -> Instance {
        // Names of tenants are checked when they are read; the others are constants.
        #[allow(clippy::expect_used, clippy::unwrap_used, reason = "checked when read")]
        let workspace = workspace.parse().expect("a checked name");
        Instance { workspace, tenant, module, variables, root: self.root.clone() }
    }
}

/// Platform, tier and tenant settings merged; maps merge deep, the rest
/// replaces, null removes. The description of the instance comes with them
/// where the blueprint asks for it.
pub(super) fn settings_of(tenancy: &Tenancy, tier: &Tier, tenant: &Tenant) -> Settings {
    let mut merged = tenancy.settings.clone();
    for layer in [&tier.settings, &tenant.settings] {
        for (name, (value, span)) in layer {
            if value.is_null() {
                merged.remove(name);
                continue;
            }
            let value = match merged.get(name) {
                Some((lower, _)) => deep_merge(lower, value),
                None => value.clone(),
            };
            merged.insert(name.clone(), (value, *span));
        }
    }
    let declared = |name: &str| tenancy.blueprint.variables.iter().any(|v| &*v.name.name == name);
    let span = tenant.name.span;
    let described = [
        ("tenant", Value::object([("name", Value::from(tenant.name.name.clone()))])),
        (
            "tier",
            Value::object([
                ("name", Value::from(tenant.tier.name.clone())),
                ("isolation", tier.isolation.as_str().into()),
            ]),
        ),
        ("environment", Value::object([("name", Value::from("default"))])),
        ("platform", Value::object([("name", Value::from(tenancy.name.as_str()))])),
    ];
    merged.extend(described.into_iter().filter(|(n, _)| declared(n)).map(|(n, v)| (n.into(), (v, span))));
    merged
}

fn deep_merge(lower: &Value, upper: &Value) -> Value {
    let (Kind::Object(below), Kind::Object(above)) = (lower.kind(), upper.kind()) else {
        return upper.clone();
    };
    let mut merged = (**below).clone();
    for (name, value) in above.iter() {
        match merged.get(name) {
            _ if value.is_null() => drop(merged.remove(name)),
            Some(old) => drop(merged.insert(name.clone(), deep_merge(&old.clone(), value))),
            None => drop(merged.insert(name.clone(), value.clone())),
        }
    }
    Kind::Object(Arc::new(merged)).into()
}

/// Brings given values to the module's variables. `owner` is the place for
/// what is missing; without it, what is missing is unknown.
fn settle(module: &Module, given: &Settings, owner: Option<Span>, diagnostics: &mut Diagnostics) -> Settings {
    let mut settled = Settings::new();
    for (name, (_, span)) in given {
        if !module.variables.iter().any(|v| v.name.name == *name) {
            let known: Vec<&str> = module.variables.iter().map(|v| &*v.name.name).collect();
            diagnostics.push(
                Diagnostic::error("Undeclared setting", format!("The blueprint has no variable {name:?}."))
                    .at(*span)
                    .suggest(name, known),
            );
        }
    }
    for variable in &module.variables {
        let name = &variable.name.name;
        let given =
            given.get(name).filter(|(v, _)| !v.is_null() || variable.nullable && variable.default.is_none());
        let (value, span) = match (given, &variable.default) {
            (Some((value, span)), _) => {
                match fill_defaults(value, &variable.constraint.defaults).convert(&variable.constraint.ty) {
                    Ok(value) => (value, *span),
                    Err(error) => {
                        let place = if error.path.steps().is_empty() {
                            String::new()
                        } else {
                            format!(", at {}", error.path)
                        };
                        diagnostics.push(
                            Diagnostic::error(
                                "Wrong type",
                                format!("The value does not suit the variable {name:?}{place}: {error}."),
                            )
                            .at(*span)
                            .related(variable.name.span, "declared here"),
                        );
                        continue;
                    }
                }
            }
            (None, Some(default)) => (default.clone(), variable.name.span),
            (None, None) => {
                let Some(owner) = owner else {
                    let unknown = Value::unknown(variable.constraint.ty.clone());
                    settled.insert(name.clone(), (unknown, variable.name.span));
                    continue;
                };
                let mut error = Diagnostic::error(
                    "No value for required variable",
                    format!("The variable {name:?} has no default and is not set."),
                );
                error.span = Some(if owner == Span::default() { variable.name.span } else { owner });
                diagnostics.push(if owner == Span::default() {
                    error.hint(format!("Set it with -var '{name}=…' or TF_VAR_{name}."))
                } else {
                    error.related(variable.name.span, "declared here")
                });
                continue;
            }
        };
        settled.insert(name.clone(), (if variable.sensitive { value.sensitive() } else { value }, span));
    }
    settled
}

/// Loads a root directory. Gives what could be loaded together with every
/// mistake; `None` when there is nothing to work with.
pub fn load(
    registry: &Registry,
    sources: &SourceMap,
    modules: &mut Modules,
    root: &Path,
    vars: &[(String, Given)],
) -> (Option<Platform>, Diagnostics) {
    let mut decoder = Decoder::new(registry, sources, modules);
    let mut bodies = match decoder.read(root) {
        Ok(bodies) => bodies,
        Err(error) => {
            return (
                None,
                Diagnostic::error(
                    "Unreadable configuration",
                    format!("{} cannot be read: {error}.", root.display()),
                )
                .into(),
            );
        }
    };
    if bodies.is_empty() {
        if !decoder.diagnostics.has_errors() {
            decoder.diagnostics.push(
                Diagnostic::error(
                    "No configuration files",
                    format!("There are no .tf, .tf.json, .tofu or .hcl files in {}.", root.display()),
                )
                .hint("Give the configuration's directory with -chdir=DIR."),
            );
        }
        return (None, decoder.diagnostics);
    }
    let module = Arc::new(decoder.decode(root, &mut bodies, true));
    let files = DiskFiles;
    let scope = Constants(FunctionContext {
        module_dir: root,
        root_dir: root,
        timestamp: "",
        now: None,
        files: &files,
        templates: parse_template,
    });
    let mut simulate = Vec::new();
    let tenancy = Tenants { root, scope: &scope, decoder: &mut decoder }.read(&bodies, &mut simulate);
    let variables = given::settings(&module, vars, sources, &scope, &mut decoder.diagnostics);
    let mut digest = Sha256::new();
    for text in &decoder.texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let digest = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let diagnostics = decoder.diagnostics.sorted();
    let platform = Platform { root: root.to_path_buf(), module, tenancy, simulate, digest, variables };
    (Some(platform), diagnostics)
}

/// Reads the tenancy blocks.
struct Tenants<'a, 'd> {
    root: &'a Path,
    scope: &'a Constants<'a>,
    decoder: &'a mut Decoder<'d>,
}

impl Tenants<'_, '_> {
    fn read(&mut self, bodies: &[Body], simulate: &mut Vec<String>) -> Option<Tenancy> {
        let blocks: Vec<&Block> = bodies.iter().flat_map(|b| &b.blocks).collect();
        let of = |kind: &'static str| blocks.iter().copied().filter(move |b| &*b.kind.name == kind);
        for block in of("tenantctl") {
            let diagnostics = &mut self.decoder.diagnostics;
            check_names(&block.body, &["required_version", "simulate"], &["backend"], diagnostics);
            let names = constant(&block.body, "simulate", &Type::list(Type::String), self.scope, diagnostics);
            simulate.extend(
                names
                    .iter()
                    .filter_map(Value::as_items)
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(String::from),
            );
            requirements::tenantctl(&block.body, self.scope, diagnostics);
            for backend in block.body.blocks.iter().filter(|b| &*b.kind.name == "backend") {
                requirements::backend(backend, diagnostics);
            }
        }
        let mut platforms = of("platform");
        let platform = platforms.next();
        if let Some(second) = platforms.next() {
            self.error(
                Diagnostic::error("Duplicate definition", "There may be one platform block only.")
                    .at(second.header()),
            );
        }
        let Some(platform) = platform else {
            if let Some(stray) = of("tier").chain(of("tenant")).next() {
                self.error(
                    Diagnostic::error(
                        "Missing platform",
                        "Tiers and tenants need a platform block, which names their blueprint.",
                    )
                    .at(stray.header())
                    .hint("Add: platform \"NAME\" { blueprint = \"./blueprint\" }"),
                );
            }
            return None;
        };
        let mut tenancy = self.platform(platform)?;
        for block in of("tier") {
            if let Some((name, tier)) = self.tier(block)
                && tenancy.tiers.insert(name.name.clone(), tier).is_some()
            {
                self.error(
                    Diagnostic::error(
                        "Duplicate definition",
                        format!("There are two tiers {:?}.", name.name),
                    )
                    .at(name.span),
                );
            }
        }
        for block in of("tenant") {
            let Some(tenant) = self.tenant(block, &tenancy) else { continue };
            let name = tenant.name.clone();
            if let Some(first) = tenancy.tenants.insert(name.name.clone(), tenant) {
                self.error(
                    Diagnostic::error(
                        "Duplicate definition",
                        format!("There are two tenants {:?}.", name.name),
                    )
                    .at(name.span)
                    .related(first.name.span, "first defined here"),
                );
            }
        }
        Some(tenancy)
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.decoder.diagnostics.push(diagnostic);
    }

    fn platform(&mut self, block: &Block) -> Option<Tenancy> {
        check_names(&block.body, &["blueprint", "settings"], &[], &mut self.decoder.diagnostics);
        if !check_labels(block, &["name"], &mut self.decoder.diagnostics) {
            return None;
        }
        let Some(source) = block.body.attribute("blueprint") else {
            self.error(
                Diagnostic::error(
                    "Missing required argument",
                    "The argument \"blueprint\" is required: the module that an instance consists of.",
                )
                .at(block.header()),
            );
            return None;
        };
        let path =
            constant(&block.body, "blueprint", &Type::String, self.scope, &mut self.decoder.diagnostics)?;
        let blueprint = self.decoder.source(self.root, path.as_str()?, source.value.span)?;
        let settings = self.settings(&block.body);
        Some(Tenancy { name: block.labels[0].name.to_string(), blueprint, settings, ..Tenancy::default() })
    }

    fn name(&mut self, ident: &Ident, what: &str) -> bool {
        let valid = is_valid_name(&ident.name) && !(what == "tenant" && *ident.name == *PLATFORM_WORKSPACE);
        if !valid {
            self.error(
                Diagnostic::error("Invalid name", format!("{:?} cannot be the name of a {what}.", ident.name)).at(ident.span).hint(
                    "Names have lower-case letters, digits and hyphens inside, start with a letter, and are 63 characters at most.",
                ),
            );
        }
        valid
    }

    fn tier(&mut self, block: &Block) -> Option<(Ident, Tier)> {
        check_names(&block.body, &["isolation", "settings"], &[], &mut self.decoder.diagnostics);
        if !check_labels(block, &["name"], &mut self.decoder.diagnostics)
            || !self.name(&block.labels[0], "tier")
        {
            return None;
        }
        let isolation =
            constant(&block.body, "isolation", &Type::String, self.scope, &mut self.decoder.diagnostics);
        let isolation = isolation.as_ref().and_then(Value::as_str).unwrap_or("namespace").to_owned();
        let known = ["namespace", "node_pool", "cluster"];
        if !known.contains(&isolation.as_str()) {
            let span = block.body.attribute("isolation").map_or(block.header(), |a| a.value.span);
            self.error(
                Diagnostic::error(
                    "Unknown isolation",
                    format!("{isolation:?} is none of \"namespace\", \"node_pool\", \"cluster\"."),
                )
                .at(span)
                .suggest(&isolation, known),
            );
        }
        Some((block.labels[0].clone(), Tier { isolation, settings: self.settings(&block.body) }))
    }

    fn tenant(&mut self, block: &Block, tenancy: &Tenancy) -> Option<Tenant> {
        check_names(&block.body, &["tier", "settings"], &[], &mut self.decoder.diagnostics);
        if !check_labels(block, &["name"], &mut self.decoder.diagnostics)
            || !self.name(&block.labels[0], "tenant")
        {
            return None;
        }
        let Some(attribute) = block.body.attribute("tier") else {
            self.error(
                Diagnostic::error("Missing required argument", "The argument \"tier\" is required.")
                    .at(block.header()),
            );
            return None;
        };
        let tier = constant(&block.body, "tier", &Type::String, self.scope, &mut self.decoder.diagnostics)?;
        let tier = Ident { name: tier.as_str()?.into(), span: attribute.value.span };
        if !tenancy.tiers.contains_key(&tier.name) {
            let known: Vec<&str> = tenancy.tiers.keys().map(|k| &**k).collect();
            self.error(
                Diagnostic::error("Unknown tier", format!("There is no tier {:?}.", tier.name))
                    .at(tier.span)
                    .suggest(&tier.name, known),
            );
        }
        Some(Tenant { name: block.labels[0].clone(), tier, settings: self.settings(&block.body) })
    }

    fn settings(&mut self, body: &Body) -> Settings {
        let Some(attribute) = body.attribute("settings") else { return BTreeMap::new() };
        let Some(items) = object_items(&attribute.value) else {
            self.error(
                Diagnostic::error("Wrong type", "\"settings\" takes an object in braces: { name = value }.")
                    .at(attribute.value.span),
            );
            return BTreeMap::new();
        };
        let mut settings = Settings::new();
        for (name, span, value) in items {
            if let Some(value) =
                constant_expr(value, &Type::Dynamic, self.scope, &mut self.decoder.diagnostics)
            {
                settings.insert(name, (value, span));
            }
        }
        settings
    }
}
