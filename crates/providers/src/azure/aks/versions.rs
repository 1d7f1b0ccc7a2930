//! Versions of Kubernetes: one minor version at a time, and never back.

use tenantctl_core::provider::{AttributeError, Path};

use super::super::kind::Put;
use crate::cloud::plan::Draft;

/// Major, minor, and the patch when it is said.
fn parse(text: &str) -> Option<(u32, u32, Option<u32>)> {
    let mut parts = text.split('.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let patch = parts.next().map(|patch| patch.parse().ok());
    match (patch, parts.next()) {
        (Some(None), _) | (_, Some(_)) => None,
        (patch, None) => Some((major, minor, patch.flatten())),
    }
}

/// Whether text is a version.
pub(super) fn is_version(text: &str) -> bool {
    parse(text).is_some()
}

/// The next version on the way from one to another; `None` when it is there.
pub(super) fn next(from: &str, to: &str) -> Option<String> {
    let ((major, minor, patch), (_, last, wanted)) = (parse(from)?, parse(to)?);
    if minor + 1 < last {
        return Some(format!("{major}.{}", minor + 1));
    }
    let newer = minor < last || (minor == last && wanted.is_some() && wanted > patch);
    newer.then(|| to.to_owned())
}

/// Whether one version is as good as the other: 1.33 is any 1.33.
pub(super) fn same(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Some((major, minor, patch)), Some((other_major, other_minor, other_patch))) => {
            let patches = patch.is_none() || other_patch.is_none() || patch == other_patch;
            (major, minor) == (other_major, other_minor) && patches
        }
        _ => a == b,
    }
}

/// Refuses a way back.
pub(super) fn plan(draft: &Draft<'_>, name: &'static str) -> Result<(), AttributeError> {
    let (before, after) = (draft.prior(name), draft.planned(name));
    let (before, after) = (before.as_str().and_then(parse), after.as_str().and_then(parse));
    if let (Some(before), Some(after)) = (before, after) {
        let back = (after.0, after.1) < (before.0, before.1)
            || ((after.0, after.1) == (before.0, before.1) && after.2.is_some() && after.2 < before.2);
        if back {
            return Err(AttributeError {
                path: Path::root().attribute(name),
                summary: "Version downgrade",
                detail: format!(
                    "It runs {}.{}, and AKS has no way back to {}.{}.",
                    before.0, before.1, after.0, after.1
                ),
                hint: Some("Leave the version, or make a new one and move what runs on it.".into()),
            });
        }
    }
    Ok(())
}

/// What is said while it is upgraded.
pub(super) fn message(next: &str, last: &str) -> String {
    let on_the_way = if next == last { String::new() } else { format!(" on the way to {last}") };
    format!("upgrading to {next}{on_the_way}")
}

/// A write that upgrades.
pub(super) fn upgrade(put: Put, next: &str, last: &str) -> Put {
    Put { message: message(next, last), ..put }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_at_a_time() {
        assert_eq!(next("1.30.4", "1.33").as_deref(), Some("1.31"));
        assert_eq!(next("1.32", "1.33.2").as_deref(), Some("1.33.2"));
        assert_eq!(next("1.33.1", "1.33.2").as_deref(), Some("1.33.2"));
        assert_eq!(next("1.33.4", "1.33"), None);
        assert_eq!(next("1.33", "1.33"), None);
        assert!(same("1.33", "1.33.4") && !same("1.33.1", "1.33.4") && !same("1.9", "1.10"));
        assert!(is_version("1.33.4") && !is_version("latest") && !is_version("1.33.x"));
    }
}
