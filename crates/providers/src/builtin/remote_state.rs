//! `data "terraform_remote_state"`: the outputs of another configuration, from
//! the state file that Terraform or OpenTofu keeps of it.
//!
//! Guarantees: outputs have the types that the file gives them, and what is
//! sensitive there is sensitive here; the file is read and nothing else.
//! Must not: know other backends than `local`; they are refused by name.

use std::path::{Path as FilePath, PathBuf};

use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Kind, Path, ProviderError, Type, Value,
};

/// The data source.
pub(super) const KIND: &str = "terraform_remote_state";

/// The largest file that is read.
const MOST: u64 = 256 << 20;

/// What the backend takes.
const SETTINGS: [&str; 2] = ["path", "workspace_dir"];

pub(super) fn block() -> Block {
    let attributes = [
        ("backend", Attribute::required(Type::String).describe("Where the state is kept: local.")),
        (
            "config",
            Attribute::optional(Type::Dynamic).describe("The backend's arguments: path, workspace_dir."),
        ),
        (
            "defaults",
            Attribute::optional(Type::Dynamic).describe("Values of outputs that the state does not have."),
        ),
        ("outputs", Attribute::computed(Type::Dynamic).describe("The outputs of the root module by name.")),
        (
            "workspace",
            Attribute::optional(Type::String).describe("The workspace, where that is not the default one."),
        ),
    ];
    Block::new(attributes, [])
}

fn attribute(object: &Value, name: &str) -> Value {
    object.get(name).unwrap_or(Value::NULL).unmark_deep()
}

fn problem(attribute: &str, summary: &'static str, detail: impl Into<String>) -> AttributeError {
    AttributeError { path: Path::root().attribute(attribute), summary, detail: detail.into(), hint: None }
}

/// What is wrong with a configuration, as far as it is known.
pub(super) fn validate(config: &Value) -> Vec<AttributeError> {
    let mut problems = Vec::new();
    let backend = attribute(config, "backend");
    if let Some(name) = backend.as_str().filter(|name| !["local", "_local"].contains(name)) {
        let detail =
            format!("This version of tenantctl reads states of the backend \"local\", not of {name:?}.");
        problems.push(AttributeError {
            hint: Some("Have the state pulled into a file first, and read that.".into()),
            ..problem("backend", "Invalid backend configuration", detail)
        });
    }
    let is_wrong = |value: &Value| value.is_known() && !value.is_null() && value.as_entries().is_none();
    let settings = attribute(config, "config");
    if is_wrong(&settings) {
        problems.push(problem(
            "config",
            "Invalid backend configuration",
            "The configuration must be an object.",
        ));
    }
    for (name, value) in settings.as_entries().into_iter().flatten() {
        if !SETTINGS.contains(&&**name) {
            let detail =
                format!("The backend \"local\" has no argument {name:?}, only path and workspace_dir.");
            problems.push(problem("config", "Invalid backend configuration", detail));
        } else if value.is_known() && !value.is_null() && value.as_str().is_none() {
            let detail = format!("The backend's argument {name:?} is a text.");
            problems.push(problem("config", "Invalid backend configuration", detail));
        }
    }
    if is_wrong(&attribute(config, "defaults")) {
        problems.push(problem("defaults", "Invalid default values", "Defaults must be given in an object."));
    }
    problems
}

