//! Writing the file that a tenant's block stands in.
//!
//! Guarantees: a file is written whole or not at all, and put back as it was
//! when the configuration is not valid with what was written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tenantctl_core::config::Seated;
use tenantctl_core::config::edit::{self, Change};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops::Selection;

use super::states;
use crate::args::ConfigArgs;
use crate::error;
use crate::render::state;
use crate::session::Session;

/// What became of a file.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
}

/// Changes a tenant's block where it stands.
///
/// # Errors
/// A file that cannot be edited or written; what is wrong with the
/// configuration after that.
pub(super) fn change(
    session: &Session,
    config: &ConfigArgs,
    seated: &Seated,
    changes: &[Change],
) -> Result<Written, Diagnostics> {
    let (path, old) = read(session, seated)?;
    let new = edit::set(&old, &seated.tenant, changes)?;
    write(session, config, &seated.tenant, &path, (Some(&old), &new))
}

/// Takes a tenant's block away, with its file when nothing else is in there.
///
/// # Errors
/// As of [`change`].
pub(super) fn remove(session: &Session, seated: &Seated) -> Result<PathBuf, Diagnostics> {
    let (path, old) = read(session, seated)?;
    match edit::without(&old, &seated.tenant)? {
        Some(text) => replace(&path, &text)?,
        None => fs::remove_file(&path).map_err(|problem| error::file("Cannot remove", &path, &problem))?,
    }
    Ok(path)
}

fn read(session: &Session, seated: &Seated) -> Result<(PathBuf, String), Diagnostics> {
    let source = session.sources.get(seated.span.file);
    let path = source.map(|source| source.path.clone()).unwrap_or_default();
    if path.extension().is_some_and(|end| end == "json") {
        let detail = format!("{} is in JSON, in which comments and layout are not kept.", path.display());
        return Err(Diagnostic::error("Cannot edit", detail).hint("Edit the file by hand.").into());
    }
    let text = fs::read_to_string(&path).map_err(|problem| error::file("Cannot read", &path, &problem))?;
    Ok((path, text))
}

/// Writes a file; puts back what was there when the configuration, or what it
/// says of the tenant, is not valid with it.
///
/// # Errors
/// A file that cannot be written; what is wrong with the configuration.
pub(super) fn write(
    session: &Session,
    config: &ConfigArgs,
    tenant: &str,
    path: &Path,
    (old, new): (Option<&str>, &str),
) -> Result<Written, Diagnostics> {
    let written = Written {
        path: path.to_path_buf(),
        is_new: old.is_none(),
        is_changed: old.is_none_or(|old| old != new),
    };
    if !written.is_changed {
        return Ok(written);
    }
    replace(path, new)?;
    let (platform, _, mut problems) = session.read(config);
    if let Some(platform) = platform.filter(|_| !problems.has_errors()) {
        match platform.instances(&Selection::tenant(tenant)) {
            // What is wrong with others is no reason to leave this one out.
            Ok(selected) => problems.extend(selected.failed.into_iter().flat_map(|(_, problems)| problems)),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.has_errors() {
        return Ok(written);
    }
    match old {
        Some(old) => replace(path, old)?,
        None => fs::remove_file(path).map_err(|problem| error::file("Cannot remove", path, &problem))?,
    }
    let detail = format!("The configuration would not be valid, so {} was left as it was.", path.display());
    problems.push(Diagnostic::error("Nothing written", detail));
    Err(problems.sorted())
}

/// Writes a file whole, or not at all, and has it on disk.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Diagnostics> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let put = || {
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(text.as_bytes())?;
        let permissions = match fs::metadata(path) {
            Ok(known) => known.permissions(),
            Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
        };
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|problem| problem.error)?;
        fs::File::open(dir)?.sync_all()
    };
    Ok(put().map_err(|problem: std::io::Error| error::file("Cannot write", path, &problem))?)
}

/// Shows the outputs of a tenant, wherever it runs.
///
/// # Errors
/// A state that cannot be read.
pub(super) fn outputs(session: &Session, tenant: &str, show_sensitive: bool) -> Result<(), Diagnostics> {
    for found in states::load(session, &[tenant.to_owned()])? {
        if !found.outputs.is_empty() {
            let text = state::outputs(&found.outputs, session.style(show_sensitive));
            session.output.text(&format!("\n{}:\n{text}", found.name));
        }
    }
    Ok(())
}
