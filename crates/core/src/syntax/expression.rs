//! Tokens to expressions.

use std::sync::Arc;

use super::lexer::{Token, TokenKind};
use super::parser::{Parsed, Parser};
use super::reference::{bad_reference, bare_name, reference};
use super::template;
use crate::diag::Diagnostic;
use crate::expr::{BinaryOperator, Call, Expr, ExprKind, ForExpr, SPLAT, UnaryOperator};
use crate::value::{Number, Type, Value};

/// An operator between two operands and how strongly it binds.
fn operator(kind: TokenKind) -> Option<(BinaryOperator, u8)> {
    Some(match kind {
        TokenKind::Or => (BinaryOperator::Or, 1),
        TokenKind::And => (BinaryOperator::And, 2),
        TokenKind::Equal => (BinaryOperator::Equal, 3),
        TokenKind::NotEqual => (BinaryOperator::NotEqual, 3),
        TokenKind::Less => (BinaryOperator::Less, 4),
        TokenKind::LessOrEqual => (BinaryOperator::LessOrEqual, 4),
        TokenKind::Greater => (BinaryOperator::Greater, 4),
        TokenKind::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, 4),
        TokenKind::Plus => (BinaryOperator::Add, 5),
        TokenKind::Minus => (BinaryOperator::Subtract, 5),
        TokenKind::Star => (BinaryOperator::Multiply, 6),
        TokenKind::Slash => (BinaryOperator::Divide, 6),
        TokenKind::Percent => (BinaryOperator::Modulo, 6),
        _ => return None,
    })
}

