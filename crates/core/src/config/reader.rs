//! Reading blocks against what they may hold, with every mistake reported.

use super::scopes;
use crate::diag::{Diagnostic, Diagnostics, Span, nearest};
use crate::expr::{EvalResult, FunctionContext, Reference};
use crate::expr::{Expr, ExprKind, Scope, evaluate};
use crate::syntax::lexer::name_length;
use crate::syntax::{Attribute, Block, Body, Embedded, Ident, Places};
use crate::value::{Type, Value};

/// Reports arguments and blocks that do not belong in a body.
pub(crate) fn check_names(body: &Body, attributes: &[&str], blocks: &[&str], diagnostics: &mut Diagnostics) {
    for attribute in &body.attributes {
        if !attributes.contains(&&*attribute.name.name) {
            diagnostics.push(unexpected_argument(attribute, attributes.iter().copied(), blocks));
        }
    }
    for block in &body.blocks {
        if !blocks.contains(&&*block.kind.name) {
            diagnostics.push(unexpected_block(block, blocks.iter().copied(), attributes));
        }
    }
}

/// Whether a body has an argument of no known name that is taken for this one:
/// then that is told, and not that this one is missing.
pub(crate) fn is_misspelt<'k>(
    body: &Body,
    name: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> bool {
    let is_known = |given: &str| known.clone().into_iter().any(|known| known == given);
    let given = body.attributes.iter().map(|attribute| &*attribute.name.name);
    given.filter(|given| !is_known(given)).any(|given| nearest(given, known.clone()) == Some(name))
}

pub(super) fn unexpected_argument<'a>(
    attribute: &Attribute,
    known: impl IntoIterator<Item = &'a str>,
    blocks: &[&str],
) -> Diagnostic {
    let name = &attribute.name.name;
    let error = Diagnostic::error(
        "Unsupported argument",
        format!("An argument named {name:?} is not expected here."),
    )
    .at(attribute.name.span);
    if blocks.contains(&&**name) {
        return error.hint(format!("{name:?} is a block: write {name} {{ … }} without the equals sign."));
    }
    error.suggest(name, known)
}

pub(super) fn unexpected_block<'a>(
    block: &Block,
    known: impl IntoIterator<Item = &'a str>,
    attributes: &[&str],
) -> Diagnostic {
    let name = &block.kind.name;
    let error = Diagnostic::error(
        "Unsupported block type",
        format!("Blocks of type {name:?} are not expected here."),
    )
    .at(block.kind.span);
    if attributes.contains(&&**name) {
        return error.hint(format!("{name:?} is an argument: write {name} = {{ … }} with an equals sign."));
    }
    error.suggest(name, known)
}

/// Checks how many labels a block has; false when wrong.
pub(crate) fn check_labels(block: &Block, names: &[&str], diagnostics: &mut Diagnostics) -> bool {
    if block.labels.len() == names.len() {
        return true;
    }
    let want = names.iter().map(|n| format!(" \"{}\"", n.to_uppercase())).collect::<String>();
    diagnostics.push(
        Diagnostic::error(
            "Wrong number of labels",
            format!("A {:?} block is written {}{want} {{ … }}.", block.kind.name, block.kind.name),
        )
        .at(block.header()),
    );
    false
}

/// A scope with no names, for what must be plain values.
pub(super) struct Constants<'a>(pub FunctionContext<'a>);

impl Scope for Constants<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        Err(Box::new(
            Diagnostic::error(
                "References not allowed",
                format!("{reference} cannot be used here: a plain value is needed."),
            )
            .at(span),
        ))
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext { ..self.0 }
    }
}

/// Evaluates what must be written out as a value of a type; absence is `None`.
pub(super) fn constant(
    body: &Body,
    name: &str,
    ty: &Type,
    scope: &dyn Scope,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let attribute = body.attribute(name)?;
    let value = plain_expr(&attribute.value, ty, &format!("{name:?}"), scope, diagnostics)?;
    if value.is_null() {
        let detail = format!("{name:?} is null, which is no value of it.");
        let problem = Diagnostic::error("Wrong type", detail).at(attribute.value.span);
        diagnostics.push(problem.hint("Leave the argument out where nothing is to be said."));
        return None;
    }
    Some(value)
}

