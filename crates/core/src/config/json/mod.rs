//! Configuration written as JSON, to the syntax tree that native syntax gives,
//! as HCL's JSON specification and Terraform's JSON configuration syntax say.
//!
//! JSON does not tell arguments from blocks, and nothing says how many names
//! belong to a block's head: `shape` knows it of the language's blocks, schemas
//! of the rest. `value` makes expressions of values: strings are templates,
//! but for where names or text are expected.
//!
//! Guarantees: everything has its place, inside strings too; mistakes of
//! structure are all reported; depth is bounded; no input makes it panic.
//! Must not: evaluate, or judge arguments.

mod shape;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use self::shape::Shape;
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::provider::Registry;
use crate::syntax::{Attribute, Block, Body, Ident, MAX_FILE};

/// How deep values may be nested.
const MAX_DEPTH: usize = 100;

/// So many mistakes of a file are told.
const MAX_MISTAKES: usize = 50;

/// A property of this name in place of an argument or block is a comment.
const COMMENT: &str = "//";

/// Reads a `*.tf.json` file. What is wrong in it is left out, with diagnostics.
pub(super) fn parse(file: FileId, text: &str, registry: &Registry, diagnostics: &mut Diagnostics) -> Body {
    Reader { file, text, registry: Some(registry), bound: Vec::new(), depth: 0, mistakes: 0, diagnostics }
        .file(Shape::ROOT)
}

/// Reads a `*.tfvars.json` file: its properties are arguments, their strings
/// plain text.
pub(super) fn parse_values(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    Reader { file, text, registry: None, bound: Vec::new(), depth: 0, mistakes: 0, diagnostics }
        .file(Shape::VALUES)
}

