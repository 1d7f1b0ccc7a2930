//! The syntax tree of a file: blocks and attributes with places, their
//! expressions lowered. What `parse` gives and `decode` reads.

use std::sync::Arc;

use crate::diag::Span;
use crate::expr::Expr;

/// What stands between braces, or in a file.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// In source order.
    pub attributes: Vec<Attribute>,
    /// In source order.
    pub blocks: Vec<Block>,
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Ident,
    /// The value.
    pub value: Expr,
}

/// `kind "label" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's type.
    pub kind: Ident,
    /// Its labels.
    pub labels: Vec<Ident>,
    /// What it holds.
    pub body: Body,
    /// Of a `dynamic` block: the name its element has inside.
    pub iterator: Option<Arc<str>>,
}

/// A name and its place.
#[derive(Clone, Debug)]
pub struct Ident {
    /// The name.
    pub name: Arc<str>,
    /// Its place.
    pub span: Span,
}

impl Block {
    /// From the type to the last label.
    pub fn header(&self) -> Span {
        self.labels.last().map_or(self.kind.span, |label| self.kind.span.to(label.span))
    }
}

impl Body {
    /// Takes the attribute of a name out.
    pub fn take(&mut self, name: &str) -> Option<Attribute> {
        let at = self.attributes.iter().position(|a| &*a.name.name == name)?;
        Some(self.attributes.swap_remove(at))
    }

    /// The attribute of a name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name.name == name)
    }
}
