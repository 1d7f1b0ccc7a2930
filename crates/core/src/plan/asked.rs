//! Which line asked for what is planned: the attribute in its block, and the
//! setting that its value comes from.
//!
//! Must not: evaluate; a line is found by following names.

use crate::addr::ResourceAddress;
use crate::config::{Instance, part_of};
use crate::diag::Span;
use crate::expr::{Chain, ChainStep, Expr, ExprKind, Reference};
use crate::graph::Graph;
use crate::value::{Path, PathStep};

/// The configuration of an instance, to find lines in.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) graph: &'a Graph,
    pub(super) instance: &'a Instance,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// The attribute of the object's block, or of its provider's.
    pub(super) attribute: Option<Span>,
    /// The setting that the attribute follows.
    pub(super) setting: Option<Span>,
}

impl Lines<'_> {
    /// Of an attribute of an object.
    pub(super) fn of(&self, address: &ResourceAddress, path: &Path) -> Asked {
        let reference = Reference::Resource {
            mode: address.mode,
            kind: address.kind.clone(),
            name: address.name.clone(),
        };
        let Some(module) = self.graph.module(&address.module) else { return Asked::default() };
        let Some(block) = self.graph.find(module, &reference) else { return Asked::default() };
        let block = &self.graph.modules[module].module.resources[block];
        let (part, rest) = part_of(&block.body, path);
        if !is_unset(part) {
            return self.follow(module, part, rest);
        }
        // What a block leaves out its provider's may say.
        let configured = self.graph.provider_block(module, &block.configuration).and_then(|(module, at)| {
            let config = &self.graph.modules[module].module.providers[at].config;
            let (part, rest) = part_of(config, path);
            (rest.is_empty() && !is_unset(part)).then(|| self.follow(module, part, rest))
        });
        configured.unwrap_or(Asked { attribute: Some(part.span), setting: None })
    }

    /// Of a part of a variable of the root module.
    pub(super) fn setting(&self, name: &str, path: &Path) -> Option<Span> {
        let declared = || self.instance.variables.get(name).map(|(_, place)| *place);
        self.instance.facts.place(name, path).or_else(declared)
    }

    fn follow(&self, module: usize, part: &Expr, rest: &[PathStep]) -> Asked {
        Asked { attribute: Some(part.span), setting: self.origin(module, part, rest) }
    }

    /// The setting that a part of an expression's value comes from: the first,
    /// where it is made of several.
    fn origin(&self, module: usize, expr: &Expr, rest: &[PathStep]) -> Option<Span> {
        let bare = bare(expr);
        if let Some(chain) = bare.chain() {
            return self.named(module, &chain, rest);
        }
        let mut found = None;
        bare.for_each_chain(&mut |chain| found = found.or_else(|| self.named(module, &chain, &[])));
        found
    }

    fn named(&self, module: usize, chain: &Chain<'_>, rest: &[PathStep]) -> Option<Span> {
        let path = rest.iter().fold(path(chain)?, |path, step| path.step(step.clone()));
        let node = &self.graph.modules[module];
        let (module, expr) = match (chain.reference, node.parent) {
            (Reference::Var(name), None) => return self.setting(name, &path),
            (Reference::Var(name), Some((caller, call))) => {
                (caller, self.graph.modules[caller].module.calls[call].arguments.get(name)?)
            }
            (Reference::Local(name), _) => (
                module,
                node.module.locals.iter().find(|(local, _)| local.name == *name).map(|(_, expr)| expr)?,
            ),
            _ => return None,
        };
        let (part, rest) = part_of(expr, &path);
        self.origin(module, part, rest)
    }
}

/// The path that a chain takes from its reference.
pub(super) fn path(chain: &Chain<'_>) -> Option<Path> {
    chain.steps.iter().try_fold(Path::root(), |path, step| match step {
        ChainStep::Attribute(name) => Some(path.attribute((*name).clone())),
        ChainStep::Index(key) => match (key.as_str(), key.as_number()) {
            (Some(name), _) => Some(path.attribute(name)),
            (None, Some(index)) => Some(path.index(usize::try_from(index.as_i64()?).ok()?)),
            (None, None) => None,
        },
    })
}

fn bare(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Convert(inner, _) | ExprKind::Group(inner) => bare(inner),
        _ => expr,
    }
}

fn is_unset(expr: &Expr) -> bool {
    matches!(&bare(expr).kind, ExprKind::Literal(value) if value.is_null())
}
