//! Record sets: from values to what travels, and back.
//!
//! Pure. Guarantees: what a server writes in another way (case, the short form
//! of an address, how a text is split) reads as it was written; marks of values
//! are kept.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tenantctl_core::provider::{Entries, ErrorClass, Marks, Number, ProviderError, Type, Value};

use super::names;
use super::schema::{DEFAULT_TTL, Kind};

/// The most bytes of one string of a text record, and of a record's content.
const STRING: usize = 255;
const CONTENT: usize = 65_535;

/// A record set, as a value describes it.
#[derive(Clone, Debug)]
pub(super) struct RecordSet {
    pub(super) kind: &'static Kind,
    pub(super) zone: Name,
    pub(super) name: Name,
    pub(super) mark: Name,
    pub(super) ttl: u32,
    pub(super) contents: Vec<RData>,
}

impl RecordSet {
    /// The record set of a value that is wholly known.
    pub(super) fn of(kind: &'static Kind, value: &Value) -> Result<Self, ProviderError> {
        let (zone, name) = place(value).map_err(|why| malformed(kind, &why))?;
        let mark = names::mark(&name, &zone, kind).map_err(|why| malformed(kind, &why))?;
        let texts = texts(kind, value);
        let contents: Result<Vec<RData>, String> = texts.iter().map(|text| content(kind, text)).collect();
        let contents = contents.map_err(|why| malformed(kind, &why))?;
        if contents.is_empty() {
            return Err(malformed(kind, "There is nothing in the set"));
        }
        let ttl = value.get("ttl").and_then(|ttl| ttl.as_number().and_then(Number::as_i64));
        let ttl = u32::try_from(ttl.unwrap_or(DEFAULT_TTL)).map_err(|e| malformed(kind, &e.to_string()))?;
        Ok(RecordSet { kind, zone, name, mark, ttl, contents })
    }

    /// Its records.
    pub(super) fn records(&self) -> Vec<Record> {
        let record = |content: &RData| Record::from_rdata(self.name.clone(), self.ttl, content.clone());
        self.contents.iter().map(record).collect()
    }

    /// Whether live records say the same, and live as long.
    pub(super) fn is(&self, live: &[Record]) -> bool {
        let ttl = live.first().is_some_and(|first| first.ttl == self.ttl);
        let known = |record: &Record| self.contents.iter().any(|content| same(content, &record.data));
        let there = |content: &RData| live.iter().any(|record| same(content, &record.data));
        ttl && live.iter().all(known) && self.contents.iter().all(there)
    }

    /// What it is called in messages.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.kind.record, self.name.to_ascii())
    }
}

/// The zone and the whole name that a value is about.
pub(super) fn place(value: &Value) -> Result<(Name, Name), String> {
    let text = |name: &str| value.get(name).and_then(|v| v.as_str().map(str::to_owned));
    let zone = names::absolute(&text("zone").unwrap_or_default())?;
    let name = names::within(text("name").as_deref(), &zone)?;
    Ok((zone, name))
}

fn malformed(kind: &Kind, why: &str) -> ProviderError {
    ProviderError::new(ErrorClass::Invalid, "Invalid record set", format!("This is no {}. {why}.", kind.name))
}

