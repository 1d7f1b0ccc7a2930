//! What a module asks of the program that reads it: `terraform` blocks, and
//! versions in `tenantctl` blocks.
//!
//! Guarantees: nothing in such a block is ignored in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use super::decode::object_items;
use super::providers::{LocalNames, ProviderRef, reference};
use super::reader::{Constants, check_labels, check_names, constant_expr, only_one};
use super::version::Constraints;
use super::vocabulary;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind};
use crate::provider::Registry;
use crate::syntax::{Block, Body};
use crate::value::Type;

/// This program's version, which `tenantctl` blocks ask for.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// The version of the language, which `terraform` blocks ask for: that of the
/// OpenTofu that this program is tested against.
const LANGUAGE: &str = "1.12.6";

/// A provider that a module asks for, and its version constraint.
pub type RequiredProvider = (Arc<str>, Option<String>);

/// The edition of the language.
const EDITION: &str = "tofu2024";

/// Where a `terraform` block stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// In the root module.
    pub(super) is_root: bool,
    /// In a file that is for Terraform too, whose versions are others.
    pub(super) is_others: bool,
}

/// Reads a `language` block.
pub(super) fn language(block: &Block, scope: &Constants<'_>, diagnostics: &mut Diagnostics) {
    check_labels(block, &[], diagnostics);
    vocabulary::check("language", &block.body, diagnostics);
    if let Some(edition) = block.body.attribute("edition") {
        let is_known = matches!(&edition.value.kind, ExprKind::Variable(name) if &**name == EDITION);
        if !is_known {
            let detail = format!("This version of tenantctl has one edition of the language: {EDITION}.");
            let problem = Diagnostic::error("Unsupported language edition", detail).at(edition.value.span);
            diagnostics.push(problem.hint("The edition is written without quotes."));
        }
    }
    if let Some(experiments) = block.body.attribute("experiments")
        && !matches!(&experiments.value.kind, ExprKind::Tuple(items) if items.is_empty())
    {
        let detail = "This version of tenantctl has no experiments of the language.";
        diagnostics.push(Diagnostic::error("Experiment not supported", detail).at(experiments.name.span));
    }
    // Other programs have names of their own there.
    for suits in block.body.blocks.iter().filter(|inner| &*inner.kind.name == "compatible_with") {
        let what = format!("follows version {LANGUAGE} of the language");
        judge_version(&suits.body, "opentofu", LANGUAGE, &what, scope, diagnostics);
        judge_version(&suits.body, "tenantctl", OWN, &format!("has version {OWN}"), scope, diagnostics);
    }
}

