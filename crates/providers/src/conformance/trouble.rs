//! What happens to calls while a life is led, decided for whoever stands between
//! a provider and its service.
//!
//! Guarantees: no chance and no clock: the same calls meet the same fate.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a call may take where nothing hangs.
const LONG: Duration = Duration::from_secs(20);
/// How long where each does: enough for those that do not.
const SHORT: Duration = Duration::from_millis(400);

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is done, and it fails.
    Fails,
    /// Nothing is done: too many calls.
    Throttled,
    /// Nothing is done, and no answer ever comes.
    Hangs,
    /// All is done, and the answer is lost.
    AnswerLost,
}

impl Trouble {
    /// All that can happen.
    pub const ALL: [Trouble; 4] = [Trouble::Fails, Trouble::Throttled, Trouble::Hangs, Trouble::AnswerLost];

    /// A name for objects of its own.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Fails => "fails",
            Trouble::Throttled => "slow",
            Trouble::Hangs => "hangs",
            Trouble::AnswerLost => "lost",
        }
    }
}

/// When a process dies, by the write that is its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Before it is done.
    Before,
    /// Once it is done, before the answer.
    Unanswered,
    /// With the answer.
    Answered,
}

impl Death {
    pub(super) const ALL: [Death; 3] = [Death::Before, Death::Unanswered, Death::Answered];
}

#[derive(Debug)]
enum Plan {
    /// Nothing happens.
    Peace,
    /// This happens to each call, the first time that it is made in a step.
    Each(Trouble, HashSet<String>),
    /// The process dies at a write, after so many others.
    Die(Death, usize),
    /// It has.
    Dead,
}

/// Decides what happens to calls. Copies share what they have seen.
#[derive(Clone, Debug)]
pub struct Fault(Arc<(Mutex<Plan>, Notify)>);

impl Fault {
    fn of(plan: Plan) -> Self {
        Fault(Arc::new((Mutex::new(plan), Notify::new())))
    }

    /// Nothing happens.
    pub fn none() -> Self {
        Fault::of(Plan::Peace)
    }

    pub(super) fn each(trouble: Trouble) -> Self {
        Fault::of(Plan::Each(trouble, HashSet::new()))
    }

    /// At the nth write, counted from 1.
    pub(super) fn death(death: Death, nth: usize) -> Self {
        Fault::of(Plan::Die(death, nth.saturating_sub(1)))
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to a call; `writes` says whether it changes anything.
    pub fn strike(&self, call: &str, writes: bool) -> Option<Trouble> {
        let mut plan = self.plan();
        match &mut *plan {
            Plan::Each(trouble, seen) => seen.insert(call.to_owned()).then_some(*trouble),
            Plan::Die(_, left) if writes && *left > 0 => {
                *left -= 1;
                None
            }
            Plan::Die(death, _) if writes => {
                let death = *death;
                *plan = Plan::Dead;
                match death {
                    Death::Before => {
                        self.0.1.notify_one();
                        Some(Trouble::Hangs)
                    }
                    Death::Unanswered => Some(Trouble::AnswerLost),
                    Death::Answered => None,
                }
            }
            _ => None,
        }
    }

    /// How long a call is to be waited for.
    pub fn patience(&self) -> Duration {
        if matches!(*self.plan(), Plan::Each(Trouble::Hangs, _)) { SHORT } else { LONG }
    }

    /// Another step: calls that were made before are new again.
    pub(super) fn step(&self) {
        if let Plan::Each(_, seen) = &mut *self.plan() {
            seen.clear();
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(*self.plan(), Plan::Dead)
    }

    /// Returns when the process is to die in the middle of a call.
    pub(super) async fn strikes_dead(&self) {
        self.0.1.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_of_a_step_is_struck_once() {
        let fault = Fault::each(Trouble::Fails);
        let struck = |call: &str| fault.strike(call, false).is_some();
        assert_eq!([struck("a"), struck("b"), struck("a")], [true, true, false]);
        fault.step();
        assert!(struck("a"));
    }

    #[test]
    fn a_process_dies_once_and_at_a_write() {
        for (death, trouble) in [
            (Death::Before, Some(Trouble::Hangs)),
            (Death::Unanswered, Some(Trouble::AnswerLost)),
            (Death::Answered, None),
        ] {
            let fault = Fault::death(death, 2);
            assert_eq!((fault.strike("w", true), fault.strike("r", false)), (None, None));
            assert!(!fault.is_dead());
            assert_eq!(fault.strike("w", true), trouble);
            assert!(fault.is_dead());
            assert_eq!(fault.strike("w", true), None, "what comes after is another process");
        }
    }
}