impl Parser<'_> {
    /// An expression with all its operators.
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(|this| {
            let condition = this.operation(1)?;
            if this.take(TokenKind::Question).is_none() {
                return Ok(condition);
            }
            let yes = this.expression()?;
            if this.take(TokenKind::Colon).is_none() {
                let found = this.peek();
                let want = "A condition's two results are separated by a colon";
                return Err(this.unexpected("Incomplete condition", want, found));
            }
            let no = this.expression()?;
            let span = condition.span.to(no.span);
            Ok(Expr { kind: ExprKind::Conditional(Box::new((condition, yes, no))), span })
        })
    }

    /// Operands joined by operators that bind at least as strongly as `level`.
    fn operation(&mut self, level: u8) -> Parsed<Expr> {
        let mut left = self.operand()?;
        loop {
            let token = self.peek();
            let Some((operator, binds)) = operator(token.kind).filter(|(_, binds)| *binds >= level) else {
                return Ok(left);
            };
            self.next();
            let right = self.operation(binds + 1)?;
            self.taller(1, token)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(operator, Box::new((left, right))), span };
        }
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let token = self.peek();
        let operator = match token.kind {
            TokenKind::Minus => UnaryOperator::Negate,
            TokenKind::Not => UnaryOperator::Not,
            _ => {
                let term = self.term()?;
                return self.postfix(term);
            }
        };
        self.next();
        self.deeper(|this| {
            let operand = this.operand()?;
            let span = this.span(token).to(operand.span);
            Ok(Expr { kind: ExprKind::Unary(operator, Box::new(operand)), span })
        })
    }

    fn term(&mut self) -> Parsed<Expr> {
        let token = self.next();
        let span = self.span(token);
        match token.kind {
            TokenKind::Number => Ok(Expr::literal(self.number(token)?, span)),
            TokenKind::QuoteOpen => template::quoted(self, token),
            TokenKind::HeredocOpen => template::heredoc(self, token),
            TokenKind::Ident => self.named(token),
            TokenKind::ParenOpen => {
                let inner = self.with_lines(false, |this| {
                    let inner = this.expression()?;
                    this.closed_by(TokenKind::ParenClose, "parenthesis", token)?;
                    Ok(inner)
                })?;
                let span = span.to(self.span(self.last()));
                // What is taken of it is no part of the reference inside.
                match self.peek().kind {
                    TokenKind::Dot | TokenKind::BracketOpen => {
                        Ok(Expr { kind: ExprKind::Group(Box::new(inner)), span })
                    }
                    _ => Ok(Expr { span, ..inner }),
                }
            }
            TokenKind::BracketOpen => self.with_lines(false, |this| this.tuple(token)),
            TokenKind::BraceOpen => self.object(token),
            TokenKind::TemplateClose => Err(self.error(
                "Missing expression",
                "Between the braces of a template an expression is expected.",
                token,
            )),
            _ => Err(self.unexpected("Missing expression", "An expression is expected here", token)),
        }
    }

    fn number(&mut self, token: Token) -> Parsed<Value> {
        token.text(self.text).parse::<Number>().map(Value::from).map_err(|()| {
            self.error("Invalid number", "This number is too large or too small to be handled.", token)
        })
    }

    fn named(&mut self, token: Token) -> Parsed<Expr> {
        let name = token.text(self.text);
        let span = self.span(token);
        if matches!(self.peek().kind, TokenKind::ParenOpen | TokenKind::DoubleColon) {
            return self.call(token);
        }
        match name {
            "true" => return Ok(Expr::literal(true.into(), span)),
            "false" => return Ok(Expr::literal(false.into(), span)),
            "null" => return Ok(Expr::literal(Value::NULL, span)),
            _ => {}
        }
        if self.keywords || self.bound.iter().any(|bound| &**bound == name) {
            return Ok(Expr { kind: ExprKind::Variable(self.name(token)), span });
        }
        self.reference(token)
    }

    /// A name from outside the expression, with as many of the names after it
    /// as say what it is.
    fn reference(&mut self, root: Token) -> Parsed<Expr> {
        let text = self.text;
        let mut names: Vec<&str> = Vec::with_capacity(2);
        while names.len() < 2 {
            let (dot, name) = (self.ahead(2 * names.len()), self.ahead(2 * names.len() + 1));
            if dot.kind != TokenKind::Dot || name.kind != TokenKind::Ident {
                break;
            }
            names.push(name.text(text));
        }
        let span = self.span(root);
        let root = root.text(text);
        match reference(root, &names) {
            Some((reference, used)) => {
                for _ in 0..2 * used {
                    self.next();
                }
                let span = if used > 0 { span.to(self.span(self.last())) } else { span };
                Ok(Expr { kind: ExprKind::Reference(reference), span })
            }
            None if !self.judging => Ok(Expr::literal(Value::NULL, span)),
            None => {
                let alone =
                    names.is_empty() && !matches!(self.peek().kind, TokenKind::Dot | TokenKind::BracketOpen);
                let error = if alone { bare_name(root) } else { bad_reference(root) };
                // The syntax is right: what follows is read as usual.
                _ = self.report(error.at(span));
                Ok(Expr::literal(Value::unknown(Type::Dynamic), span))
            }
        }
    }

    fn call(&mut self, first: Token) -> Parsed<Expr> {
        let mut end = first;
        while self.take(TokenKind::DoubleColon).is_some() {
            end = self.next();
            if end.kind != TokenKind::Ident {
                return Err(self.unexpected("Invalid function name", "After \"::\" a name is expected", end));
            }
        }
        let span = self.span(first);
        let name: Arc<str> = self.name(Token { end: end.end, ..first });
        let open = self.next();
        if open.kind != TokenKind::ParenOpen {
            return Err(self.unexpected(
                "Invalid function call",
                "A function's name is followed by \"(\"",
                open,
            ));
        }
        let (args, expand) = self.with_lines(false, |this| {
            let mut args = Vec::new();
            loop {
                if this.take(TokenKind::ParenClose).is_some() {
                    return Ok((args, false));
                }
                args.push(this.expression()?);
                if this.take(TokenKind::Ellipsis).is_some() {
                    this.closed_by(TokenKind::ParenClose, "function call", open)?;
                    return Ok((args, true));
                }
                if this.take(TokenKind::Comma).is_none() {
                    this.closed_by(TokenKind::ParenClose, "function call", open)?;
                    return Ok((args, false));
                }
            }
        })?;
        let span = span.to(self.span(self.last()));
        Ok(Expr { kind: ExprKind::Call(Box::new(Call { name, args, expand })), span })
    }

    fn tuple(&mut self, open: Token) -> Parsed<Expr> {
        if self.is_for() {
            return self.for_expression(open, TokenKind::BracketClose);
        }
        let mut items = Vec::new();
        loop {
            if self.take(TokenKind::BracketClose).is_some() {
                break;
            }
            items.push(self.expression()?);
            if self.take(TokenKind::Comma).is_none() {
                self.closed_by(TokenKind::BracketClose, "list", open)?;
                break;
            }
        }
        let span = self.span(open).to(self.span(self.last()));
        Ok(Expr { kind: ExprKind::Tuple(items), span })
    }

    fn object(&mut self, open: Token) -> Parsed<Expr> {
        let is_for = self.with_lines(false, |this| Ok(this.is_for()))?;
        if is_for {
            return self.with_lines(false, |this| this.for_expression(open, TokenKind::BraceClose));
        }
        let items = self.with_lines(true, |this| {
            let mut items = Vec::new();
            loop {
                while this.take(TokenKind::Newline).is_some() {}
                if this.take(TokenKind::BraceClose).is_some() {
                    return Ok(items);
                }
                let key = this.object_key(open)?;
                let value = this.expression()?;
                items.push((key, value));
                let after = this.peek();
                match after.kind {
                    TokenKind::BraceClose | TokenKind::Newline => {}
                    TokenKind::Comma => _ = this.next(),
                    TokenKind::End => return Err(this.unclosed("object", open)),
                    _ => {
                        let want = "The next entry of an object comes after a comma or on a new line";
                        return Err(this.unexpected("Missing separator", want, after));
                    }
                }
            }
        })?;
        let mut items = items;
        items.shrink_to_fit();
        let span = self.span(open).to(self.span(self.last()));
        Ok(Expr { kind: ExprKind::Object(items), span })
    }

    /// A key and the sign after it. A key that looks like a name is that name.
    fn object_key(&mut self, open: Token) -> Parsed<Expr> {
        let first = self.peek();
        let after = self.ahead(1).kind;
        let plain = first.kind == TokenKind::Ident
            && matches!(
                after,
                TokenKind::Assign | TokenKind::Colon | TokenKind::Comma | TokenKind::BraceClose
            );
        let key = if plain {
            self.next();
            Expr::literal(Value::from(self.name(first)), self.span(first))
        } else {
            self.expression()?
        };
        if self.judging
            && !self.keywords
            && first.kind == TokenKind::Ident
            && matches!(&key.kind, ExprKind::Reference(_) | ExprKind::Attribute(..))
        {
            return Err(self.report(
                Diagnostic::error("Ambiguous object key", "A key with dots could be a reference or a text.")
                    .at(key.span)
                    .hint("Write it in parentheses when it is a reference, in quotes when it is a text."),
            ));
        }
        let sign = self.peek();
        match sign.kind {
            TokenKind::Assign | TokenKind::Colon => {
                self.next();
                Ok(key)
            }
            TokenKind::End => Err(self.unclosed("object", open)),
            _ => Err(self.unexpected(
                "Missing value",
                "After an object's key an equals sign is expected",
                sign,
            )),
        }
    }

    fn is_for(&mut self) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Ident && token.text(self.text) == "for"
    }

    fn for_expression(&mut self, open: Token, close: TokenKind) -> Parsed<Expr> {
        let (key_name, value_name, collection) = self.for_intro()?;
        if self.take(TokenKind::Colon).is_none() {
            let found = self.peek();
            return Err(self.unexpected(
                "Invalid for expression",
                "After the collection a colon is expected",
                found,
            ));
        }
        let object = close == TokenKind::BraceClose;
        let depth = self.bound.len();
        self.bound.extend(key_name.clone());
        self.bound.push(value_name.clone());
        let body = self.for_body(object);
        self.bound.truncate(depth);
        let (key, value, group, condition) = body?;
        self.closed_by(close, "for expression", open)?;
        let span = self.span(open).to(self.span(self.last()));
        let parts = ForExpr { key_name, value_name, collection, key, value, condition, group };
        Ok(Expr { kind: ExprKind::For(Box::new(parts)), span })
    }

    /// `for k, v in collection`.
    pub(super) fn for_intro(&mut self) -> Parsed<(Option<Arc<str>>, Arc<str>, Expr)> {
        self.next();
        let mut names = Vec::with_capacity(2);
        loop {
            let token = self.next();
            if token.kind != TokenKind::Ident {
                return Err(self.unexpected(
                    "Invalid for expression",
                    "After \"for\" a name is expected",
                    token,
                ));
            }
            names.push(self.name(token));
            if names.len() == 2 || self.take(TokenKind::Comma).is_none() {
                break;
            }
        }
        let token = self.next();
        if token.kind != TokenKind::Ident || token.text(self.text) != "in" {
            return Err(self.unexpected(
                "Invalid for expression",
                "After the names the word \"in\" is expected",
                token,
            ));
        }
        let collection = self.expression()?;
        let value_name = names.pop().unwrap_or_else(|| Arc::from("_"));
        Ok((names.pop(), value_name, collection))
    }

    fn for_body(&mut self, object: bool) -> Parsed<(Option<Expr>, Expr, bool, Option<Expr>)> {
        let mut value = self.expression()?;
        let mut key = None;
        let mut group = false;
        let arrow = self.peek();
        if object {
            if self.take(TokenKind::Arrow).is_none() {
                let want =
                    "A for expression in braces gives an object: its key and value are written KEY => VALUE";
                return Err(self.unexpected("Invalid for expression", want, arrow));
            }
            key = Some(std::mem::replace(&mut value, self.expression()?));
            group = self.take(TokenKind::Ellipsis).is_some();
        } else if matches!(arrow.kind, TokenKind::Arrow | TokenKind::Ellipsis) {
            let what =
                "A for expression in square brackets gives a list and has no keys; for an object use braces.";
            return Err(self.error("Invalid for expression", what, arrow));
        }
        let token = self.peek();
        let condition = if token.kind == TokenKind::Ident && token.text(self.text) == "if" {
            self.next();
            Some(self.expression()?)
        } else {
            None
        };
        Ok((key, value, group, condition))
    }

    /// What follows a term: names, indexes, splats.
    fn postfix(&mut self, mut source: Expr) -> Parsed<Expr> {
        loop {
            let token = self.peek();
            source = match token.kind {
                TokenKind::Dot => {
                    self.next();
                    if self.take(TokenKind::Star).is_some() {
                        self.attribute_splat(source, token)?
                    } else {
                        self.after_dot(source)?
                    }
                }
                TokenKind::BracketOpen => {
                    self.next();
                    if self.take(TokenKind::Star).is_some() {
                        self.closed_by(TokenKind::BracketClose, "splat", token)?;
                        let element = self.span(token).to(self.span(self.last()));
                        let element = Expr { kind: ExprKind::Variable(SPLAT.into()), span: element };
                        // Everything that follows is taken of each element.
                        let each = self.postfix(element)?;
                        splat(source, each)
                    } else {
                        // A key is a value, even where names are keywords.
                        let keywords = std::mem::replace(&mut self.keywords, false);
                        let key = self.with_lines(false, |this| {
                            let key = this.expression()?;
                            this.closed_by(TokenKind::BracketClose, "index", token)?;
                            Ok(key)
                        });
                        self.keywords = keywords;
                        let key = key?;
                        let span = source.span.to(self.span(self.last()));
                        Expr { kind: ExprKind::Index(Box::new((source, key))), span }
                    }
                }
                _ => return Ok(source),
            };
            self.taller(1, token)?;
        }
    }

    /// `.name`, or `.0` as it was once written.
    fn after_dot(&mut self, source: Expr) -> Parsed<Expr> {
        let token = self.next();
        let span = source.span.to(self.span(token));
        let text = token.text(self.text);
        match token.kind {
            TokenKind::Ident => {
                let name = self.name(token);
                Ok(Expr { kind: ExprKind::Attribute(Box::new(source), name), span })
            }
            TokenKind::Number if text.bytes().all(|b| b.is_ascii_digit()) => {
                let key = Expr::literal(self.number(token)?, self.span(token));
                Ok(Expr { kind: ExprKind::Index(Box::new((source, key))), span })
            }
            TokenKind::Number => {
                let indexes: String = text.split('.').map(|part| format!("[{part}]")).collect();
                Err(self.error(
                    "Invalid index",
                    format!("Two indexes after one another are written in brackets: {indexes}."),
                    token,
                ))
            }
            _ => Err(self.unexpected("Invalid attribute name", "After a dot a name is expected", token)),
        }
    }

    /// `.*` reaches over the names and numbers that follow, and no further.
    fn attribute_splat(&mut self, source: Expr, dot: Token) -> Parsed<Expr> {
        let span = self.span(dot).to(self.span(self.last()));
        let mut each = Expr { kind: ExprKind::Variable(SPLAT.into()), span };
        while let Some(dot) = self.take(TokenKind::Dot) {
            if let Some(star) = self.take(TokenKind::Star) {
                return Err(self.error(
                    "Nested splat",
                    "Inside a splat with \".*\" there is no other; use [*].",
                    star,
                ));
            }
            each = self.after_dot(each)?;
            self.taller(1, dot)?;
        }
        Ok(splat(source, each))
    }

    /// The token that closes what `open` opened.
    fn closed_by(&mut self, kind: TokenKind, what: &str, open: Token) -> Parsed<()> {
        let found = self.peek();
        if found.kind == kind {
            self.next();
            return Ok(());
        }
        if found.kind == TokenKind::End {
            return Err(self.unclosed(what, open));
        }
        let close = match kind {
            TokenKind::ParenClose => ")",
            TokenKind::BracketClose => "]",
            _ => "}",
        };
        let or = if matches!(what, "list" | "function call") { "a comma or " } else { "" };
        let want = format!("This {what} goes on with {or}{close:?}");
        Err(self.unexpected("Missing closing bracket", &want, found))
    }

    fn unclosed(&mut self, what: &str, open: Token) -> super::parser::Reported {
        self.error(
            "Missing closing bracket",
            format!("The {what} that begins here is not closed before the end of the file."),
            open,
        )
    }
}

fn splat(source: Expr, each: Expr) -> Expr {
    let span = source.span.to(each.span);
    Expr { kind: ExprKind::Splat(Box::new((source, each))), span }
}
