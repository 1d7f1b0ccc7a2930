//! Values as plain JSON, as Terraform's documented formats and providers have
//! it: without types and marks.

use serde_json::{Map, Value as Json};

use super::{Entries, Kind, Number, Value, exact};

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
        let entries = |entries: &Entries| -> Result<Json, E> {
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

    /// The value that JSON text stands for, numbers exact.
    ///
    /// # Errors
    /// Text that is not JSON, or is nested too deep.
    pub fn from_json_text(text: &str) -> Result<Value, serde_json::Error> {
        exact::parse(text).map(|json| Value::from_plain_json(&json))
    }

    /// The value that plain JSON stands for: arrays are tuples, objects are
    /// objects. Never fails: JSON has nothing that a value cannot say.
    pub fn from_plain_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::NULL,
            Json::Bool(b) => (*b).into(),
            Json::Number(_) => exact::as_number(json).map_or(Value::NULL, Value::from),
            Json::String(s) => s.as_str().into(),
            Json::Array(items) => Value::tuple(items.iter().map(Value::from_plain_json)),
            Json::Object(o) => match exact::as_number(json) {
                Some(number) => number.into(),
                None => Value::object(o.iter().map(|(k, v)| (k.as_str(), Value::from_plain_json(v)))),
            },
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
