//! Configuration: syntax to typed blocks, to one instance's settings.
//!
//! `files` finds and reads the files of a directory, `json` makes syntax of
//! those in JSON, `overrides` lays override files over the others, `decode`
//! makes modules of syntax (`body` compiles resource bodies, `lifecycle`,
//! `blocks`, `providers` and `provisioners` read what is the language's own,
//! `types` reads type constraints; `requirements` reads what a module asks of
//! this program, with `version`, `provider_functions` checks whose functions it
//! calls, `consistency` that its blocks go together),
//! `given` takes values of variables from outside, `tenancy` reads the blocks of
//! platforms and merges the layers of settings, `settle` brings settings to
//! variables, `statics` says what is known of them before that, `passed_on` has
//! the platform's root give what settings refer to, `load` puts these together
//! to a `platform`, of which a `selection` means an `instance` or more, `tested` changes what was loaded
//! for a test, `edit` the text of a tenant's block.
//!
//! Must not: know state or networks.

mod blocks;
mod body;
mod consistency;
mod decode;
mod dropped;
pub mod edit;
mod files;
mod given;
mod instance;
mod json;
mod lifecycle;
mod load;
mod model;
mod overrides;
mod passed_on;
mod platform;
mod provider_functions;
mod providers;
mod provisioners;
mod reader;
mod requirements;
mod scopes;
mod selection;
mod settle;
mod statics;
mod tenancy;
mod tested;
mod timeouts;
mod types;
mod version;
mod vocabulary;

pub(crate) use blocks::instance_key;
pub(crate) use json::parse_test as parse_json_test;
pub(crate) use lifecycle::check_condition;
pub(crate) use passed_on::passed_value;
pub(crate) use providers::passed as passed_providers;
pub(crate) use reader::{check_labels, check_names, is_misspelt};
pub(crate) use tested::provider_blocks;

pub use body::{part_of, span_of};
pub use consistency::Deprecation;
pub use files::read_text;
pub use given::{Given, read_values};
pub use instance::{Instance, Seated, Selected};
pub use load::{Manner, load};
pub use model::{
    Check, IgnoredPart, Import, Lifecycle, Module, ModuleCall, Moved, Output, Removed, Repetition, Resource,
    Rule, Settings, Variable,
};
pub use passed_on::passed_on;
pub use platform::Platform;
pub use providers::{LocalNames, ProviderBlock, ProviderRef};
pub use provisioners::Provisioner;
pub use requirements::RequiredProvider;
pub use selection::Selection;
pub use tenancy::{Enforcement, Explained, Facts, Guard, Layer, Origin, Policy};
pub use timeouts::{constant as constant_timeouts, read_own as own_timeouts, timeouts};
pub use vocabulary::{LANGUAGE, TENANCY, Vocabulary};
