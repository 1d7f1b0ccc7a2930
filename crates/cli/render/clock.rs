//! Which steps run, since when, and which are to be mentioned again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::plan::StepAction;
use tenantctl_core::state::RecordKey;

/// A step that runs is mentioned this often.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(10);

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Running {
    pub(super) workspace: WorkspaceName,
    pub(super) key: RecordKey,
}

/// What is known of a step that runs.
#[derive(Clone, Debug)]
pub(super) struct Since {
    pub(super) action: StepAction,
    pub(super) message: String,
    started: Instant,
    said: Instant,
}

/// All steps that run.
#[derive(Debug, Default)]
pub(super) struct Clock(BTreeMap<Running, Since>);

impl Clock {
    /// A step begins.
    pub(super) fn start(&mut self, step: Running, action: StepAction, now: Instant) {
        self.0.insert(step, Since { action, message: String::new(), started: now, said: now });
    }

    /// What the service says of it.
    pub(super) fn hear(&mut self, step: &Running, message: &str) {
        if let Some(since) = self.0.get_mut(step) {
            message.clone_into(&mut since.message);
        }
    }

    /// It is over; how long it took.
    pub(super) fn finish(&mut self, step: &Running, now: Instant) -> Duration {
        self.0.remove(step).map_or(Duration::ZERO, |since| now - since.started)
    }

    /// Those not mentioned for [`HEARTBEAT`], with the time they have run.
    /// They count as mentioned from now on.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Running, Since, Duration)> {
        let late = self.0.iter_mut().filter(|(_, since)| now - since.said >= HEARTBEAT);
        late.map(|(step, since)| {
            since.said = now;
            (step.clone(), since.clone(), now - since.started)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_due_every_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let key = RecordKey::current("a.b".parse().expect("address"));
        let step = Running { workspace: "acme".parse().expect("name"), key };
        let mut clock = Clock::default();
        clock.start(step.clone(), StepAction::Create, start);
        assert!(clock.due(at(9)).is_empty());
        assert_eq!(clock.due(at(10)).len(), 1);
        assert!(clock.due(at(19)).is_empty());
        assert_eq!(clock.due(at(21))[0].2, Duration::from_secs(21));
        assert_eq!(clock.finish(&step, at(30)), Duration::from_secs(30));
        assert!(clock.due(at(60)).is_empty());
    }
}
