//! Names as Azure's services take them, by their published rules.
//!
//! Pure. What is unknown is no problem.

use tenantctl_core::provider::Path;

use super::id::Id;
use crate::cloud::problems::Problems;

/// A rule of names.
pub(super) struct Rule {
    pub(super) length: std::ops::RangeInclusive<usize>,
    /// Characters besides letters and digits.
    pub(super) others: &'static str,
    pub(super) first: fn(char) -> bool,
    pub(super) last: fn(char) -> bool,
    /// What is in no name.
    pub(super) never: &'static str,
    /// Capital letters are allowed.
    pub(super) capitals: bool,
}

fn any(_: char) -> bool {
    true
}

fn letter(c: char) -> bool {
    c.is_ascii_alphabetic()
}

fn letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// Resource groups.
pub(super) const GROUP: Rule =
    Rule { length: 1..=90, others: "_-.()", first: any, last: |c| c != '.', never: "", capitals: true };
/// Clusters.
pub(super) const CLUSTER: Rule = Rule {
    length: 1..=63,
    others: "_-",
    first: letter_or_digit,
    last: letter_or_digit,
    never: "",
    capitals: true,
};
/// Prefixes of clusters' names in DNS.
pub(super) const DNS_PREFIX: Rule = Rule {
    length: 1..=54,
    others: "-",
    first: letter_or_digit,
    last: letter_or_digit,
    never: "",
    capitals: true,
};
/// Node pools with Linux.
pub(super) const POOL: Rule =
    Rule { length: 1..=12, others: "", first: letter, last: any, never: "", capitals: false };
/// Vaults.
pub(super) const VAULT: Rule =
    Rule { length: 3..=24, others: "-", first: letter, last: letter_or_digit, never: "--", capitals: true };
/// Secrets.
pub(super) const SECRET: Rule =
    Rule { length: 1..=127, others: "-", first: any, last: any, never: "", capitals: true };
/// Identities, and what they trust.
pub(super) const IDENTITY: Rule =
    Rule { length: 3..=128, others: "-_", first: letter_or_digit, last: any, never: "", capitals: true };

/// Whether a name follows a rule.
fn follows(rule: &Rule, name: &str) -> bool {
    let all = name.chars().all(|c| {
        (c.is_ascii_alphanumeric() && (rule.capitals || !c.is_ascii_uppercase())) || rule.others.contains(c)
    });
    rule.length.contains(&name.chars().count())
        && all
        && name.chars().next().is_some_and(rule.first)
        && name.chars().last().is_some_and(rule.last)
        && (rule.never.is_empty() || !name.contains(rule.never))
}

/// Checks the name at an attribute.
pub(super) fn check(problems: &mut Problems<'_>, attribute: &'static str, rule: &Rule, means: &str) {
    check_at(problems, &Path::root().attribute(attribute), rule, means);
}

/// Checks the name at a path.
pub(super) fn check_at(problems: &mut Problems<'_>, path: &Path, rule: &Rule, means: &str) {
    let Some(name) = problems.text(path) else { return };
    if !follows(rule, &name) {
        let detail = format!("{path} is {name:?}, and must be {means}.");
        problems.push(path.clone(), "Invalid name", detail);
    }
}

/// Checks the id at an attribute.
pub(super) fn check_id(
    problems: &mut Problems<'_>,
    attribute: &'static str,
    namespace: &str,
    types: &[&str],
) {
    let path = Path::root().attribute(attribute);
    let Some(text) = problems.text(&path) else { return };
    if Id::parse(&text, namespace, types).is_none() {
        let detail = format!("{path} is {text:?}, which is no id of {namespace}/{}.", types.join("/"));
        problems.push(path, "Invalid id", detail);
    }
}

/// Checks the group that an object is in.
pub(super) fn check_group(problems: &mut Problems<'_>, attribute: &'static str) {
    let means = "1 to 90 letters, digits and any of -_.(), without a dot at the end";
    check(problems, attribute, &GROUP, means);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_rules() {
        let cases: [(&Rule, &[&str], &[&str]); 5] = [
            (&GROUP, &["rg", "a.b_(c)-d"], &["", "a.", "a b"]),
            (&POOL, &["pool1", "abcdefghijkl"], &["Pool", "1pool", "with-dash", "abcdefghijklm"]),
            (&VAULT, &["abc", "kv-acme-1"], &["ab", "1abc", "a--b", "abc-", "abcdefghijklmnopqrstuvwxy"]),
            (&CLUSTER, &["c", "a_b-c"], &["-a", "a-", "a.b"]),
            (&SECRET, &["a", "db-password"], &["", "a_b", "a.b"]),
        ];
        for (rule, good, bad) in cases {
            good.iter().for_each(|name| assert!(follows(rule, name), "{name}"));
            bad.iter().for_each(|name| assert!(!follows(rule, name), "{name}"));
        }
    }
}
