//! A plan to steps, and steps to objects.
//!
//! `executor` runs the graph, `turn` lets a step begin and call, `step` does
//! one step with its journal entries, `settle` finishes what the plan left open
//! of an object, `values` residual expressions, `recover` settles what a run that
//! died left open, `call` retries and polls, `provision` runs commands,
//! `checks` says what conditions came to,
//! `open` opens and closes ephemeral objects, `policies` judges objects and
//! `whole` all of them together.
//!
//! Must not: know configuration or graph; add, drop or re-plan a step.

mod call;
mod checks;
mod executor;
mod open;
mod policies;
mod provision;
mod recover;
mod settle;
mod step;
mod turn;
mod values;
mod whole;

pub use executor::{Execution, execute};
pub use recover::{Recovery, recover};