/// Reads the file that a configuration, which is known, means.
pub(super) fn read(config: &Value) -> Result<Value, ProviderError> {
    if let Some(problem) = validate(config).into_iter().next() {
        let error =
            ProviderError::new(ErrorClass::Invalid, problem.summary, problem.detail).path(problem.path);
        return Err(match problem.hint {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    let path = place(config);
    let found = outputs(&path)?;
    let defaults = config.get("defaults").unwrap_or(Value::NULL);
    let given = defaults.as_entries().into_iter().flatten();
    let marks = defaults.marks();
    let given = given.map(|(name, value)| (name.to_string(), value.clone().with_marks(marks)));
    let outputs = Value::object(given.chain(found).collect::<std::collections::BTreeMap<_, _>>());
    let kept = ["backend", "config", "defaults", "workspace"];
    let kept = kept.map(|name| (name, config.get(name).unwrap_or(Value::NULL)));
    Ok(Value::object(kept.into_iter().chain([("outputs", outputs)])))
}

/// The file, as the backend `local` names those of workspaces.
fn place(config: &Value) -> PathBuf {
    let settings = attribute(config, "config");
    let text = |name: &str| settings.get(name).and_then(|value| value.as_str().map(String::from));
    match attribute(config, "workspace").as_str() {
        None | Some("default") => text("path").unwrap_or_else(|| "terraform.tfstate".into()).into(),
        Some(workspace) => {
            let folder = text("workspace_dir").unwrap_or_else(|| "terraform.tfstate.d".into());
            FilePath::new(&folder).join(workspace).join("terraform.tfstate")
        }
    }
}

fn outputs(path: &FilePath) -> Result<Vec<(String, Value)>, ProviderError> {
    let named = path.display();
    let missing = |why: &str| {
        let detail = format!("There is no state at {named}: {why}.");
        ProviderError::new(ErrorClass::NotFound, "Unable to find remote state", detail)
            .path(Path::root().attribute("config"))
    };
    let wrong = |why: String| {
        let detail = format!("{named} is no state that can be read: {why}.");
        ProviderError::new(ErrorClass::Invalid, "Unreadable state", detail)
            .path(Path::root().attribute("config"))
    };
    let about = std::fs::metadata(path).map_err(|error| missing(&error.to_string()))?;
    if !about.is_file() {
        return Err(wrong("it is no file".into()));
    }
    if about.len() > MOST {
        return Err(wrong(format!("it has more than {} MiB", MOST >> 20)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| missing(&error.to_string()))?;
    let state = Value::from_json_text(&text).map_err(|error| wrong(error.to_string()))?;
    if state.get("encrypted_data").is_some() {
        return Err(wrong("it is encrypted".into()));
    }
    let version = state.get("version").and_then(|version| version.as_number()?.as_i64());
    if version != Some(4) {
        return Err(wrong("its format is not version 4".into()));
    }
    let outputs = state.get("outputs").unwrap_or(Value::NULL);
    let read = |(name, output): (&std::sync::Arc<str>, &Value)| {
        let value = output_value(output).map_err(|why| wrong(format!("the output {name:?} {why}")))?;
        Ok((name.to_string(), value))
    };
    outputs.as_entries().into_iter().flatten().map(read).collect()
}

fn output_value(output: &Value) -> Result<Value, String> {
    let plain = output.get("value").unwrap_or(Value::NULL);
    let ty = type_of(&output.get("type").unwrap_or(Value::NULL))?;
    let value = plain.convert(&ty).map_err(|error| format!("is not of its type: {error}"))?;
    let is_sensitive = output.get("sensitive").and_then(|flag| flag.as_bool()) == Some(true);
    Ok(if is_sensitive { value.sensitive() } else { value })
}

/// A type in the notation of state files: `"string"`, `["list", "string"]`.
fn type_of(json: &Value) -> Result<Type, String> {
    let unknown = || "has an unknown type".to_owned();
    if let Some(name) = json.as_str() {
        return match name {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "dynamic" => Ok(Type::Dynamic),
            _ => Err(unknown()),
        };
    }
    let Kind::Tuple(parts) = json.kind() else { return Err(unknown()) };
    let [name, inner, ..] = &parts[..] else { return Err(unknown()) };
    match (name.as_str(), inner.as_entries(), inner.as_items()) {
        (Some("list"), ..) => Ok(Type::list(type_of(inner)?)),
        (Some("set"), ..) => Ok(Type::set(type_of(inner)?)),
        (Some("map"), ..) => Ok(Type::map(type_of(inner)?)),
        (Some("tuple"), _, Some(items)) => {
            Ok(Type::Tuple(items.iter().map(type_of).collect::<Result<_, _>>()?))
        }
        (Some("object"), Some(entries), _) => {
            let attributes = entries.iter().map(|(name, ty)| Ok((name.clone(), type_of(ty)?)));
            Ok(Type::object(attributes.collect::<Result<Vec<_>, String>>()?))
        }
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(backend: &str, settings: Value) -> Value {
        let unset = |name| (name, Value::NULL);
        Value::object([
            ("backend", backend.into()),
            ("config", settings),
            unset("defaults"),
            unset("outputs"),
            unset("workspace"),
        ])
    }

    fn settings(path: &FilePath) -> Value {
        Value::object([("path", path.to_string_lossy().into_owned().into())])
    }

    #[test]
    fn outputs_have_their_types_and_marks() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.tfstate");
        let text = r#"{"version": 4, "outputs": {
            "ids": {"value": ["b", "a"], "type": ["set", "string"]},
            "big": {"value": 123456789012345678901234567890, "type": "number"},
            "key": {"value": "k", "type": "string", "sensitive": true},
            "row": {"value": {"a": 1, "b": null}, "type": ["object", {"a": "number", "b": ["list", "bool"]}]}
        }}"#;
        std::fs::write(&file, text).expect("a file");
        let mut asked = config("local", settings(&file));
        asked =
            Value::object(asked.as_entries().expect("an object").iter().map(|(name, value)| match &**name {
                "defaults" => (name.clone(), Value::object([("key", "x".into()), ("more", 1i64.into())])),
                _ => (name.clone(), value.clone()),
            }));
        let outputs = read(&asked).expect("reads").get("outputs").expect("outputs");
        assert_eq!(outputs.get("ids").expect("ids").ty(), Type::set(Type::String));
        let big = outputs.get("big").expect("big");
        assert_eq!(big.as_number().expect("a number").to_string(), "123456789012345678901234567890");
        assert!(outputs.get("key").expect("key").is_sensitive());
        assert_eq!(outputs.get("row").expect("row").get("b"), Some(Value::null(Type::list(Type::Bool))));
        assert_eq!(outputs.get("more"), Some(1i64.into()));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.tfstate");
        let path = settings(&file);
        let said = |config: &Value| read(config).expect_err("refused").detail;
        assert!(said(&config("local", path.clone())).contains("There is no state"));
        assert!(said(&config("s3", Value::NULL)).contains("not of \"s3\""));
        assert!(
            said(&config("local", Value::object([("bucket", "b".into())])))
                .contains("no argument \"bucket\"")
        );
        assert!(said(&config("local", settings(dir.path()))).contains("it is no file"));
        for (text, part) in [
            ("{", "is no state that can be read"),
            (r#"{"version": 3}"#, "not version 4"),
            (r#"{"encrypted_data": ""}"#, "encrypted"),
            (r#"{"version": 4, "outputs": {"a": {"value": "x", "type": "number"}}}"#, "not of its type"),
            (r#"{"version": 4, "outputs": {"a": {"value": "x", "type": ["map"]}}}"#, "unknown type"),
        ] {
            std::fs::write(&file, text).expect("a file");
            assert!(said(&config("local", path.clone())).contains(part), "{text}");
        }
    }

    #[test]
    fn workspaces_have_files_of_their_own() {
        let mut entries = vec![("workspace", Value::from("eu")), ("config", Value::NULL)];
        assert_eq!(
            place(&Value::object(entries.clone())),
            FilePath::new("terraform.tfstate.d/eu/terraform.tfstate")
        );
        entries[0].1 = "default".into();
        assert_eq!(place(&Value::object(entries)), FilePath::new("terraform.tfstate"));
    }
}
