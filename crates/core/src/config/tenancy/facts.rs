//! What is given to an instance, whether its variables take it or not.

use std::sync::Arc;

use super::setting::{Merged, Node};
use crate::diag::Span;
use crate::expr::Expr;
use crate::value::{Path, Value};

/// Settings and what the engine says of an instance, as they are given, each
/// with the line that set it.
#[derive(Clone, Debug, Default)]
pub struct Facts(pub(in crate::config) Merged);

impl Facts {
    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// One of them, unknown where the platform's resources bring it.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.0.get(name).map(Node::value)
    }

    /// One of them as an expression over what the platform passes on.
    pub fn expr(&self, name: &str) -> Option<Expr> {
        self.0.get(name).map(Node::expr)
    }

    /// The line that set a part of one.
    pub fn place(&self, name: &str, path: &Path) -> Option<Span> {
        let place = self.0.get(name)?.at(path).span;
        Some(place).filter(|place| *place != Span::default())
    }
}
