//! From refreshed state and configuration to a plan.
//!
//! Must not: await, touch disk, read the clock.

mod diff;
mod evaluate;
pub mod file;
mod inspect;
mod model;
mod order;
mod planner;

pub(crate) use diff::{mark_sensitive, proposed};

pub use crate::refresh::Drift;
pub use inspect::Inspection;
pub use model::{
    Action, Change, Counts, InstanceKeyRepr, OutputChange, Plan, PlanMode, Reason, Shape, Slot, Step,
    StepAction, StepId,
};
pub use planner::{DataRead, PlanInput, Planned, plan};
