//! Following an applied object until it is what it is to be.

use tenantctl_core::provider::{ErrorClass, Operation, Outcome, ProviderError, Target, Value};

use super::Kubernetes;
use super::apply::settled;
use super::health::{is_silent, is_untouched};
use super::manifest::seal;
use super::settings::Handle;
use super::wait::Progress;
use super::watch::pending;

impl Kubernetes {
    /// Looks once at what became of an apply.
    pub(super) async fn poll_rollout(
        &self,
        target: &Target<'_>,
        operation: &Operation,
        handle: Handle,
    ) -> Result<Outcome, ProviderError> {
        let Handle::Rollout { object, wait, key, limit, stale } = handle else {
            return Err(ProviderError::new(
                ErrorClass::Invalid,
                "Unknown operation",
                "It waits for no rollout.",
            ));
        };
        let subject = self.subject(target.connection, object, &Value::NULL, false).await?;
        let give_up = |summary: &str, detail: String| {
            if let Ok(mut waiting) = self.waiting.lock() {
                waiting.remove(&key);
            }
            self.seen.forget(&key);
            // The object is there: whoever looks finds it.
            Err(ProviderError::new(ErrorClass::Indeterminate, summary, detail))
        };
        let Some(live) = subject.get().await? else {
            return give_up("Object vanished", format!("{} was deleted while waiting for it.", subject.id));
        };
        match wait.progress(&live) {
            Progress::Ready if stale && !limit.is_settled() && (is_silent(&live) || is_untouched(&live)) => {
                self.seen.note(&key, &live);
                let message = "its controller may not have looked at it yet".to_owned();
                Ok(Outcome::Pending(pending(operation.handle.clone(), message, limit)))
            }
            Progress::Ready => {
                self.seen.forget(&key);
                let planned = self.waiting.lock().ok().and_then(|mut w| w.remove(&key));
                let manifest = planned.as_ref().and_then(|p| p.get("manifest"));
                let (Some(planned), Some(manifest)) = (planned, manifest) else {
                    // Started by an earlier process; `find` gives the value.
                    return give_up(
                        "Wait is over",
                        format!("{} is ready; it was applied by an earlier run.", subject.id),
                    );
                };
                Ok(Outcome::Done(settled(&planned, &seal(&manifest), &live)))
            }
            Progress::Failed(why) => {
                give_up("Rollout failed", format!("{} is applied, but fails: {why}", subject.id))
            }
            Progress::Waiting(why) if limit.is_over() => give_up(
                "Rollout timed out",
                format!("{} is applied, but not ready after {}: {why}.", subject.id, limit.text()),
            ),
            Progress::Waiting(message) => {
                self.seen.note(&key, &live);
                Ok(Outcome::Pending(pending(operation.handle.clone(), message, limit)))
            }
        }
    }
}
