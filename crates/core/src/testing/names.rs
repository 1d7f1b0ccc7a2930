//! Names that stand in test files: `var`, `run`, `output`, and addresses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Span};
use crate::expr::{DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope};
use crate::fmt::LANGUAGE;
use crate::value::Value;

/// What names in a test file stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Variables of the file, or given from outside.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// Outputs of the runs that are over.
    pub runs: BTreeMap<Arc<str>, Value>,
    /// Outputs of the run at hand, in its assertions.
    pub outputs: Option<BTreeMap<Arc<str>, Value>>,
}

impl Names {
    /// What a reference stands for; `None` when it is not one of a test file.
    fn find(&self, reference: &Reference, span: Span) -> Option<EvalResult> {
        match reference {
            Reference::Var(name) => self.variables.get(name).map(|value| Ok(value.clone())),
            Reference::Resource { mode: ResourceMode::Managed, kind, name } if &**kind == "run" => {
                Some(self.runs.get(name).cloned().ok_or_else(|| {
                    let detail = format!("There is no run {name:?} before this one that has outputs.");
                    let known = self.runs.keys().map(|name| &**name);
                    Box::new(Diagnostic::error("Unknown run", detail).at(span).suggest(name, known))
                }))
            }
            Reference::Resource { mode: ResourceMode::Managed, kind, name } if &**kind == "output" => {
                let outputs = self.outputs.as_ref()?;
                Some(outputs.get(name).cloned().ok_or_else(|| {
                    let detail = format!("The module has no output {name:?}.");
                    let known = outputs.keys().map(|name| &**name);
                    Box::new(Diagnostic::error("Unknown output", detail).at(span).suggest(name, known))
                }))
            }
            _ => None,
        }
    }

    /// The expression with these names replaced by what they stand for.
    ///
    /// # Errors
    /// A run or an output that there is not.
    pub(super) fn settle(&self, expr: &Expr) -> Result<Expr, Box<Diagnostic>> {
        let mut settled = expr.clone();
        self.replace(&mut settled)?;
        Ok(settled)
    }

    fn replace(&self, expr: &mut Expr) -> Result<(), Box<Diagnostic>> {
        if let ExprKind::Reference(reference) = &expr.kind {
            if let Some(found) = self.find(reference, expr.span) {
                *expr = Expr::literal(found?, expr.span);
            }
            return Ok(());
        }
        let mut result = Ok(());
        expr.for_each_child_mut(&mut |child| {
            if result.is_ok() {
                result = self.replace(child);
            }
        });
        result
    }
}

impl Scope for Names {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        self.find(reference, span).unwrap_or_else(|| {
            let detail = format!("{reference} cannot be used here: only variables and outputs of runs can.");
            Err(Box::new(Diagnostic::error("Invalid reference", detail).at(span)))
        })
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext {
            module_dir: Path::new("."),
            root_dir: Path::new("."),
            timestamp: "",
            now: None,
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}

/// A reference and what is taken of it, as it is written; `None` for any other
/// expression.
pub(super) fn chain(expr: &Expr) -> Option<String> {
    Some(match &expr.kind {
        ExprKind::Reference(reference) => reference.to_string(),
        ExprKind::Attribute(source, name) => format!("{}.{name}", chain(source)?),
        ExprKind::Index(pair) => match &pair.1.kind {
            ExprKind::Literal(key) => format!("{}[{}]", chain(&pair.0)?, key.show()),
            _ => return None,
        },
        _ => return None,
    })
}
