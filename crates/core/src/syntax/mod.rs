//! HCL text to a syntax tree: blocks and attributes with places, expressions
//! as the evaluator takes them. The grammar is HCL's native syntax
//! specification as OpenTofu reads it.
//!
//! [`lexer`] makes tokens of text, `parser` bodies of tokens, `expression` and
//! `template` expressions, `reference` tells what a dotted name means;
//! `embedded` reads what stands in strings of JSON configuration.
//!
//! Guarantees: everything has its place; after a mistake parsing goes on where
//! it can, so that several are reported at once; numbers are exact; nesting is
//! bounded, so that no input exhausts the stack; time and memory are linear.
//! Must not: evaluate, read files, or know which blocks there are.
//!
//! It is our own because the published parsers keep every blank for editing,
//! which costs several times the time and memory of what a plan needs, stop at
//! the first mistake, and pass numbers through floats.

mod embedded;
mod expression;
pub mod lexer;
mod parser;
mod reference;
mod template;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::expr::{Expr, ExprKind};
use crate::value::Value;

pub(crate) use embedded::{Embedded, Places};
pub(crate) use parser::takes_keywords;
pub(crate) use reference::INVALID_REFERENCE;
pub use tree::{Attribute, Block, Body, Ident};

use parser::Parser;

/// Files larger than this are refused.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// How high an expression's tree may be; what reads it goes down by recursion.
const MAX_HEIGHT: u32 = 200;

/// Parses one file. What could not be parsed is left out, with diagnostics.
pub fn parse_file(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    if !fits(file, text, diagnostics) {
        return Body::default();
    }
    Parser::new(file, text, lexer::tokens(text), diagnostics).file()
}

/// What is wrong with a file as far as syntax goes, whatever its names mean.
pub fn check_file(file: FileId, text: &str, diagnostics: &mut Diagnostics) {
    if fits(file, text, diagnostics) {
        Parser::new(file, text, lexer::tokens(text), diagnostics).not_judging().file();
    }
}

/// Parses a text that is one expression; `None` with diagnostics.
pub fn parse_expression(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Expr> {
    if !fits(file, text, diagnostics) {
        return None;
    }
    Parser::new(file, text, lexer::tokens(text), diagnostics).lone_expression()
}

/// Parses a text that is one template, as a template file is, in which these
/// names are variables; `None` with diagnostics.
pub fn parse_template(
    file: FileId,
    text: &str,
    names: &[Arc<str>],
    diagnostics: &mut Diagnostics,
) -> Option<Expr> {
    if !fits(file, text, diagnostics) {
        return None;
    }
    if let Some(name) = names.iter().find(|name| name.is_empty() || lexer::name_length(name) != name.len()) {
        let detail = format!("{name:?} cannot be the name of a template's variable.");
        diagnostics.push(Diagnostic::error("Invalid name", detail));
        return None;
    }
    let mut parser = Parser::new(file, text, lexer::template_tokens(text), diagnostics);
    parser.bound.extend_from_slice(names);
    parser.lone_template()
}

/// Parses a text that is a file of values, as an object; `None` with
/// diagnostics.
pub fn parse_values(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Expr> {
    let mut found = Diagnostics::new();
    let body = parse_file(file, text, &mut found);
    for block in &body.blocks {
        let detail = "A file of values has no blocks, only arguments.";
        found.push(Diagnostic::error("Unexpected block", detail).at(block.header()));
    }
    let entry = |one: Attribute| (Expr::literal(Value::from(one.name.name), one.name.span), one.value);
    let entries = body.attributes.into_iter().map(entry).collect();
    let span = Span { file, start: 0, end: 0 };
    let is_right = !found.has_errors();
    diagnostics.extend(found);
    is_right.then_some(Expr { kind: ExprKind::Object(entries), span })
}

fn fits(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> bool {
    if text.len() > MAX_FILE {
        let start = Span { file, start: 0, end: 0 };
        diagnostics.push(
            Diagnostic::error("File too large", "A configuration file may have 16 MiB at most.").at(start),
        );
    }
    text.len() <= MAX_FILE
}
