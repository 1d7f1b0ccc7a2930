//! Values for the root module's variables, as they are given from outside.
//!
//! Guarantees: a value from a file keeps its place there.

use std::collections::BTreeMap;
use std::path::Path;

use super::model::{Module, Settings};
use super::reader::{Constants, constant_expr, plain_expr};
use super::{files, json};
use crate::diag::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::expr::Expr;
use crate::syntax::{Attribute, parse_expression, parse_file};
use crate::value::Type;

/// The value of a variable, and where it comes from.
#[derive(Clone, Debug)]
pub enum Given {
    /// `TF_VAR_name`, which may be meant for others.
    Environment(String),
    /// `-var`.
    CommandLine(String),
    /// From a file of values: judged when nothing takes its place.
    File(Expr),
}

/// Reads a file of values: `*.tfvars`, `*.tfvars.json`; it may be a pipe when it
/// `is_named` by somebody.
pub fn read_values(
    path: &Path,
    is_named: bool,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, Given)> {
    let text = match files::read(path, is_named) {
        Ok(text) => text,
        Err(problem) => {
            diagnostics.push(*problem);
            return Vec::new();
        }
    };
    let file = sources.add(files::shown(path), text.as_str());
    let body = if files::is_json(path) {
        json::parse_values(file, &text, diagnostics)
    } else {
        parse_file(file, &text, diagnostics)
    };
    for block in &body.blocks {
        let detail = "A file of values has no blocks, only arguments.";
        diagnostics.push(Diagnostic::error("Unexpected block", detail).at(block.header()));
    }
    let given = |one: &Attribute| (one.name.name.to_string(), Given::File(one.value.clone()));
    body.attributes.iter().map(given).collect()
}

/// The values of a module's variables with their places; the last one wins.
pub(super) fn settings(
    module: &Module,
    given: &[(String, Given)],
    sources: &SourceMap,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> Settings {
    let mut settings = Settings::new();
    hide(module, sources);
    let last: BTreeMap<&str, usize> = given.iter().enumerate().map(|(at, (name, _))| (&**name, at)).collect();
    for (at, (name, given)) in given.iter().enumerate() {
        let Some(variable) = module.variables.iter().find(|v| *v.name.name == **name) else {
            diagnostics.extend(undeclared(module, name, given));
            continue;
        };
        if let Some(words) = &variable.deprecated {
            let detail = format!("The variable {name:?} is deprecated: {words}");
            let at = if let Given::File(expr) = given { expr.span } else { variable.name.span };
            diagnostics.push(Diagnostic::warning("Deprecated variable is set", detail).at(at));
        }
        let is_secret = variable.sensitive || variable.ephemeral;
        if let (Given::File(expr), true) = (given, is_secret) {
            sources.hide(expr.span);
        }
        // What another value takes the place of may be anything.
        if last[&**name] != at {
            continue;
        }
        let text = match given {
            Given::File(expr) => {
                let what = "What a file of values sets";
                let value = plain_expr(expr, &Type::Dynamic, what, scope, diagnostics);
                settings.extend(value.map(|value| (name.as_str().into(), (value, expr.span))));
                continue;
            }
            Given::Environment(text) | Given::CommandLine(text) => text,
        };
        // An expression, unless the variable is a string, as one without a type is.
        let ty = &variable.constraint.ty;
        if !variable.is_typed
            || matches!(ty, Type::String | Type::Number | Type::Bool)
            || (*ty == Type::Dynamic && !text.starts_with(['[', '{', '"']))
        {
            settings.insert(name.as_str().into(), (text.as_str().into(), variable.name.span));
            continue;
        }
        let file = sources.add(format!("<value for var.{name}>"), text.as_str());
        if is_secret {
            sources.hide(Span { file, start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) });
        }
        if let Some(expr) = parse_expression(file, text, diagnostics)
            && let Some(value) = constant_expr(&expr, &Type::Dynamic, scope, diagnostics)
        {
            settings.insert(name.as_str().into(), (value, expr.span));
        }
    }
    settings
}

/// Hides what files of values set secret variables to, line by line: a file
/// with a mistake in it has no values.
fn hide(module: &Module, sources: &SourceMap) {
    let secret = module.variables.iter().filter(|v| v.sensitive || v.ephemeral);
    let names: Vec<&str> = secret.map(|v| &*v.name.name).collect();
    if names.is_empty() {
        return;
    }
    for id in (0..).map(FileId) {
        let Some(source) = sources.get(id) else { return };
        let path = source.path.to_string_lossy();
        if !path.ends_with(".tfvars") && !path.ends_with(".tfvars.json") {
            continue;
        }
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let named = |name: &&str| {
                let rest = line.trim_start().trim_start_matches('"').strip_prefix(*name);
                rest.is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(['=', ':']))
            };
            let sign = line.find(['=', ':']).filter(|_| names.iter().any(named));
            if let Some(sign) = sign {
                let offset = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
                sources.hide(Span { file: id, start: offset(sign + 1), end: offset(line.len()) });
            }
            start += line.len();
        }
    }
}

/// What a value for a variable that is not there is answered with.
fn undeclared(module: &Module, name: &str, given: &Given) -> Option<Diagnostic> {
    let known = module.variables.iter().map(|v| &*v.name.name);
    let words = format!("There is no variable {name:?} to be set.");
    match given {
        Given::Environment(_) => None,
        Given::CommandLine(_) => Some(Diagnostic::error("Undeclared variable", words).suggest(name, known)),
        // A file of values may serve several configurations.
        Given::File(expr) => {
            Some(Diagnostic::warning("Undeclared variable", words).at(expr.span).suggest(name, known))
        }
    }
}
