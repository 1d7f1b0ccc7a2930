//! Which server a record set is kept on, and how it is spoken to.
//!
//! Pure. Guarantees: the key's secret is marked sensitive wherever it goes, and
//! is in no error; what the configuration leaves out is settled here, so that
//! a later version's defaults do not change what is kept with an object.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::TSigner;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use tenantctl_core::provider::{AttributeError, ErrorClass, Number, Path, ProviderError, Type, Value};

use super::names;

const PORT: i64 = 53;
const RETRIES: i64 = 3;
const MOST_RETRIES: i64 = 100;
const TIMEOUT: &str = "10s";
/// How far the clocks of client and server may be apart, in seconds: what RFC
/// 8945 recommends.
const FUDGE: u16 = 300;
const HIDDEN: &str = "(sensitive value)";

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transport {
    /// By connections; else by datagrams.
    pub(super) tcp: bool,
    /// With addresses of this kind only: 4 or 6.
    pub(super) family: Option<u8>,
}

/// A server and how to speak to it.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) transport: Transport,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) signer: Option<TSigner>,
    /// Server and port, for messages.
    pub(super) place: String,
    /// The key's name, for messages.
    pub(super) key: String,
}

/// The connection of a record set, from the `provider` block; unknown while a
/// part of that is. A lookup needs none.
pub(super) fn settle(provider: &Value, config: &Value) -> Result<Value, AttributeError> {
    if config.get("host").is_some() {
        return Ok(Value::NULL);
    }
    let update = if provider.is_known() { provider.get("update") } else { None };
    let update = update.unwrap_or_else(|| if provider.is_known() { Value::NULL } else { provider.clone() });
    if update.is_known() && update.is_null() {
        return Err(problem(
            &Path::root(),
            "The provider has no update block, so there is no server to keep the records on.",
        ));
    }
    if !update.is_wholly_known() {
        return Ok(Value::unknown(Type::Dynamic));
    }
    let set = |name: &str| update.get(name).filter(|value| !value.is_null());
    let or = |name: &str, default: Value| set(name).unwrap_or(default);
    let settled = Value::object([
        ("server", or("server", Value::NULL)),
        ("port", or("port", PORT.into())),
        ("transport", or("transport", "tcp".into())),
        ("timeout", or("timeout", TIMEOUT.into())),
        ("retries", or("retries", RETRIES.into())),
        ("key_name", or("key_name", Value::NULL)),
        ("key_algorithm", or("key_algorithm", Value::NULL)),
        ("key_secret", set("key_secret").map_or(Value::NULL, Value::sensitive)),
    ]);
    Connection::parse(&settled).map(|_| settled)
}

fn problem(path: &Path, detail: &str) -> AttributeError {
    AttributeError {
        path: path.clone(),
        summary: "Invalid DNS server",
        detail: detail.to_owned(),
        hint: Some(
            "Write provider \"dns\" { update { server = \"ns1.example.com\" } }, with key_name, \
             key_algorithm and key_secret for a server that wants a key."
                .into(),
        ),
    }
}

impl Connection {
    /// What a settled connection says.
    pub(super) fn of(connection: &Value) -> Result<Self, ProviderError> {
        Self::parse(connection).map_err(|error| {
            ProviderError::new(ErrorClass::Invalid, error.summary, error.detail)
                .hint("Plan again with the provider's update block as it should be.")
        })
    }

    fn parse(from: &Value) -> Result<Self, AttributeError> {
        let root = Path::root().attribute("update");
        let text = |name: &str| from.get(name).and_then(|v| v.as_str().map(str::to_owned));
        let wrong = |name: &str, detail: &str| problem(&root.attribute(name.to_owned()), detail);
        let number = |name: &str, most: i64| {
            let number = from.get(name).and_then(|v| v.as_number().and_then(Number::as_i64));
            let number = number.filter(|n| (0..=most).contains(n));
            number.ok_or_else(|| wrong(name, &format!("{name} is a whole number from 0 to {most}.")))
        };
        let server = text("server").filter(|server| !server.is_empty());
        let server = server.ok_or_else(|| wrong("server", "There is no server to keep the records on."))?;
        let port = u16::try_from(number("port", 65_535)?).unwrap_or_default();
        let transport = transport(&text("transport").unwrap_or_default())
            .ok_or_else(|| wrong("transport", "transport is tcp or udp, or one of them with 4 or 6."))?;
        let timeout = duration(&text("timeout").unwrap_or_default())
            .ok_or_else(|| wrong("timeout", "timeout is a time such as 5s, 500ms or 1m."))?;
        let retries = u32::try_from(number("retries", MOST_RETRIES)?).unwrap_or_default();
        let shown = |name: &str| match from.get(name) {
            Some(value) if value.is_sensitive() => HIDDEN.to_owned(),
            value => value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
        };
        let place = match shown("server") {
            server if server.contains(':') => format!("[{server}]:{port}"),
            server => format!("{server}:{port}"),
        };
        let signer = match (text("key_name"), text("key_secret")) {
            (None, None) => None,
            (Some(name), Some(secret)) => {
                Some(signer(&name, &text("key_algorithm").unwrap_or_default(), &secret, &wrong)?)
            }
            (Some(_), None) => return Err(wrong("key_secret", "The key has a name but no secret.")),
            (None, Some(_)) => return Err(wrong("key_name", "The key has a secret but no name.")),
        };
        let key = shown("key_name");
        Ok(Connection { server, port, transport, timeout, retries, signer, place, key })
    }
}

