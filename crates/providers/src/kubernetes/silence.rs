//! Who does not answer is not asked by everybody.
//!
//! A cluster that has gone away takes each call the time until its deadline, and
//! with it a slot that calls to other clusters wait for. After a few calls in a
//! row that nobody answered, further ones are not sent, but for one every now
//! and then, by which its return is noticed.
//!
//! Guarantees: any answer, a refusal too, ends it.
//! Must not: wait; whoever is turned away tries again by its own patience.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Failure;

/// Calls in a row without an answer that make a silence.
const CALLS: u32 = 4;
/// How often one is sent in spite of it.
const LOOK: Duration = Duration::from_secs(2);

/// How long a cluster has been silent.
#[derive(Default)]
pub(super) struct Silence(Mutex<State>);

#[derive(Default)]
struct State {
    /// Calls in a row without an answer.
    calls: u32,
    /// When the next one may be sent.
    next: Option<Instant>,
}

impl Silence {
    /// Whether a call may be sent now.
    ///
    /// # Errors
    /// That nobody has answered for some time.
    pub(super) fn turn(&self, now: Instant) -> Result<(), Failure> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.calls < CALLS {
            return Ok(());
        }
        if state.next.is_none_or(|next| next <= now) {
            state.next = Some(now + LOOK);
            return Ok(());
        }
        let calls = state.calls;
        Err(Failure::Unreachable(format!(
            "{calls} calls to it in a row had no answer, so this one was not sent"
        )))
    }

    /// Takes in what came of a call.
    pub(super) fn heard<T>(&self, result: &Result<T, Failure>, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match result {
            Err(failure) if failure.is_silent() => {
                State { calls: state.calls.saturating_add(1), next: Some(now + LOOK) }
            }
            _ => State::default(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_cluster_is_asked_now_and_then_until_it_answers() {
        let silence = Silence::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let silent = || Err::<(), _>(Failure::Unanswered(Duration::from_secs(65)));
        for _ in 0..CALLS {
            assert!(silence.turn(start).is_ok());
            silence.heard(&silent(), start);
        }
        assert!(matches!(silence.turn(at(1)), Err(Failure::Unreachable(_))));
        assert!(silence.turn(at(2)).is_ok(), "one looks");
        assert!(silence.turn(at(2)).is_err(), "and no other");
        silence.heard(&Err::<(), _>(Failure::Unreachable("refused".into())), at(3));
        assert!(silence.turn(at(4)).is_err() && silence.turn(at(5)).is_ok());
        // An answer that broke off is one.
        silence.heard(&Err::<(), _>(Failure::Lost("connection reset".into())), at(5));
        assert!((0..9).all(|_| silence.turn(at(5)).is_ok()));
    }
}
