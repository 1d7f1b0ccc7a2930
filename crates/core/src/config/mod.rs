//! Configuration: syntax to typed blocks, to one instance's settings.
//!
//! `files` finds and reads the files of a directory, `json` makes syntax of
//! those in JSON, `overrides` lays override files over the others, `decode`
//! makes modules of syntax (`body` compiles resource bodies, `lifecycle` and
//! `blocks` read what is the language's own, `types` reads type constraints;
//! `requirements` reads what a module asks of this program, with `version`),
//! `given` takes values of variables from outside, `merge` settles the settings
//! of every tenant, `tested` changes what was loaded for a test.
//!
//! Must not: know state or networks.

mod blocks;
mod body;
mod decode;
mod files;
mod given;
mod json;
mod lifecycle;
mod merge;
mod model;
mod overrides;
mod reader;
mod requirements;
mod tested;
mod types;
mod version;

pub(crate) use blocks::instance_key;
pub(crate) use reader::{check_labels, check_names};
pub(crate) use tested::provider_blocks;

pub use body::span_of;
pub use files::read_text;
pub use given::{Given, read_values};
pub use merge::{Instance, Platform, TenantSummary, load};
pub use model::{
    Check, Import, Lifecycle, Module, ModuleCall, Moved, Output, Removed, Repetition, Resource, Rule,
    Settings, Variable,
};
pub use requirements::RequiredProvider;
