//! The evaluator: any expression gives a value or is told what is wrong with it.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use tenantctl_core::diag::{Diagnostics, FileId, Span};
use tenantctl_core::expr::functions::{FileAccess, LIMIT};
use tenantctl_core::expr::{EvalResult, FunctionContext, Reference, Scope, evaluate};
use tenantctl_core::fmt::LANGUAGE;
use tenantctl_core::syntax::parse_expression;
use tenantctl_core::value::{Type, Value};

/// There are no files.
struct Nothing;

impl FileAccess for Nothing {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Err("there are no files".into())
    }

    fn exists(&self, _: &Path) -> Result<bool, String> {
        Ok(false)
    }

    fn glob(&self, _: &Path, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn absolute(&self, path: &Path) -> Result<PathBuf, String> {
        Ok(Path::new("/").join(path))
    }

    fn home(&self) -> Option<PathBuf> {
        None
    }
}

/// Everything that is referred to is unknown, or sensitive.
struct Open;

impl Scope for Open {
    fn lookup(&self, reference: &Reference, _: Span) -> EvalResult {
        Ok(match reference {
            Reference::Local(_) => Value::from("secret").sensitive(),
            _ => Value::unknown(Type::Dynamic),
        })
    }

    fn functions(&self) -> FunctionContext<'_> {
        let here = Path::new("/");
        FunctionContext {
            module_dir: here,
            root_dir: here,
            timestamp: "2030-01-01T00:00:00Z",
            now: None,
            files: &Nothing,
            language: &LANGUAGE,
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut diagnostics = Diagnostics::new();
    let Some(expression) = parse_expression(FileId(0), text, &mut diagnostics) else { return };
    if let Ok(value) = evaluate(&expression, &Open)
        && let Some(text) = value.as_str()
    {
        assert!(text.len() <= LIMIT + bytes.len());
    }
});
