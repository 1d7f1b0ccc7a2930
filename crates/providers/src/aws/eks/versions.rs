//! Versions of Kubernetes: one minor version at a time, and never back.

use tenantctl_core::provider::{AttributeError, Path};

use super::super::plan::Draft;

/// Major and minor.
pub(super) fn parse(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The next version on the way from one to another.
pub(super) fn next(from: &str, to: &str) -> Option<String> {
    let ((major, minor), (_, last)) = (parse(from)?, parse(to)?);
    (minor < last).then(|| format!("{major}.{}", minor + 1))
}

/// Refuses a way back, and opens what a new version changes.
pub(super) fn plan(draft: &mut Draft<'_>, follows: &[&str]) -> Result<(), AttributeError> {
    if draft.is_creation() || !draft.changes("version") {
        return Ok(());
    }
    let (before, after) = (draft.prior("version"), draft.planned("version"));
    let (before, after) = (before.as_str().and_then(parse), after.as_str().and_then(parse));
    if let (Some(before), Some(after)) = (before, after)
        && after < before
    {
        return Err(AttributeError {
            path: Path::root().attribute("version"),
            summary: "Version downgrade",
            detail: format!(
                "It runs {}.{}, and EKS has no way back to {}.{}.",
                before.0, before.1, after.0, after.1
            ),
            hint: Some("Leave the version, or make a new one and move what runs on it.".into()),
        });
    }
    for name in follows {
        if draft.config(name).is_null() {
            draft.reopen(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_at_a_time() {
        assert_eq!(next("1.30", "1.33").as_deref(), Some("1.31"));
        assert_eq!(next("1.32", "1.33").as_deref(), Some("1.33"));
        assert_eq!(next("1.33", "1.33"), None);
        assert_eq!(next("1.9", "1.10").as_deref(), Some("1.10"));
        assert_eq!(next("x", "1.10"), None);
    }
}
