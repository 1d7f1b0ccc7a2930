//! What went wrong with a message, and what that means to the engine.
//!
//! Pure. Guarantees: every failure gets the class that decides about trying
//! again; what was sent and not answered is never taken for not done.
//! Must not: show the key's secret, or what records say.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::tsig::TsigError;
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::connection::Connection;

/// How a message failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Nothing was sent: no address, no connection.
    Unreachable(String),
    /// It was sent, and no whole answer came back.
    Lost(String),
    /// The server does not take our signature.
    Key(TsigError),
    /// What came back is not signed as it must be.
    Unsigned(String),
    /// The server's answer is an error.
    Answer(ResponseCode),
    /// The server answers, but does not speak for the zone.
    NotInCharge,
    /// It cannot be sent: too long.
    Unsendable(String),
}

/// What a call has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// No change has been sent.
    Nothing,
    /// One has been sent.
    Sent,
    /// One is done.
    Done,
}

/// What a message was about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) connection: &'a Connection,
    /// The record set: `A www.example.com.`.
    pub(super) object: &'a str,
    pub(super) zone: &'a Name,
    pub(super) effect: Effect,
}

/// The provider's error for a failure.
pub(super) fn explain(failure: &Failure, about: About<'_>) -> ProviderError {
    let mut error = told(failure, about);
    // Whatever fails after a change was done, the change is done.
    if about.effect == Effect::Done {
        error.class = ErrorClass::Indeterminate;
    }
    error
}

fn told(failure: &Failure, about: About<'_>) -> ProviderError {
    let About { connection, object, zone, effect } = about;
    let place = &connection.place;
    let zone = zone.to_ascii();
    let unclear = |otherwise| if effect == Effect::Sent { ErrorClass::Indeterminate } else { otherwise };
    let error = |class, summary: &str, detail: String| ProviderError::new(class, summary, detail);
    match failure {
        Failure::Unreachable(why) => error(
            unclear(ErrorClass::Transient),
            "DNS server not reachable",
            format!("No connection to the DNS server {place} for {object}: {why}."),
        )
        .hint("Check the server's address and that it can be reached from here, then run the command again."),
        Failure::Lost(why) if effect == Effect::Sent => error(
            ErrorClass::Indeterminate,
            "Answer lost",
            format!("The DNS server {place} was sent the change of {object}, but did not answer: {why}."),
        ),
        Failure::Lost(why) => error(
            ErrorClass::Transient,
            "Answer lost",
            format!("The DNS server {place} did not answer about {object}: {why}."),
        ),
        Failure::Key(reason) => denied_key(*reason, about),
        Failure::Unsigned(why) => error(
            unclear(ErrorClass::Denied),
            "Answer not to be trusted",
            format!(
                "The answer of {place} about {object} is not signed with the key {:?}: {why}.",
                connection.key
            ),
        )
        .hint("Check that the server has the same key, and that nothing stands between it and this machine."),
        Failure::NotInCharge => error(
            ErrorClass::Invalid,
            "Server not in charge of the zone",
            format!("The DNS server {place} does not speak for {object} of the zone {zone}."),
        )
        .hint("Set server to the primary of the zone, and zone to the zone's own name."),
        Failure::Unsendable(why) => error(
            ErrorClass::Invalid,
            "Record set too large",
            format!("The change of {object} does not fit into one message: {why}."),
        ),
        Failure::Answer(code) => answered(*code, about),
    }
}

fn denied_key(reason: TsigError, about: About<'_>) -> ProviderError {
    let Connection { place, key, .. } = about.connection;
    let error = |summary: &str, why: &str| {
        ProviderError::new(
            ErrorClass::Denied,
            summary,
            format!("The DNS server {place} refuses {}: {why}.", about.object),
        )
    };
    match reason {
        TsigError::BadKey => {
            let why = format!("it does not know the key {key:?}, or does not let it do that (BADKEY)");
            error("Key not accepted", &why).hint(
                "Check key_name and key_algorithm, and what the server's configuration allows this key.",
            )
        }
        TsigError::BadTime => error("Clocks differ", "the signature's time is not its own (BADTIME)")
            .hint("Set the clocks of this machine and of the server right."),
        TsigError::BadSig => {
            error("Key not accepted", &format!("the signature with the key {key:?} is wrong (BADSIG)"))
                .hint("Check key_secret and key_algorithm: both must be as in the server's configuration.")
        }
        TsigError::BadTrunc | TsigError::Unknown(_) => {
            error("Key not accepted", &format!("it does not take the signature with the key {key:?}"))
        }
    }
}

