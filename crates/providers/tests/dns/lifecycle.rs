use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Provider, ReadOutcome, Value};
use tenantctl_providers::conformance::{self, Case, Fault, Service, Trouble};
use tenantctl_providers::dns::Dns;
use tenantctl_test_servers::{NameServer, Toll, is_change};

use crate::bench::{A, Bench, WORKSPACE, ZONE};
use crate::common;

fn cases(bench: &Bench) -> Vec<Case> {
    let case = |kind: &str, before: Json, after: Json| {
        Case::new(kind, bench.config(kind, before))
            .changed(bench.config(kind, after))
            .provider_config(bench.block.clone())
            .workspace(WORKSPACE)
    };
    let long = "\u{20ac}".repeat(200);
    vec![
        case(
            A,
            json!({"zone": ZONE, "name": "web", "addresses": ["192.0.2.2", "192.0.2.1"]}),
            json!({"zone": ZONE, "name": "web", "addresses": ["192.0.2.2", "192.0.2.3"], "ttl": 60}),
        ),
        case(
            A,
            json!({"zone": ZONE, "addresses": ["192.0.2.1"]}),
            json!({"zone": ZONE, "addresses": ["192.0.2.2"]}),
        ),
        case(
            A,
            json!({"zone": ZONE, "name": "*.apps", "addresses": ["192.0.2.1"], "ttl": 0}),
            json!({"zone": ZONE, "name": "*.apps", "addresses": ["192.0.2.1"], "ttl": 1}),
        ),
        // Below a name that a wildcard answers for.
        case(
            A,
            json!({"zone": NameServer::WILD, "name": "a.b", "addresses": ["192.0.2.1"]}),
            json!({"zone": NameServer::WILD, "name": "a.b", "addresses": ["192.0.2.99"], "ttl": 60}),
        ),
        case(
            "dns_aaaa_record_set",
            json!({"zone": "Example.TEST.", "name": "WEB", "addresses": ["2001:DB8:0::1", "::ffff:192.0.2.1"]}),
            json!({"zone": "example.test.", "name": "web", "addresses": ["2001:db8::1"]}),
        ),
        case(
            "dns_cname_record",
            json!({"zone": ZONE, "name": "shop", "cname": "Web.Example.Test."}),
            json!({"zone": ZONE, "name": "shop", "cname": "elsewhere.example."}),
        ),
        case(
            "dns_ns_record_set",
            json!({"zone": ZONE, "name": "sub", "nameservers": ["ns1.sub.example.test.", "ns.example."]}),
            json!({"zone": ZONE, "name": "sub", "nameservers": ["ns.example."], "ttl": 120}),
        ),
        case(
            "dns_txt_record_set",
            json!({"zone": ZONE, "name": "_acme-challenge.web", "txt": ["a \"quoted\" \\ text; x", long]}),
            json!({"zone": ZONE, "name": "_acme-challenge.web", "txt": ["v=spf1 -all", ""]}),
        ),
    ]
}

/// The server by a relay of its own, which does as it is told. A server of names
/// has no word for too many calls: it does not answer.
fn service(bench: &Bench) -> impl Fn(&Fault) -> Service {
    |fault: &Fault| {
        let judge = fault.clone();
        let relay =
            bench.server.relay(move |message| match judge.strike(&what(message), is_change(message)) {
                None => Toll::Pass,
                Some(Trouble::Fails | Trouble::Throttled) => Toll::LoseMessage,
                Some(Trouble::Hangs) => Toll::Hang,
                Some(Trouble::AnswerLost) => Toll::LoseAnswer,
            });
        let timeout = format!("{}ms", fault.patience().as_millis());
        let config = bench.block(json!({"port": relay.port(), "timeout": timeout}));
        Service::new(|| Arc::new(Dns::new())).provider_config(config).keeping(relay)
    }
}

/// What a message is about: its kind, and the name and type at its head.
fn what(message: &[u8]) -> String {
    let head = message.iter().skip(12).take_while(|byte| **byte != 0).count();
    format!("{:?} {:?}", message.get(2), message.get(12..12 + head + 3))
}

#[tokio::test]
async fn every_type_conforms_whatever_happens_to_calls() {
    for trouble in [Trouble::Fails, Trouble::Hangs, Trouble::AnswerLost] {
        let bench = Bench::start();
        conformance::check_through(trouble, service(&bench), cases(&bench)).await;
        assert_eq!(bench.server.names(ZONE), Vec::<String>::new(), "something is left");
    }
}

#[tokio::test]
async fn every_type_conforms_when_processes_are_killed() {
    let bench = Bench::start();
    conformance::check_killed(service(&bench), cases(&bench)).await;
    assert_eq!(bench.server.names(ZONE), Vec::<String>::new(), "something is left");
}

#[tokio::test]
async fn every_type_is_simulated_by_its_schema() {
    let bench = Bench::start();
    common::simulated(bench.provider.clone(), bench.block.clone(), cases(&bench)).await;
}

#[tokio::test]
async fn every_type_conforms_over_tcp() {
    let bench = Bench::start();
    conformance::check(bench.provider.clone(), cases(&bench)).await;
    assert_eq!(bench.server.names(ZONE), Vec::<String>::new(), "something is left");
    assert_eq!(bench.server.names(NameServer::WILD), ["*.wild.test."]);
}

