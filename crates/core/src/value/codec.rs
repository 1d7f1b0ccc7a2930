//! Values as JSON: the tagged form that state, journal and plan files keep,
//! and the plain form that Terraform's documented formats and providers use.
//!
//! Tagged form: scalars, tuples and objects are plain JSON; everything that
//! JSON cannot say is an object with one key that starts with `$` (`$null`,
//! `$unknown`, `$number`, `$list`, `$set`, `$map`, `$sensitive`). A real key
//! that starts with `$` gets one more. Reading it back needs no schema.
//!
//! Must not: write a sensitive value to disk. The tagged form holds it in the
//! clear under `$sensitive`; `state::seal` replaces that before anything is
//! written. An ephemeral value refuses to be serialised at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::{Elements, Kind, MapElements, Marks, Number, Type, Unknown, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_tagged(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_tagged(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn to_tagged(value: &Value) -> Result<Json, String> {
    if value.marks.contains(Marks::EPHEMERAL) {
        return Err("an ephemeral value must not be stored".into());
    }
    if value.is_sensitive() {
        return Ok(json!({ "$sensitive": to_tagged(&value.clone().unmark())? }));
    }
    let items = |items: &[Value]| items.iter().map(to_tagged).collect::<Result<Vec<_>, _>>();
    Ok(match &value.kind {
        Kind::Null(Type::Dynamic) => Json::Null,
        Kind::Null(ty) => json!({ "$null": ty }),
        Kind::Unknown(unknown) => json!({ "$unknown": unknown }),
        Kind::Bool(b) => Json::Bool(*b),
        Kind::Number(n) => match n.as_i64() {
            Some(i) => Json::from(i),
            None => json!({ "$number": n.to_string() }),
        },
        Kind::String(s) => Json::String(s.to_string()),
        Kind::Tuple(t) => Json::Array(items(t)?),
        Kind::Object(o) => Json::Object(entries(o)?),
        Kind::List(l) => json!({ "$list": [l.element, items(&l.items)?] }),
        Kind::Set(l) => json!({ "$set": [l.element, items(&l.items)?] }),
        Kind::Map(m) => json!({ "$map": [m.element, entries(&m.items)?] }),
    })
}

fn entries(entries: &BTreeMap<Arc<str>, Value>) -> Result<Map<String, Json>, String> {
    entries
        .iter()
        .map(|(key, value)| {
            let key = if key.starts_with('$') { format!("${key}") } else { key.to_string() };
            Ok((key, to_tagged(value)?))
        })
        .collect()
}

fn from_tagged(json: Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::NULL,
        Json::Bool(b) => b.into(),
        Json::Number(n) => number(&n)?,
        Json::String(s) => s.into(),
        Json::Array(items) => Value::tuple(from_items(items)?),
        Json::Object(mut object) => {
            let tag = object.keys().next().filter(|k| k.starts_with('$') && !k.starts_with("$$"));
            match tag.cloned() {
                Some(tag) => {
                    let content = object.remove(&tag).unwrap_or_default();
                    from_tag(&tag, content)?
                }
                None => Kind::Object(Arc::new(from_entries(object)?)).into(),
            }
        }
    })
}

fn from_tag(tag: &str, content: Json) -> Result<Value, String> {
    let bad = |e: serde_json::Error| format!("malformed {tag}: {e}");
    Ok(match tag {
        "$sensitive" => from_tagged(content)?.sensitive(),
        "$null" => Value::null(serde_json::from_value(content).map_err(bad)?),
        "$unknown" => Value::refined(serde_json::from_value::<Unknown>(content).map_err(bad)?),
        "$number" => {
            let text = content.as_str().unwrap_or_default();
            text.parse::<Number>().map_err(|()| format!("malformed number {text:?}"))?.into()
        }
        "$list" | "$set" => {
            let (element, items): (Type, Vec<Json>) = serde_json::from_value(content).map_err(bad)?;
            let elements = Arc::new(Elements { element, items: from_items(items)? });
            if tag == "$list" { Kind::List(elements).into() } else { Kind::Set(elements).into() }
        }
        "$map" => {
            let (element, items): (Type, Map<String, Json>) = serde_json::from_value(content).map_err(bad)?;
            Kind::Map(Arc::new(MapElements { element, items: from_entries(items)? })).into()
        }
        "$sealed" => return Err("a sealed value was read without its key".into()),
        other => return Err(format!("unknown value tag {other:?}")),
    })
}

fn from_items(items: Vec<Json>) -> Result<Vec<Value>, String> {
    items.into_iter().map(from_tagged).collect()
}