fn texts(kind: &Kind, value: &Value) -> Vec<String> {
    let values = value.get(kind.values).unwrap_or(Value::NULL);
    match values.as_items() {
        Some(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        None => values.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// What a text of the configuration says as a record's content.
pub(super) fn content(kind: &Kind, text: &str) -> Result<RData, String> {
    match kind.record {
        RecordType::A => match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(RData::A(A(address))),
            Err(_) => Err("It is no IPv4 address, as 192.0.2.1".into()),
        },
        RecordType::AAAA => match text.parse::<Ipv6Addr>() {
            Ok(address) => Ok(RData::AAAA(AAAA(address))),
            Err(_) => Err("It is no IPv6 address, as 2001:db8::1".into()),
        },
        RecordType::CNAME => Ok(RData::CNAME(CNAME(names::absolute(text)?))),
        RecordType::NS => Ok(RData::NS(NS(names::absolute(text)?))),
        _ => split(text).map(RData::TXT),
    }
}

/// Strings of at most 255 bytes, which readers join again.
fn split(text: &str) -> Result<TXT, String> {
    let strings: Vec<&[u8]> =
        if text.is_empty() { vec![b""] } else { text.as_bytes().chunks(STRING).collect() };
    let length = strings.iter().map(|string| string.len() + 1).sum::<usize>();
    if length > CONTENT {
        return Err(format!("It has {} bytes, which no text record can hold", text.len()));
    }
    Ok(TXT::from_bytes(strings))
}

/// All strings of a text record as one; bytes that are no UTF-8 are written as
/// in zone files.
pub(super) fn joined(txt: &TXT) -> String {
    let bytes = txt.txt_data.concat();
    let chunks = bytes.utf8_chunks();
    let text = |chunk: std::str::Utf8Chunk<'_>| {
        let rest: String = chunk.invalid().iter().map(|byte| format!("\\{byte:03}")).collect();
        format!("{}{rest}", chunk.valid())
    };
    chunks.map(text).collect()
}

/// Whether two contents mean the same.
pub(super) fn same(a: &RData, b: &RData) -> bool {
    match (a, b) {
        (RData::TXT(a), RData::TXT(b)) => a.txt_data.concat() == b.txt_data.concat(),
        _ => a == b,
    }
}

fn text(content: &RData) -> String {
    match content {
        RData::TXT(txt) => joined(txt),
        RData::CNAME(name) => name.to_ascii(),
        RData::NS(name) => name.to_ascii(),
        other => other.to_string(),
    }
}

/// The value with what is live in it. What means the same keeps its writing.
pub(super) fn view(kind: &Kind, value: &Value, live: &[Record]) -> Value {
    let recorded = value.get(kind.values).unwrap_or(Value::NULL);
    let spelled: Vec<Value> = match recorded.as_items() {
        Some(items) => items.to_vec(),
        None => vec![recorded.clone()],
    };
    let hidden = recorded.deep_marks().contains(Marks::SENSITIVE);
    let spelled: Vec<(RData, Value)> = spelled
        .into_iter()
        .filter_map(|item| content(kind, item.as_str()?).ok().map(|content| (content, item.clone())))
        .collect();
    let seen = |record: &Record| {
        let known = spelled.iter().find(|(content, _)| same(content, &record.data));
        known.map(|(_, item)| item.clone()).unwrap_or_else(|| {
            let found = Value::from(text(&record.data));
            if hidden { found.sensitive() } else { found }
        })
    };
    let complete = spelled.iter().all(|(content, _)| live.iter().any(|record| same(content, &record.data)));
    let known = |record: &Record| spelled.iter().any(|(content, _)| same(content, &record.data));
    let values = if complete && !spelled.is_empty() && live.iter().all(known) {
        recorded
    } else if kind.many {
        Value::set(Type::String, live.iter().map(seen).collect()).with_marks(recorded.marks())
    } else {
        live.first().map_or(Value::null(Type::String), seen).with_marks(recorded.marks())
    };
    let ttl = live.first().map_or(0, |record| i64::from(record.ttl));
    let recorded_ttl = value.get("ttl").unwrap_or(Value::NULL);
    let ttl = if recorded_ttl.as_number().and_then(Number::as_i64) == Some(ttl) {
        recorded_ttl
    } else {
        Value::from(ttl).with_marks(recorded_ttl.marks())
    };
    with(value, [(kind.values, values), ("ttl", ttl)])
}

/// The object with some attributes replaced.
pub(super) fn with<const N: usize>(object: &Value, attributes: [(&str, Value); N]) -> Value {
    let mut entries = object.as_entries().cloned().unwrap_or_else(Entries::new);
    for (name, value) in attributes {
        entries.insert(name.into(), value);
    }
    Value::object(entries).with_marks(object.marks())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::schema::kind;
    use super::*;

    fn value(kind: &Kind, values: Json, ttl: i64) -> Value {
        let json = json!({"zone": "example.com.", "name": "www", "ttl": ttl, "id": "www.example.com."});
        let values = Value::from_plain_json(&values);
        let values =
            if kind.many { values.convert(&Type::set(Type::String)).expect("texts") } else { values };
        with(&Value::from_plain_json(&json), [(kind.values, values)])
    }

    fn known(name: &str) -> &'static Kind {
        kind(name).expect("known")
    }

    #[test]
    fn contents_follow_their_syntax() {
        for (kind, good, bad) in [
            ("dns_a_record_set", "192.0.2.1", "192.0.2.256"),
            ("dns_a_record_set", "0.0.0.0", "::1"),
            ("dns_aaaa_record_set", "2001:DB8::1", "2001:db8::1::2"),
            ("dns_aaaa_record_set", "::ffff:192.0.2.1", "192.0.2.1"),
            ("dns_cname_record", "other.example.", "other.example"),
            ("dns_ns_record_set", "ns1.example.", "ns 1.example."),
        ] {
            assert!(content(known(kind), good).is_ok(), "{kind} {good}");
            assert!(content(known(kind), bad).is_err(), "{kind} {bad}");
        }
        assert!(content(known("dns_txt_record_set"), &"x".repeat(65_280)).is_err());
    }

    #[test]
    fn long_texts_are_split_and_joined() {
        let txt = known("dns_txt_record_set");
        for text in ["", "v=spf1 -all", &"\u{20ac}".repeat(300)] {
            let RData::TXT(made) = content(txt, text).expect("a text") else { panic!("no text") };
            assert!(made.txt_data.iter().all(|string| string.len() <= 255));
            assert_eq!(joined(&made), text);
        }
        assert_eq!(joined(&TXT::from_bytes(vec![b"a\xff", b"b"])), "a\\255b");
    }

    #[test]
    fn what_means_the_same_keeps_its_writing() {
        let aaaa = known("dns_aaaa_record_set");
        let written = value(aaaa, json!(["2001:DB8:0::1"]), 60);
        let set = RecordSet::of(aaaa, &written).expect("a set");
        assert!(set.is(&set.records()));
        assert_eq!(view(aaaa, &written, &set.records()), written);

        let cname = known("dns_cname_record");
        let written = value(cname, json!("Web.Example."), 60);
        let live = RecordSet::of(cname, &value(cname, json!("web.example."), 60)).expect("a set").records();
        assert_eq!(view(cname, &written, &live), written);
        let live = RecordSet::of(cname, &value(cname, json!("other.example."), 30)).expect("a set").records();
        assert_eq!(view(cname, &written, &live), value(cname, json!("other.example."), 30));
    }

    #[test]
    fn what_others_did_shows() {
        let a = known("dns_a_record_set");
        let written = value(a, json!(["192.0.2.1", "192.0.2.2"]), 60);
        let set = RecordSet::of(a, &written).expect("a set");
        for (values, ttl) in [
            (json!(["192.0.2.1"]), 60),
            (json!(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), 60),
            (json!(["192.0.2.1", "192.0.2.2"]), 61),
        ] {
            let other = value(a, values, ttl);
            let live = RecordSet::of(a, &other).expect("a set").records();
            assert!(!set.is(&live), "{other:?}");
            assert_eq!(view(a, &written, &live), other);
        }
    }

    #[test]
    fn what_is_found_beside_something_sensitive_is_sensitive() {
        let txt = known("dns_txt_record_set");
        let hidden = Value::set(Type::String, vec![Value::from("hunter2").sensitive()]);
        let written = with(&value(txt, json!(["x"]), 60), [("txt", hidden)]);
        let live = RecordSet::of(txt, &value(txt, json!(["hunter3"]), 60)).expect("a set").records();
        let shown = format!("{:?}", view(txt, &written, &live));
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
