//! Records by their type: arguments, what is sent for them, what they look like.
//!
//! Pure.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value as Json, json};

use crate::cloud::json::Fields as _;

/// Types by number, as type parameters.
pub(super) const A: usize = 0;
pub(super) const AAAA: usize = 1;
pub(super) const CNAME: usize = 2;
pub(super) const TXT: usize = 3;

/// What Azure calls the types.
pub(super) const TYPES: [&str; 4] = ["A", "AAAA", "CNAME", "TXT"];
/// What their resource types are called.
pub(super) const KINDS: [&str; 4] =
    ["azurerm_dns_a_record", "azurerm_dns_aaaa_record", "azurerm_dns_cname_record", "azurerm_dns_txt_record"];
/// The longest piece of a text.
const PIECE: usize = 255;

/// Whether text is a name in DNS.
pub(super) fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        let all = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        (1..=63).contains(&label.len()) && all && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Whether text is a name of records in a zone: `@`, `www`, `*.shop`.
pub(super) fn is_record_name(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    matches!(name, "@" | "*") || is_domain(rest)
}

/// What is wrong with a record.
pub(super) fn problem(kind: usize, record: &str) -> Option<String> {
    let fine = match kind {
        A => record.parse::<Ipv4Addr>().is_ok(),
        AAAA => record.parse::<Ipv6Addr>().is_ok(),
        CNAME => is_domain(record.trim_end_matches('.')),
        _ => (1..=4096).contains(&record.len()),
    };
    let means = ["an IPv4 address", "an IPv6 address", "a host name", "a text of 1 to 4096 characters"];
    (!fine).then(|| format!("{record:?} is not {}.", means[kind.min(TXT)]))
}

/// A record in one way of writing it.
pub(super) fn plain(kind: usize, record: &str) -> String {
    match kind {
        AAAA => record.parse::<Ipv6Addr>().map_or_else(|_| record.to_owned(), |address| address.to_string()),
        CNAME => record.trim_end_matches('.').to_lowercase(),
        _ => record.to_owned(),
    }
}

/// What is sent for the records of an object.
pub(super) fn body(kind: usize, object: &Json) -> Json {
    let list =
        |name: &str| object.texts("records").iter().map(|text| json!({ name: text })).collect::<Vec<_>>();
    let mut body = match kind {
        A => json!({ "ARecords": list("ipv4Address") }),
        AAAA => json!({ "AAAARecords": list("ipv6Address") }),
        CNAME => match object.given("record") {
            Some(name) => json!({ "CNAMERecord": { "cname": name } }),
            None => json!({}),
        },
        _ => {
            let pieces = |record: &Json| json!({ "value": cut(record.text("value")) });
            json!({ "TXTRecords": object.items("record").iter().map(pieces).collect::<Vec<_>>() })
        }
    };
    if let Some(target) = object.given("target_resource_id") {
        body["targetResource"] = json!({ "id": target });
    }
    body
}

/// A text in pieces that fit.
fn cut(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in text.chars() {
        let last = pieces.len() - 1;
        if pieces[last].len() + c.len_utf8() > PIECE {
            pieces.push(c.into());
        } else {
            pieces[last].push(c);
        }
    }
    pieces
}

/// The records of what there is, in the order in which they are recorded.
pub(super) fn shown(kind: usize, properties: &Json, reference: &Json, object: &mut Json) {
    let target = properties.get("targetResource").and_then(|target| target.given("id"));
    let each = |list: &str, part: &str| -> Vec<String> {
        properties.items(list).iter().map(|record| record.text(part).to_owned()).collect()
    };
    match kind {
        A | AAAA => {
            let (list, part) =
                if kind == A { ("ARecords", "ipv4Address") } else { ("AAAARecords", "ipv6Address") };
            let found: BTreeSet<String> = each(list, part).into_iter().collect();
            let recorded: BTreeSet<String> = reference.texts("records").into_iter().collect();
            let plainly =
                |all: &BTreeSet<String>| all.iter().map(|r| plain(kind, r)).collect::<BTreeSet<_>>();
            let all = if plainly(&found) == plainly(&recorded) { recorded } else { found };
            object["records"] = if all.is_empty() { Json::Null } else { json!(all) };
        }
        CNAME => {
            let found = properties.get("CNAMERecord").and_then(|record| record.given("cname"));
            object["record"] = json!(found);
        }
        _ => {
            let joined = properties.items("TXTRecords").iter().map(|record| record.texts("value").concat());
            let mut found: Vec<String> = joined.collect();
            let recorded: Vec<&str> =
                reference.items("record").iter().map(|record| record.text("value")).collect();
            let place = |text: &String| recorded.iter().position(|r| r == text).unwrap_or(usize::MAX);
            found.sort_by_key(place);
            object["record"] = found.iter().map(|text| json!({ "value": text })).collect();
        }
    }
    if kind != TXT {
        object["target_resource_id"] = json!(target.filter(|id| !id.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_checked_by_type() {
        assert!(problem(A, "192.0.2.1").is_none() && problem(A, "2001:db8::1").is_some());
        assert!(problem(AAAA, "2001:DB8::1").is_none() && problem(AAAA, "x").is_some());
        assert!(problem(CNAME, "web.example.").is_none() && problem(CNAME, "-a").is_some());
        assert!(["@", "*", "*.a", "a.b", "_acme"].iter().all(|name| is_record_name(name)));
        assert!(["", "a..b", "-", "a b"].iter().all(|name| !is_record_name(name)));
    }

    #[test]
    fn long_texts_are_cut_and_put_together() {
        let long = "ä".repeat(200);
        let object = json!({ "record": [{ "value": long }, { "value": "b" }] });
        let body = body(TXT, &object);
        assert!(body["TXTRecords"][0].texts("value").iter().all(|piece| piece.len() <= PIECE));
        let mut back = json!({});
        let reference = json!({ "record": [{ "value": "b" }, { "value": long }] });
        shown(TXT, &body, &reference, &mut back);
        assert_eq!(back["record"], reference["record"], "as they are recorded");
    }

    #[test]
    fn addresses_keep_the_way_they_are_written() {
        let mut back = json!({});
        let found = json!({ "AAAARecords": [{ "ipv6Address": "2001:db8::1" }] });
        shown(AAAA, &found, &json!({ "records": ["2001:DB8:0::1"] }), &mut back);
        assert_eq!(back["records"], json!(["2001:DB8:0::1"]));
    }
}
