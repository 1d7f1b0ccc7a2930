//! Whatever OpenTofu's console makes of an expression, ours makes of it too:
//! the same value, of the same type, or an error.
//!
//! `cases/` holds expressions, one a line; more are made at random by
//! `generate`. More may be known of values that are not known yet, where it
//! holds for all `samples` of them. Where else the two are meant to differ,
//! `differences.txt` says so and why; what it lists must differ, and nothing
//! else may. `modules` and
//! `roots` do the same with whole configurations.

mod consoles;
mod generate;
mod modules;
mod place;
mod roots;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use consoles::{Answer, Console};

/// Random expressions in one run.
const RANDOM: usize = 500;
/// Where they begin, unless TENANTCTL_ORACLE_SEED says otherwise.
const SEED: u64 = 1;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

/// Expressions of a file: all lines but empty ones and comments.
fn expressions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// The expressions that are known to differ; each stands below the reason.
fn differences() -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder().join("differences.txt")).expect("the file is there");
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("# "), "every difference has a reason, also {first:?}");
    expressions(&text).map(String::from).collect()
}

/// Both answers to each expression. Cores are few, and each console waits for
/// its process, so the two run side by side.
fn ask(expressions: &[String]) -> Vec<(Answer, Answer)> {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| Console::opentofu().ask(expressions));
        let ours = Console::tenantctl().ask(expressions);
        theirs.join().expect("OpenTofu answers").into_iter().zip(ours).collect()
    })
}

/// Whether a text is what a pattern says, in which `any` stands for any text.
fn is_like(pattern: &str, any: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once(any) else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut rest = rest;
    while let Some((part, more)) = rest.split_once(any) {
        let Some((_, after)) = text.split_once(part) else { return false };
        (text, rest) = (after, more);
    }
    text.ends_with(rest)
}

fn report(found: &BTreeMap<&String, &(Answer, Answer)>) -> String {
    let mut text = String::new();
    for (expression, (theirs, ours)) in found {
        let _ = writeln!(text, "{expression}\n  OpenTofu:  {theirs}\n  tenantctl: {ours}");
    }
    text
}

#[test]
fn expressions_evaluate_as_in_opentofu() {
    let mut all = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder().join("cases"))
        .expect("cases")
        .map(|f| f.expect("a file").path())
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of cases");
        all.extend(expressions(&text).map(String::from));
    }
    let answers = ask(&all);
    let found: BTreeMap<_, _> =
        all.iter().zip(&answers).filter(|(_, (theirs, ours))| !theirs.agrees(ours)).collect();
    let (known, confirmed) = (differences(), samples::confirmed(&found));
    let found: BTreeMap<_, _> = found.into_iter().filter(|(asked, _)| !confirmed.contains(*asked)).collect();
    let unknown: BTreeMap<_, _> =
        found.iter().filter(|(e, _)| !known.contains(**e)).map(|(e, a)| (*e, *a)).collect();
    let gone: Vec<_> = known.iter().filter(|e| !found.contains_key(e)).collect();
    assert!(unknown.is_empty(), "{} of {} differ:\n{}", unknown.len(), all.len(), report(&unknown));
    assert!(gone.is_empty(), "no longer different, known to be right, or no case: {gone:#?}");
    assert!(confirmed.len() > 20, "only {confirmed:#?}: something is wrong with the samples");
}

#[test]
fn random_expressions_evaluate_as_in_opentofu() {
    let seed = std::env::var("TENANTCTL_ORACLE_SEED").ok().map_or(SEED, |s| s.parse().expect("a number"));
    let all = generate::expressions(seed, RANDOM);
    let answers = ask(&all);
    let values = answers.iter().filter(|(theirs, _)| matches!(theirs, Answer::Value { .. })).count();
    assert!(values > RANDOM / 3, "only {values} of {RANDOM} are valid: the generator is broken");
    let found: BTreeMap<_, _> = all
        .iter()
        .zip(&answers)
        .filter(|(_, (theirs, ours))| !theirs.agrees(ours) && !theirs.is_panic())
        .collect();
    let confirmed = samples::confirmed(&found);
    let found: BTreeMap<_, _> = found.into_iter().filter(|(asked, _)| !confirmed.contains(*asked)).collect();
    assert!(found.is_empty(), "seed {seed}: {} of {RANDOM} differ:\n{}", found.len(), report(&found));
}
