//! Configurations, guesses and plans by their schema.

use tenantctl_core::provider::{Block, Kind, Nesting, Path, Type, Value};

/// The configuration with nulls where nothing is set, in the schema's types.
pub(super) fn complete(block: &Block, config: &Value) -> Value {
    let empty = block.empty();
    let attributes = empty.as_entries().into_iter().flatten().map(|(name, null)| {
        let value = config.get(name).unwrap_or_else(|| null.clone());
        let value = match block.blocks.get(&**name) {
            Some(nested) if !value.is_null() => {
                each(nested.nesting, &value, |v, _| complete(&nested.block, v))
            }
            _ => value,
        };
        (name.clone(), value.convert(&null.ty()).unwrap_or_else(|e| panic!("{name}: {e}")))
    });
    Value::object(attributes)
}

/// The engine's guess: results from the prior object, else unknown.
pub(super) fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let attributes = config.as_entries().into_iter().flatten().map(|(name, value)| {
        let before = prior.and_then(|p| p.get(name));
        let proposed = match (block.attributes.get(&**name), block.blocks.get(&**name)) {
            (Some(a), _) if a.computed && value.is_null() => match prior {
                Some(_) => before.unwrap_or_else(|| Value::null(a.ty.clone())),
                None => Value::unknown(a.ty.clone()),
            },
            (_, Some(nested)) if !value.is_null() => each(nested.nesting, value, |v, i| {
                let before = match nested.nesting {
                    Nesting::List => before.as_ref().and_then(|b| b.at(i)),
                    Nesting::Single => before.clone().filter(|b| !b.is_null()),
                };
                propose(&nested.block, before.as_ref(), v)
            }),
            _ => value.clone(),
        };
        (name.clone(), proposed)
    });
    Value::object(attributes)
}

fn each(nesting: Nesting, value: &Value, f: impl Fn(&Value, usize) -> Value) -> Value {
    match nesting {
        Nesting::Single => f(value, 0),
        Nesting::List => {
            Value::tuple(value.as_items().unwrap_or_default().iter().enumerate().map(|(i, v)| f(v, i)))
        }
    }
}

pub(super) fn only_computed_unknown(block: &Block, planned: &Value, whole: &str) {
    for (name, value) in planned.as_entries().into_iter().flatten() {
        if let Some(nested) = block.blocks.get(&**name) {
            match nested.nesting {
                Nesting::Single => only_computed_unknown(&nested.block, value, name),
                Nesting::List => {
                    let items = value.as_items().unwrap_or_default();
                    items.iter().for_each(|v| only_computed_unknown(&nested.block, v, name));
                }
            }
        } else if !value.is_wholly_known() {
            let computed = block.attributes.get(&**name).is_some_and(|a| a.computed);
            assert!(computed, "{whole}: {name} is unknown in the plan but not computed");
        }
    }
}

/// Where the actual value is not what was planned.
pub(super) fn difference(planned: &Value, actual: &Value, path: &Path) -> Option<Path> {
    if planned.is_wholly_known() {
        return (planned != actual).then(|| path.clone());
    }
    match (planned.kind(), planned.as_items(), planned.as_entries()) {
        (Kind::Unknown(_), ..) => None,
        (Kind::Set(_), ..) => None,
        (_, Some(items), _) => {
            let mut parts = items.iter().enumerate();
            parts.find_map(|(i, v)| difference(v, &actual.at(i).unwrap_or(Value::NULL), &path.index(i)))
        }
        (.., Some(entries)) => entries.iter().find_map(|(k, v)| {
            difference(v, &actual.get(k).unwrap_or(Value::NULL), &path.attribute(k.clone()))
        }),
        _ => Some(path.clone()),
    }
}

/// The configuration with one argument changed whose change needs a new
/// object: the first text of those that are set, else the region.
pub(super) fn replaced(block: &Block, config: &Value) -> Option<(&'static str, Value)> {
    let forced =
        |name: &&'static str| block.attributes[name].force_new && block.attributes[name].is_argument();
    let names = block.attributes.keys().copied().filter(|name| forced(name) && *name != "region");
    let text = |name: &str| config.get(name).and_then(|value| value.as_str().map(str::to_owned));
    let set = names.filter(|name| block.attributes[name].ty == Type::String);
    let (name, other) = set
        .filter_map(|name| Some((name, format!("{}2", text(name)?))))
        .next()
        .or_else(|| block.attributes.contains_key("region").then(|| ("region", "eu-north-1".to_owned())))?;
    let entries = config.as_entries()?.iter().map(|(key, value)| {
        (key.clone(), if **key == *name { Value::from(other.as_str()) } else { value.clone() })
    });
    Some((name, Value::object(entries)))
}
