//! Configuration: text to syntax, to typed blocks, to one instance's settings.
//!
//! `parse` and `lower` make syntax of text, `decode` makes modules of syntax
//! (`body` compiles resource bodies, `types` reads type constraints), `merge`
//! settles the settings of every tenant.
//!
//! Must not: know state or networks.

mod body;
mod decode;
mod lower;
mod merge;
mod model;
mod parse;
mod reader;
mod syntax;
mod types;

pub use body::span_of;
pub use merge::{Instance, Platform, TenantSummary, load, read_values};
pub use model::{Lifecycle, Module, ModuleCall, Output, Repetition, Resource, Settings, Variable};
pub use syntax::Ident;
