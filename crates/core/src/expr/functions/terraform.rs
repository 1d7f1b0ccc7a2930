//! The functions of the provider `terraform`: values to and from the language.
//!
//! Guarantees: what is written reads back to the same value; what is read is
//! values only, without references and calls.
//! Must not: know which module calls them by which name; `config` checks that.

use unicode_normalization::char::is_combining_mark;

use super::declare::{Fault, Function, Returns, Want, check_size, failure, fault, param, quoting, text};
use super::{FunctionContext, Language};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::expr::{EvalResult, Expr, ExprKind, Reference, Scope, evaluate};
use crate::value::{Kind, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "provider::terraform::decode_tfvars",
        &[param("content", Want::String)],
        Returns::Any,
        decode_tfvars,
    ),
    Function::new(
        "provider::terraform::encode_expr",
        &[param("expr", Want::Any)],
        Returns::String,
        |args, context| Ok(written(&args[0], context.language)?.into()),
    ),
    Function::new(
        "provider::terraform::encode_tfvars",
        &[param("input", Want::Any)],
        Returns::String,
        encode_tfvars,
    ),
];

/// The file of places in a text that is no file.
const TEXT: FileId = FileId(u32::MAX);

fn decode_tfvars(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut diagnostics = Diagnostics::new();
    let unreadable = |why: &str| {
        let why = why.trim_end_matches('.');
        quoting(0, format!("it is no file of values: {why}"), "it is no file of values")
    };
    let Some(expr) = (context.language.values)(TEXT, text(args, 0), &mut diagnostics) else {
        let first = diagnostics.iter().next().map(|found| found.detail.clone());
        return Err(unreadable(&first.unwrap_or_else(|| "it cannot be read".into())));
    };
    if has_calls(&expr) {
        return Err(unreadable("functions may not be called there"));
    }
    evaluate(&expr, &Nothing(context)).map_err(|error| unreadable(&error.detail))
}

/// Whether something is called in it.
fn has_calls(expr: &Expr) -> bool {
    let mut found = matches!(expr.kind, ExprKind::Call(_));
    expr.for_each_child(&mut |child| found = found || has_calls(child));
    found
}

/// A scope without names.
struct Nothing<'c>(&'c FunctionContext<'c>);

impl Scope for Nothing<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let detail = format!("{reference} may not be used there");
        Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)))
    }

    fn functions(&self) -> FunctionContext<'_> {
        *self.0
    }
}

fn encode_tfvars(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let Kind::Object(entries) = args[0].kind() else { return Err(fault(0, "an object is needed")) };
    let mut out = String::new();
    for (name, value) in entries.iter() {
        if !is_name(name) {
            let discreet = "an attribute's name is none that an argument may have";
            return Err(quoting(0, format!("{name:?} cannot be the name of an argument"), discreet));
        }
        out.push_str(name);
        out.push_str(" = ");
        out.push_str(&written(value, context.language)?);
        out.push('\n');
        check_size(Some(out.len()))?;
    }
    Ok(out.into())
}

/// A value as an expression in the canonical layout.
fn written(value: &Value, language: &Language) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok((language.layout)(&out))
}

fn write(value: &Value, out: &mut String) -> Result<(), Fault> {
    check_size(Some(out.len()))?;
    match value.kind() {
        Kind::Null(_) => out.push_str("null"),
        Kind::Unknown(_) => return Err(failure("the value is not known yet")),
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Number(n) if n.is_infinite() => return Err(failure("infinity cannot be written")),
        Kind::Number(n) => out.push_str(&n.to_string()),
        Kind::String(s) => quote(s, out),
        Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => {
            out.push('[');
            for (i, item) in value.as_items().into_iter().flatten().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Kind::Map(_) | Kind::Object(_) => {
            let entries = value.as_entries().filter(|entries| !entries.is_empty());
            out.push_str(if entries.is_some() { "{\n" } else { "{" });
            for (name, item) in entries.into_iter().flatten() {
                if is_name(name) {
                    out.push_str(name);
                } else {
                    quote(name, out);
                }
                out.push_str(" = ");
                write(item, out)?;
                out.push('\n');
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Text in quotes, in which nothing is a template.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => out.extend([c, c]),
            _ if c == '\'' || c.escape_debug().len() == 1 || is_combining_mark(c) => out.push(c),
            '\0'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

/// Whether a text is a name as the language has it.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c))
        && chars.all(|c| c == '-' || unicode_ident::is_xid_continue(c))
}
