//! Exit codes, and how errors of the engine's parts become diagnostics.
//!
//! Guarantees: this is the only place that knows a number for an exit code.
//! Must not: print.

use std::path::Path;
use std::process::ExitCode;

use tenantctl_core::diag::Diagnostic;
use tenantctl_core::state::{LockInfo, StateError};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done.
    Success,
    /// Something failed; a diagnostic says what.
    Failure,
    /// With `-detailed-exitcode`: the plan has changes.
    Changes,
    /// With `-detailed-exitcode`: part of the plan waits for another one.
    Waiting,
    /// Of `fmt`: a file could not be laid out; a diagnostic says why.
    Invalid,
    /// With `fmt -check`: a file is not in the canonical layout.
    NotFormatted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Changes | Exit::Invalid => 2,
            Exit::Waiting | Exit::NotFormatted => 3,
        })
    }
}

/// A state store's error, with what the user can do.
pub(crate) fn state(error: &StateError) -> Diagnostic {
    match error {
        StateError::Locked { workspace, holder } => locked(workspace.as_str(), holder.as_deref()),
        StateError::Corrupt(words) => Diagnostic::error("Damaged state", sentence(words))
            .hint("tenantctl state check tells more. Restore the workspace's directory from a copy."),
        StateError::TooNew { .. } => {
            Diagnostic::error("State of a newer version", sentence(&error.to_string()))
                .hint("Use the version of tenantctl that wrote it.")
        }
        StateError::Sealed(words) => Diagnostic::error("Sealed value not readable", sentence(words)).hint(
            "Point TENANTCTL_KEY_FILE to the key that this state was written with, or, with another key from \
                 now on, TENANTCTL_EARLIER_KEY_FILE.",
        ),
        other => Diagnostic::error("State not accessible", sentence(&other.to_string())),
    }
}

fn locked(workspace: &str, holder: Option<&LockInfo>) -> Diagnostic {
    let detail = match holder {
        Some(info) => format!(
            "Workspace {workspace} is held by {who} (process {pid}) for {operation} since {created}, lock {id}.",
            who = info.who,
            pid = info.pid,
            operation = info.operation,
            created = info.created,
            id = info.id,
        ),
        None => format!("Workspace {workspace} is held by another process."),
    };
    Diagnostic::error("Workspace locked", detail)
        .hint("Wait until that run has ended, or have it waited for with -lock-timeout=5m.")
        .address(workspace)
}

/// A file that cannot be used.
pub(crate) fn file(action: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    let words = error.kind();
    Diagnostic::error("File not accessible", format!("{action} {}: {words}.", path.display()))
}

/// Words as a sentence: a capital first, a stop last.
pub(crate) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let mut text: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    text.push_str(chars.as_str());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_sentences() {
        assert_eq!(sentence("the disk is full"), "The disk is full.");
        assert_eq!(sentence("Done."), "Done.");
    }

    #[test]
    fn a_lock_names_its_holder() {
        let holder = LockInfo {
            id: "1".into(),
            operation: "apply".into(),
            who: "ann@box".into(),
            version: "0.1.0".into(),
            created: "2030-01-01T00:00:00Z".into(),
            pid: 7,
        };
        let workspace = "acme".parse().expect("name");
        let shown = state(&StateError::Locked { workspace, holder: Some(Box::new(holder)) });
        assert!(shown.detail.contains("ann@box (process 7) for apply"), "{}", shown.detail);
    }
}
