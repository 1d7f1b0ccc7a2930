//! What requests may hold, as the published interfaces say.

use serde_json::Value as Json;

use super::world::{Done, refuse};

/// Refuses a body with a part that the interface does not know. Parts are paths
/// with `*` for any name, and `[]` is left out.
pub(super) fn only(body: &Json, known: &[&str]) -> Done<()> {
    let mut paths = Vec::new();
    leaves(body, "", &mut paths);
    for path in paths {
        let is_known = known.iter().any(|known| matches(known, &path));
        if !is_known {
            return refuse(
                400,
                "InvalidRequestContent",
                format!("Could not find member '{path}' on object of the type of the request."),
            );
        }
    }
    Ok(())
}

fn matches(known: &str, path: &str) -> bool {
    let (known, path): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), path.split('/').collect());
    let ends = known.last() == Some(&"**");
    (known.len() == path.len() || (ends && path.len() >= known.len()))
        && known.iter().zip(&path).all(|(known, part)| *known == "*" || *known == "**" || known == part)
}

fn leaves(json: &Json, at: &str, found: &mut Vec<String>) {
    let inner = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    match json {
        Json::Object(parts) if !parts.is_empty() => {
            parts.iter().for_each(|(name, part)| leaves(part, &inner(name), found));
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            items.iter().for_each(|item| leaves(item, at, found));
        }
        _ if at.is_empty() => {}
        _ => found.push(at.to_owned()),
    }
}

/// Text that a body must hold.
pub(super) fn text<'j>(body: &'j Json, pointer: &str) -> Done<&'j str> {
    match body.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty()) {
        Some(text) => Ok(text),
        None => refuse(400, "InvalidRequestContent", format!("Required property '{pointer}' is missing.")),
    }
}

/// Tags that can be.
pub(super) fn tags(tags: &Json) -> Done<()> {
    let Some(tags) = tags.as_object() else { return Ok(()) };
    for (name, value) in tags {
        let bad = name.is_empty() || name.len() > 512 || name.contains(['<', '>', '%', '&', '\\', '?', '/']);
        if bad || value.as_str().is_none_or(|value| value.len() > 256) {
            return refuse(400, "InvalidTagNameCharacters", format!("The tag {name:?} is not valid."));
        }
    }
    if tags.len() > 50 { refuse(400, "TooManyTags", "There are more than 50 tags.") } else { Ok(()) }
}

/// A name by its length and characters.
pub(super) fn name(
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    fine: impl Fn(char) -> bool,
    code: &str,
) -> Done<()> {
    if length.contains(&name.len()) && name.chars().all(fine) {
        return Ok(());
    }
    refuse(400, code, format!("The name '{name}' is not valid."))
}

/// The minor version of a version of Kubernetes that there is.
pub(super) fn minor(version: &str) -> Option<u32> {
    let minor = version.strip_prefix("1.")?.split('.').next()?.parse().ok()?;
    (28..=34).contains(&minor).then_some(minor)
}
