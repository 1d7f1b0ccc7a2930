use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, ProviderError, ReadOutcome};
use tenantctl_test_servers::NameServer;

use crate::bench::{A, Bench, ZONE};

/// The error of every call that can fail.
async fn errors(bench: &Bench) -> Vec<ProviderError> {
    let config = bench.a("web", &["192.0.2.1"]);
    let planned = bench.plan(A, None, &config).planned;
    let read = match bench.read(A, std::slice::from_ref(&planned)).await.remove(0) {
        ReadOutcome::Failed(error) => Some(error),
        _ => None,
    };
    let calls = [
        bench.create(A, &config).await.err(),
        bench.find(A, &config).await.err(),
        bench.update(A, &planned, &bench.a("web", &["192.0.2.2"])).await.err(),
        bench.delete(A, &planned).await.err(),
        bench.import(A, "web.example.test.").await.err(),
        read,
    ];
    calls.into_iter().flatten().collect()
}

/// All that a user could get to see of an error.
fn shown(error: &ProviderError) -> String {
    format!("{error} {error:?}")
}

#[tokio::test]
async fn wrong_keys_are_told_and_never_shown() {
    let bench = Bench::start();
    bench.server.edit(ZONE, &["set web 60 A 192.0.2.1"]);
    let canary = "aHVudGVyMi1jYW5hcnktaHVudGVyMi1jYW5hcnktISE=";
    let mut bench = bench;
    for (changes, summary, words) in [
        (json!({"key_secret": canary}), "Key not accepted", "BADSIG"),
        (json!({"key_name": "nobody.", "key_secret": canary}), "Key not accepted", "\"nobody.\""),
        (json!({"key_algorithm": "hmac-sha512", "key_secret": canary}), "Key not accepted", "BADKEY"),
    ] {
        bench = bench.with(changes);
        let errors = errors(&bench).await;
        assert_eq!(errors.len(), 6, "each call fails");
        for error in errors {
            assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, summary), "{error}");
            assert!(error.detail.contains(words) && error.hint.is_some(), "{error}");
            let shown = shown(&error);
            assert!(!shown.contains(canary) && !shown.contains("hunter2"), "{shown}");
        }
    }
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
}

#[tokio::test]
async fn a_key_that_may_not_change_the_zone_is_told() {
    for (changes, summary) in [
        (json!({"key_name": NameServer::IDLE_KEY}), "Key not accepted"),
        (json!({"key_name": null, "key_algorithm": null, "key_secret": null}), "Not allowed"),
    ] {
        let bench = Bench::start().with(changes.clone());
        let error = bench.create(A, &bench.a("web", &["192.0.2.1"])).await.expect_err("not allowed");
        assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, summary), "{changes}");
        assert!(error.detail.contains("A web.example.test.") && error.hint.is_some(), "{error}");
        assert!(!shown(&error).contains(bench.server.secret()), "{error}");
        assert_eq!(bench.server.names(ZONE), Vec::<String>::new());
    }
    // Reading is allowed to everybody there.
    let open = json!({"key_name": null, "key_algorithm": null, "key_secret": null});
    let bench = Bench::start().with(open);
    bench.server.edit(ZONE, &["set web 60 A 192.0.2.1"]);
    let planned = bench.plan(A, None, &bench.a("web", &["192.0.2.1"])).planned;
    assert_eq!(bench.refreshed(A, &planned).await, planned);
}

#[tokio::test]
async fn a_zone_that_the_server_does_not_have_is_told() {
    let bench = Bench::start();
    let config = bench.config(A, json!({"zone": "other.test.", "name": "web", "addresses": ["192.0.2.1"]}));
    let error = bench.create(A, &config).await.expect_err("not its zone");
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(error.detail.contains("other.test."), "{error}");
    assert_eq!(bench.import(A, "web.other.test.").await.expect_err("not its zone").class, ErrorClass::Denied);
}

