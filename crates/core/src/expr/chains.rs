//! References with what is taken of them by name and by constant keys, as they
//! are written: `var.a.b[0]`, `module.m["x"].out`.

use std::fmt;
use std::sync::Arc;

use super::ast::{Expr, ExprKind, Reference};
use crate::diag::Span;
use crate::value::Value;

/// A reference and the steps from it.
#[derive(Clone, Debug)]
pub struct Chain<'e> {
    /// What it begins with.
    pub reference: &'e Reference,
    /// What is taken of that, from the outside in.
    pub steps: Vec<ChainStep<'e>>,
    /// Where it stands.
    pub span: Span,
}

/// One step of a [`Chain`].
#[derive(Clone, Copy, Debug)]
pub enum ChainStep<'e> {
    /// `.name`
    Attribute(&'e Arc<str>),
    /// `[0]`, `["key"]`
    Index(&'e Value),
}

impl fmt::Display for ChainStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainStep::Attribute(name) => write!(f, ".{name}"),
            ChainStep::Index(key) => write!(f, "[{}]", key.show()),
        }
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reference.fmt(f)?;
        self.steps.iter().try_for_each(|step| step.fmt(f))
    }
}

impl Chain<'_> {
    /// It with its first steps only.
    pub fn shortened(&self, steps: usize) -> String {
        let steps: String = self.steps.iter().take(steps).map(ToString::to_string).collect();
        format!("{}{steps}", self.reference)
    }
}

impl Expr {
    /// The expression as a chain, when it is nothing else.
    pub fn chain(&self) -> Option<Chain<'_>> {
        let mut steps = Vec::new();
        let mut at = self;
        loop {
            match &at.kind {
                ExprKind::Reference(reference) => {
                    steps.reverse();
                    return Some(Chain { reference, steps, span: self.span });
                }
                ExprKind::Attribute(source, name) => {
                    steps.push(ChainStep::Attribute(name));
                    at = source;
                }
                ExprKind::Index(pair) => {
                    let ExprKind::Literal(key) = &pair.1.kind else { return None };
                    steps.push(ChainStep::Index(key));
                    at = &pair.0;
                }
                _ => return None,
            }
        }
    }

    /// Calls `f` with every chain in it, each as long as it can be, in the
    /// order in which they are written.
    pub fn for_each_chain<'e>(&'e self, f: &mut dyn FnMut(Chain<'e>)) {
        match self.chain() {
            Some(chain) => f(chain),
            None => self.for_each_child(&mut |child| child.for_each_chain(f)),
        }
    }
}