/// Reads a `terraform` block; gives the providers that it asks for, and the
/// configurations of them that a caller must give.
pub(super) fn terraform(
    block: &Block,
    place: Place,
    registry: &Registry,
    names: &LocalNames,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> (Vec<RequiredProvider>, Vec<ProviderRef>) {
    check_labels(block, &[], diagnostics);
    vocabulary::check("terraform", &block.body, diagnostics);
    // Experiments and editions of Terraform mean nothing here, nor in OpenTofu.
    if !place.is_others {
        let what = format!("follows version {LANGUAGE} of the language");
        judge_version(&block.body, "required_version", LANGUAGE, &what, scope, diagnostics);
    }
    let mut required = Vec::new();
    let mut aliases = Vec::new();
    only_one(&block.body, "backend", diagnostics);
    for inner in &block.body.blocks {
        match &*inner.kind.name {
            "required_providers" => {
                let asked = providers(&inner.body, registry, names, scope, &mut aliases, diagnostics);
                required.extend(asked);
            }
            "backend" | "cloud" if place.is_root => backend(inner, diagnostics),
            "backend" | "cloud" => {
                let detail = "Only the root directory says where states are kept.";
                diagnostics
                    .push(Diagnostic::warning("Backend configuration ignored", detail).at(inner.header()));
            }
            name @ ("provider_meta" | "encryption") => diagnostics.push(
                Diagnostic::error(
                    "Block type not supported yet",
                    format!("This version of tenantctl has no {name:?} blocks yet."),
                )
                .at(inner.header()),
            ),
            _ => {}
        }
    }
    (required, aliases)
}

/// Checks that a `tenantctl` block asks for no other version than this one.
pub(super) fn tenantctl(body: &Body, scope: &Constants<'_>, diagnostics: &mut Diagnostics) {
    judge_version(body, "required_version", OWN, &format!("has version {OWN}"), scope, diagnostics);
}

/// States are on this machine: says so where another place is asked for.
pub(super) fn backend(block: &Block, diagnostics: &mut Diagnostics) {
    let kind = block.labels.first().map_or("cloud", |label| &*label.name);
    let place = "State is kept on this machine, in the directory state/ beside the configuration.";
    let hint = "Remove the block; -state-dir=DIR or TENANTCTL_STATE_DIR names another directory.";
    if kind != "local" {
        let detail = format!("This version of tenantctl has no backend {kind:?}. {place}");
        diagnostics
            .push(Diagnostic::error("Backend not supported yet", detail).at(block.header()).hint(hint));
        return;
    }
    for argument in &block.body.attributes {
        let detail = format!("The backend \"local\" takes no arguments here. {place}");
        diagnostics.push(Diagnostic::error("Unsupported argument", detail).at(argument.name.span).hint(hint));
    }
}

/// An argument that is a constraint, against the version that is there. `is`
/// says which that is, after the program's name.
fn judge_version(
    body: &Body,
    name: &str,
    version: &str,
    is: &str,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some(attribute) = body.attribute(name) else { return };
    let Some(value) = constant_expr(&attribute.value, &Type::String, scope, diagnostics) else { return };
    if value.is_null() {
        return;
    }
    let wanted = value.as_str().unwrap_or_default();
    let Some(constraints) = constraints(wanted, attribute.value.span, diagnostics) else { return };
    let suits = Version::parse(version).is_ok_and(|version| constraints.allow(&version));
    if !suits {
        let detail = format!("This tenantctl {is}, and the configuration asks for {wanted:?}.");
        diagnostics.push(
            Diagnostic::error("Unsupported version", detail).at(attribute.value.span).hint(
                "Use another version of tenantctl, or change the constraint if you know that it suits.",
            ),
        );
    }
}

fn constraints(text: &str, span: Span, diagnostics: &mut Diagnostics) -> Option<Constraints> {
    match Constraints::parse(text) {
        Ok(constraints) => Some(constraints),
        Err(words) => {
            diagnostics.push(Diagnostic::error("Invalid version constraint", format!("{words}.")).at(span));
            None
        }
    }
}

/// `required_providers`. Providers come with the program, so their versions are
/// those of this build: constraints are checked for their notation only.
fn providers(
    body: &Body,
    registry: &Registry,
    names: &LocalNames,
    scope: &Constants<'_>,
    aliases: &mut Vec<ProviderRef>,
    diagnostics: &mut Diagnostics,
) -> Vec<RequiredProvider> {
    check_names(body, &body.attributes.iter().map(|a| &*a.name.name).collect::<Vec<_>>(), &[], diagnostics);
    let mut required = Vec::new();
    for attribute in &body.attributes {
        let name = &attribute.name;
        let mut request = Request { source: None, version: None, aliases: Vec::new() };
        request.read(&attribute.value, scope, diagnostics);
        if let Some((version, span)) = &request.version {
            let _ = constraints(version, *span, diagnostics);
        }
        let (kind, span) = match &request.source {
            Some((source, span)) => (source.rsplit('/').next().unwrap_or_default(), *span),
            None => (&*name.name, name.span),
        };
        let known: Vec<&str> = registry.iter().map(|provider| provider.name()).collect();
        if registry.get(kind).is_none() {
            let detail = format!("This build has no provider {kind:?}. It has: {}.", known.join(", "));
            diagnostics.push(Diagnostic::error("Unknown provider", detail).at(span).suggest(kind, known));
        } else {
            aliases.extend(request.aliases.into_iter().map(|alias| alias.settled(names)));
            required.push((kind.into(), request.version.map(|(version, _)| version)));
        }
    }
    required
}

/// What a module calls providers by names that are not theirs.
pub(super) fn local_names(bodies: &[Body], registry: &Registry, diagnostics: &mut Diagnostics) -> LocalNames {
    let terraform =
        bodies.iter().flat_map(|body| &body.blocks).filter(|block| &*block.kind.name == "terraform");
    let required = terraform.flat_map(|block| &block.body.blocks);
    let required = required.filter(|block| &*block.kind.name == "required_providers");
    let required: Vec<&Block> = required.collect();
    if let [first, rest @ ..] = &required[..] {
        for block in rest {
            let detail = "A module asks for its providers in one block.";
            let problem = Diagnostic::error("Duplicate block", detail).at(block.header());
            diagnostics.push(problem.related(first.header(), "the first one"));
        }
    }
    let mut names = LocalNames::new();
    let mut seen: BTreeMap<Arc<str>, Span> = BTreeMap::new();
    for asked in required.into_iter().flat_map(|block| &block.body.attributes) {
        let source =
            object_items(&asked.value).and_then(|mut items| items.find(|(name, ..)| &**name == "source"));
        let source = source.and_then(|(.., value)| match &value.kind {
            ExprKind::Literal(text) => text.as_str(),
            _ => None,
        });
        let own: Arc<str> = match source {
            Some(source) => source.rsplit('/').next().unwrap_or_default().into(),
            None => asked.name.name.clone(),
        };
        if registry.get(&own).is_none() {
            continue;
        }
        if let Some(first) = seen.insert(own.clone(), asked.name.span) {
            let detail = format!("The provider {own:?} is asked for by two names; one is enough.");
            let warning = Diagnostic::warning("Duplicate required provider", detail).at(asked.name.span);
            diagnostics.push(warning.related(first, "asked for here"));
        }
        if own != asked.name.name {
            names.insert(asked.name.name.clone(), own);
        }
    }
    names
}

/// What is said of one provider.
struct Request {
    source: Option<(String, Span)>,
    version: Option<(String, Span)>,
    aliases: Vec<ProviderRef>,
}

impl Request {
    fn read(&mut self, expr: &Expr, scope: &Constants<'_>, diagnostics: &mut Diagnostics) {
        let mut text = |expr: &Expr| {
            let value = constant_expr(expr, &Type::Dynamic, scope, diagnostics)?;
            let text = value.as_str().map(|text| (text.to_owned(), expr.span));
            if text.is_none() {
                let problem = Diagnostic::error("Wrong type", "A text in quotes is required here.");
                diagnostics.push(problem.at(expr.span));
            }
            text
        };
        let Some(items) = object_items(expr) else {
            self.version = text(expr);
            return;
        };
        let mut unknown = Vec::new();
        let mut configurations = None;
        for (name, span, value) in items {
            match &*name {
                "source" => self.source = text(value),
                "version" => self.version = text(value),
                "configuration_aliases" => configurations = Some(value),
                _ => unknown.push((name, span)),
            }
        }
        if let Some(expr) = configurations {
            let items = match &expr.kind {
                ExprKind::Tuple(items) => items.as_slice(),
                _ => std::slice::from_ref(expr),
            };
            self.aliases = items.iter().filter_map(|item| configuration(item, diagnostics)).collect();
        }
        for (name, span) in unknown {
            let detail = format!("An argument named {name:?} is not expected here.");
            let known = ["source", "version", "configuration_aliases"];
            diagnostics
                .push(Diagnostic::error("Unsupported argument", detail).at(span).suggest(&name, known));
        }
    }
}

/// What names a configuration that a caller gives: always one with an alias.
fn configuration(item: &Expr, diagnostics: &mut Diagnostics) -> Option<ProviderRef> {
    let found = reference(item, diagnostics)?;
    if found.alias.is_some() && found.key.is_none() {
        return Some(found);
    }
    let detail = "A configuration that a caller gives has a name of its own.";
    let problem = Diagnostic::error("Invalid configuration alias", detail).at(item.span);
    diagnostics.push(problem.hint(format!("Write it after the provider's name: {found}.NAME.")));
    None
}
