//! Plan files: plans of any number of workspaces, versioned and sealed.
//!
//! A file is one line that names format and version, then the plans' JSON,
//! encrypted and authenticated as a whole with the user's key: a changed or
//! missing byte is refused, and nothing secret can be read.
//!
//! A plan says of itself what it was made from: workspace, lineage and serial
//! of its state, digest of the configuration, schemas of its types. What of
//! that is not so any more when it is to be applied, is found by
//! [`stale_schema`] and by those who know the state and the configuration.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::model::{Plan, PlannedSchema};
use crate::addr::ResourceMode;
use crate::diag::Diagnostic;
use crate::provider::{Registry, ResourceSchema};
use crate::state::Sealer;
use crate::value::Value;

/// Raised when plans change their meaning. A plan does not live long: one of
/// an older version is made again, not understood.
pub const FORMAT_VERSION: u32 = 3;

const MAGIC: &str = "tenantctl-plan";

#[derive(Serialize)]
struct Written<'a> {
    tenantctl: &'a str,
    plans: &'a [Plan],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    configurations: &'a [Configuration],
}

#[derive(Deserialize)]
struct Read<C> {
    tenantctl: String,
    plans: Vec<Plan>,
    #[serde(default = "Vec::new")]
    configurations: Vec<C>,
}

/// What plans were made from, for those who judge them: an apply needs none of
/// it. Plans of one blueprint share theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Configuration {
    /// Which plans, by their place in the file.
    pub plans: Vec<usize>,
    /// The module as plain data; what is sensitive in it is marked.
    pub module: Value,
}

/// Writes plans. The file appears whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, plans: &[Plan], sealer: &Sealer) -> Result<(), Diagnostic> {
    write_with(path, plans, &[], sealer)
}

/// Writes plans and what they were made from.
///
/// # Errors
/// As of [`write()`].
pub fn write_with(
    path: &Path,
    plans: &[Plan],
    configurations: &[Configuration],
    sealer: &Sealer,
) -> Result<(), Diagnostic> {
    let failed = |why: String| {
        Diagnostic::error("Plan not saved", format!("{} cannot be written: {why}.", path.display()))
    };
    let header = format!("{MAGIC} {FORMAT_VERSION}\n");
    let written = Written { tenantctl: env!("CARGO_PKG_VERSION"), plans, configurations };
    let json = serde_json::to_vec(&written).map_err(|e| failed(e.to_string()))?;
    let sealed = sealer.seal_bytes(&json, header.as_bytes()).map_err(|e| failed(e.to_string()))?;
    publish(path, &[header.as_bytes(), &sealed].concat()).map_err(|e| failed(e.to_string()))
}

/// Gives a file its content at once; nothing is left when that fails.
fn publish(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft: PathBuf = path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let made = File::create_new(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let made = made.and_then(|()| std::fs::rename(&draft, path));
    if made.is_err() {
        // It may never have come to be.
        let _ = std::fs::remove_file(&draft);
    }
    made
}

/// Reads plans back.
///
/// # Errors
/// A file that is not a plan, of another version, damaged, or sealed with
/// another key.
pub fn read(path: &Path, sealer: &Sealer) -> Result<Vec<Plan>, Diagnostic> {
    Ok(whole::<IgnoredAny>(path, sealer)?.plans)
}

/// Reads plans back with what they were made from.
///
/// # Errors
/// As of [`read`].
pub fn read_with(path: &Path, sealer: &Sealer) -> Result<(Vec<Plan>, Vec<Configuration>), Diagnostic> {
    let read = whole(path, sealer)?;
    Ok((read.plans, read.configurations))
}

fn whole<C: DeserializeOwned>(path: &Path, sealer: &Sealer) -> Result<Read<C>, Diagnostic> {
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
    let read: Read<C> =
        serde_json::from_slice(&json).map_err(|e| refused(format!("cannot be understood: {e}")))?;
    if read.tenantctl != env!("CARGO_PKG_VERSION") {
        return Err(refused(format!(
            "was made by tenantctl {}, and this is {}",
            read.tenantctl,
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(read)
}

/// What tells the schemas of a plan's types.
pub fn schemas(registry: &Registry, plan: &Plan) -> BTreeMap<String, PlannedSchema> {
    let (mut schemas, mut seen) = (BTreeMap::new(), HashSet::new());
    for change in &plan.changes {
        let address = &change.key.address;
        if !seen.insert((&*change.provider, address.mode, &*address.kind)) {
            continue;
        }
        let provider = registry.get(&change.provider);
        if let Some(schema) = provider.and_then(|p| p.schema().types(address.mode).get(&*address.kind)) {
            let name = name(&change.provider, address.mode, &address.kind);
            schemas.insert(name, planned(schema));
        }
    }
    schemas
}

/// A type that is not what it was when the plan was made, in words.
pub fn stale_schema(registry: &Registry, plan: &Plan) -> Option<String> {
    let now = schemas(registry, plan);
    let (name, then) = plan.schemas.iter().find(|(name, then)| now.get(*name) != Some(then))?;
    Some(match now.get(name) {
        None => format!("{name} is not there any more"),
        Some(now) if now.version != then.version => {
            format!("{name} had schema version {}, and has {} now", then.version, now.version)
        }
        Some(_) => format!("{name} has other attributes now"),
    })
}

fn planned(schema: &ResourceSchema) -> PlannedSchema {
    PlannedSchema { version: schema.version, digest: schema.block.digest().to_owned() }
}

fn name(provider: &str, mode: ResourceMode, kind: &str) -> String {
    format!("{provider}: {}{kind}", mode.prefix())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    #[test]
    fn what_an_older_version_wrote_is_refused_by_name() {
        let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state/local/formats/1/plan");
        let error = read(&old, &sealer()).expect_err("refused");
        let words = format!("has format version 1, but this tenantctl reads version {FORMAT_VERSION}");
        assert!(error.detail.contains(&words), "{error:?}");
    }

    #[test]
    fn any_changed_or_missing_byte_is_refused_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("x.plan");
        write(&path, &[], &sealer()).expect("writes");
        assert_eq!(read(&path, &sealer()).expect("reads").len(), 0);
        let whole = std::fs::read(&path).expect("there");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            for bytes in [&changed[..], &whole[..at]] {
                std::fs::write(&path, bytes).expect("writes");
                assert_eq!(read(&path, &sealer()).expect_err("refused").summary, "Plan file refused", "{at}");
            }
        }
        write(&dir.path().join("no/x.plan"), &[], &sealer()).expect_err("no such directory");
        write(dir.path(), &[], &sealer()).expect_err("a directory");
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1);
    }
}