#[tokio::test]
async fn no_cname_beside_others_nor_others_beside_one() {
    let bench = Bench::start();
    bench.server.edit(ZONE, &["set mail 60 MX 10 web", "set web 60 A 192.0.2.1", "set alias 60 CNAME web"]);
    let cname = "dns_cname_record";
    let alias = |name: &str| bench.config(cname, json!({"zone": ZONE, "name": name, "cname": "x.example."}));
    for (name, words) in [("mail", "MX records"), ("web", "A records")] {
        let error = bench.create(cname, &alias(name)).await.expect_err("in use");
        assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Conflict, "Name is in use"));
        assert!(
            error.detail.contains(words) && error.detail.contains(&format!("{name}.example.test.")),
            "{error}"
        );
    }
    let error = bench.create(A, &bench.a("alias", &["192.0.2.1"])).await.expect_err("in use");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Conflict, "Name is in use"));
    assert!(error.detail.contains("alias.example.test. is a CNAME"), "{error}");
    assert_eq!(bench.server.names(ZONE), ["alias.example.test.", "mail.example.test.", "web.example.test."]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let bench = Bench::start();
    let mut bench = bench;
    for (changes, words) in [
        (json!({"port": 1}), "127.0.0.1:1"),
        (json!({"server": "nowhere.invalid"}), "nowhere.invalid"),
        (json!({"transport": "tcp6"}), "address of the kind"),
        (json!({"port": 1, "transport": "udp", "retries": 0, "timeout": "200ms"}), "127.0.0.1:1"),
    ] {
        bench = bench.with(changes.clone());
        for (i, error) in errors(&bench).await.iter().enumerate() {
            // A datagram may have arrived, whatever became of the answer.
            let unclear = i == 0 && changes.get("transport") == Some(&json!("udp"));
            let class = if unclear { ErrorClass::Indeterminate } else { ErrorClass::Transient };
            assert_eq!(error.class, class, "{changes} {i}: {error}");
            assert!(error.detail.contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let bench = Bench::start();
    // It accepts connections, and that is all.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("an address").port();
    let bench = bench.with(json!({"port": port, "timeout": "500ms"}));
    let classes: Vec<ErrorClass> = errors(&bench).await.iter().map(|error| error.class).collect();
    let mut expected = vec![ErrorClass::Transient; 6];
    expected[0] = ErrorClass::Indeterminate;
    assert_eq!(classes, expected);
}

#[tokio::test]
async fn a_change_that_fits_no_message_is_refused_before_it_is_sent() {
    let bench = Bench::start();
    let texts: Vec<String> = (0..40).map(|i| format!("{i}{}", "x".repeat(2000))).collect();
    let config = bench.config("dns_txt_record_set", json!({"zone": ZONE, "name": "t", "txt": texts}));
    let error = bench.create("dns_txt_record_set", &config).await.expect_err("too large");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Record set too large"));
}

#[tokio::test]
async fn imports_say_what_is_wrong_with_an_id() {
    let bench = Bench::start();
    for (id, class) in [
        ("web.example.test", ErrorClass::Invalid),
        ("", ErrorClass::Invalid),
        ("a b.example.test.", ErrorClass::Invalid),
        ("web.example.test.", ErrorClass::NotFound),
    ] {
        assert_eq!(bench.import(A, id).await.expect_err(id).class, class, "{id}");
    }
    bench.server.edit(ZONE, &["set @ 60 A 192.0.2.1", "set sub 60 NS ns.example."]);
    let apex = bench.import(A, ZONE).await.expect("the zone's own name").to_plain_json().expect("known");
    assert_eq!((&apex["name"], &apex["zone"]), (&Json::Null, &json!(ZONE)));
    let sub = bench.import("dns_ns_record_set", "sub.example.test.").await.expect("a delegation");
    let sub = sub.to_plain_json().expect("known");
    assert_eq!((&sub["zone"], &sub["nameservers"]), (&json!(ZONE), &json!(["ns.example."])));
}
