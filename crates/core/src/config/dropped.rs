//! Attributes that are written out and that the type of their variable drops:
//! mostly an optional one, misspelt.
//!
//! Guarantees: looks at what is written only, so that a plan costs nothing more.
//! Must not: speak of what an expression may come to.

use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, ExprKind};
use crate::value::Type;

/// Warns of every attribute in `expr` that a value of this type has no place for.
pub(super) fn attributes(variable: &str, expr: &Expr, ty: &Type, diagnostics: &mut Diagnostics) {
    match (&expr.kind, ty) {
        (ExprKind::Object(items), Type::Object(object)) => {
            for (key, value) in items {
                let ExprKind::Literal(name) = &key.kind else { continue };
                let Some(name) = name.as_str() else { continue };
                if let Some(ty) = object.attributes.get(name) {
                    attributes(variable, value, ty, diagnostics);
                    continue;
                }
                let detail =
                    format!("The type of {variable:?} has no attribute {name:?} here, so it is dropped.");
                let known = object.attributes.keys().map(|name| &**name);
                diagnostics.push(
                    Diagnostic::warning("Object attribute is ignored", detail)
                        .at(key.span)
                        .suggest(name, known),
                );
            }
        }
        (ExprKind::Object(items), Type::Map(element)) => {
            items.iter().for_each(|(_, value)| attributes(variable, value, element, diagnostics));
        }
        (ExprKind::Tuple(items), Type::List(element) | Type::Set(element)) => {
            items.iter().for_each(|item| attributes(variable, item, element, diagnostics));
        }
        (ExprKind::Tuple(items), Type::Tuple(types)) => {
            items.iter().zip(types.iter()).for_each(|(item, ty)| attributes(variable, item, ty, diagnostics));
        }
        (ExprKind::For(each), Type::List(element) | Type::Set(element) | Type::Map(element))
            if !each.group =>
        {
            attributes(variable, &each.value, element, diagnostics);
        }
        (ExprKind::Group(inner), ty) => attributes(variable, inner, ty, diagnostics),
        _ => {}
    }
}
