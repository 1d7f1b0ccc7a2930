//! What a plan left open of an object, finished with what the steps before have
//! brought.
//!
//! Guarantees: nothing that a call gets is unknown, and nothing is otherwise than
//! was planned.

use super::step::{Run, StepResult};
use crate::diag::Diagnostic;
use crate::plan::{Change, Ignored, ignore_changes, proposed, without_write_only};
use crate::provider::{PlanRequest, SharedProvider};
use crate::refresh::unknown_provider;
use crate::value::{Kind, Path, Value};

/// What a create or update is made with, all known.
pub(super) struct Settled {
    pub(super) config: Value,
    pub(super) planned: Value,
    pub(super) connection: Value,
}

impl Run<'_> {
    /// Finishes configuration, connection and planned object, and checks that
    /// they are what was planned.
    pub(super) fn settle(
        &self,
        change: &Change,
        provider: &SharedProvider,
        prior: Option<&Value>,
    ) -> StepResult<Settled> {
        let unfinished = |what: &str| {
            let detail = format!(
                "The {what} of {} is still not known, although all that it depends on is done.",
                change.key
            );
            let mut error = Diagnostic::error("Value not known at apply", detail);
            error.span = change.span;
            Box::new(error)
        };
        let config = match &change.residual {
            Some(expr) => self.values.finish(expr)?,
            None => change.config.clone(),
        };
        if !config.is_wholly_known() {
            return Err(unfinished("configuration"));
        }
        let connection = if change.connection.is_wholly_known() {
            change.connection.clone()
        } else {
            let provider_config =
                change.provider_config.as_ref().map_or(Ok(Value::NULL), |expr| self.values.finish(expr))?;
            provider
                .connection(&provider_config, &config)
                .map_err(|p| Box::new(Diagnostic::error(p.summary, p.detail)))?
        };
        if !connection.is_wholly_known() {
            return Err(unfinished("connection"));
        }
        let kind = &change.key.address.kind;
        let Some(schema) = provider.schema().resources.get(&**kind) else {
            return Err(Box::new(unknown_provider(provider.name())));
        };
        let config = match prior {
            Some(prior) => ignore_changes(&config, prior, &schema.block, Ignored::Parts(&change.ignored)),
            None => config,
        };
        let guess = proposed(&schema.block, &config, prior);
        let response = provider
            .plan(PlanRequest { kind, prior, config: &config, connection: &connection, proposed: &guess })
            .map_err(|p| Box::new(Diagnostic::error(p.summary, p.detail)))?;
        let response = match provider.schema().resources.get(&**kind) {
            Some(schema) => without_write_only(response, &schema.block),
            None => response,
        };
        if let Some(path) = contradiction(&change.after, &response.planned, &Path::root()) {
            let detail = format!(
                "Once all values were known, {path} of {} came to something else than was planned. Nothing was done to it.",
                change.key
            );
            return Err(Box::new(Diagnostic::error("Plan no longer holds", detail).hint("Plan again.")));
        }
        let settled = Settled { config, planned: response.planned, connection };
        let values = [&settled.config, &settled.planned, &settled.connection];
        values.into_iter().for_each(|value| self.secrets.learn(value));
        Ok(settled)
    }
}

/// Where a value is not what was planned; what was unknown may be anything.
fn contradiction(planned: &Value, now: &Value, path: &Path) -> Option<String> {
    // Mostly all is as planned, and no path to it is needed.
    if !planned.is_known() || planned == now {
        return None;
    }
    match (planned.kind(), now.kind()) {
        (Kind::Object(a), Kind::Object(b)) => a.iter().find_map(|(name, a)| {
            contradiction(a, b.get(name).unwrap_or(&Value::NULL), &path.attribute(name.clone()))
        }),
        (Kind::Tuple(a), Kind::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b.iter()).enumerate().find_map(|(i, (a, b))| contradiction(a, b, &path.index(i)))
        }
        _ if !planned.is_wholly_known() => None,
        _ => Some(path.to_string()),
    }
}
