//! From refreshed state and configuration to a plan.
//!
//! `input` is what a plan is made of, `model` the plan, `change` what it does to
//! one object.
//! `moves` brings recorded objects to their addresses, `targets` says what a
//! plan is about; `planner` walks the graph: `evaluate`, `resolve` and `expand`
//! say what blocks come to, `objects`, `removals` and `imports` what is done,
//! `dependencies` what objects depend on, `deferred` what waits, `conditions` and
//! `checks` what holds, `providers` which configuration objects are made with,
//! `provisioners` what is run for them, `ephemeral` what must never be stored.
//! `order` makes steps of it, `policies` judge it, with `judged` for
//! where their conditions stand and `asked` for the lines that asked for what is
//! wrong; `relevant` tells what its changes come from.
//!
//! Must not: await, touch disk, read the clock.

mod asked;
mod change;
pub(crate) mod checks;
mod conditions;
mod deferred;
mod dependencies;
mod diff;
mod ephemeral;
mod evaluate;
mod expand;
pub mod file;
mod generate;
mod imports;
mod input;
mod inspect;
mod judged;
mod model;
mod moves;
mod objects;
mod order;
mod planner;
pub(crate) mod policies;
mod providers;
mod provisioners;
mod relevant;
mod removals;
mod resolve;
mod targets;

pub(crate) use diff::{Ignored, ignore_changes, mark_sensitive, proposed};
pub(crate) use ephemeral::{null_write_only, without_write_only};
pub(crate) use moves::renamings;

pub use crate::refresh::Drift;
pub use change::{Action, Change, Reason};
pub use checks::{Pending, RuleKind};
pub use deferred::{Deferred, Waiting};
pub use ephemeral::OpenRead;
pub use imports::ImportRead;
pub use input::{DataRead, Needs, PlanInput, Planned};
pub use inspect::Inspection;
pub use model::{
    Counts, EphemeralVariable, Generated, OutputChange, Plan, PlanMode, PlannedSchema, Shape, Slot, Step,
    StepAction, StepId,
};
pub use moves::{Moves, moves};
pub use planner::plan;
pub use policies::{Judge, PendingPolicy};
pub use provisioners::PlannedCommand;
pub use targets::Chosen;