/// The signer of a key. Names of keys are compared as names, so that a final
/// dot makes no difference.
fn signer(
    name: &str,
    algorithm: &str,
    secret: &str,
    wrong: &dyn Fn(&str, &str) -> AttributeError,
) -> Result<TSigner, AttributeError> {
    let known = [
        ("hmac-sha256", TsigAlgorithm::HmacSha256),
        ("hmac-sha384", TsigAlgorithm::HmacSha384),
        ("hmac-sha512", TsigAlgorithm::HmacSha512),
    ];
    let algorithm = algorithm.trim_end_matches('.').to_ascii_lowercase();
    let found = known.into_iter().find(|(known, _)| *known == algorithm);
    let Some((_, algorithm)) = found else {
        return Err(wrong("key_algorithm", "key_algorithm is hmac-sha256, hmac-sha384 or hmac-sha512."));
    };
    let whole = format!("{}.", name.trim_end_matches('.'));
    let name = names::absolute(&whole)
        .map_err(|why| wrong("key_name", &format!("key_name is not the name of a key. {why}.")))?;
    // Neither the secret nor what is wrong with it is said.
    let compact: String = secret.split_whitespace().collect();
    let key = STANDARD.decode(compact).ok().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| wrong("key_secret", "key_secret is not the key in base64."))?;
    TSigner::new(key, algorithm, name, FUDGE)
        .map_err(|_| wrong("key_secret", "key_secret cannot be used as a key."))
}

fn transport(text: &str) -> Option<Transport> {
    let (protocol, family) = match text.as_bytes().last()? {
        b'4' => (&text[..text.len() - 1], Some(4)),
        b'6' => (&text[..text.len() - 1], Some(6)),
        _ => (text, None),
    };
    match protocol {
        "tcp" => Some(Transport { tcp: true, family }),
        "udp" => Some(Transport { tcp: false, family }),
        _ => None,
    }
}

/// `500ms`, `5s`, `1m`; a number alone means seconds.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => number,
        "s" | "" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        _ => return None,
    };
    // A day is longer than anybody waits, and still a time that can be added.
    (1..=86_400_000).contains(&milliseconds).then(|| Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const SECRET: &str = "aHVudGVyMmh1bnRlcjI=";

    fn settled(update: Json) -> Result<Value, String> {
        let provider = Value::from_plain_json(&json!({ "update": update }));
        settle(&provider, &Value::object([("zone", "example.com.".into())]))
            .map_err(|e| format!("{}: {}", e.path, e.detail))
    }

    #[test]
    fn what_is_left_out_is_settled_and_the_secret_is_hidden() {
        let connection = settled(json!({
            "server": "ns1.example", "port": null, "key_name": "k", "key_algorithm": "HMAC-SHA256.",
            "key_secret": SECRET,
        }))
        .expect("a connection");
        assert!(connection.get("key_secret").expect("there").is_sensitive());
        assert!(!format!("{connection:?}").contains(SECRET));
        let connection = Connection::of(&connection).expect("a connection");
        assert_eq!((connection.place.as_str(), connection.key.as_str()), ("ns1.example:53", "k"));
        assert_eq!(connection.timeout, Duration::from_secs(10));
        assert!(connection.transport.tcp && connection.signer.is_some());
    }

    #[test]
    fn mistakes_are_told_without_the_secret() {
        let with = |name: &str, value: Json| {
            let mut update = json!({"server": "a", "key_name": "k.", "key_algorithm": "hmac-sha512",
                "key_secret": SECRET});
            update[name] = value;
            update
        };
        for (update, at) in [
            (Json::Null, ": "),
            (json!({"server": ""}), "update.server: "),
            (with("port", json!(70000)), "update.port: "),
            (with("transport", json!("dot")), "update.transport: "),
            (with("transport", json!("")), "update.transport: "),
            (with("timeout", json!("5h")), "update.timeout: "),
            (with("timeout", json!("0s")), "update.timeout: "),
            (with("retries", json!(-1)), "update.retries: "),
            (with("key_algorithm", json!("hmac-md5")), "update.key_algorithm: "),
            (with("key_algorithm", Json::Null), "update.key_algorithm: "),
            (with("key_name", Json::Null), "update.key_name: "),
            (with("key_name", json!("a b")), "update.key_name: "),
            (with("key_secret", json!("hunter2!")), "update.key_secret: "),
            (with("key_secret", Json::Null), "update.key_secret: "),
        ] {
            let error = settled(update.clone()).expect_err("a mistake");
            assert!(error.starts_with(at), "{update}: {error}");
            assert!(!error.contains("hunter2") && !error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn unknown_parts_wait_and_lookups_need_nothing() {
        let update = Value::object([("server", Value::unknown(Type::String))]);
        let provider = Value::object([("update", update)]);
        let record_set = Value::object([("zone", "example.com.".into())]);
        assert!(!settle(&provider, &record_set).expect("fine").is_known());
        assert!(!settle(&Value::unknown(Type::Dynamic), &record_set).expect("fine").is_known());
        let lookup = Value::object([("host", "a.example".into())]);
        assert!(settle(&Value::NULL, &lookup).expect("fine").is_null());
    }

    #[test]
    fn times_and_transports() {
        for (text, milliseconds) in [("5", 5000), ("5s", 5000), ("500ms", 500), ("2m", 120_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(milliseconds)));
        }
        for bad in ["", "s", "-1s", "1.5s", "1h", "\u{e9}", "99999999999999999999"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(transport("udp6"), Some(Transport { tcp: false, family: Some(6) }));
        assert_eq!(transport("\u{e9}"), None);
    }
}
