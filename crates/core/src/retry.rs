//! Making a call again that the service was too busy for, or away.
//!
//! Guarantees: only a call that is known not to have done anything is made
//! again; never sooner than the service asks for; a stop request ends it.
//! Must not: know what is called, or who hears of it.

use std::future::Future;
use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;

use crate::cancel::Cancel;
use crate::provider::{ErrorClass, ProviderError};

/// So long from now.
pub(crate) fn later(after: Duration) -> Instant {
    tokio::time::sleep(after).deadline()
}

/// Attempts at one call.
const ATTEMPTS: u32 = 8;
/// The first wait between attempts; doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between attempts, unless the service asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long all waits together may be where nobody answers or the service is
/// broken: long enough for a restart behind a load balancer, short enough for
/// somebody who mistyped an address.
const AWAY: Duration = Duration::from_secs(15);
/// The same where the service says that it is busy: what it asks for is kept
/// to, and no longer than anybody wants to wait for one call.
pub const BUSY: Duration = Duration::from_secs(600);

/// Who hears of a failed attempt: its number from 1, how long until the next,
/// and why.
pub type Told<'a> = &'a (dyn Fn(u32, Duration, &ProviderError) + Sync);

/// How calls are made again.
#[derive(Clone, Copy)]
pub struct Retry<'a> {
    /// Stop requests: another attempt would be a new call.
    pub cancel: &'a Cancel,
    /// How long a service may be at something else; [`BUSY`] for calls without
    /// a deadline of their own.
    pub busy: Duration,
    /// Who hears.
    pub told: Told<'a>,
}

/// What was tried of one call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tried {
    attempts: u32,
    waited: Duration,
}

impl Retry<'_> {
    /// Makes a call until it succeeds or fails for good.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn call<T, F>(&self, call: impl Fn() -> F) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let mut tried = Tried::default();
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) if self.again(&mut tried, &error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the next attempt after one that failed; false when there is
    /// to be none.
    pub async fn again(&self, tried: &mut Tried, error: &ProviderError) -> bool {
        tried.attempts += 1;
        let jitter = rand::rng().random_range(0.5..1.0);
        let Some(wait) = tried.next(error.class, self.busy, jitter) else { return false };
        if self.cancel.is_draining() {
            return false;
        }
        (self.told)(tried.attempts, wait, error);
        tokio::select! {
            biased;
            () = self.cancel.draining() => false,
            () = tokio::time::sleep(wait) => {
                tried.waited += wait;
                true
            }
        }
    }
}

impl Tried {
    /// Exponential back-off with jitter, never less than the service asks for.
    fn next(&self, class: ErrorClass, busy: Duration, jitter: f64) -> Option<Duration> {
        // What is only late comes in the end.
        let patient = matches!(class, ErrorClass::Busy(_));
        if !class.is_retryable() || self.attempts >= ATTEMPTS && !patient {
            return None;
        }
        let backoff = FIRST_WAIT.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_WAIT);
        let jittered = backoff.mul_f64(jitter);
        let (wait, patience) = match class {
            ErrorClass::Busy(asked) => (jittered.max(asked.unwrap_or_default()), busy),
            ErrorClass::Throttled(asked) => (jittered.max(asked.unwrap_or_default()), BUSY),
            _ => (jittered, AWAY),
        };
        (self.waited.saturating_add(wait) <= patience).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn failing(class: ErrorClass) -> ProviderError {
        ProviderError::new(class, "x", "y")
    }

    async fn attempts(class: ErrorClass) -> (u32, Duration) {
        let (calls, cancel) = (AtomicU32::new(0), Cancel::default());
        let waited = Mutex::new(Duration::ZERO);
        let told = |_: u32, wait: Duration, _: &ProviderError| *waited.lock().expect("no panic") += wait;
        let retry = Retry { cancel: &cancel, busy: BUSY, told: &told };
        let call = || async {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(failing(class))
        };
        retry.call(call).await.expect_err("fails for good");
        (calls.load(Ordering::Relaxed), *waited.lock().expect("no panic"))
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_not_waited_for_long() {
        let (calls, took) = attempts(ErrorClass::Transient).await;
        assert!((4..=8).contains(&calls) && took <= AWAY, "{calls} in {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_time_is_given_it_within_reason() {
        let (calls, took) = attempts(ErrorClass::Throttled(Some(Duration::from_secs(60)))).await;
        assert_eq!((calls, took.as_secs()), (8, 7 * 60));
        let (calls, _) = attempts(ErrorClass::Throttled(Some(Duration::from_secs(3600)))).await;
        assert_eq!(calls, 1);
        let (calls, _) = attempts(ErrorClass::Throttled(None)).await;
        assert_eq!(calls, 8);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_at_something_else_is_waited_for_as_long_as_there_is_time() {
        let (calls, took) = attempts(ErrorClass::Busy(None)).await;
        assert!(calls > ATTEMPTS && took <= BUSY && took > BUSY - LONGEST_WAIT, "{calls} in {took:?}");
        let (calls, took) = attempts(ErrorClass::Busy(Some(Duration::from_secs(60)))).await;
        assert_eq!((calls, took.as_secs()), (11, 600));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_done_is_not_done_again() {
        for class in [ErrorClass::Indeterminate, ErrorClass::Invalid, ErrorClass::Denied] {
            assert_eq!(attempts(class).await.0, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_request_ends_it() {
        let cancel = Cancel::default();
        let told = |_: u32, _: Duration, _: &ProviderError| cancel.request();
        let retry = Retry { cancel: &cancel, busy: BUSY, told: &told };
        let mut tried = Tried::default();
        assert!(!retry.again(&mut tried, &failing(ErrorClass::Transient)).await);
        assert!(!retry.again(&mut tried, &failing(ErrorClass::Transient)).await);
    }
}
