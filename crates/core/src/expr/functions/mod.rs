//! The functions of the language: one table, one way to call.
//!
//! Guarantees: a call never panics and never builds more than [`LIMIT`] bytes
//! (or a like number of elements), whatever it is given; marks of arguments
//! reach the result; an error about a marked value does not quote it; what is
//! unknown comes out as an unknown of the right type.
//! Must not: touch files, clocks or the environment except through
//! [`FunctionContext`]. Functions that need unevaluated arguments or a scope
//! (`can`, `try`, `templatefile`) are the evaluator's, not here.

mod charsets;
mod collections;
mod convert;
mod declare;
mod encoding;
mod files;
mod format;
mod hashes;
mod impure;
mod json;
mod lists;
mod maps;
mod net;
mod numbers;
mod pattern;
mod re2;
mod rsa;
mod sets;
mod strings;
mod terraform;
#[cfg(test)]
mod testing;
mod time;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use super::ast::Expr;
use super::eval::EvalResult;
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::value::Value;
use declare::Function;

pub(crate) use time::duration;

/// The most bytes that one call may produce.
pub const LIMIT: usize = 64 << 20;

/// What functions may know of their surroundings; pure data.
#[derive(Clone, Copy)]
pub struct FunctionContext<'a> {
    /// The directory of the module that holds the call.
    pub module_dir: &'a Path,
    /// The root directory, which relative paths start from.
    pub root_dir: &'a Path,
    /// The moment of the plan, as RFC 3339.
    pub timestamp: &'a str,
    /// The present moment, as RFC 3339, where a result may be another each
    /// time; `None` while planning.
    pub now: Option<&'a str>,
    /// The way to files.
    pub files: &'a dyn FileAccess,
    /// The language that they are called in, to read and to write.
    pub language: &'a Language,
}

impl FunctionContext<'_> {
    /// What `path.module`, `path.root` or `path.cwd` stands for.
    ///
    /// # Errors
    /// When the working directory cannot be told.
    pub fn path(&self, which: &str, span: Span) -> EvalResult {
        let text = |path: &Path| Value::from(path.to_string_lossy().into_owned());
        match which {
            "module" => Ok(text(self.module_dir)),
            "root" => Ok(text(self.root_dir)),
            _ => match self.files.start() {
                Ok(path) => Ok(text(&path)),
                Err(why) => Err(Box::new(Diagnostic::error("Working directory not known", why).at(span))),
            },
        }
    }
}

/// The language, for functions that read and write it.
#[derive(Clone, Copy)]
pub struct Language {
    /// Reads templates.
    pub template: TemplateParser,
    /// Reads a file of values, as an object with literal keys; `None` with
    /// diagnostics.
    pub values: fn(FileId, &str, &mut Diagnostics) -> Option<Expr>,
    /// Gives text the canonical layout.
    pub layout: fn(&str) -> String,
}

/// No language: nothing can be read.
pub const NO_LANGUAGE: Language =
    Language { template: |_, _, _, _| None, values: |_, _, _| None, layout: str::to_owned };

/// Parses a template in which these names are variables, given the file of its
/// places; `None` with diagnostics.
pub type TemplateParser = fn(FileId, &str, &[Arc<str>], &mut Diagnostics) -> Option<Expr>;

/// Reads files for functions, and decides which may be read.
pub trait FileAccess: Send + Sync {
    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot or may not be read, as a phrase.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// Whether there is a regular file that may be read.
    ///
    /// # Errors
    /// When there is something, but no such file.
    fn exists(&self, path: &Path) -> Result<bool, String>;

    /// The files below `dir` whose path from there matches, with `/` between.
    ///
    /// # Errors
    /// When the pattern is malformed or the directory may not be read.
    fn glob(&self, dir: &Path, pattern: &str) -> Result<Vec<String>, String>;

    /// A path from the root of the file system.
    ///
    /// # Errors
    /// When the working directory cannot be told.
    fn absolute(&self, path: &Path) -> Result<PathBuf, String>;

    /// The directory that the program was started in.
    ///
    /// # Errors
    /// When it cannot be told.
    fn start(&self) -> Result<PathBuf, String> {
        self.absolute(Path::new("."))
    }

    /// The user's home directory.
    fn home(&self) -> Option<PathBuf>;
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    /// The position of the argument at fault.
    pub argument: Option<usize>,
    /// What is wrong, as a sentence.
    pub message: String,
}

