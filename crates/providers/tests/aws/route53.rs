use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Provider as _, ReadOutcome, Value};
use tenantctl_test_servers::{FrontCall, FrontFate};

use crate::bench::Bench;

const ZONE: &str = "aws_route53_zone";
const RECORD: &str = "aws_route53_record";

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn zone(bench: &Bench, name: &str) -> Value {
    bench.create(ZONE, &bench.config(ZONE, &json!({"name": name}))).await.expect("a zone")
}

fn record(bench: &Bench, zone: &Value, name: &str, address: &str) -> Value {
    let given =
        json!({"zone_id": text(zone, "zone_id"), "name": name, "type": "A", "ttl": 60, "records": [address]});
    bench.config(RECORD, &given)
}

#[tokio::test]
async fn a_zone_whose_answer_is_lost_is_found_and_made_once() {
    let mut lost = false;
    let is_creation = |call: &FrontCall| call.method == "POST" && call.path.ends_with("/hostedzone");
    let bench = Bench::with(move |call| match is_creation(call) && !lost {
        true => {
            lost = true;
            FrontFate::LoseAnswer
        }
        false => FrontFate::Pass,
    });
    let config = bench.config(ZONE, &json!({"name": "lost.example", "tags": {"tenant": "acme"}}));
    let error = bench.create(ZONE, &config).await.expect_err("the answer is lost");
    assert_eq!(error.class, ErrorClass::Indeterminate, "{error}");
    let found = bench.find(ZONE, &config).await.expect("ours").expect("it was made");
    // It has no tags yet: that shows, and is repaired.
    assert_ne!(bench.plan(ZONE, Some(&found), &config).planned, found);
    let whole = bench.update(ZONE, &found, &config).await.expect("tagged");
    assert_eq!(bench.create(ZONE, &config).await.expect("the same"), whole);
    assert_eq!(bench.front.asked().iter().filter(|call| is_creation(call)).count(), 1);
    // Another creation makes another zone of that name.
    let other = Bench::new().token("another-zone");
    assert_ne!(text(&other.create(ZONE, &config).await.expect("made"), "zone_id"), text(&whole, "zone_id"));
}

#[tokio::test]
async fn a_strangers_record_is_neither_taken_nor_changed() {
    let bench = Bench::new();
    let zone = zone(&bench, "stranger.example").await;
    let theirs = record(&bench, &zone, "www", "192.0.2.1");
    bench.create(RECORD, &theirs).await.expect("theirs");
    let ours = record(&bench, &zone, "www", "192.0.2.2");
    let error = bench.create(RECORD, &ours).await.expect_err("taken");
    assert_eq!(error.class, ErrorClass::Conflict, "{error}");
    assert!(error.detail.contains("\"www.stranger.example\""), "{error}");
    let writes = bench
        .front
        .asked()
        .iter()
        .filter(|call| call.path.ends_with("/rrset") && call.method == "POST")
        .count();
    assert_eq!(writes, 1, "only theirs");
    // Unless it is said that it may be.
    let mut given = json!({"zone_id": text(&zone, "zone_id"), "name": "www", "type": "A", "ttl": 60, "records": ["192.0.2.2"]});
    given["allow_overwrite"] = true.into();
    bench.create(RECORD, &bench.config(RECORD, &given)).await.expect("taken over");
}

#[tokio::test]
async fn a_zone_that_is_not_empty_says_what_holds_it() {
    let bench = Bench::new();
    let whole = zone(&bench, "full.example").await;
    bench.create(RECORD, &record(&bench, &whole, "www", "192.0.2.1")).await.expect("a record");
    let error = bench.delete(ZONE, &whole).await.expect_err("not empty");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Zone not empty"));
    assert!(error.detail.contains("www.full.example A"), "{error}");
    let config = bench.config(ZONE, &json!({"name": "full.example", "force_destroy": true}));
    let forced = bench.update(ZONE, &whole, &config).await.expect("changed");
    assert!(bench.delete(ZONE, &forced).await.expect("emptied and removed").is_null());
    assert!(matches!(bench.read(ZONE, &[forced]).await[0], ReadOutcome::Gone));
}

#[tokio::test]
async fn many_records_are_read_by_the_page() {
    let bench = Bench::new();
    let zone = zone(&bench, "many.example").await;
    let mut made = Vec::new();
    for i in 1..=12 {
        let config = record(&bench, &zone, &format!("tenant-{i}"), &format!("192.0.2.{i}"));
        made.push(bench.create(RECORD, &config).await.expect("made"));
    }
    bench.delete(RECORD, &made[4]).await.expect("removed");
    let reading = Bench::new();
    let read = reading.read(RECORD, &made).await;
    for (i, (outcome, made)) in read.iter().zip(&made).enumerate() {
        match outcome {
            ReadOutcome::Found(found) | ReadOutcome::Changed(found, _) => assert_eq!(found, made),
            ReadOutcome::Gone => assert_eq!(i, 4),
            ReadOutcome::Failed(error) => panic!("{error}"),
        }
    }
    assert_eq!(reading.front.asked().len(), 1, "twelve records, one page");
}

#[tokio::test]
async fn drift_of_a_record_is_repaired() {
    let bench = Bench::new();
    let zone = zone(&bench, "drift.example").await;
    let config = record(&bench, &zone, "www", "192.0.2.1");
    let made = bench.create(RECORD, &config).await.expect("made");
    let other = Bench::new();
    other.update(RECORD, &made, &record(&bench, &zone, "www", "192.0.2.66")).await.expect("by somebody else");
    let found = bench.refreshed(RECORD, &made).await;
    let records = found.get("records").expect("there").to_plain_json().expect("known");
    assert_eq!(records, json!(["192.0.2.66"]));
    assert_eq!(bench.update(RECORD, &found, &config).await.expect("repaired"), made);
}

#[test]
fn records_that_make_no_sense_are_refused_at_plan() {
    let bench = Bench::new();
    let base = |extra: Json| {
        let mut given =
            json!({"zone_id": "Z1", "name": "www", "type": "A", "ttl": 60, "records": ["192.0.2.1"]});
        for (name, value) in extra.as_object().expect("an object") {
            given[name] = value.clone();
        }
        given
    };
    let cases = [
        (base(json!({"records": ["not-an-ip"]})), "records"),
        (base(json!({"type": "CNAME", "records": ["a.example", "b.example"]})), "records"),
        (base(json!({"type": "BOGUS", "records": ["x"]})), "type"),
        (base(json!({"ttl": -1})), "ttl"),
        (base(json!({"records": null})), "records"),
        (base(json!({"name": "a..b"})), "name"),
    ];
    for (given, at) in cases {
        let problems = bench.provider.validate(RECORD, &bench.config(RECORD, &given));
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [at], "{given}: {problems:?}");
    }
}
