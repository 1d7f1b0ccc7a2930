//! Policy documents: JSON in a text, which services give back in other words.

use serde_json::Value as Json;
use tenantctl_core::provider::Value;

/// Whether two documents say the same: white space, order of names and of
/// lists, and lists of one do not count.
pub(super) fn same_document(a: &Value, b: &Value) -> bool {
    let parsed = |value: &Value| serde_json::from_str::<Json>(value.as_str()?).ok().map(plain);
    matches!((parsed(a), parsed(b)), (Some(a), Some(b)) if a == b)
}

/// What is wrong with a document, before any service sees it.
pub(super) fn problem(text: &str) -> Option<String> {
    match serde_json::from_str::<Json>(text) {
        // The message may repeat the text; its place says enough.
        Err(error) => {
            Some(format!("The policy is no JSON: line {}, column {}.", error.line(), error.column()))
        }
        Ok(Json::Object(policy)) if policy.contains_key("Statement") => None,
        Ok(_) => Some("The policy must be an object with a Statement.".into()),
    }
}

/// A document in one way of writing.
fn plain(json: Json) -> Json {
    match json {
        Json::Object(entries) => {
            Json::Object(entries.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(plain).collect();
            items.sort_by_cached_key(Json::to_string);
            match items.len() {
                1 => items.remove(0),
                _ => Json::Array(items),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_does_not_count() {
        let a = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:Put*"],"Resource":"x"}]}"#;
        let b = r#"{ "Statement": {"Action":["s3:Put*","s3:Get*"],"Effect":"Allow","Resource":["x"]},"Version":"2012-10-17"}"#;
        assert!(same_document(&a.into(), &b.into()));
        assert!(!same_document(&a.into(), &a.replace("Get", "List").into()));
        assert!(!same_document(&"no".into(), &"no".into()));
    }

    #[test]
    fn what_is_no_policy_is_said() {
        assert!(problem("{").is_some() && problem("[]").is_some() && problem("{}").is_some());
        assert_eq!(problem(r#"{"Statement":[]}"#), None);
    }
}
