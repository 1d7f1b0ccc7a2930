//! From refreshed state and configuration to a plan.
//!
//! Must not: await, touch disk, read the clock.

mod model;

pub use model::{
    Action, Change, Counts, Drift, InstanceKeyRepr, OutputChange, Plan, PlanMode, Reason, Shape, Slot, Step,
    StepAction, StepId,
};
