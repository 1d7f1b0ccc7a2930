//! Where space stands: at the start of lines, between tokens, before the
//! equals signs and the comments that stand below each other.
//!
//! Guarantees: changes nothing but [`Token::spaces`].

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::token::Token;
use crate::syntax::lexer::TokenKind;

/// One level of indentation.
const STEP: usize = 2;

/// A line in up to three parts, as ranges of tokens. The parts of lines that
/// follow each other are aligned.
struct Line {
    /// All but what the other two hold.
    lead: Range<usize>,
    /// From the equals sign on; empty if there is none, or if a bracket after
    /// it stays open.
    assign: Range<usize>,
    /// The comment that ends the line; empty if nothing stands before it.
    comment: Range<usize>,
}

/// Gives every token its canonical space.
pub(super) fn lay_out(tokens: &mut [Token<'_>]) {
    let lines = lines(tokens);
    indent(&lines, tokens);
    for line in &lines {
        space(&mut tokens[line.lead.clone()]);
        space(&mut tokens[line.assign.clone()]);
    }
    // Equals signs first, since they move the comments.
    align(&lines, tokens, |line| &line.assign, |line| line.lead.clone());
    align(&lines, tokens, |line| &line.comment, |line| line.lead.start..line.assign.end);
}

fn lines(tokens: &[Token<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        let end = match token.kind {
            TokenKind::Newline => at + 1,
            TokenKind::End => at,
            _ => continue,
        };
        if start < end {
            lines.push(line(tokens, start..end));
        }
        start = end;
    }
    lines
}

fn line(tokens: &[Token<'_>], all: Range<usize>) -> Line {
    let newline = tokens[all.end - 1].kind == TokenKind::Newline;
    let last = all.end - 1 - usize::from(newline && all.len() > 1);
    // `/* … */` counts as the line's end only where the text ends too.
    let comment = match tokens[last].kind {
        TokenKind::LineComment => last > all.start,
        TokenKind::BlockComment => last > all.start && !newline,
        _ => false,
    };
    let end = if comment { last } else { all.end };
    let equal = (all.start + 1..end).find(|at| tokens[*at].kind == TokenKind::Assign);
    let assign = equal.filter(|at| nesting(&tokens[*at..end]) == 0).unwrap_or(end);
    Line { lead: all.start..assign, assign: assign..end, comment: end..all.end }
}

fn nesting(tokens: &[Token<'_>]) -> isize {
    tokens.iter().map(Token::nesting).sum()
}

/// One level deeper after each line that leaves brackets open, however many;
/// a line that closes them is back where the line that opened them was.
fn indent(lines: &[Line], tokens: &mut [Token<'_>]) {
    let mut open: Vec<usize> = Vec::new();
    for line in lines {
        let lead = &tokens[line.lead.clone()];
        if lead[0].kind == TokenKind::Newline {
            tokens[line.lead.start].spaces = 0;
            continue;
        }
        let heredoc =
            lead.iter().position(|t| t.kind == TokenKind::HeredocOpen).map_or(lead.len(), |at| at + 1);
        let change = nesting(&lead[..heredoc]) + nesting(&tokens[line.assign.clone()]);
        let mut closed = usize::try_from(-change).unwrap_or(0);
        while closed > 0
            && let Some(level) = open.last_mut()
        {
            let here = closed.min(*level);
            closed -= here;
            *level -= here;
            if *level == 0 {
                open.pop();
            }
        }
        tokens[line.lead.start].spaces = STEP * open.len();
        if change > 0 {
            open.push(change.unsigned_abs());
        }
    }
}

fn space(tokens: &mut [Token<'_>]) {
    for at in 1..tokens.len() {
        let before = at.checked_sub(2).map(|i| tokens[i].kind);
        tokens[at].spaces = usize::from(is_space_between(before, &tokens[at - 1], &tokens[at]));
    }
}

/// Whether a space stands between two tokens of a line. `before` is the kind
/// of the token before the left one.
fn is_space_between(before: Option<TokenKind>, left: &Token<'_>, right: &Token<'_>) -> bool {
    use TokenKind::*;
    match (left.kind, right.kind) {
        (_, Newline) => false,
        // Calls, namespaces, attributes, arguments.
        (Ident, ParenOpen | DoubleColon) | (DoubleColon, Ident) => false,
        (Dot, _) | (_, Dot | Comma | Ellipsis) => false,
        (Comma, _) => true,
        // Space in a template is part of the value.
        (Text | QuoteOpen | HeredocOpen, _) | (_, Text | QuoteClose | HeredocClose) => false,
        // `[for x in [a]: x]`: a keyword there, not the name of a collection.
        (Ident, _) if left.text == "in" && before == Some(Ident) => true,
        (Ident | Number, BracketOpen) => false,
        (_, BracketOpen) if left.nesting() < 0 => false,
        (Not, _) => false,
        (Minus, _) => !is_negation(before),
        (BraceOpen, BraceClose) => false,
        (BraceOpen, _) | (_, BraceClose) => true,
        (InterpolationOpen | DirectiveOpen, BraceOpen) | (BraceClose, TemplateClose) => true,
        (TemplateClose, InterpolationOpen | DirectiveOpen) => false,
        _ => left.nesting() <= 0 && right.nesting() >= 0,
    }
}

/// Whether a minus negates what follows, judged by what stands before it.
fn is_negation(before: Option<TokenKind>) -> bool {
    use TokenKind::*;
    match before {
        None | Some(ParenOpen | BraceOpen | BracketOpen | Assign | Colon | Comma | Question) => true,
        Some(Plus | Minus | Star | Slash | Percent | And | Or | Not) => true,
        Some(Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual) => true,
        Some(_) => false,
    }
}

/// Puts the parts of lines that follow each other below each other: one space
/// after the widest of what stands before them.
fn align(
    lines: &[Line],
    tokens: &mut [Token<'_>],
    part: impl Fn(&Line) -> &Range<usize>,
    before: impl Fn(&Line) -> Range<usize>,
) {
    for group in lines.chunk_by(|a, b| part(a).is_empty() == part(b).is_empty()) {
        if part(&group[0]).is_empty() {
            continue;
        }
        let widths: Vec<usize> = group.iter().map(|line| width(&tokens[before(line)])).collect();
        let widest = widths.iter().copied().max().unwrap_or(0);
        for (line, width) in group.iter().zip(widths) {
            tokens[part(line).start].spaces = widest - width + 1;
        }
    }
}

fn width(tokens: &[Token<'_>]) -> usize {
    tokens.iter().map(|t| t.spaces + columns(t.text)).sum()
}

/// Characters as a reader counts them.
fn columns(text: &str) -> usize {
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}
