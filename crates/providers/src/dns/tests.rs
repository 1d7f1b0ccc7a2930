//! What the provider says without a server.

use serde_json::{Value as Json, json};

use super::*;

fn config(kind: &str, arguments: Json) -> Value {
    let provider = Dns::new();
    let empty = provider.schema().resources[kind].block.empty();
    let entries = empty.as_entries().expect("an object").iter().map(|(name, null)| {
        let value = match arguments.get(&**name) {
            Some(Json::String(text)) if text == "?" => Value::unknown(null.ty()),
            Some(json) => Value::from_plain_json(json).convert(&null.ty()).expect("of the type"),
            None => null.clone(),
        };
        (name.clone(), value)
    });
    Value::object(entries)
}

fn plan(kind: &str, prior: Option<&Value>, config: &Value) -> PlanResponse {
    Dns::new()
        .plan(PlanRequest { kind, prior, config, connection: &Value::NULL, proposed: config })
        .expect("a plan")
}

#[test]
fn mistakes_are_told_at_their_arguments() {
    let long = "a".repeat(64);
    let a = "dns_a_record_set";
    for (kind, arguments, at, words) in [
        (a, json!({"zone": "example.com", "addresses": ["192.0.2.1"]}), "zone", "end with a dot"),
        (a, json!({"zone": "example.com.", "name": long, "addresses": ["192.0.2.1"]}), "name", "64 bytes"),
        (a, json!({"zone": "?", "name": "a..b", "addresses": ["192.0.2.1"]}), "name", "side by side"),
        (a, json!({"zone": "example.com.", "addresses": ["192.0.2.1", "::1"]}), "addresses", "no IPv4"),
        (a, json!({"zone": "example.com.", "addresses": []}), "addresses", "without a record"),
        (a, json!({"zone": "example.com.", "addresses": ["192.0.2.1"], "ttl": -1}), "ttl", "from 0"),
        (a, json!({"zone": "example.com.", "addresses": ["192.0.2.1"], "ttl": 1.5}), "ttl", "whole"),
        ("dns_aaaa_record_set", json!({"zone": "e.", "addresses": ["::1", "0::1"]}), "addresses", "twice"),
        ("dns_cname_record", json!({"zone": "e.", "name": "a", "cname": "b"}), "cname", "end with a dot"),
        ("dns_cname_record", json!({"zone": "e.", "name": "", "cname": "b."}), "name", "own name"),
        ("dns_ns_record_set", json!({"zone": "e.", "nameservers": ["b."]}), "name", "own name"),
    ] {
        let errors = Dns::new().validate(kind, &config(kind, arguments.clone()));
        let found: Vec<_> = errors.iter().map(|e| (e.path.to_string(), e.detail.as_str())).collect();
        assert!(
            matches!(found.as_slice(), [(path, detail)] if path == at && detail.contains(words)),
            "{kind} {arguments}: {found:?}"
        );
    }
    for (kind, arguments) in [
        (a, json!({"zone": "?", "name": "?", "addresses": "?", "ttl": "?"})),
        (a, json!({"zone": "example.com.", "addresses": ["192.0.2.1"], "ttl": 0})),
        ("dns_txt_record_set", json!({"zone": "e.", "txt": ["", "a b", "\u{20ac}"]})),
        ("dns_ns_record_set", json!({"zone": "e.", "name": "?", "nameservers": ["b."]})),
    ] {
        assert_eq!(Dns::new().validate(kind, &config(kind, arguments.clone())), Vec::new(), "{arguments}");
    }
}

#[test]
fn plans_fill_in_what_is_known() {
    let kind = "dns_a_record_set";
    let web = json!({"zone": "example.com.", "name": "www", "addresses": ["192.0.2.1"]});
    let planned = plan(kind, None, &config(kind, web.clone())).planned;
    assert_eq!(planned.get("ttl"), Some(3600i64.into()));
    assert_eq!(planned.get("id"), Some("www.example.com.".into()));
    let apex = config(kind, json!({"zone": "example.com.", "addresses": ["192.0.2.1"]}));
    assert_eq!(plan(kind, None, &apex).planned.get("id"), Some("example.com.".into()));
    let later = config(kind, json!({"zone": "example.com.", "name": "?", "addresses": ["192.0.2.1"]}));
    assert!(!plan(kind, None, &later).planned.get("id").expect("there").is_known());
    assert_eq!(Dns::new().identity(kind, &later), None);
    assert_eq!(Dns::new().identity(kind, &planned), Some("A www.example.com.".into()));
    assert_eq!(Dns::new().claims(kind, &planned), ["host www.example.com"]);
    assert!(Dns::new().claims(kind, &later).is_empty());
    let text = config("dns_txt_record_set", json!({"zone": "example.com.", "name": "www", "txt": ["x"]}));
    assert!(Dns::new().claims("dns_txt_record_set", &text).is_empty());
}

#[test]
fn another_name_is_another_object_and_another_writing_is_not() {
    let kind = "dns_a_record_set";
    let with = |zone: &str, name: &str| {
        config(kind, json!({"zone": zone, "name": name, "addresses": ["192.0.2.1"]}))
    };
    let prior = plan(kind, None, &with("example.com.", "www")).planned;
    for (zone, name, replaced) in [
        ("example.com.", "www", vec![]),
        ("Example.COM.", "WWW", vec![]),
        ("example.com.", "web", vec!["name"]),
        ("example.net.", "www", vec!["zone"]),
        ("example.com.", "?", vec!["name"]),
    ] {
        let found: Vec<String> = plan(kind, Some(&prior), &with(zone, name))
            .requires_replace
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, replaced, "{zone} {name}");
    }
}

#[test]
fn the_schema_hides_the_key_and_nothing_else() {
    let provider = Dns::new();
    let update = &provider.schema().config.blocks["update"].block;
    let hidden: Vec<_> =
        update.attributes.iter().filter(|(_, a)| a.sensitive).map(|(name, _)| *name).collect();
    assert_eq!(hidden, ["key_secret"]);
    assert_eq!(provider.schema().resources.len(), 5);
}