const TABLES: &[&[Function]] = &[
    charsets::FUNCTIONS,
    collections::FUNCTIONS,
    convert::FUNCTIONS,
    encoding::FUNCTIONS,
    files::FUNCTIONS,
    format::FUNCTIONS,
    hashes::FUNCTIONS,
    impure::FUNCTIONS,
    lists::FUNCTIONS,
    maps::FUNCTIONS,
    net::FUNCTIONS,
    numbers::FUNCTIONS,
    pattern::FUNCTIONS,
    rsa::FUNCTIONS,
    sets::FUNCTIONS,
    strings::FUNCTIONS,
    terraform::FUNCTIONS,
    time::FUNCTIONS,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Function>> =
    LazyLock::new(|| TABLES.iter().flat_map(|table| table.iter()).map(|f| (f.name, f)).collect());

/// Calls a function.
///
/// # Errors
/// When there is no such function, or the arguments do not suit it.
pub fn call(name: &str, args: &[Value], context: &FunctionContext<'_>) -> Result<Value, FunctionError> {
    match BY_NAME.get(name) {
        Some(function) => function.call(args, context),
        None => {
            Err(FunctionError { argument: None, message: format!("There is no function named {name:?}.") })
        }
    }
}

/// Functions that the evaluator calls itself.
const EVALUATED: [&str; 4] = ["can", "templatefile", "templatestring", "try"];

/// All functions as documentation has them, by name.
pub fn signatures() -> BTreeMap<&'static str, String> {
    let evaluated = [
        ("can", "can(expression)"),
        ("templatefile", "templatefile(path, vars)"),
        ("templatestring", "templatestring(template, vars)"),
        ("try", "try(expressions...)"),
    ];
    let own = BY_NAME.values().map(|function| (function.name, function.signature()));
    own.chain(evaluated.map(|(name, text)| (name, text.to_owned()))).collect()
}

/// The names of all functions.
pub fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied().chain(EVALUATED)
}

/// The last part of the name of a provider's function, as a module calls it.
pub fn of_provider(name: &str) -> Option<&str> {
    let (_, function) = name.strip_prefix("provider::")?.split_once("::")?;
    Some(function)
}

/// Whether there is a function of this name.
pub fn exists(name: &str) -> bool {
    BY_NAME.contains_key(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::testing::{context, run};
    use super::*;
    use crate::value::{Marks, Type};

    #[test]
    fn names_are_unique_and_known() {
        assert_eq!(BY_NAME.len(), TABLES.iter().map(|t| t.len()).sum::<usize>());
        assert!(EVALUATED.iter().all(|name| !exists(name)));
        assert_eq!(signatures().keys().copied().collect::<Vec<_>>(), {
            let mut all: Vec<&str> = names().collect();
            all.sort_unstable();
            all
        });
        assert_eq!(signatures()["join"], "join(separator, lists...)");
        assert!(exists("abs") && !exists("abz"));
        assert!(call("abz", &[], &context()).is_err());
    }

    #[test]
    fn counts_are_checked() {
        let cases = [
            ("split", json!([","]), "missing a value for \"str\""),
            ("abs", json!([1, 2]), "too many arguments"),
            ("max", json!([]), "missing a value for \"numbers\""),
        ];
        for (name, args, part) in cases {
            let error = run(name, &args).expect_err(name);
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn marks_reach_the_result_and_errors_keep_secrets() {
        let secret = Value::from("hunter2").with_marks(Marks::EPHEMERAL).sensitive();
        let upper = call("upper", std::slice::from_ref(&secret), &context()).expect("upper");
        assert!(upper.is_sensitive() && upper.marks().contains(Marks::EPHEMERAL));
        let error = call("parseint", &[secret, 10i64.into()], &context()).expect_err("no number");
        assert!(!error.message.contains("hunter2"), "{error}");
    }

    #[test]
    fn unknown_arguments_give_typed_unknowns() {
        let unknown = call("abs", &[Value::unknown(Type::Dynamic)], &context()).expect("abs");
        assert_eq!(unknown, Value::unknown_not_null(Type::Number));
        let wrong = call("abs", &[Value::unknown(Type::list(Type::String))], &context());
        assert_eq!(wrong.expect_err("a list").argument, Some(0));
    }

    /// Every function, given every mix of odd values, answers.
    #[test]
    fn no_function_panics() {
        let odd = [
            Value::NULL,
            Value::from(-1i64),
            Value::from(i64::MAX),
            Value::from(i64::MIN),
            Value::from(""),
            Value::from("é%[3]*.-9d'\\$/"),
            Value::from("10.0.0.0/8"),
            Value::tuple([]),
            Value::tuple(["a".into(), Value::NULL, Value::unknown(Type::Dynamic)]),
            Value::object([("a", Value::tuple([1i64.into()]))]),
            Value::set(Type::String, vec![Value::unknown(Type::String)]),
            Value::unknown(Type::Dynamic),
            Value::unknown(Type::map(Type::String)),
        ];
        for name in names() {
            let _ = call(name, &[], &context());
            for a in &odd {
                let _ = call(name, std::slice::from_ref(a), &context());
                for b in &odd {
                    let _ = call(name, &[a.clone(), b.clone()], &context());
                    for c in &odd {
                        let _ = call(name, &[a.clone(), b.clone(), c.clone()], &context());
                    }
                }
            }
        }
    }
}