fn from_entries(entries: Map<String, Json>) -> Result<BTreeMap<Arc<str>, Value>, String> {
    entries
        .into_iter()
        .map(|(key, value)| {
            let key = key.strip_prefix('$').unwrap_or(&key);
            Ok((Arc::from(key), from_tagged(value)?))
        })
        .collect()
}

fn number(n: &serde_json::Number) -> Result<Value, String> {
    match n.as_i64() {
        Some(i) => Ok(i.into()),
        None => {
            let text = n.to_string();
            text.parse::<Number>().map(Value::from).map_err(|()| format!("malformed number {text}"))
        }
    }
}

/// Why a value has no plain JSON form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the value is not known yet")]
pub struct PlainJsonError;

impl Value {
    /// Plain JSON without types or marks, as `jsonencode` and providers see it.
    ///
    /// # Errors
    /// When something in it is unknown.
    pub fn to_plain_json(&self) -> Result<Json, PlainJsonError> {
        self.to_json_with(&|_| None, &|_| Err(PlainJsonError))
    }

    /// Plain JSON in which `special` may stand in for any value (a sensitive
    /// one, say) and `unknown` for one that is not known.
    ///
    /// # Errors
    /// What `unknown` returns.
    pub fn to_json_with<E>(
        &self,
        special: &dyn Fn(&Value) -> Option<Json>,
        unknown: &dyn Fn(&Value) -> Result<Json, E>,
    ) -> Result<Json, E> {
        if let Some(json) = special(self) {
            return Ok(json);
        }
        let items = |items: &[Value]| -> Result<Json, E> {
            items
                .iter()
                .map(|v| v.to_json_with(special, unknown))
                .collect::<Result<Vec<_>, _>>()
                .map(Json::Array)
        };
        let entries = |entries: &BTreeMap<Arc<str>, Value>| -> Result<Json, E> {
            entries
                .iter()
                .map(|(k, v)| Ok((k.to_string(), v.to_json_with(special, unknown)?)))
                .collect::<Result<Map<_, _>, E>>()
                .map(Json::Object)
        };
        match &self.kind {
            Kind::Null(_) => Ok(Json::Null),
            Kind::Unknown(_) => unknown(self),
            Kind::Bool(b) => Ok(Json::Bool(*b)),
            Kind::Number(n) => Ok(number_json(n)),
            Kind::String(s) => Ok(Json::String(s.to_string())),
            Kind::List(l) | Kind::Set(l) => items(&l.items),
            Kind::Tuple(t) => items(t),
            Kind::Map(m) => entries(&m.items),
            Kind::Object(o) => entries(o),
        }
    }

    /// The value that plain JSON stands for: arrays are tuples, objects are
    /// objects. Never fails: JSON has nothing that a value cannot say.
    pub fn from_plain_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::NULL,
            Json::Bool(b) => (*b).into(),
            Json::Number(n) => number(n).unwrap_or(Value::NULL),
            Json::String(s) => s.as_str().into(),
            Json::Array(items) => Value::tuple(items.iter().map(Value::from_plain_json)),
            Json::Object(o) => Value::object(o.iter().map(|(k, v)| (k.as_str(), Value::from_plain_json(v)))),
        }
    }
}

/// A JSON number where JSON readers keep it exact, else the nearest float.
fn number_json(n: &Number) -> Json {
    if let Some(i) = n.as_i64() {
        return Json::from(i);
    }
    if let Ok(u) = n.to_string().parse::<u64>() {
        return Json::from(u);
    }
    Json::from(n.to_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_form_round_trips() {
        let value = Value::object([
            ("$odd", Value::from("x")),
            ("list", Value::list(Type::Number, vec![1i64.into()])),
            ("set", Value::set(Type::String, vec!["a".into()])),
            ("map", Value::map(Type::Bool, [("k".into(), true.into())].into())),
            ("big", Value::from("0.3".parse::<Number>().expect("number"))),
            ("null", Value::null(Type::String)),
            ("later", Value::unknown(Type::list(Type::String))),
            ("secret", Value::from("s").sensitive()),
        ]);
        let text = serde_json::to_string(&value).expect("serialises");
        let back: Value = serde_json::from_str(&text).expect("parses");
        assert_eq!(back, value);
        assert_eq!(back.ty(), value.ty());
        assert!(back.get("secret").expect("there").is_sensitive());
    }

    #[test]
    fn ephemeral_values_refuse_to_be_stored() {
        assert!(serde_json::to_string(&Value::from("x").with_marks(Marks::EPHEMERAL)).is_err());
    }
}