#[tokio::test]
async fn every_type_conforms_over_udp() {
    let bench = Bench::start().with(json!({"transport": "udp4", "server": "localhost"}));
    conformance::check(bench.provider.clone(), cases(&bench)).await;
    assert_eq!(bench.server.names(ZONE), Vec::<String>::new(), "something is left");
}

#[tokio::test]
async fn what_is_made_is_what_the_server_has() {
    let bench = Bench::start();
    bench.create(A, &bench.a("web", &["192.0.2.1", "192.0.2.2"])).await.expect("made");
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1", "60 A 192.0.2.2"]);
    let mark = r#"300 TXT "tenantctl/1 workspace=acme/dev token=token-1""#;
    assert_eq!(bench.live("web._a._tenantctl"), [mark]);
    let long = format!("{}{}", "a".repeat(255), "b".repeat(45));
    let txt = "dns_txt_record_set";
    let text = bench.config(txt, json!({"zone": ZONE, "name": "t", "txt": [long], "ttl": 5}));
    bench.create(txt, &text).await.expect("made");
    assert_eq!(bench.live("t"), [format!("5 TXT {:?} {:?}", "a".repeat(255), "b".repeat(45))]);
}

#[tokio::test]
async fn drift_shows_and_is_repaired() {
    let bench = Bench::start();
    let config = bench.a("web", &["192.0.2.1"]);
    let made = bench.create(A, &config).await.expect("made");
    for (by_hand, seen) in [
        (vec!["set web 60 A 192.0.2.66"], json!({"addresses": ["192.0.2.1", "192.0.2.66"], "ttl": 60})),
        (vec!["unset web A", "set web 30 A 192.0.2.66"], json!({"addresses": ["192.0.2.66"], "ttl": 30})),
    ] {
        bench.server.edit(ZONE, &by_hand);
        let drifted = bench.refreshed(A, &made).await;
        let plain = drifted.to_plain_json().expect("known");
        assert_eq!(json!({"addresses": plain["addresses"], "ttl": plain["ttl"]}), seen);
        assert_eq!(bench.plan(A, Some(&drifted), &config).planned, made);
        assert_eq!(bench.update(A, &drifted, &config).await.expect("repaired"), made);
        assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
    }
    bench.server.edit(ZONE, &["unset web A"]);
    assert!(matches!(bench.read(A, std::slice::from_ref(&made)).await[0], ReadOutcome::Gone));
    // Its mark is still there, and no hindrance to a new creation.
    let again = Bench { token: "token-2", ..bench };
    assert_eq!(again.create(A, &config).await.expect("made again"), made);
    assert_eq!(again.live("web._a._tenantctl").len(), 1);
    again.delete(A, &made).await.expect("removed");
    assert_eq!(again.server.names(ZONE), Vec::<String>::new());
}

#[tokio::test]
async fn many_are_read_together_and_only_what_is_gone_is_gone() {
    let bench = Bench::start();
    let mut lines: Vec<String> = (0..100).map(|i| format!("set h{i} 60 A 192.0.2.{i}")).collect();
    lines.push("set shop 60 CNAME h1".into());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    bench.server.edit(ZONE, &lines);
    let object = |i: usize| {
        let name = format!("h{i}");
        bench.plan(A, None, &bench.a(&name, &[&format!("192.0.2.{}", i % 200)])).planned
    };
    let mut objects: Vec<Value> = (0..110).map(object).collect();
    objects.push(bench.plan(A, None, &bench.a("shop", &["192.0.2.1"])).planned);
    for (i, outcome) in bench.read(A, &objects).await.iter().enumerate() {
        match outcome {
            ReadOutcome::Found(value) | ReadOutcome::Changed(value, _) => {
                assert!(i < 100 && *value == objects[i], "{i}: {value:?}");
            }
            ReadOutcome::Gone => assert!(i >= 100, "{i} is not gone"),
            ReadOutcome::Failed(error) => panic!("{i}: {error}"),
        }
    }
}

#[tokio::test]
async fn what_only_a_wildcard_answers_is_not_there() {
    let bench = Bench::start();
    let wild = |name: &str, address: &str| {
        bench.config(A, json!({"zone": NameServer::WILD, "name": name, "addresses": [address], "ttl": 60}))
    };
    let config = wild("web", "192.0.2.1");
    assert!(bench.find(A, &config).await.expect("no error").is_none());
    let made = bench.create(A, &config).await.expect("made, whatever the wildcard says");
    bench.server.edit(NameServer::WILD, &["unset web A"]);
    assert!(matches!(bench.read(A, std::slice::from_ref(&made)).await[0], ReadOutcome::Gone));
    bench.delete(A, &made).await.expect("gone already");
    assert_eq!(bench.server.names(NameServer::WILD), ["*.wild.test."]);
    assert_eq!(bench.import(A, "other.wild.test.").await.expect_err("not there").class, ErrorClass::NotFound);
}

#[tokio::test]
async fn hosts_are_looked_up_without_any_server() {
    let bench = Bench::start();
    let block = &bench.provider.schema().data_sources[A].block;
    let mut entries = block.empty().as_entries().expect("an object").clone();
    entries.insert("host".into(), "127.0.0.1".into());
    let config = Value::object(entries);
    let connection = bench.provider.connection(&Value::NULL, &config).expect("none is needed");
    let found = bench.provider.read_data(A, &connection, &config).await.expect("found");
    let plain = found.to_plain_json().expect("known");
    assert_eq!(plain, json!({"host": "127.0.0.1", "addrs": ["127.0.0.1"], "id": "127.0.0.1"}));
}
