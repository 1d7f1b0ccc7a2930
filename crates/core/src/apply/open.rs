//! Ephemeral objects: opened when a step needs them, closed in the end.

use std::sync::PoisonError;

use super::step::{Run, StepResult, Taken};
use super::turn::Turn;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::plan::{Change, Step};
use crate::provider::SharedProvider;
use crate::refresh::failed;
use crate::value::{Marks, Value};

/// What was opened and is to be closed.
pub(super) struct OpenHandle {
    provider: SharedProvider,
    address: String,
    kind: String,
    connection: Value,
    handle: serde_json::Value,
}

impl Run<'_> {
    /// Opens an object; what it comes to is in no record.
    pub(super) async fn open(
        &self,
        step: &Step,
        change: &Change,
        provider: &SharedProvider,
        turn: &Turn<'_>,
    ) -> StepResult<Taken> {
        let config = match &change.residual {
            Some(expr) => self.values.finish(expr)?,
            None => change.config.clone(),
        };
        let provider_config =
            change.provider_config.as_ref().map_or(Ok(Value::NULL), |expr| self.values.finish(expr))?;
        let connection = provider
            .connection(&provider_config, &config)
            .map_err(|p| Box::new(Diagnostic::error(p.summary, p.detail)))?;
        let Some(slot) = turn.slot().await else { return Ok(Taken::Unreached) };
        let caller = self.caller(change, step.action, slot, provider);
        let kind = &change.key.address.kind;
        let opened = caller
            .retry(|| provider.open(kind, &connection, &config))
            .await
            .map_err(|error| self.error(change, &error))?;
        let value = opened.value.with_marks(Marks::EPHEMERAL);
        self.secrets.learn(&value);
        self.values.set(step.change, value);
        if let Some(handle) = opened.handle {
            let (provider, kind) = (provider.clone(), kind.to_string());
            let address = format!("{}:{}", self.plan.workspace, change.key);
            let handle = OpenHandle { provider, address, kind, connection, handle };
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        }
        Ok(Taken::Done)
    }

    /// Closes what was opened, the last first.
    pub(super) async fn close(&self, diagnostics: &mut Diagnostics) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for one in opened.into_iter().rev() {
            if let Err(error) = one.provider.close(&one.kind, &one.connection, &one.handle).await {
                let mut warning = failed(&error, &one.address);
                warning.severity = Severity::Warning;
                diagnostics.push(warning);
            }
        }
    }
}
