//! `provider` blocks and what names them: the `provider` argument of
//! resources, `providers` of module calls, `configuration_aliases`.
//!
//! Must not: know which block a name leads to; the graph does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::body::{Meta, compile};
use super::model::Module;
use super::reader::{Constants, check_labels, constant};
use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, Reference};
use crate::provider::Registry;
use crate::syntax::{Attribute, Block, Ident, lexer};
use crate::value::Type;

/// What a module calls providers, where that is not their own name.
pub type LocalNames = BTreeMap<Arc<str>, Arc<str>>;

/// A `provider` block.
#[derive(Clone, Debug)]
pub struct ProviderBlock {
    /// The provider.
    pub name: Ident,
    /// What the module calls it, when not by its name.
    pub local: Option<Arc<str>>,
    /// Which of its configurations; the default one has none.
    pub alias: Option<Arc<str>>,
    /// One configuration for each element.
    pub for_each: Option<Expr>,
    /// The configuration, which follows the provider's schema.
    pub config: Expr,
    /// The block's header.
    pub span: Span,
}

/// A configuration of a provider as a module names it: `aws`, `aws.west`,
/// `aws.by_region["eu"]`.
#[derive(Clone, Debug)]
pub struct ProviderRef {
    /// The provider.
    pub name: Arc<str>,
    /// What the module calls it, when not by its name.
    pub local: Option<Arc<str>>,
    /// Which of its configurations.
    pub alias: Option<Arc<str>>,
    /// Which element of its `for_each`.
    pub key: Option<Box<Expr>>,
    /// Where it is named.
    pub span: Span,
}

impl ProviderRef {
    /// The default configuration of a provider.
    pub fn default_of(name: impl Into<Arc<str>>, span: Span) -> Self {
        ProviderRef { name: name.into(), local: None, alias: None, key: None, span }
    }

    /// The same by the provider's own name.
    pub(super) fn settled(mut self, names: &LocalNames) -> Self {
        if let Some(name) = names.get(&self.name) {
            self.local = Some(std::mem::replace(&mut self.name, name.clone()));
        }
        self
    }

    /// Whether a block is the one that is named.
    pub fn names(&self, name: &str, alias: Option<&Arc<str>>) -> bool {
        *self.name == *name && self.alias.as_ref() == alias
    }
}

impl ProviderBlock {
    /// What names the block.
    pub fn reference(&self) -> ProviderRef {
        let (name, span) = (self.name.name.clone(), self.name.span);
        ProviderRef { name, local: self.local.clone(), alias: self.alias.clone(), key: None, span }
    }
}

impl fmt::Display for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.local.as_ref().unwrap_or(&self.name))?;
        self.alias.as_ref().map_or(Ok(()), |alias| write!(f, ".{alias}"))
    }
}

