//! What to do instead of what OpenTofu has and this program has not.
//!
//! Must not: name what is there.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

const LINE: &str =
    "This command says what it did in a line, and by its exit code how it went: there is no JSON of it.";
const STATES: &str = "States are in a directory of their own: -state-dir=DIR names it, and \"state push\" takes a state \
                      file over.";
const REGISTRY: &str = "No registry is used: modules come from directories and git repositories, whose credentials are \
                        git's own.";
const WORKSPACES: &str = "A workspace comes to be when it is first applied: for a tenant by its block, elsewhere in the \
                          directory that -state-dir=DIR names.";

/// Flags, and what to do instead.
const FLAGS: &[(&str, &str)] = &[
    ("--json", LINE),
    ("--json-into", LINE),
    ("--state", STATES),
    ("--state-out", STATES),
    ("--backup", "Earlier states are kept: \"state history\" lists them, \"state restore\" takes one back."),
    ("--config", "-chdir=DIR goes to the directory of the configuration first."),
    ("--or-create", WORKSPACES),
];

/// Commands, and what to do instead.
const COMMANDS: &[(&str, &str)] = &[
    ("login", REGISTRY),
    ("logout", REGISTRY),
    ("new", WORKSPACES),
    (
        "select",
        "No workspace is the selected one: -tenant=NAME names a tenant's for one command, -state-dir=DIR another.",
    ),
    (
        "replace-provider",
        "Providers are part of this program and go by their short names, also where a state says more.",
    ),
    ("metadata", "\"providers schema -json\" prints what providers take; the documentation lists functions."),
];

/// What to do instead of what was refused.
pub(crate) fn instead(error: &Error) -> Option<&'static str> {
    let (kind, table) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, FLAGS),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, COMMANDS),
        _ => return None,
    };
    let Some(ContextValue::String(given)) = error.get(kind) else { return None };
    let name = given.split('=').next().unwrap_or_default();
    table.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
}
