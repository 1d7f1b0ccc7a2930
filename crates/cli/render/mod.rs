//! What things look like: text for people, JSON for programs.
//!
//! Guarantees: text fits 80 columns wherever the user's own values do, and can
//! be read without colour; a sensitive value is shown only when the user asked
//! for that with `-show-sensitive`.
//! Must not: plan, apply or read anything.

pub(crate) mod both;
pub(crate) mod diagnostics;
pub(crate) mod fleet;
pub(crate) mod graph;
pub(crate) mod json_configuration;
pub(crate) mod json_diagnostic;
pub(crate) mod json_plan;
pub(crate) mod json_schema;
pub(crate) mod json_state;
pub(crate) mod json_value;
pub(crate) mod notation;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod summary;
pub(crate) mod test;
pub(crate) mod test_json;
pub(crate) mod value_diff;

mod clock;
mod headline;
mod parallel;
pub(crate) mod reporter;
mod scalar;
mod sequence;
mod table;
mod text;
mod theme;

#[cfg(test)]
mod testing;

pub(crate) use reporter::Reporter;
pub(crate) use table::Table;
pub(crate) use text::{count, elapsed};
pub(crate) use theme::{Mark, Theme};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How values are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// Colours.
    pub(crate) theme: Theme,
    /// Sensitive values too.
    pub(crate) show_sensitive: bool,
}
