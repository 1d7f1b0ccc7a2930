//! Plan files: plans of any number of workspaces, versioned and sealed.
//!
//! A file is one line that names format and version, then the plans' JSON,
//! encrypted and authenticated as a whole with the user's key: a changed or
//! missing byte is refused, and nothing secret can be read.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::Plan;
use crate::diag::Diagnostic;
use crate::state::Sealer;

/// Raised when plans change their meaning.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: &str = "tenantctl-plan";

#[derive(Serialize)]
struct Written<'a> {
    plans: &'a [Plan],
}

#[derive(Deserialize)]
struct Read {
    plans: Vec<Plan>,
}

/// Writes plans. The file appears whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, plans: &[Plan], sealer: &Sealer) -> Result<(), Diagnostic> {
    let failed = |why: String| {
        Diagnostic::error("Plan not saved", format!("{} cannot be written: {why}.", path.display()))
    };
    let header = format!("{MAGIC} {FORMAT_VERSION}\n");
    let json = serde_json::to_vec(&Written { plans }).map_err(|e| failed(e.to_string()))?;
    let sealed = sealer.seal_bytes(&json, header.as_bytes()).map_err(|e| failed(e.to_string()))?;
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, [header.as_bytes(), &sealed].concat()).map_err(|e| failed(e.to_string()))?;
    std::fs::rename(&temporary, path).map_err(|e| failed(e.to_string()))
}

/// Reads plans back.
///
/// # Errors
/// A file that is not a plan, of another version, damaged, or sealed with
/// another key.
pub fn read(path: &Path, sealer: &Sealer) -> Result<Vec<Plan>, Diagnostic> {
    let refused = |why: String| {
        Diagnostic::error("Plan file refused", format!("{} {why}.", path.display()))
            .hint("Make a new plan with: tenantctl plan -out=FILE")
    };
    let bytes = std::fs::read(path).map_err(|e| refused(format!("cannot be read: {e}")))?;
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(0);
    let header = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
    let Some(version) = header.strip_prefix(MAGIC) else { return Err(refused("is not a plan file".into())) };
    if version.trim() != FORMAT_VERSION.to_string() {
        return Err(refused(format!(
            "has format version {}, but this tenantctl reads version {FORMAT_VERSION}",
            version.trim()
        )));
    }
    let json = sealer
        .unseal_bytes(&bytes[end + 1..], &bytes[..=end])
        .map_err(|e| refused(format!("is damaged, cut short or was made with another key ({e})")))?;
    let read: Read =
        serde_json::from_slice(&json).map_err(|e| refused(format!("cannot be understood: {e}")))?;
    Ok(read.plans)
}
