//! Bodies: attributes and blocks, and going on after a mistake.

use std::sync::Arc;

use super::super::MAX_HEIGHT;
use super::super::lexer::{Token, TokenKind};
use super::super::tree::{Attribute, Block, Body, Ident};
use super::{MAX_MISTAKES, Parsed, Parser, Reported};
use crate::diag::Diagnostic;
use crate::expr::Expr;

impl Parser<'_> {
    pub(in super::super) fn file(mut self) -> Body {
        let mut body = Body { blocks: Vec::with_capacity(self.outermost_blocks()), ..Body::default() };
        while self.peek().kind != TokenKind::End && self.mistakes <= MAX_MISTAKES {
            // At the top there is nobody to go further up to.
            _ = self.items(&mut body, None, "");
            if self.peek().kind == TokenKind::BraceClose {
                let brace = self.next();
                self.error("Unexpected closing brace", "No block is open that this could close.", brace);
            }
        }
        self.refuse_duplicates(&mut body);
        body
    }

    /// How many blocks the file has that are in no other, or a few more.
    fn outermost_blocks(&self) -> usize {
        let mut open = 0_usize;
        let begins = self.tokens.iter().filter(|token| {
            let outside = open == 0;
            match token.kind {
                TokenKind::BraceOpen => open += 1,
                TokenKind::BraceClose => open = open.saturating_sub(1),
                _ => {}
            }
            outside && token.kind == TokenKind::BraceOpen
        });
        // None is shorter than its name and its braces on lines of their own.
        begins.count().min(self.text.len() / 16)
    }

    /// Attributes and blocks up to the brace that closes the body, or the end.
    /// `open` is the brace that opened it, `kind` the type of its block.
    fn items(&mut self, body: &mut Body, open: Option<Token>, kind: &str) -> Parsed<()> {
        loop {
            let token = self.peek();
            match token.kind {
                TokenKind::Newline => _ = self.next(),
                TokenKind::BraceClose => return Ok(()),
                TokenKind::End => {
                    let Some(open) = open else { return Ok(()) };
                    let detail = "There is no closing brace for this block before the end of the file.";
                    return Err(self.error("Unclosed block", detail, open));
                }
                _ => {
                    let start = self.at;
                    if self.item(body, kind).is_err() {
                        let left = self.recover(start) || self.peek().kind == TokenKind::End;
                        if left && open.is_some() {
                            return Err(Reported);
                        }
                    }
                }
            }
        }
    }

    fn item(&mut self, body: &mut Body, kind: &str) -> Parsed<()> {
        let token = self.next();
        if token.kind != TokenKind::Ident {
            let want = "An argument or block is expected here, which begins with a name";
            if token.kind == TokenKind::QuoteOpen {
                return Err(self.error(
                    "Invalid argument name",
                    "Argument names are written without quotes.",
                    token,
                ));
            }
            return Err(self.unexpected("Argument or block expected", want, token));
        }
        let name = self.ident(token);
        match self.peek().kind {
            TokenKind::Assign => {
                self.next();
                let value = self.argument(kind, &name)?;
                // The iterator of a dynamic block is part of its header.
                if (kind, &*name.name) != ("dynamic", "iterator") {
                    push(&mut body.attributes, Attribute { name, value });
                }
                self.end_of_line("argument")
            }
            TokenKind::BraceOpen | TokenKind::QuoteOpen | TokenKind::Ident => {
                let block = self.block(name)?;
                push(&mut body.blocks, block);
                self.end_of_line("block")
            }
            TokenKind::Colon => {
                let colon = self.next();
                let what =
                    "An argument's name and its value are separated by an equals sign, not by a colon.";
                Err(self.error("Invalid argument", what, colon))
            }
            _ => Err(self.error(
                "Argument or block expected",
                "After a name comes an equals sign and a value, or a block with its labels and braces.",
                token,
            )),
        }
    }

    fn argument(&mut self, kind: &str, name: &Ident) -> Parsed<Expr> {
        // What a dynamic block goes through is outside its iterator's reach.
        let iterator = if (kind, &*name.name) == ("dynamic", "for_each") { self.bound.pop() } else { None };
        let outer = self.keywords;
        self.keywords = takes_keywords(kind, &name.name);
        self.tallest = 0;
        let value = self.expression();
        self.keywords = outer;
        self.bound.extend(iterator);
        value
    }

    fn end_of_line(&mut self, what: &str) -> Parsed<()> {
        let token = self.peek();
        match token.kind {
            TokenKind::Newline | TokenKind::End => Ok(()),
            TokenKind::Comma => Err(self.error(
                "Unexpected comma",
                format!("An {what} ends with its line; there is no comma between arguments of a block."),
                token,
            )),
            _ => {
                let article = if what == "argument" { "an" } else { "a" };
                Err(self.unexpected(
                    "Missing newline",
                    &format!("After {article} {what} a new line is expected"),
                    token,
                ))
            }
        }
    }

    fn block(&mut self, kind: Ident) -> Parsed<Block> {
        let mut labels = Vec::new();
        let open = loop {
            let token = self.next();
            match token.kind {
                TokenKind::BraceOpen => break token,
                TokenKind::Ident => push(&mut labels, self.ident(token)),
                TokenKind::QuoteOpen => push(&mut labels, self.label(token)?),
                TokenKind::Assign => {
                    return Err(self.error(
                        "Invalid block",
                        "The equals sign belongs to an argument, which has no labels; a block has none.",
                        token,
                    ));
                }
                // What follows is read as the block that it is.
                TokenKind::Newline if self.peek().kind == TokenKind::BraceOpen => {
                    let detail = "The opening brace of a block stands on the line of its name.";
                    let brace = self.peek();
                    _ = self.error("Invalid block", detail, brace);
                }
                _ => {
                    return Err(self.unexpected(
                        "Invalid block",
                        "An argument's name is followed by \"=\", a block's labels by \"{\"",
                        token,
                    ));
                }
            }
        };
        if self.depth >= MAX_HEIGHT {
            return Err(self.too_deep(open));
        }
        // Inside `dynamic "x"`, the iterator is a name of the expressions.
        let iterator = if &*kind.name == "dynamic" { self.iterator(&labels) } else { None };
        let bound = self.bound.len();
        self.bound.extend(iterator.clone());
        self.depth += 1;
        let body = self.block_body(&kind.name, open);
        self.depth -= 1;
        self.bound.truncate(bound);
        Ok(Block { kind, labels, body: body?, iterator })
    }

    fn block_body(&mut self, kind: &str, open: Token) -> Parsed<Body> {
        let mut body = Body::default();
        match self.peek().kind {
            TokenKind::Newline | TokenKind::BraceClose | TokenKind::End => {
                self.items(&mut body, Some(open), kind)?;
            }
            // `{ name = value }` on one line has one argument at most.
            TokenKind::Ident if self.ahead(1).kind == TokenKind::Assign => {
                let token = self.next();
                let name = self.ident(token);
                self.next();
                let value = self.argument(kind, &name)?;
                push(&mut body.attributes, Attribute { name, value });
                if self.peek().kind != TokenKind::BraceClose {
                    let detail = "A block on one line has one argument and then its closing brace; \
                                  write each argument of a longer block on its own line";
                    let found = self.peek();
                    return Err(self.unexpected("Invalid one-line block", detail, found));
                }
            }
            _ => {
                let detail = "A block on one line holds one argument; write longer ones on several lines";
                let found = self.peek();
                return Err(self.unexpected("Invalid one-line block", detail, found));
            }
        }
        self.next();
        self.refuse_duplicates(&mut body);
        Ok(body)
    }

    /// The name of a dynamic block's element: its `iterator`, found by looking
    /// ahead since expressions before it may use it, or its label.
    fn iterator(&mut self, labels: &[Ident]) -> Option<Arc<str>> {
        let mut nesting = 0u32;
        let mut at = self.at;
        while let Some([name, assign, value]) = self.tokens.get(at..at + 3) {
            match name.kind {
                TokenKind::BraceOpen => nesting += 1,
                TokenKind::BraceClose if nesting == 0 => break,
                TokenKind::BraceClose => nesting -= 1,
                TokenKind::Ident
                    if nesting == 0
                        && assign.kind == TokenKind::Assign
                        && value.kind == TokenKind::Ident
                        && name.text(self.text) == "iterator" =>
                {
                    return Some(self.name(*value));
                }
                _ => {}
            }
            at += 1;
        }
        labels.first().map(|l| l.name.clone())
    }

    fn label(&mut self, open: Token) -> Parsed<Ident> {
        let mut name = String::new();
        loop {
            let token = self.next();
            match token.kind {
                TokenKind::Text => name.push_str(&self.unescape(token, true)?),
                TokenKind::QuoteClose => {
                    let span = self.span(open).to(self.span(token));
                    return Ok(Ident { name: name.into(), span });
                }
                TokenKind::Invalid | TokenKind::End => return Err(self.unclosed_string(open)),
                _ => {
                    let detail = "A block's label is plain text: it takes no template.";
                    return Err(self.error("Invalid label", detail, token));
                }
            }
        }
    }

    fn refuse_duplicates(&mut self, body: &mut Body) {
        let mut order: Vec<usize> = (0..body.attributes.len()).collect();
        let name = |i: usize| &*body.attributes[i].name.name;
        order.sort_by(|a, b| name(*a).cmp(name(*b)).then(a.cmp(b)));
        let mut again: Vec<usize> = Vec::new();
        for pair in order.chunk_by(|a, b| name(*a) == name(*b)) {
            again.extend(&pair[1..]);
            for later in &pair[1..] {
                let (first, later) = (&body.attributes[pair[0]].name, &body.attributes[*later].name);
                let detail = format!("The argument {:?} was already set in this block.", later.name);
                let error = Diagnostic::error("Duplicate argument", detail).at(later.span);
                self.report(error.related(first.span, "first set here"));
            }
        }
        again.sort_unstable();
        let (mut index, mut again) = (0, again.into_iter().peekable());
        body.attributes.retain(|_| {
            index += 1;
            again.next_if_eq(&(index - 1)).is_none()
        });
    }

    /// Skips what is left of the item that began at a token: to the end of the
    /// line on which its brackets are closed, or to what looks like a block at
    /// the start of a line. True when that block is not of this body.
    fn recover(&mut self, start: usize) -> bool {
        self.lines = true;
        if self.mistakes > MAX_MISTAKES {
            self.at = self.tokens.len() - 1;
            return false;
        }
        // An end of line that was met where it does not belong is still one.
        let failed = if self.last().kind == TokenKind::Newline { self.at - 1 } else { self.at };
        let mut open: Vec<TokenKind> = Vec::new();
        self.at = start;
        loop {
            let token = self.peek();
            let past = self.at >= failed && self.at > start;
            match token.kind {
                TokenKind::End => return false,
                TokenKind::Newline if open.is_empty() && self.at >= failed => return false,
                TokenKind::BraceOpen
                | TokenKind::BracketOpen
                | TokenKind::ParenOpen
                | TokenKind::InterpolationOpen
                | TokenKind::DirectiveOpen => open.push(token.kind),
                // A brace closes what was left open inside it.
                TokenKind::BraceClose => match open.iter().rposition(|k| *k == TokenKind::BraceOpen) {
                    Some(at) => open.truncate(at),
                    None if self.at > start => return false,
                    None => {}
                },
                TokenKind::BracketClose | TokenKind::ParenClose | TokenKind::TemplateClose
                    if open.last().is_some_and(|k| *k != TokenKind::BraceOpen) =>
                {
                    open.pop();
                }
                TokenKind::Ident if past && self.begins_block(token) => return true,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether a token is the first of its line and followed by what a block
    /// at the top of a file has.
    fn begins_block(&self, token: Token) -> bool {
        let line_start = self.text.as_bytes()[..token.start as usize].last() == Some(&b'\n');
        line_start
            && matches!(self.ahead(1).kind, TokenKind::QuoteOpen | TokenKind::BraceOpen | TokenKind::Ident)
    }
}

/// Adds to a list that most often has one element or two, of which there are
/// as many as blocks.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len().max(1));
    }
    list.push(item);
}

/// Whether bare names are keywords in an argument of a block.
pub(crate) fn takes_keywords(kind: &str, argument: &str) -> bool {
    matches!(
        (kind, argument),
        ("variable", "type")
            | ("dynamic", "iterator")
            | ("lifecycle", "ignore_changes")
            | ("resource" | "data" | "ephemeral" | "import", "provider")
            | ("module" | "run", "providers")
            | ("provisioner", "when" | "on_failure")
            | ("run", "command")
            | ("plan_options", "mode")
            | ("terraform", "experiments" | "language")
            | ("language", "experiments" | "edition")
    ) || kind == "required_providers"
}
