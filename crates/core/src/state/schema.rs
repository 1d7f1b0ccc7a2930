//! JSON Schemas of what is kept, made from the types that keep it.
//!
//! They stand in the repository's `state/schema/`. A test makes them anew; where
//! that makes a difference, it writes the file and fails, so that the
//! difference is looked at and committed with the change that made it.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};

use super::audit::AuditEntry;
use super::keys;
use super::local;
use super::store::LockInfo;

/// A value as it is stored.
pub(crate) struct Stored;

impl JsonSchema for Stored {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value. Scalars, tuples and objects are plain JSON. What JSON cannot say is an \
                object with one key: `$null` (a null of that type), `$unknown` (in a call that is open), \
                `$number` (exact, as text), `$list`, `$set` and `$map` (type of the elements, elements), \
                `$sealed` (a sensitive value: base64 of the key's id, nonce and ciphertext). A key of an \
                object that starts with `$` has one more."
        })
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state/schema")
}

/// Makes sure that a file is this schema; says so when it was not.
pub(crate) fn renewed(name: &str, title: &str, schema: &Schema) -> Option<PathBuf> {
    let mut schema = schema.clone();
    schema.insert("title".into(), title.into());
    let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    let path = directory().join(format!("{name}.json"));
    if fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return None;
    }
    fs::create_dir_all(directory()).expect("a directory");
    fs::write(&path, text).expect("written");
    Some(path)
}

#[test]
fn schemas_are_those_of_the_types() {
    let all = [
        renewed("journal-line", "The JSON of a line of a journal", &local::line_schema()),
        renewed("lock", "workspaces/NAME/lock.json", &schema_for!(LockInfo)),
        renewed("audit-line", "A line of audit", &schema_for!(AuditEntry)),
        renewed("passphrase", "passphrase.json", &keys::schema()),
    ];
    let all: Vec<PathBuf> = all.into_iter().flatten().collect();
    assert!(all.is_empty(), "written anew, look at the difference: {all:?}");
}