/// Reads a `*.tftest.json` file.
pub(crate) fn parse_test(
    file: FileId,
    text: &str,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Body {
    Reader { file, text, registry: Some(registry), bound: Vec::new(), depth: 0, mistakes: 0, diagnostics }
        .file(Shape::TEST)
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    registry: Option<&'a Registry>,
    /// Names of the elements of enclosing dynamic blocks.
    bound: Vec<Arc<str>>,
    depth: usize,
    mistakes: usize,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn file(&mut self, shape: Shape<'a>) -> Body {
        if self.text.len() > MAX_FILE {
            self.error("File too large", "A configuration file may have 16 MiB at most.", Range::new(0, 0));
            return Body::default();
        }
        let options = ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        match parse_to_ast(self.text, &CollectOptions::default(), &options) {
            Ok(parsed) => match parsed.value {
                Some(value) => self.body(&value, shape),
                None => {
                    self.error("Invalid JSON", "The file is empty; an object is expected.", Range::new(0, 0));
                    Body::default()
                }
            },
            Err(error) => {
                match error.kind() {
                    ParseErrorKind::NestingDepthExceeded => self.too_deep(error.range()),
                    ParseErrorKind::CommentsNotAllowed => {
                        let detail = "JSON has no comments.";
                        let hint = "A property named \"//\" in place of an argument is not looked at.";
                        self.report(Diagnostic::error("Invalid JSON", detail).hint(hint), error.range());
                    }
                    kind => self.error("Invalid JSON", format!("{kind}."), error.range()),
                }
                Body::default()
            }
        }
    }

    /// The arguments and blocks of an object, or of several that are one.
    fn body(&mut self, value: &Value<'_>, shape: Shape<'a>) -> Body {
        let mut body = Body::default();
        let mut seen: HashMap<Arc<str>, Span> = HashMap::new();
        for property in self.properties(value, "arguments and blocks") {
            let name = self.ident(property);
            if let Some(labels) = shape.labels(&name.name) {
                self.blocks(&property.value, &name, labels, &mut Vec::new(), shape, &mut body.blocks);
                continue;
            }
            // It has its name already, see `block`.
            if shape.kind == "dynamic" && &*name.name == "iterator" {
                continue;
            }
            if let Some(first) = seen.insert(name.name.clone(), name.span) {
                let detail = format!("The argument {:?} was already set in this block.", name.name);
                let error = Diagnostic::error("Duplicate argument", detail).related(first, "first set here");
                self.report(error, property.name_range());
                continue;
            }
            let value = self.argument(shape.kind, &name.name, &property.value);
            body.attributes.push(Attribute { name, value });
        }
        body
    }

    /// The properties of an object, or of all objects of an array, without
    /// comments.
    fn properties<'v, 't>(&mut self, value: &'v Value<'t>, what: &str) -> Vec<&'v ObjectProp<'t>> {
        let mut objects: Vec<&'v Object<'t>> = Vec::new();
        match value {
            Value::NullKeyword(_) => {}
            Value::Object(object) => objects.push(object),
            Value::Array(array) => {
                for element in &array.elements {
                    match element {
                        Value::Object(object) => objects.push(object),
                        other => self.wrong_type(other, &format!("an object with {what}")),
                    }
                }
            }
            other => self.wrong_type(other, &format!("an object with {what}, or an array of such objects")),
        }
        let all = objects.into_iter().flat_map(|object| &object.properties);
        all.filter(|property| property.name.as_str() != COMMENT).collect()
    }

    /// The blocks that a property stands for: an object for each label, and
    /// inside them one object or several.
    fn blocks(
        &mut self,
        value: &Value<'_>,
        kind: &Ident,
        missing: usize,
        labels: &mut Vec<Ident>,
        shape: Shape<'a>,
        blocks: &mut Vec<Block>,
    ) {
        if missing > 0 {
            let properties = self.properties(value, "a property for each label of the block");
            let is_empty = match value {
                Value::Object(_) => properties.is_empty(),
                Value::Array(array) => array.elements.is_empty(),
                // Nothing, or told already.
                _ => false,
            };
            if is_empty {
                let detail = format!("The labels of a {:?} block are names of properties here.", kind.name);
                self.error("Missing block label", detail, value.range());
            }
            for property in properties {
                labels.push(self.ident(property));
                self.blocks(&property.value, kind, missing - 1, labels, shape, blocks);
                labels.pop();
            }
            return;
        }
        match value {
            Value::NullKeyword(_) => {}
            Value::Object(_) => blocks.extend(self.block(value, kind, labels, shape)),
            Value::Array(array) => {
                for element in &array.elements {
                    blocks.extend(self.block(element, kind, labels, shape));
                }
            }
            other => {
                let want = "an object with the block's arguments, or an array of such objects";
                self.wrong_type(other, want);
            }
        }
    }

    fn block(
        &mut self,
        value: &Value<'_>,
        kind: &Ident,
        labels: &[Ident],
        shape: Shape<'a>,
    ) -> Option<Block> {
        if self.depth >= MAX_DEPTH {
            self.too_deep(value.range());
            return None;
        }
        let iterator = if &*kind.name == "dynamic" { iterator(value, labels) } else { None };
        let bound = self.bound.len();
        self.bound.extend(iterator.clone());
        self.depth += 1;
        let body = self.body(value, shape.inner(&kind.name, labels, self.registry));
        self.depth -= 1;
        self.bound.truncate(bound);
        // The head of a block is spread over the file; its last part is nearest.
        let span = labels.last().map_or(kind.span, |label| label.span);
        let kind = Ident { name: kind.name.clone(), span };
        Some(Block { kind, labels: labels.to_vec(), body, iterator })
    }

    fn ident(&self, property: &ObjectProp<'_>) -> Ident {
        Ident { name: property.name.as_str().into(), span: self.span(property.name_range()) }
    }

    fn span(&self, range: Range) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(range.start), end: offset(range.end) }
    }

    fn wrong_type(&mut self, found: &Value<'_>, want: &str) {
        let what = match found {
            Value::StringLit(_) => "a string",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(_) => "a boolean",
            Value::Object(_) => "an object",
            Value::Array(_) => "an array",
            Value::NullKeyword(_) => "null",
        };
        let detail = format!("Here stands {what}, but expected is {want}.");
        self.error("Incorrect JSON value type", detail, found.range());
    }

    fn too_deep(&mut self, range: Range) {
        let detail = format!("This is nested more than {MAX_DEPTH} levels deep.");
        self.error("Nested too deeply", detail, range);
    }

    fn error(&mut self, summary: &str, detail: impl Into<String>, range: Range) {
        self.report(Diagnostic::error(summary, detail), range);
    }

    fn report(&mut self, diagnostic: Diagnostic, range: Range) {
        self.mistakes += 1;
        if self.mistakes <= MAX_MISTAKES {
            self.diagnostics.push(diagnostic.at(self.span(range)));
        }
    }
}

/// The name of a dynamic block's element.
fn iterator(value: &Value<'_>, labels: &[Ident]) -> Option<Arc<str>> {
    let named = value.as_object().and_then(|object| object.get_string("iterator"));
    named.map(|name| Arc::from(&*name.value)).or_else(|| labels.first().map(|label| label.name.clone()))
}

trait NameRange {
    fn name_range(&self) -> Range;
}

impl NameRange for ObjectProp<'_> {
    fn name_range(&self) -> Range {
        self.name.range()
    }
}

#[cfg(test)]
mod tests;
