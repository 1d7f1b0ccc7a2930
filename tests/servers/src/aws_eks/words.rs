//! What requests have in common: refusals, and the checks of what they hold.

use serde_json::{Value as Json, json};

/// An answer: its status, and a body or a code with a message.
pub(crate) type Answer = std::result::Result<Json, Refusal>;

/// What EKS does not do.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

pub(super) fn refuse<T>(status: u16, code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, code, message: message.into() })
}

pub(super) fn missing<T>(what: &str) -> Result<T, Refusal> {
    refuse(404, "ResourceNotFoundException", format!("No {what} found."))
}

pub(super) fn in_use<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(409, "ResourceInUseException", message)
}

pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(400, "InvalidParameterException", message)
}

pub(super) fn only(body: &Json, known: &[&str]) -> Result<(), Refusal> {
    let unknown = body.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown {
        Some((name, _)) => invalid(format!("There is no parameter {name}.")),
        None => Ok(()),
    }
}

pub(super) fn named(body: &Json, part: &str, longest: usize) -> Result<String, Refusal> {
    let name = text(&body[part]);
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= longest;
    if good { Ok(name.to_owned()) } else { invalid(format!("The name {name:?} is not valid.")) }
}

pub(super) fn role(body: &Json, part: &str) -> Result<(), Refusal> {
    if text(&body[part]).starts_with("arn:aws:iam::") {
        Ok(())
    } else {
        invalid(format!("{part} is no ARN."))
    }
}

pub(super) fn scaling(scaling: &Json) -> Result<(), Refusal> {
    let size = |name: &str| scaling[name].as_i64().unwrap_or(-1);
    let (min, wanted, max) = (size("minSize"), size("desiredSize"), size("maxSize"));
    if min >= 0 && max >= 1 && (min..=max).contains(&wanted) {
        Ok(())
    } else {
        invalid("The sizes do not fit each other.")
    }
}

pub(super) fn logging(types: &[&str]) -> Json {
    json!({ "clusterLogging": [{ "types": types, "enabled": true }] })
}

pub(super) fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.parse().ok()
}

pub(super) fn or(given: &Json, other: Json) -> Json {
    if given.is_null() { other } else { given.clone() }
}

pub(super) fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

pub(super) fn items(json: &Json) -> Vec<Json> {
    json.as_array().cloned().unwrap_or_default()
}

/// A part of a path or query, as it was meant.
pub(super) fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
