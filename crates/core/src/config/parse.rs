//! HCL text to syntax. Together with `lower` the only place that names the
//! parser crate.
//!
//! Guarantees: everything has its place; duplicates and syntax errors become
//! diagnostics; no input makes it panic.
//! Must not: evaluate, or know which blocks there are.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure as edit;

use super::lower::Lowerer;
use super::syntax::{Attribute, Block, Body, Ident};
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::expr::Expr;

/// Files larger than this are refused: the parser needs many times their size.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// Parses one file. What could not be parsed is left out, with diagnostics.
pub(super) fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if text.len() > MAX_FILE {
        diagnostics.push(
            Diagnostic::error("File too large", "A configuration file may have 16 MiB at most.").at(Span {
                file,
                start: 0,
                end: 0,
            }),
        );
        return Body::default();
    }
    match hcl_edit::parser::parse_body(text) {
        Ok(body) => {
            let mut reader = Reader { lowerer: Lowerer::new(file, diagnostics) };
            reader.body(&body)
        }
        Err(error) => {
            let start = u32::try_from(error.location().offset()).unwrap_or(end).min(end);
            let width = text[start as usize..].chars().next().map_or(0, char::len_utf8);
            let span = Span { file, start, end: start + u32::try_from(width).unwrap_or(0) };
            diagnostics.push(
                Diagnostic::error(
                    "Invalid syntax",
                    format!("This is not valid HCL: {}.", error.message().trim_end_matches('.')),
                )
                .at(span),
            );
            Body::default()
        }
    }
}

/// The bare names in a list such as `[tags, ami]`, or the one bare name, read
/// from the text, since they are names of attributes and not references.
pub(super) fn keywords(expr: &Expr, sources: &SourceMap) -> Option<Vec<Arc<str>>> {
    let source = sources.get(expr.span.file)?;
    let text = source.text.get(expr.span.start as usize..expr.span.end as usize)?;
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let name = |part: &str| part.trim().split(['.', '[']).next().map(Arc::from);
    inner.split(',').filter(|part| !part.trim().is_empty()).map(name).collect()
}

struct Reader<'a> {
    lowerer: Lowerer<'a>,
}

impl Reader<'_> {
    fn body(&mut self, body: &edit::Body) -> Body {
        let mut result = Body::default();
        let mut seen: HashMap<String, Span> = HashMap::new();
        for structure in body {
            match structure {
                edit::Structure::Attribute(attribute) => {
                    let name = self.ident(&attribute.key, attribute.key.span());
                    if let Some(first) = seen.insert(name.name.to_string(), name.span) {
                        self.lowerer.error(
                            Diagnostic::error(
                                "Duplicate argument",
                                format!("The argument {:?} was already set in this block.", name.name),
                            )
                            .at(name.span)
                            .related(first, "first set here"),
                        );
                        continue;
                    }
                    let value = if matches!(&*name.name, "ignore_changes" | "type") {
                        self.lowerer.keyword(&attribute.value)
                    } else {
                        self.lowerer.expr(&attribute.value)
                    };
                    result.attributes.push(Attribute { name, value });
                }
                edit::Structure::Block(block) => {
                    let block = self.block(block);
                    result.blocks.push(block);
                }
            }
        }
        result
    }

    fn block(&mut self, block: &edit::Block) -> Block {
        let kind = self.ident(&block.ident, block.ident.span());
        let labels: Vec<Ident> =
            block.labels.iter().map(|label| self.ident(label.as_str(), label.span())).collect();
        // Inside `dynamic "x"`, the iterator is a name of the expressions.
        let iterator = (&*kind.name == "dynamic").then(|| {
            let named = block.body.get_attribute("iterator").and_then(|a| a.value.as_variable());
            named.map(|v| v.as_str().into()).or_else(|| labels.first().map(|l| l.name.clone()))
        });
        let iterator = iterator.flatten();
        let body = match iterator.clone() {
            None => self.body(&block.body),
            Some(iterator) => self.dynamic(&block.body, iterator),
        };
        Block { kind, labels, body, iterator }
    }

    /// The `for_each` of a dynamic block is outside its iterator's reach.
    fn dynamic(&mut self, body: &edit::Body, iterator: std::sync::Arc<str>) -> Body {
        let mut result = Body::default();
        for structure in body {
            match structure {
                edit::Structure::Attribute(a) if a.key.as_str() == "iterator" => {}
                edit::Structure::Attribute(a) => {
                    let name = self.ident(&a.key, a.key.span());
                    let value = self.lowerer.expr(&a.value);
                    result.attributes.push(Attribute { name, value });
                }
                edit::Structure::Block(block) => {
                    let block = self.lowerer_scope(iterator.clone(), |reader| reader.block(block));
                    result.blocks.push(block);
                }
            }
        }
        result
    }

    fn lowerer_scope<T>(&mut self, name: std::sync::Arc<str>, f: impl FnOnce(&mut Self) -> T) -> T {
        self.lowerer.push(name);
        let result = f(self);
        self.lowerer.pop();
        result
    }

    fn ident(&self, name: &str, span: Option<Range<usize>>) -> Ident {
        Ident { name: name.into(), span: self.lowerer.span(span) }
    }
}