fn answered(code: ResponseCode, about: About<'_>) -> ProviderError {
    let About { connection: Connection { place, signer, .. }, object, zone, .. } = about;
    let zone = zone.to_ascii();
    let said = |class, summary: &str, why: &str| {
        ProviderError::new(class, summary, format!("The DNS server {place} refuses {object}: {why}."))
    };
    let keys = match signer {
        Some(_) => "Let this key change the zone in the server's configuration, or use another one.",
        None => "The provider's update block has no key; most servers want one for changes.",
    };
    match code {
        ResponseCode::Refused => said(
            ErrorClass::Denied,
            "Not allowed",
            &format!("it is not allowed in the zone {zone} (REFUSED)"),
        )
        .hint(keys),
        ResponseCode::NotAuth => {
            let why =
                format!("it is not the primary of the zone {zone}, or the key may not change it (NOTAUTH)");
            said(ErrorClass::Denied, "Not allowed", &why).hint(
                "Set server to the primary of the zone, zone to the zone's own name, and check the key.",
            )
        }
        // An update that a server fails in is undone by it as a whole.
        ResponseCode::ServFail => {
            said(ErrorClass::Transient, "DNS server failed", "it has a problem of its own (SERVFAIL)")
                .hint("Look into the server's log, then run the command again.")
        }
        ResponseCode::NotImp => {
            said(ErrorClass::Invalid, "Server takes no updates", "it does not know dynamic updates (NOTIMP)")
        }
        ResponseCode::NotZone => said(
            ErrorClass::Invalid,
            "Name not in the zone",
            &format!("the name is not in the zone {zone} (NOTZONE)"),
        ),
        ResponseCode::FormErr => said(
            ErrorClass::Invalid,
            "Message not understood",
            "it does not understand the message (FORMERR)",
        ),
        other => said(ErrorClass::Invalid, "Refused", &format!("its answer is {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenantctl_core::provider::Value;

    use super::super::names::absolute;
    use super::*;

    fn class(failure: &Failure, effect: Effect) -> ErrorClass {
        let json = json!({"server": "192.0.2.1", "port": 53, "transport": "tcp", "timeout": "1s", "retries": 0,
            "key_name": "k.", "key_algorithm": "hmac-sha256", "key_secret": "aHVudGVyMg=="});
        let connection = Connection::of(&Value::from_plain_json(&json)).expect("a connection");
        let zone = absolute("example.com.").expect("a zone");
        let about = About { connection: &connection, object: "A a.example.com.", zone: &zone, effect };
        let error = explain(failure, about);
        assert!(
            error.detail.contains("A a.example.com.") && error.detail.contains("192.0.2.1:53"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("aHVudGVyMg"), "{error}");
        error.class
    }

    #[test]
    fn classes_follow_from_what_is_known() {
        let lost = Failure::Lost("it took too long".into());
        for (failure, reading, writing) in [
            (lost, ErrorClass::Transient, ErrorClass::Indeterminate),
            (Failure::Unreachable("no".into()), ErrorClass::Transient, ErrorClass::Indeterminate),
            (Failure::Unsigned("no".into()), ErrorClass::Denied, ErrorClass::Indeterminate),
            (Failure::Key(TsigError::BadSig), ErrorClass::Denied, ErrorClass::Denied),
            (Failure::Key(TsigError::BadKey), ErrorClass::Denied, ErrorClass::Denied),
            (Failure::Key(TsigError::BadTime), ErrorClass::Denied, ErrorClass::Denied),
            (Failure::Answer(ResponseCode::Refused), ErrorClass::Denied, ErrorClass::Denied),
            (Failure::Answer(ResponseCode::NotAuth), ErrorClass::Denied, ErrorClass::Denied),
            (Failure::Answer(ResponseCode::ServFail), ErrorClass::Transient, ErrorClass::Transient),
            (Failure::Answer(ResponseCode::FormErr), ErrorClass::Invalid, ErrorClass::Invalid),
        ] {
            assert_eq!(class(&failure, Effect::Nothing), reading, "{failure:?}");
            assert_eq!(class(&failure, Effect::Sent), writing, "{failure:?}");
            assert_eq!(class(&failure, Effect::Done), ErrorClass::Indeterminate, "{failure:?}");
        }
    }
}
