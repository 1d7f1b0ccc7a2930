//! Native syntax inside strings of another one, as JSON configuration has it.

use std::sync::Arc;

use super::lexer;
use super::parser::Parser;
use crate::diag::{Diagnostics, FileId};
use crate::expr::Expr;

/// Text inside a string of a file.
pub(crate) struct Embedded<'a> {
    /// The file.
    pub(crate) file: FileId,
    /// The text, the string's escapes resolved.
    pub(crate) text: &'a str,
    /// Where it stands in the file.
    pub(crate) places: Places,
    /// Names of enclosing dynamic blocks.
    pub(crate) bound: Vec<Arc<str>>,
}

/// Where the parts of a text stand in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    start: u32,
    /// After this offset, so many bytes more in the file than in the text: an
    /// escape is longer than what it stands for.
    shifts: Vec<(u32, u32)>,
}

impl Places {
    /// The text begins at `start`. Shifts are in the order of their offsets,
    /// each with the sum of all up to it.
    pub(crate) fn new(start: u32, shifts: Vec<(u32, u32)>) -> Self {
        Places { start, shifts }
    }

    /// The place of an offset of the text.
    pub(super) fn at(&self, offset: u32) -> u32 {
        let before = self.shifts.partition_point(|(after, _)| *after <= offset);
        let shift = before.checked_sub(1).map_or(0, |last| self.shifts[last].1);
        self.start.saturating_add(offset).saturating_add(shift)
    }
}

impl Embedded<'_> {
    /// The text as a template; `None` with diagnostics.
    pub(crate) fn template(self, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let tokens = lexer::template_tokens(self.text);
        Parser::new(self.file, self.text, tokens, diagnostics).within(self.places, self.bound).lone_template()
    }

    /// The text as an expression, in which bare names may be keywords; `None`
    /// with diagnostics.
    pub(crate) fn expression(self, keywords: bool, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let mut parser = Parser::new(self.file, self.text, lexer::tokens(self.text), diagnostics)
            .within(self.places, self.bound);
        parser.keywords = keywords;
        parser.lone_expression()
    }
}
