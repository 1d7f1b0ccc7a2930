//! The canonical layout of configuration: text in, text out.
//!
//! `token` joins tokens with the space before them, `rewrite` says some of them in today's words,
//! `layout` decides the space between them. The result is that of OpenTofu's
//! `fmt`, byte for byte, but for these:
//!
//! - A comment between the labels of a block stays; there it is lost.
//! - `"${"${x}"}"` becomes `x` at once; there it takes two runs.
//! - `"${(a) \n + (b)}"` gets the parentheses it needs over two lines, and so
//!   does an interpolation that has a comment to the end of a line; there the
//!   result is not valid.
//! - Labels in quotes keep the escapes they are written with.
//!
//! Guarantees: pure; the result formatted again is the same; the meaning stays
//! and every comment too; heredocs stay as they are but for what stands inside
//! `${ … }`; no recursion.
//! Must not: check syntax. Text that does not parse must not come here: what
//! it becomes may be hard to mend, and nothing else bounds its depth, with
//! which indentation grows.

mod layout;
mod rewrite;
mod token;

use crate::expr::functions::Language;
use crate::syntax::{parse_template, parse_values};

/// The language as functions read and write it.
pub const LANGUAGE: Language = Language { template: parse_template, values: parse_values, layout: spaced };

/// The canonical layout of a file that parses.
pub fn format(text: &str) -> String {
    laid_out(rewrite::rewrite(&token::read(text)), text.len())
}

/// The canonical layout of an expression that parses: where there are no
/// blocks, no word is the label of one.
fn spaced(text: &str) -> String {
    laid_out(token::read(text), text.len())
}

fn laid_out(mut tokens: Vec<token::Token<'_>>, length: usize) -> String {
    layout::lay_out(&mut tokens);
    let mut formatted = String::with_capacity(length + length / 8);
    for token in &tokens {
        formatted.extend(std::iter::repeat_n(' ', token.spaces));
        formatted.push_str(token.text);
    }
    formatted
}

#[cfg(test)]
mod tests;
