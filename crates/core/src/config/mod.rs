//! Configuration: syntax to typed blocks, to one instance's settings.
//!
//! `decode` makes modules of syntax
//! (`body` compiles resource bodies, `types` reads type constraints), `merge`
//! settles the settings of every tenant.
//!
//! Must not: know state or networks.

mod body;
mod decode;
mod merge;
mod model;
mod reader;
mod types;

pub use body::span_of;
pub use merge::{Instance, Platform, TenantSummary, load, read_values};
pub use model::{Lifecycle, Module, ModuleCall, Output, Repetition, Resource, Settings, Variable};