/// Evaluates what must be written out, `what` it is for: without functions.
pub(super) fn plain_expr(
    expr: &Expr,
    ty: &Type,
    what: &str,
    scope: &dyn Scope,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    if let Some(call) = called(expr) {
        let detail = format!("{what} is a plain value: no functions are called in it.");
        let problem = Diagnostic::error("Function calls not allowed", detail).at(call);
        diagnostics.push(problem.hint("What functions make of other values is a local value."));
        return None;
    }
    constant_expr(expr, ty, scope, diagnostics)
}

/// The first function call in an expression.
fn called(expr: &Expr) -> Option<Span> {
    let mut found = matches!(expr.kind, ExprKind::Call(_)).then_some(expr.span);
    expr.for_each_child(&mut |child| found = found.or_else(|| called(child)));
    found
}

pub(super) fn constant_expr(
    expr: &Expr,
    ty: &Type,
    scope: &dyn Scope,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let value = match evaluate(expr, scope) {
        Ok(value) => value,
        Err(error) => {
            diagnostics.push(*error);
            return None;
        }
    };
    if !value.is_wholly_known() {
        if is_reported(expr.span, diagnostics) {
            return None;
        }
        let detail = "A plain value is needed here, not one that only a plan or an apply has.";
        diagnostics.push(Diagnostic::error("Value not known", detail).at(expr.span));
        return None;
    }
    match value.convert(ty) {
        Ok(value) => Some(value),
        Err(error) => {
            diagnostics.push(
                Diagnostic::error("Wrong type", format!("The value is not suitable: {error}.")).at(expr.span),
            );
            None
        }
    }
}

/// Whether something is told of a place already.
pub(super) fn is_reported(span: Span, diagnostics: &Diagnostics) -> bool {
    diagnostics.iter().any(|problem| problem.span == Some(span))
}

/// The elements of a list that is written out, such as `depends_on = [a, b]`.
pub(super) fn listed<'a>(body: &'a Body, name: &str, diagnostics: &mut Diagnostics) -> &'a [Expr] {
    match body.attribute(name).map(|a| &a.value) {
        None => &[],
        Some(Expr { kind: ExprKind::Tuple(items), .. }) => items,
        Some(other) => {
            diagnostics.push(
                Diagnostic::error("Wrong type", format!("{name:?} takes a list in square brackets."))
                    .at(other.span),
            );
            &[]
        }
    }
}

/// Whole objects that a block depends on.
pub(super) fn dependencies(body: &Body, diagnostics: &mut Diagnostics) -> Vec<Expr> {
    let mut all = listed(body, "depends_on", diagnostics).to_vec();
    for expr in &mut all {
        let ExprKind::Literal(quoted) = &expr.kind else { continue };
        let Some(text) = quoted.as_str() else { continue };
        let detail = "References stand without quotes.";
        diagnostics.push(Diagnostic::warning("Quoted references are deprecated", detail).at(expr.span));
        let places = Places::new(expr.span.start + 1, Vec::new());
        let quoted = Embedded { file: expr.span.file, text, places, bound: Vec::new() };
        if let Some(read) = quoted.expression(false, diagnostics) {
            *expr = read;
        }
    }
    scopes::dependencies(&all, diagnostics);
    all
}

/// Reports a name that cannot be written in a reference.
pub(super) fn check_name(name: &Ident, diagnostics: &mut Diagnostics) {
    if name.name.is_empty() || name_length(&name.name) != name.name.len() {
        let detail = "A name begins with a letter or _, and letters, digits, - and _ follow.";
        diagnostics.push(Diagnostic::error("Invalid name", detail).at(name.span));
    }
}

/// Reports all blocks of a type but the first.
pub(super) fn only_one(body: &Body, kind: &str, diagnostics: &mut Diagnostics) {
    let mut blocks = body.blocks.iter().filter(|block| &*block.kind.name == kind);
    let Some(first) = blocks.next() else { return };
    for block in blocks {
        let detail = format!("There may be one {kind:?} block at most.");
        let problem = Diagnostic::error("Duplicate block", detail).at(block.header());
        diagnostics.push(problem.related(first.header(), "the first one"));
    }
}
