//! Type constraints: `list(object({ a = optional(string, "x") }))`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reader::{Constants, constant_expr};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Constraint, Defaults, Expr, ExprKind};
use crate::value::{ObjectType, Type};

/// Reads a type expression, which the parser has kept as keywords.
pub(super) fn type_constraint(
    expr: &Expr,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> Constraint {
    let bad = |diagnostics: &mut Diagnostics, detail: String| {
        diagnostics.push(Diagnostic::error("Invalid type", detail).at(expr.span).hint(
            "Types are string, number, bool, any, list(T), set(T), map(T), object({ name = T }) and tuple([T]).",
        ));
        Constraint::default()
    };
    match &expr.kind {
        ExprKind::Variable(name) => match &**name {
            "string" => plain(Type::String),
            "number" => plain(Type::Number),
            "bool" => plain(Type::Bool),
            "any" => plain(Type::Dynamic),
            "list" => plain(Type::list(Type::Dynamic)),
            "map" => plain(Type::map(Type::Dynamic)),
            other => bad(diagnostics, format!("There is no type {other:?}.")),
        },
        ExprKind::Call(call) => {
            let [argument] = &call.args[..] else {
                return bad(diagnostics, format!("The type {:?} takes one argument.", call.name));
            };
            let collection = |build: fn(Type) -> Type, diagnostics: &mut Diagnostics| {
                let element = type_constraint(argument, scope, diagnostics);
                Constraint { ty: build(element.ty), defaults: under([("*".into(), element.defaults)]) }
            };
            match (&*call.name, &argument.kind) {
                ("list", _) => collection(Type::list, diagnostics),
                ("set", _) => collection(Type::set, diagnostics),
                ("map", _) => collection(Type::map, diagnostics),
                ("object", ExprKind::Object(items)) => object(items, scope, diagnostics),
                ("tuple", ExprKind::Tuple(items)) => {
                    let parts: Vec<_> =
                        items.iter().map(|e| type_constraint(e, scope, diagnostics)).collect();
                    let defaults =
                        parts.iter().enumerate().map(|(i, c)| (i.to_string().into(), c.defaults.clone()));
                    Constraint {
                        defaults: under(defaults),
                        ty: Type::Tuple(parts.iter().map(|c| c.ty.clone()).collect()),
                    }
                }
                _ => bad(diagnostics, format!("This is not how the type {:?} is written.", call.name)),
            }
        }
        ExprKind::Literal(text) if text.as_str().is_some() => {
            bad(diagnostics, "A type stands here, without quotes.".into())
        }
        _ => bad(diagnostics, "This is not a type.".into()),
    }
}

fn plain(ty: Type) -> Constraint {
    Constraint { ty, defaults: Defaults::default() }
}

fn under(children: impl IntoIterator<Item = (Arc<str>, Defaults)>) -> Defaults {
    Defaults {
        attributes: Vec::new(),
        children: children.into_iter().filter(|(_, d)| !d.is_empty()).collect(),
    }
}

fn object(items: &[(Expr, Expr)], scope: &Constants<'_>, diagnostics: &mut Diagnostics) -> Constraint {
    let mut attributes = BTreeMap::new();
    let mut optional = BTreeSet::new();
    let mut defaults = Defaults::default();
    for (key, value) in items {
        let ExprKind::Literal(name) = &key.kind else { continue };
        let Some(name) = name.as_str().map(Arc::<str>::from) else { continue };
        let (inner, default) = match &value.kind {
            ExprKind::Call(call) if &*call.name == "optional" && !call.args.is_empty() => {
                optional.insert(name.clone());
                (&call.args[0], call.args.get(1))
            }
            _ => (value, None),
        };
        let constraint = type_constraint(inner, scope, diagnostics);
        if let Some(default) = default.and_then(|d| constant_expr(d, &constraint.ty, scope, diagnostics)) {
            defaults.attributes.push((name.clone(), default));
        }
        if !constraint.defaults.is_empty() {
            defaults.children.push((name.clone(), constraint.defaults));
        }
        if attributes.insert(name.clone(), constraint.ty).is_some() {
            let detail = format!("The type has two attributes {name:?}.");
            diagnostics.push(Diagnostic::error("Invalid type", detail).at(key.span));
        }
    }
    Constraint { ty: Type::Object(Arc::new(ObjectType { attributes, optional })), defaults }
}
