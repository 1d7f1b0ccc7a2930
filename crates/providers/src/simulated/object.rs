//! What objects are called in the cloud, and how scripts change them.
//!
//! Guarantees: pure; a key follows from type, place and name alone, so that
//! reads find what creations made.
//! Must not: put what is sensitive into a key.

use tenantctl_core::provider::{Block, Kind, PathStep, Provider, Type, Value};

use super::CloudError;
use super::invent::is_status;
use super::script::Operation;
use super::tables::Record;

/// Parts of a connection that say where it leads, the first known one counts.
const ENDPOINTS: [&str; 4] = ["endpoint", "host", "server", "cluster"];
/// Parts that count besides.
const SCOPES: [&str; 6] =
    ["context", "config_context", "region", "location", "account_id", "subscription_id"];

/// Where a connection leads: `""` for the default, and while unknown.
pub(super) fn place(connection: &Value) -> String {
    // Parts of an unknown have parts without end.
    if !connection.is_known() {
        return String::new();
    }
    if let Some(text) = open_text(connection) {
        return text.to_owned();
    }
    let part = |name: &&str| connection.get(name).map(|v| place(&v)).filter(|p| !p.is_empty());
    let endpoint = ENDPOINTS.iter().find_map(part);
    endpoint.into_iter().chain(SCOPES.iter().filter_map(part)).collect::<Vec<_>>().join(" ")
}

fn open_text(value: &Value) -> Option<&str> {
    value.as_str().filter(|_| !value.is_sensitive())
}

/// A known text attribute that is not sensitive; `""` without one.
pub(super) fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(|v| open_text(&v).map(str::to_owned)).unwrap_or_default()
}

/// What scripts match: the identity, else `name`, else `id`.
pub(super) fn name(provider: &dyn Provider, kind: &str, object: &Value) -> String {
    let named = || ["name", "id"].iter().map(|n| text(object, n)).find(|t| !t.is_empty());
    provider.identity(kind, object).or_else(named).unwrap_or_default()
}

/// What the cloud keeps an object by; `None` while it has no name.
pub(super) fn key(provider: &dyn Provider, kind: &str, connection: &Value, object: &Value) -> Option<String> {
    key_at(provider, kind, &place(connection), object)
}

/// [`key`] for a place that is known already.
pub(super) fn key_at(provider: &dyn Provider, kind: &str, place: &str, object: &Value) -> Option<String> {
    if let Some(identity) = provider.identity(kind, object) {
        return Some(key_of(kind, place, Name::Identity, &identity));
    }
    let id = object.get("id")?;
    Some(key_of(kind, place, Name::Id, id.as_str()?))
}

/// Who gave an object its name.
#[derive(Clone, Copy)]
pub(super) enum Name {
    /// The configuration.
    Identity,
    /// The service.
    Id,
}

/// The key of a name.
pub(super) fn key_of(kind: &str, place: &str, by: Name, name: &str) -> String {
    let by = match by {
        Name::Identity => "name",
        Name::Id => "id",
    };
    format!("{kind}\n{place}\n{by}\n{name}")
}

/// An object as the service shows it: while it is worked on, its status says
/// so.
pub(super) fn view(record: &Record, schema: Option<&Block>) -> Result<Value, CloudError> {
    let value = record.value(schema)?;
    let (Some(work), Some(schema), Kind::Object(attributes)) = (&record.work, schema, value.kind()) else {
        return Ok(value);
    };
    let status = match work.operation {
        Operation::Delete => "DELETING",
        Operation::Update => "UPDATING",
        _ => "CREATING",
    };
    let is_ours = |name: &str| {
        let attribute = schema.attributes.get(name);
        is_status(name) && attribute.is_some_and(|a| a.ty == Type::String && a.computed && !a.is_argument())
    };
    let shown = attributes.iter().map(|(name, value)| {
        let shown = if is_ours(name) { status.into() } else { value.clone() };
        (name.clone(), shown)
    });
    Ok(Value::object(shown).with_marks(value.marks()))
}

/// The value with the part at a path replaced; the new part takes the type of
/// the old. `None` when the path leads nowhere.
pub(super) fn set_at(value: &Value, path: &[PathStep], new: &serde_json::Value) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else {
        let raw = Value::from_plain_json(new);
        let converted = match value.kind() {
            Kind::Object(_) | Kind::Tuple(_) => raw,
            _ => raw.convert(&value.ty()).unwrap_or(raw),
        };
        return Some(converted.with_marks(value.marks()));
    };
    let changed = match (step, value.kind()) {
        (PathStep::Attribute(name), Kind::Object(o)) => {
            let part = set_at(o.get(name).unwrap_or(&Value::NULL), rest, new)?;
            let mut attributes = (**o).clone();
            attributes.insert(name.clone(), part);
            Value::object(attributes)
        }
        (PathStep::Attribute(name), Kind::Map(m)) => {
            let missing = Value::null(m.element.clone());
            let part = set_at(m.items.get(name).unwrap_or(&missing), rest, new)?;
            let mut items = m.items.clone();
            items.insert(name.clone(), part);
            Value::map(m.element.clone(), items)
        }
        (PathStep::Index(i), kind) => {
            let mut items = value.as_items()?.to_vec();
            let part = items.get_mut(*i)?;
            *part = set_at(part, rest, new)?;
            match kind {
                Kind::List(l) => Value::list(l.element.clone(), items),
                Kind::Set(l) => Value::set(l.element.clone(), items),
                _ => Value::tuple(items),
            }
        }
        _ => return None,
    };
    Some(changed.with_marks(value.marks()))
}

#[cfg(test)]
mod tests {
    use tenantctl_core::provider::Path;

    use super::*;

    #[test]
    fn places() {
        let cluster = Value::object([("endpoint", "https://a".into()), ("token", "x".into())]);
        let cases = [
            (Value::NULL, ""),
            (Value::unknown(Type::Dynamic), ""),
            (cluster.clone(), "https://a"),
            (Value::object([("cluster", cluster)]), "https://a"),
            (Value::object([("region", "eu-west-1".into())]), "eu-west-1"),
            (Value::object([("endpoint", Value::from("s").sensitive())]), ""),
        ];
        for (connection, expected) in cases {
            assert_eq!(place(&connection), expected);
        }
    }

    #[test]
    fn parts_are_replaced_in_their_type() {
        let object = Value::object([
            ("n", 1i64.into()),
            ("m", Value::map(Type::String, [("a".into(), "b".into())])),
            ("t", Value::tuple([Value::object([("x", "y".into())])])),
        ]);
        let root = Path::root();
        let cases = [
            (root.attribute("n"), serde_json::json!("2"), Some(Value::from(2i64))),
            (root.attribute("m").attribute("c"), serde_json::json!(3), Some("3".into())),
            (root.attribute("t").index(0).attribute("x"), serde_json::json!("z"), Some("z".into())),
            (root.attribute("t").index(1), serde_json::json!("z"), None),
            (root.attribute("n").attribute("x"), serde_json::json!("z"), None),
        ];
        for (path, new, expected) in cases {
            let changed = set_at(&object, path.steps(), &new);
            assert_eq!(changed.and_then(|c| c.at_path(&path)), expected, "{path}");
        }
    }
}
