//! Roles, policies, and which role has which.
//!
//! IAM knows no tokens: a creation is told from another's by its mark.

mod attachment;
mod policy;
mod role;
mod role_policy;

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use tenantctl_core::provider::{Path, Value};
use uuid::Uuid;

use super::error::Failure;
use super::json::Fields as _;
use super::policy::problem;
use super::problems::Problems;
use super::resource::Resource;
use super::session::Session;
use super::tags::Tags;

/// All types.
pub(super) fn resources() -> Vec<Box<dyn Resource<Session>>> {
    vec![
        Box::new(role::Role),
        Box::new(policy::Policy),
        Box::new(attachment::Attachment),
        Box::new(role_policy::RolePolicy),
    ]
}

/// Tags as the SDK has them.
fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// Tags as the SDK wants them; none of them lacks a part.
fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// A document as IAM gives it: escaped.
fn document(text: Option<&str>) -> Json {
    text.map_or(Json::Null, |text| percent_decode_str(text).decode_utf8_lossy().into_owned().into())
}

/// The name that an object is given: its own, or one made of a prefix.
fn name_of(token: &str, planned: &Json) -> String {
    planned.given("name").unwrap_or_else(|| {
        let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, token.as_bytes()).simple().to_string();
        format!("{}{}", planned.given("name_prefix").unwrap_or_else(|| "tenantctl-".into()), &own[..20])
    })
}

/// Rules for names: letters, digits and `+=,.@_-`.
fn check_name(problems: &mut Problems<'_>, argument: &'static str, longest: usize) {
    let path = Path::root().attribute(argument);
    let Some(text) = problems.text(&path) else { return };
    let is_good = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if text.is_empty() || text.len() > longest || !text.chars().all(is_good) {
        let detail = format!(
            "{argument} is {text:?}, and must have 1 to {longest} letters, digits and characters of +=,.@_-."
        );
        problems.push(path, "Invalid name", detail);
    }
}

/// Name or prefix, and the path before it.
fn check_names(problems: &mut Problems<'_>, longest: usize) {
    let root = Path::root();
    problems.exclusive(&root.attribute("name_prefix"), &root.attribute("name"));
    check_name(problems, "name", longest);
    // Twenty characters stand for the rest of the name.
    check_name(problems, "name_prefix", longest - 20);
    let path = root.attribute("path");
    if let Some(text) = problems.text(&path)
        && !(text.starts_with('/') && text.ends_with('/') && text.len() <= 512)
    {
        problems.push(
            path,
            "Invalid path",
            format!("path is {text:?}, and must begin and end with a slash."),
        );
    }
}

fn check_document(problems: &mut Problems<'_>, argument: &'static str) {
    let path = Path::root().attribute(argument);
    if let Some(problem) = problems.text(&path).and_then(|text| problem(&text)) {
        problems.push(path, "Invalid policy", problem);
    }
}

/// The names of an object that are known before it is made.
fn identity(object: &Value, parts: &[&str]) -> Option<String> {
    let mut names = Vec::new();
    for part in parts {
        names.push(object.get(part)?.as_str()?.to_owned());
    }
    Some(names.join("/"))
}

/// Nothing, where the service says that there is nothing.
fn unless_missing<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What is to be set and removed to bring tags about.
fn tag_changes(actual: &Tags, wanted: &Tags) -> (Vec<Tag>, Vec<String>) {
    let (set, removed): (BTreeMap<_, _>, _) = super::tags::difference(actual, wanted);
    (tag_list(&set), removed)
}
