//! Mistakes in a configuration that can be told before any server is asked.
//!
//! Pure. By RFC 1035 (names and their lengths), RFC 2181 (times to live), and
//! the syntax of addresses. Unknown parts are passed over.
//! Must not: show what is sensitive.

use tenantctl_core::provider::{AttributeError, Number, Path, Value};

use super::names;
use super::records::content;
use super::schema::Kind;

/// The longest time to live, in seconds.
const LONGEST: i64 = 2_147_483_647;

pub(super) fn validate(kind: &Kind, config: &Value) -> Vec<AttributeError> {
    let mut errors = place(kind, config);
    errors.extend(values(kind, config));
    errors.extend(ttl(config));
    errors
}

fn error(path: Path, summary: &'static str, value: &Value, why: &str, hint: Option<&str>) -> AttributeError {
    let detail = format!("{} cannot stand here. {why}.", value.show());
    AttributeError { path, summary, detail, hint: hint.map(str::to_owned) }
}

fn place(kind: &Kind, config: &Value) -> Vec<AttributeError> {
    let get = |name: &str| config.get(name).unwrap_or(Value::NULL);
    let at = |name: &'static str| Path::root().attribute(name);
    let (zone, name) = (get("zone"), get("name"));
    let mut errors = Vec::new();
    let whole = zone.as_str().map(names::absolute);
    if let Some(Err(why)) = &whole {
        let hint = Some("Write the zone as example.com. with its final dot.");
        errors.push(error(at("zone"), "Invalid zone", &zone, why, hint));
    }
    if !name.is_known() {
        return errors;
    }
    let text = name.as_str();
    if !kind.at_apex && text.is_none_or(str::is_empty) && (name.is_null() || text.is_some()) {
        let why = "The zone's own name cannot have such records from here";
        errors.push(error(at("name"), "Invalid name", &name, why, None));
        return errors;
    }
    // Without a zone, the name can still be wrong by itself.
    let zone = whole.and_then(Result::ok).unwrap_or_else(hickory_proto::rr::Name::root);
    let checked = names::within(text, &zone).and_then(|whole| names::mark(&whole, &zone, kind));
    if let Err(why) = checked {
        let hint = Some("Write it without the zone, as www; leave it out for the zone itself.");
        errors.push(error(at("name"), "Invalid name", &name, &why, hint));
    }
    errors
}

fn values(kind: &Kind, config: &Value) -> Vec<AttributeError> {
    let values = config.get(kind.values).unwrap_or(Value::NULL);
    let path = Path::root().attribute(kind.values);
    let items: Vec<(Path, Value)> = match values.as_items() {
        Some([]) => {
            let detail = "A record set without a record cannot be.".to_owned();
            let hint = Some("Remove the resource where there is to be none.".into());
            return vec![AttributeError { path, summary: "Empty record set", detail, hint }];
        }
        // A set has no places that a path could name.
        Some(items) => items.iter().map(|item| (path.clone(), item.clone())).collect(),
        None => vec![(path, values.clone())],
    };
    let mut seen = Vec::new();
    let mut errors = Vec::new();
    for (path, item) in items {
        let Some(text) = item.as_str() else { continue };
        match content(kind, text) {
            Err(why) => errors.push(error(path, "Invalid record", &item, &why, None)),
            Ok(content) if seen.contains(&content) => {
                errors.push(error(
                    path,
                    "Repeated record",
                    &item,
                    "It is in the set twice, written differently",
                    None,
                ));
            }
            Ok(content) => seen.push(content),
        }
    }
    errors
}

fn ttl(config: &Value) -> Option<AttributeError> {
    let ttl = config.get("ttl").filter(|ttl| ttl.as_number().is_some())?;
    let seconds = ttl.as_number().and_then(Number::as_i64);
    if seconds.is_some_and(|seconds| (0..=LONGEST).contains(&seconds)) {
        return None;
    }
    let why = format!("It is a whole number of seconds from 0 to {LONGEST}");
    Some(error(Path::root().attribute("ttl"), "Invalid time to live", &ttl, &why, None))
}
