//! What the tests of functions share: a context with pretended files, and
//! tables of cases in JSON.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{FileAccess, FunctionContext, FunctionError, NO_LANGUAGE, call};
use crate::value::Value;

struct Files;

impl FileAccess for Files {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("/root/hello.txt") => Ok(b"hello".to_vec()),
            Some("/root/raw.bin") => Ok(vec![0xff, 0x00]),
            _ => Err("no such file".into()),
        }
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        Ok(self.read(path).is_ok())
    }

    fn absolute(&self, path: &Path) -> Result<PathBuf, String> {
        Ok(Path::new("/root").join(path))
    }

    fn home(&self) -> Option<PathBuf> {
        Some("/home/me".into())
    }

    fn glob(&self, dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
        match (dir.to_str(), pattern) {
            (Some("/root" | "/root/"), "*.txt") => Ok(vec!["hello.txt".into()]),
            (_, "[") => Err("the pattern is malformed".into()),
            _ => Ok(Vec::new()),
        }
    }
}

/// A context in which `/root/hello.txt` and `/root/raw.bin` exist.
pub(super) fn context() -> FunctionContext<'static> {
    FunctionContext {
        module_dir: Path::new("/root"),
        root_dir: Path::new("/root"),
        timestamp: "2026-01-02T03:04:05Z",
        now: Some("2026-01-02T04:00:00Z"),
        files: &Files,
        language: &NO_LANGUAGE,
    }
}

/// Calls a function with arguments as JSON.
pub(super) fn run(name: &str, args: &Json) -> Result<Value, FunctionError> {
    let args: Vec<_> = args.as_array().into_iter().flatten().map(Value::from_plain_json).collect();
    call(name, &args, &context())
}

/// Checks a table of calls: the result as JSON, or a part of the message.
pub(super) fn check(cases: &[(&str, Json, Result<Json, &str>)]) {
    for (name, args, expected) in cases {
        match (run(name, args), expected) {
            (Ok(value), Ok(json)) => {
                let got = value.to_plain_json().expect("known");
                assert_eq!(got, *json, "{name}{args}");
            }
            (Err(error), Err(part)) => assert!(error.message.contains(part), "{name}{args}: {error}"),
            (got, _) => panic!("{name}{args}: got {got:?}, expected {expected:?}"),
        }
    }
}
