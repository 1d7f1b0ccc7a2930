//! The evaluator on expressions made at random of the language's own words: it
//! gives a value or says what is wrong, whatever it is given. `fuzz/` has the
//! same for any bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's way to fail")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::select;
use tenantctl_core::diag::{Diagnostics, FileId, Span};
use tenantctl_core::expr::functions::{self, FileAccess};
use tenantctl_core::expr::{EvalResult, FunctionContext, Reference, Scope, evaluate};
use tenantctl_core::fmt::LANGUAGE;
use tenantctl_core::syntax::parse_expression;
use tenantctl_core::value::{Marks, Type, Value};

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

/// A text that no other value has.
const SECRET: &str = "q7-secret-q7";

/// `local.secret` is sensitive, everything else unknown.
struct Open;

impl Scope for Open {
    fn lookup(&self, reference: &Reference, _: Span) -> EvalResult {
        Ok(match reference {
            Reference::Local(_) => Value::from(SECRET).sensitive(),
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

const LEAVES: [&str; 22] = [
    "0",
    "-1",
    "1e30",
    "0.1",
    "9007199254740993",
    "\"\"",
    "\"a\"",
    "\"10.0.0.0/8\"",
    "\"é\\u0301\"",
    "\"%s %05d\"",
    "\"2030-01-01T00:00:00Z\"",
    "null",
    "true",
    "[]",
    "{}",
    "[1, \"a\", null]",
    "{ a = 1, \"b\" = [] }",
    "toset([\"b\", \"a\"])",
    "var.unknown",
    "local.secret",
    "x",
    "k",
];

const INFIX: [&str; 13] = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "? 1 :", "? [] :"];

/// An expression; `x` and `k` may stand for nothing in it.
fn expression() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = functions::names().filter(|name| *name != "bcrypt").collect();
    select(&LEAVES[..]).prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            3 => (select(names.clone()), prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(name, args)| format!("{name}({})", args.join(", "))),
            1 => (inner.clone(), select(&INFIX[..]), inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[for k, x in {a} : {b} if k != x]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{ for k, x in {a} : k => {b}... }}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => inner.clone().prop_map(|a| format!("{a}[*].a")),
            1 => inner.clone().prop_map(|a| format!("\"<${{{a}}}>\"")),
            1 => inner.clone().prop_map(|a| format!("!{a}")),
            1 => inner.prop_map(|a| format!("-{a}")),
        ]
    })
}

/// Whether a value has the secret somewhere, and nothing around it hides it.
fn shows_secret(value: &Value) -> bool {
    if value.marks().contains(Marks::SENSITIVE) {
        return false;
    }
    let mut found = value.as_str().is_some_and(|text| text.contains(SECRET));
    found |= value.as_entries().is_some_and(|entries| entries.keys().any(|key| key.contains(SECRET)));
    value.for_each_child(&mut |child| found |= shows_secret(child));
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_expression_gives_a_value_or_a_mistake(text in expression()) {
        let text = format!("[for x in [1] : [for k in [\"k\"] : {text}]]");
        let mut diagnostics = Diagnostics::new();
        let expression = parse_expression(FileId(0), &text, &mut diagnostics);
        prop_assert!(expression.is_some() || diagnostics.has_errors());
        let Some(expression) = expression else { return Ok(()) };
        match evaluate(&expression, &Open) {
            // Only what is asked to show a secret does.
            Ok(value) => prop_assert!(text.contains("nonsensitive") || !shows_secret(&value), "{text}\n{value:?}"),
            Err(problem) => {
                prop_assert!(problem.span.is_some(), "{text}\n{}", problem.detail);
                let told = format!("{} {} {:?}", problem.summary, problem.detail, problem.values);
                prop_assert!(text.contains("nonsensitive") || !told.contains(SECRET), "{text}\n{told}");
            }
        }
    }
}
