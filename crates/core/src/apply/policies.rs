//! Policies that the plan could not tell: looked at before an object is made
//! or changed, and once more after it where the service decides.

use super::step::{Run, StepResult};
use crate::diag::{Diagnostic, Severity};
use crate::event::Event;
use crate::plan::policies::{seen, settle};
use crate::plan::{Change, PendingPolicy};
use crate::value::Value;

impl Run<'_> {
    /// Judges an object and its configuration by the policies; those that are still open.
    ///
    /// # Errors
    /// A policy that must hold and does not.
    pub(super) fn judge<'p>(
        &self,
        policies: impl IntoIterator<Item = &'p PendingPolicy>,
        change: &Change,
        object: (&Value, &Value),
    ) -> StepResult<Vec<&'p PendingPolicy>> {
        let mut open = Vec::new();
        for policy in policies {
            let itself = seen(self.registry, change, object.0, object.1);
            match settle(policy, itself, &self.values) {
                Ok(left) => open.extend(left),
                Err(warning) if warning.severity == Severity::Warning => {
                    self.events.send(Event::Diagnostic(*warning));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(open)
    }

    /// Judges an object that is made by what was open until then.
    ///
    /// # Errors
    /// A policy that must hold and does not.
    pub(super) fn judge_made<'p>(
        &self,
        policies: impl IntoIterator<Item = &'p PendingPolicy>,
        change: &Change,
        object: (&Value, &Value),
    ) -> StepResult<()> {
        let judged = self.judge(policies, change, object).map_err(|mut problem| {
            problem.detail.push_str(" It is there already: only the service could tell.");
            problem
        });
        for policy in judged? {
            let detail = format!("What {} is like does not tell.", policy.pending.address);
            let mut warning = Diagnostic::warning("Policy not decided", detail).hint(policy.hint.clone());
            warning.span = policy.span;
            self.events.send(Event::Diagnostic(warning.address(&policy.pending.address)));
        }
        Ok(())
    }
}
