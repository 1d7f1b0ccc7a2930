//! What the canonical form says in other words: labels in quotes, no quotes
//! around a lone interpolation, types as they are written today.
//!
//! Guarantees: the meaning stays, no comment is lost, and what it gives it
//! leaves as it is.

use super::token::Token;
use crate::syntax::lexer::TokenKind;

/// Rewrites a file's tokens.
pub(super) fn rewrite<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut done = Vec::with_capacity(tokens.len());
    // For each open block whether it is a variable at the top.
    let mut blocks: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            TokenKind::Ident => {
                let rest = &tokens[at + 1..];
                let next = rest.iter().find(|t| !t.is_comment()).map(|t| t.kind);
                done.push(*token);
                at += 1;
                if next == Some(TokenKind::Assign) {
                    let is_type = blocks == [true] && token.text == "type";
                    at += attribute(rest, is_type, &mut done);
                } else {
                    at += labels(rest, &mut done);
                    if tokens.get(at).is_some_and(|t| t.kind == TokenKind::BraceOpen) {
                        blocks.push(blocks.is_empty() && token.text == "variable");
                        done.push(tokens[at]);
                        at += 1;
                    }
                }
                continue;
            }
            TokenKind::BraceClose => drop(blocks.pop()),
            _ => {}
        }
        done.push(*token);
        at += 1;
    }
    done
}

/// What follows the name of a block up to its brace. Gives how many tokens.
fn labels<'a>(tokens: &[Token<'a>], done: &mut Vec<Token<'a>>) -> usize {
    let ends = |t: &Token<'_>| matches!(t.kind, TokenKind::BraceOpen | TokenKind::Newline | TokenKind::End);
    let count = tokens.iter().position(ends).unwrap_or(tokens.len());
    for token in &tokens[..count] {
        if token.kind == TokenKind::Ident {
            let quote = |kind| Token::new(kind, "\"");
            let text = Token::new(TokenKind::Text, token.text);
            done.extend([quote(TokenKind::QuoteOpen), text, quote(TokenKind::QuoteClose)]);
        } else {
            done.push(*token);
        }
    }
    count
}

/// What follows the name of an attribute, up to its end. Gives how many
/// tokens.
fn attribute<'a>(tokens: &[Token<'a>], is_type: bool, done: &mut Vec<Token<'a>>) -> usize {
    let is_remark = |t: &Token<'_>| t.is_comment() || t.kind == TokenKind::Assign;
    let start = tokens.iter().position(|t| !is_remark(t)).unwrap_or(tokens.len());
    let mut depth = 0;
    let is_end = |t: &Token<'_>| {
        depth += t.nesting();
        // The brace of a block that is one line.
        depth < 0 || t.kind == TokenKind::End || depth == 0 && t.kind == TokenKind::Newline
    };
    let end = tokens[start..].iter().position(is_end).map_or(tokens.len(), |length| start + length);
    let trailing = tokens[start..end].iter().rev().take_while(|t| t.is_comment()).count();
    let expression = &tokens[start..end - trailing];
    done.extend_from_slice(&tokens[..start]);
    match type_expression(expression) {
        Some(expression) if is_type => done.extend(expression),
        _ => value(expression, done),
    }
    done.extend_from_slice(&tokens[end - trailing..end]);
    end
}

/// A type in an old notation in today's.
fn type_expression<'a>(tokens: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let of = |name: &'a str, element| {
        vec![
            Token::new(TokenKind::Ident, name),
            Token::new(TokenKind::ParenOpen, "("),
            Token::new(TokenKind::Ident, element),
            Token::new(TokenKind::ParenClose, ")"),
        ]
    };
    match tokens {
        [Token { kind: TokenKind::Ident, text: name @ ("list" | "map" | "set"), .. }] => {
            Some(of(name, "any"))
        }
        [
            Token { kind: TokenKind::QuoteOpen, .. },
            Token { kind: TokenKind::Text, text: name, .. },
            Token { kind: TokenKind::QuoteClose, .. },
        ] => match *name {
            "string" => Some(vec![Token::new(TokenKind::Ident, name)]),
            // The language that wrote types so had lists and maps of strings.
            "list" | "map" => Some(of(name, "string")),
            _ => None,
        },
        _ => None,
    }
}

/// `"${x}"` is `x`.
fn value<'a>(mut tokens: &[Token<'a>], done: &mut Vec<Token<'a>>) {
    while let Some(inner) = sole_interpolation(tokens) {
        tokens = inner;
        if tokens.iter().any(|t| t.kind == TokenKind::Newline) && !is_in_parens(tokens) {
            // Without quotes an expression goes over several lines in
            // parentheses only.
            done.push(Token::new(TokenKind::ParenOpen, "("));
            done.extend_from_slice(tokens);
            done.push(Token::new(TokenKind::ParenClose, ")"));
            return;
        }
    }
    done.extend_from_slice(tokens);
}

/// What stands inside the only interpolation of a string, without line ends
/// around it.
fn sole_interpolation<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let [open, interpolation, inside @ .., end, close] = tokens else { return None };
    let is_one = open.kind == TokenKind::QuoteOpen
        && interpolation.kind == TokenKind::InterpolationOpen
        && end.kind == TokenKind::TemplateClose
        && close.kind == TokenKind::QuoteClose;
    if !is_one || inside.is_empty() {
        return None;
    }
    let mut quotes = 0;
    for token in inside {
        match token.kind {
            TokenKind::QuoteOpen => quotes += 1,
            TokenKind::QuoteClose => quotes -= 1,
            TokenKind::InterpolationOpen | TokenKind::TemplateClose if quotes == 0 => return None,
            TokenKind::Text if quotes == 0 => return None,
            _ => {}
        }
    }
    let is_text = |t: &Token<'_>| t.kind != TokenKind::Newline;
    let start = inside.iter().position(is_text)?;
    let last = inside.iter().rposition(is_text)?;
    // Without its line's end a comment would reach into what follows.
    let end = last + usize::from(inside[last].kind == TokenKind::LineComment);
    inside.get(start..=end)
}

/// Whether one pair of parentheses encloses everything.
fn is_in_parens(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0;
    let closes = |t: &Token<'_>| {
        depth += t.nesting();
        depth == 0
    };
    tokens[0].kind == TokenKind::ParenOpen && tokens.iter().position(closes) == Some(tokens.len() - 1)
}