/// Reads a `provider` block.
pub(super) fn block(
    mut block: Block,
    registry: &Registry,
    names: &LocalNames,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<ProviderBlock> {
    if !check_labels(&block, &["name"], diagnostics) {
        return None;
    }
    let span = block.header();
    let mut name = block.labels[0].clone();
    let local = names.get(&name.name).map(|own| std::mem::replace(&mut name.name, own.clone()));
    let Some(provider) = registry.get(&name.name).cloned() else {
        let known = registry.iter().map(|p| p.name()).chain(names.keys().map(|name| &**name));
        diagnostics.push(
            Diagnostic::error("Unknown provider", format!("This build has no provider {:?}.", name.name))
                .at(name.span)
                .suggest(&name.name, known),
        );
        return None;
    };
    let named = block.body.attribute("alias").map(|a| a.value.span);
    let alias = constant(&block.body, "alias", &Type::String, scope, diagnostics);
    let alias: Option<Arc<str>> = alias.and_then(|alias| Some(alias.as_str()?.into()));
    if let (Some(alias), Some(at)) = (&alias, named)
        && (alias.is_empty() || lexer::name_length(alias) != alias.len())
    {
        let detail = "An alias is a name: it begins with a letter, and letters, digits, - and _ follow.";
        diagnostics.push(Diagnostic::error("Invalid alias", detail).at(at));
    }
    let for_each = block.body.attribute("for_each").map(|a| a.value.clone());
    if let (Some(each), None) = (&for_each, &alias) {
        let detail = "A provider block with for_each needs an alias, by which its configurations are named.";
        diagnostics.push(Diagnostic::error("Alias required when using for_each", detail).at(each.span));
    }
    let meta = Meta::of("provider");
    let config = compile(&mut block.body, &provider.schema().config, &meta, span, diagnostics);
    Some(ProviderBlock { name, local, alias, for_each, config, span })
}

/// Whether a block configures nothing.
pub(super) fn is_empty(block: &Block) -> bool {
    block.body.attributes.is_empty() && block.body.blocks.is_empty()
}

/// Reads what names a configuration.
pub(crate) fn reference(expr: &Expr, diagnostics: &mut Diagnostics) -> Option<ProviderRef> {
    let (source, key) = match &expr.kind {
        ExprKind::Index(pair) => (&pair.0, Some(Box::new(pair.1.clone()))),
        _ => (expr, None),
    };
    let found = match &source.kind {
        ExprKind::Variable(name) => Some((name.clone(), None)),
        ExprKind::Attribute(inner, alias) => match &inner.kind {
            ExprKind::Variable(name) => Some((name.clone(), Some(alias.clone()))),
            _ => None,
        },
        // Where names are not keywords.
        ExprKind::Reference(Reference::Resource { mode: ResourceMode::Managed, kind, name }) => {
            Some((kind.clone(), Some(name.clone())))
        }
        // In quotes, as in JSON and in older configurations.
        ExprKind::Literal(text) => text.as_str().map(|text| match text.split_once('.') {
            Some((name, alias)) => (name.into(), Some(alias.into())),
            None => (text.into(), None),
        }),
        _ => None,
    };
    // Only configurations with an alias are many.
    let found = found.filter(|(_, alias)| key.is_none() || alias.is_some());
    if found.is_none() {
        diagnostics.push(
            Diagnostic::error("Invalid provider reference", "Here stands the name of a provider.")
                .at(expr.span)
                .hint("A provider is named like aws, one of its other configurations like aws.west."),
        );
    }
    let (name, alias) = found?;
    Some(ProviderRef { name, local: None, alias, key, span: expr.span })
}

/// The configuration that a resource says it is made with, or the default one
/// of its type's provider.
pub(super) fn of_resource(
    said: Option<&Attribute>,
    provider: &Arc<str>,
    kind: &Ident,
    names: &LocalNames,
    diagnostics: &mut Diagnostics,
) -> ProviderRef {
    let default = || {
        let local = names.iter().find(|(_, name)| **name == *provider).map(|(local, _)| local.clone());
        ProviderRef { local, ..ProviderRef::default_of(provider.clone(), kind.span) }
    };
    let Some(found) = said.and_then(|attribute| reference(&attribute.value, diagnostics)) else {
        return default();
    };
    let found = found.settled(names);
    if found.name != *provider {
        let detail =
            format!("The type {:?} is one of the provider {provider}, not of {}.", kind.name, found.name);
        diagnostics.push(Diagnostic::error("Wrong provider", detail).at(found.span));
        return default();
    }
    found
}

/// `providers` of a module call: what the module calls it, and what it is here.
/// Each has names of its own.
pub(crate) fn passed(
    said: Option<&Attribute>,
    [inner_names, outer_names]: [&LocalNames; 2],
    diagnostics: &mut Diagnostics,
) -> Vec<(ProviderRef, ProviderRef)> {
    let Some(attribute) = said else { return Vec::new() };
    let ExprKind::Object(items) = &attribute.value.kind else {
        let detail = "\"providers\" takes an object: providers = { aws = aws.west }.";
        diagnostics.push(Diagnostic::error("Wrong type", detail).at(attribute.value.span));
        return Vec::new();
    };
    let mut all: Vec<(ProviderRef, ProviderRef)> = Vec::with_capacity(items.len());
    for (inner, outer) in items {
        let (Some(inner), Some(outer)) = (reference(inner, diagnostics), reference(outer, diagnostics))
        else {
            continue;
        };
        let (inner, outer) = (inner.settled(inner_names), outer.settled(outer_names));
        let problem = if inner.key.is_some() {
            Some((
                "Invalid provider reference",
                "The module's own name for a provider has no key.".to_owned(),
            ))
        } else if inner.name != outer.name {
            let detail = format!("{inner} and {outer} are not of one provider.");
            Some(("Provider type mismatch", detail))
        } else if all.iter().any(|(other, _)| other.names(&inner.name, inner.alias.as_ref())) {
            Some(("Duplicate provider", format!("{inner} is given twice.")))
        } else {
            None
        };
        match problem {
            Some((summary, detail)) => diagnostics.push(Diagnostic::error(summary, detail).at(inner.span)),
            None => all.push((inner, outer)),
        }
    }
    all
}

/// What a call gives to its module that the module cannot take, and what the
/// module waits for. `call` is the place of the call.
pub(super) fn check_passed(
    passed: &[(ProviderRef, ProviderRef)],
    module: &Module,
    repeats: bool,
    call: Span,
    diagnostics: &mut Diagnostics,
) {
    for (inner, _) in passed {
        let own = module.providers.iter().find(|p| inner.names(&p.name.name, p.alias.as_ref()));
        let is_known = inner.alias.is_none()
            || module.configuration_aliases.iter().any(|a| inner.names(&a.name, a.alias.as_ref()));
        let problem = match own {
            Some(own) => {
                let detail = format!("The module has a configuration of {inner} itself.");
                Diagnostic::error("Cannot override provider configuration", detail)
                    .related(own.name.span, "configured here")
            }
            None if !is_known => Diagnostic::error(
                "Undeclared provider configuration",
                format!("The module asks for no configuration {inner}."),
            )
            .hint("It would do so by configuration_aliases in its required_providers."),
            None => continue,
        };
        diagnostics.push(problem.at(inner.span));
    }
    for wanted in &module.configuration_aliases {
        let is_given = passed.iter().any(|(inner, _)| inner.names(&wanted.name, wanted.alias.as_ref()));
        if !is_given {
            let detail =
                format!("The module asks for a configuration {wanted}, which the call does not give.");
            diagnostics.push(
                Diagnostic::error("Missing required provider configuration", detail)
                    .at(call)
                    .related(wanted.span, "asked for here")
                    .hint(format!("providers = {{ {wanted} = … }}")),
            );
        }
    }
    if repeats && let Some(own) = configured_inside(module) {
        let detail = "A module with provider blocks of its own cannot have count, for_each, enabled or \
                      depends_on, since its objects could not be removed after their providers are gone.";
        diagnostics.push(
            Diagnostic::error("Module is incompatible with count, for_each, and depends_on", detail)
                .at(call)
                .related(own, "configured here")
                .hint("Give the providers to the module: providers = { … }."),
        );
    }
}

/// A `provider` block in a module or in what it calls.
fn configured_inside(module: &Module) -> Option<Span> {
    let own = module.providers.first().map(|block| block.name.span);
    own.or_else(|| module.calls.iter().find_map(|call| configured_inside(&call.module)))
}
