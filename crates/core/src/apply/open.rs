//! Ephemeral objects: opened when a step needs them, renewed while steps go on,
//! closed in the end.
//!
//! Guarantees: what was opened is closed, also after a failure or a stop; a
//! renewal takes no slot, so that it is never late for want of one.

use std::sync::{MutexGuard, PoisonError};

use tokio::time::Instant;

use super::call::aborted;
use super::step::{Run, StepResult, Taken};
use super::turn::Turn;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::plan::{Change, Step};
use crate::provider::{ProviderError, Renewed, SharedProvider};
use crate::refresh::failed;
use crate::retry::{BUSY, Retry, later};
use crate::value::{Marks, Value};

/// What was opened.
#[derive(Clone)]
pub(super) struct OpenHandle {
    provider: SharedProvider,
    address: String,
    kind: String,
    connection: Value,
    /// What closes it, when something does.
    handle: Option<serde_json::Value>,
    renew_at: Option<Instant>,
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
        if opened.handle.is_some() || opened.renew_after.is_some() {
            let (provider, kind) = (provider.clone(), kind.to_string());
            let address = format!("{}:{}", self.plan.workspace, change.key);
            let renew_at = opened.renew_after.map(later);
            let handle = OpenHandle { provider, address, kind, connection, handle: opened.handle, renew_at };
            self.opened().push(handle);
            self.opens.notify_waiters();
        }
        Ok(Taken::Done)
    }

    fn opened(&self) -> MutexGuard<'_, Vec<OpenHandle>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when something open must be renewed: which.
    pub(super) async fn due(&self) -> usize {
        loop {
            let changed = self.opens.notified();
            let times: Vec<Option<Instant>> = self.opened().iter().map(|open| open.renew_at).collect();
            let next = times.into_iter().enumerate().filter_map(|(at, time)| Some((time?, at))).min();
            let Some((time, at)) = next else {
                changed.await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(time) => {
                    // Not due again before it is renewed.
                    self.opened()[at].renew_at = None;
                    return at;
                }
                () = changed => {}
            }
        }
    }

    /// Renews one thing that is open.
    pub(super) async fn renew(&self, at: usize) -> StepResult<()> {
        let open = self.opened()[at].clone();
        let handle = open.handle.unwrap_or(serde_json::Value::Null);
        let call = || async {
            tokio::select! {
                biased;
                () = self.cancel.aborted() => Err(aborted()),
                renewed = open.provider.renew(&open.kind, &open.connection, &handle) => renewed,
            }
        };
        let told = |_, _, _: &ProviderError| {};
        let Renewed { handle, renew_after } =
            Retry { cancel: self.cancel, busy: BUSY, told: &told }.call(call).await.map_err(|error| {
                let error = failed(&error, &open.address);
                Box::new(error.hint("What is still open of it may stop to work before the run is over."))
            })?;
        let mut all = self.opened();
        if handle.is_some() {
            all[at].handle = handle;
        }
        all[at].renew_at = renew_after.map(later);
        drop(all);
        self.opens.notify_waiters();
        Ok(())
    }

    /// Closes what was opened, the last first.
    pub(super) async fn close(&self, diagnostics: &mut Diagnostics) {
        let opened = std::mem::take(&mut *self.opened());
        for one in opened.into_iter().rev() {
            let Some(handle) = &one.handle else { continue };
            if let Err(error) = one.provider.close(&one.kind, &one.connection, handle).await {
                let mut warning = failed(&error, &one.address);
                warning.severity = Severity::Warning;
                diagnostics.push(warning);
            }
        }
    }
}
