//! Whether there is what is wanted, whatever else Azure adds.
//!
//! Pure.

use serde_json::Value as Json;

/// Whether all that is wanted is there, whatever else is.
pub(super) fn covers(has: &Json, wanted: &Json) -> bool {
    match (has, wanted) {
        (_, Json::Object(wanted)) => wanted.iter().all(|(name, wanted)| match has.get(name) {
            Some(has) => covers(has, wanted),
            None => is_nothing(wanted),
        }),
        (Json::String(has), Json::String(wanted)) => has.eq_ignore_ascii_case(wanted),
        (Json::Array(has), Json::Array(wanted)) => {
            has.len() == wanted.len() && wanted.iter().all(|one| has.iter().any(|other| covers(other, one)))
        }
        (has, wanted) => has == wanted || (has.is_null() && is_nothing(wanted)),
    }
}

/// What is the same as not being there.
fn is_nothing(wanted: &Json) -> bool {
    match wanted {
        Json::Null | Json::Bool(false) => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(parts) => parts.values().all(is_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_azure_adds_is_no_difference() {
        let has = json!({"sku": {"tier": "free"}, "list": [{"a": 1, "b": 2}], "more": true});
        assert!(covers(
            &has,
            &json!({"sku": {"tier": "Free"}, "list": [{"a": 1}], "none": {"x": false, "y": []}})
        ));
        for wanted in [json!({"sku": {"tier": "Standard"}}), json!({"list": []}), json!({"none": true})] {
            assert!(!covers(&has, &wanted), "{wanted}");
        }
    }
}
