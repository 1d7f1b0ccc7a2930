//! `templatefile` and `templatestring`: templates that are read while
//! evaluating.
//!
//! Guarantees: a template sees its variables and nothing else; templates that
//! call one another end; what they say is wrong has its line.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Call, Expr};
use super::eval::{Env, EvalError, EvalResult, Evaluator};
use super::functions::{self, TemplateParser};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::value::{Entries, Kind, Marks, Type, Value};

/// How high the trees of templates that are in one another may be together,
/// since evaluating goes down by recursion.
pub(super) const MAX_TEMPLATE_HEIGHT: u32 = 400;

/// The file of places in a template, which is in no source map.
const TEMPLATE: FileId = FileId(u32::MAX);

impl Evaluator<'_> {
    pub(super) fn template_call(
        &self,
        name: &str,
        call: &Call,
        env: Option<&Env<'_>>,
        span: Span,
    ) -> EvalResult {
        let [source, variables] = call.args.as_slice() else {
            return fail(format!("The function {name:?} takes two arguments."), span);
        };
        let (first, variables_value) = (self.eval(source, env)?, self.eval(variables, env)?);
        let mut marks = first.marks().union(variables_value.marks());
        let text = match name {
            "templatefile" => functions::call("file", std::slice::from_ref(&first), &self.scope.functions()),
            _ => functions::call("tostring", std::slice::from_ref(&first), &self.scope.functions()),
        };
        let text = text.map_err(|e| failure(e.message, source.span))?;
        marks = marks.union(text.marks());
        let unknown = |marks: Marks| Ok(Value::unknown(Type::Dynamic).with_marks(marks));
        let text = match text.kind() {
            Kind::String(text) => text,
            Kind::Unknown(_) => return unknown(marks),
            _ => return fail("The template must not be null.", source.span),
        };
        let template = Template {
            title: first
                .as_str()
                .filter(|_| name == "templatefile" && marks.is_empty())
                .unwrap_or("the template"),
            text,
            span,
        };
        let entries = match (variables_value.as_entries(), variables_value.kind()) {
            (Some(entries), _) => entries,
            (None, Kind::Unknown(_)) => return unknown(marks),
            _ => return fail("The variables of a template are a map or an object.", variables.span),
        };
        let expr = template.parsed(self.scope.functions().language.template, entries)?;
        let room = self
            .room
            .checked_sub(height(&expr))
            .ok_or_else(|| failure("Templates call one another too deeply.", span))?;
        let inner = Evaluator { scope: self.scope, room, spent: self.spent };
        let entries: Vec<_> = entries.iter().collect();
        let value = with_variables(&inner, &expr, &entries, None).map_err(|error| template.wrap(*error))?;
        Ok(value.with_marks(marks))
    }
}

/// Evaluates with these names, each around the next.
fn with_variables(
    evaluator: &Evaluator<'_>,
    expr: &Expr,
    entries: &[(&Arc<str>, &Value)],
    outer: Option<&Env<'_>>,
) -> EvalResult {
    match entries.split_first() {
        None => evaluator.eval(expr, outer),
        Some(((name, value), rest)) => {
            with_variables(evaluator, expr, rest, Some(&Env { name, value, outer }))
        }
    }
}

/// So many templates are remembered,
const MOST_RECENT: usize = 8;
/// but none larger than this.
const LARGEST_RECENT: usize = 256 * 1024;

thread_local! {
    /// Templates that were read last, the last one first.
    static RECENT: RefCell<Vec<Parsed>> = const { RefCell::new(Vec::new()) };
}

struct Parsed {
    text: String,
    names: Vec<Arc<str>>,
    expr: Rc<Expr>,
}

struct Template<'a> {
    title: &'a str,
    text: &'a str,
    /// The call.
    span: Span,
}

impl Template<'_> {
    /// The template's tree: made once for a template that many instances use.
    fn parsed(&self, parse: TemplateParser, variables: &Entries) -> Result<Rc<Expr>, EvalError> {
        let names: Vec<Arc<str>> = variables.keys().cloned().collect();
        let known = RECENT.with_borrow(|recent| {
            let found = recent.iter().find(|known| known.text == self.text && known.names == names);
            found.map(|known| known.expr.clone())
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let expr = Rc::new(self.parse(parse, &names)?);
        if self.text.len() <= LARGEST_RECENT {
            let parsed = Parsed { text: self.text.to_owned(), names, expr: expr.clone() };
            RECENT.with_borrow_mut(|recent| {
                recent.truncate(MOST_RECENT - 1);
                recent.insert(0, parsed);
            });
        }
        Ok(expr)
    }

    fn parse(&self, parse: TemplateParser, names: &[Arc<str>]) -> Result<Expr, EvalError> {
        let mut problems = Diagnostics::new();
        let expr = parse(TEMPLATE, self.text, names, &mut problems);
        if let Some(first) = problems.into_iter().next() {
            return Err(self.wrap(self.not_given(&first, names).unwrap_or(first)));
        }
        let expr = expr.ok_or_else(|| failure("The template is not valid.", self.span))?;
        let mut foreign = None;
        expr.for_each_reference(&mut |reference, span| {
            foreign.get_or_insert_with(|| (reference.to_string(), span));
        });
        match foreign {
            None => Ok(expr),
            Some((name, span)) => {
                let detail = format!("A template sees its own variables only, not {name}.");
                Err(self.wrap(Diagnostic::error("Invalid reference", detail).at(span)))
            }
        }
    }

    /// A name that the call does not bring, in the words of templates.
    fn not_given(&self, problem: &Diagnostic, names: &[Arc<str>]) -> Option<Diagnostic> {
        let span = problem.span.filter(|_| problem.summary == "Invalid reference")?;
        let name = self.text.get(span.start as usize..span.end as usize)?;
        let given =
            if names.is_empty() { "nothing".to_owned() } else { format!("only {}", names.join(", ")) };
        let detail = format!("There is no value for {name:?}: the template is given {given}.");
        Some(
            Diagnostic::error("Invalid reference", detail).at(span).hint(format!("Give {name} in the call.")),
        )
    }

    /// A mistake in the template, at the call.
    fn wrap(&self, inner: Diagnostic) -> EvalError {
        let at = inner.span.filter(|span| span.file == TEMPLATE);
        let line = at
            .and_then(|span| self.text.get(..span.start as usize))
            .map_or(1, |before| before.matches('\n').count() + 1);
        let mut error = failure(format!("In {}, line {line}: {}", self.title, inner.detail), self.span);
        error.hint = inner.hint;
        error
    }
}

fn failure(detail: impl Into<String>, span: Span) -> EvalError {
    Box::new(Diagnostic::error("Error in template", detail).at(span))
}

fn fail<T>(detail: impl Into<String>, span: Span) -> Result<T, EvalError> {
    Err(failure(detail, span))
}

/// How deep an expression's tree is.
fn height(expr: &Expr) -> u32 {
    let mut inner = 0;
    expr.for_each_child(&mut |child| inner = inner.max(height(child)));
    inner + 1
}
