//! Configuration: syntax to typed blocks, to one instance's settings.
//!
//! `files` finds and reads the files of a directory, `json` makes syntax of
//! those in JSON, `overrides` lays override files over the others, `decode`
//! makes modules of syntax (`body` compiles resource bodies, `types` reads type
//! constraints), `given` takes values of variables from outside, `merge`
//! settles the settings of every tenant.
//!
//! Must not: know state or networks.

mod body;
mod decode;
mod files;
mod given;
mod json;
mod merge;
mod model;
mod overrides;
mod reader;
mod types;

pub use body::span_of;
pub use files::read_text;
pub use given::{Given, read_values};
pub use merge::{Instance, Platform, TenantSummary, load};
pub use model::{Lifecycle, Module, ModuleCall, Output, Repetition, Resource, Settings, Variable};
