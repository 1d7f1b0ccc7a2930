//! Types of the simulated cloud take `timeouts` as those of real ones do.

use crate::common::{Place, Said};

fn root(timeouts: &str) -> String {
    format!(
        "variable \"limit\" {{\n  type    = string\n  default = \"90s\"\n}}\n\n\
         resource \"simulated_vault\" \"keys\" {{\n  name   = \"keys\"\n  region = \"eu\"\n{timeouts}\n}}\n"
    )
}

fn place(timeouts: &str) -> Place {
    let place = Place::new();
    place.write("root", "main.tf", &root(timeouts));
    place
}

/// An apply under a fault script with one rule.
fn faulty(place: &Place, args: &[&str], rule: &str) -> Said {
    place.write("root", "faults.json", &format!(r#"{{"version": 1, "rules": [{rule}]}}"#));
    place.run("root", &[args, &["-fault-script=faults.json"]].concat())
}

/// What was said, however it was folded.
fn told(said: &Said) -> String {
    said.stderr.split_whitespace().filter(|word| *word != "=").collect::<Vec<_>>().join(" ")
}

const APPLY: [&str; 2] = ["apply", "-auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "-auto-approve"];

#[test]
fn what_is_no_deadline_is_an_error_at_its_line() {
    let cases = [
        ("timeouts {\n    create = \"soon\"\n  }", "main.tf:10", "Invalid duration", "\"soon\""),
        ("timeouts {\n    create = \"0s\"\n  }", "main.tf:10", "Invalid duration", "\"0s\""),
        ("timeouts {\n    delete = \"-5m\"\n  }", "main.tf:10", "Invalid duration", "\"-5m\""),
        ("timeouts {\n    update = 30\n  }", "main.tf:10", "Invalid duration", "30"),
        (
            "timeouts {\n    destroy = \"5m\"\n  }",
            "main.tf:10",
            "Unknown operation",
            "create, update, delete",
        ),
        (
            "timeouts {\n    delte = \"5m\"\n  }",
            "main.tf:10",
            "Unknown operation",
            "Did you mean \"delete\"?",
        ),
        ("timeouts = { create = \"1 hour\" }", "main.tf:9", "Invalid duration", "\"1 hour\""),
        ("timeouts {\n    more {}\n  }", "main.tf:10", "Unsupported block type", "\"more\""),
        ("timeouts {}\n  timeouts {}", "main.tf:10", "Duplicate block", "one \"timeouts\" block"),
    ];
    for (given, at, summary, words) in cases {
        let place = place(&format!("  {given}"));
        let said = place.run("root", &["validate"]);
        assert_eq!(said.code, 1, "{given}\n{}", said.stdout);
        for part in [at, summary, words] {
            assert!(told(&said).contains(part), "{given}: {part}\n{}", said.stderr);
        }
    }
    // What only a plan knows.
    let place = place("  timeouts {\n    create = var.limit\n  }");
    place.ok("root", &["validate"]);
    place.ok("root", &["plan"]);
    let said = place.run("root", &["plan", "-var=limit=soon"]);
    assert_eq!(said.code, 1);
    for part in ["main.tf:10", "Invalid duration", "\"soon\"", "simulated_vault.keys"] {
        assert!(told(&said).contains(part), "{part}\n{}", said.stderr);
    }
    // A type whose operations are quick has none.
    let quick = "resource \"terraform_data\" \"x\" {\n  timeouts {\n    create = \"5m\"\n  }\n}\n";
    place.write("quick", "main.tf", quick);
    let said = place.run("quick", &["validate"]);
    assert!(said.code == 1 && told(&said).contains("\"timeouts\" are not expected"), "{}", said.stderr);
}

#[test]
fn a_change_of_deadlines_is_no_change_of_the_object() {
    let place = place("  timeouts {\n    create = \"10m\"\n  }");
    place.ok("root", &APPLY);
    let limits = |place: &Place| {
        let state = place.states("root").remove(0);
        let record = state.resources.into_values().next().expect("a record");
        assert!(record.attributes.get("timeouts").is_none(), "they are no value of the object");
        record.timeouts.operations().map(|(timed, limit)| (timed.name(), limit.as_secs())).collect::<Vec<_>>()
    };
    assert_eq!(limits(&place), [("create", 600)]);
    for (given, expected) in [
        ("  timeouts = { delete = \"1h\" }", vec![("delete", 3600)]),
        ("  timeouts {\n    update = var.limit\n    delete = null\n  }", vec![("update", 90)]),
        ("", vec![]),
    ] {
        place.write("root", "main.tf", &root(given));
        let said = place.run("root", &["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, 0, "{given}\n{}\n{}", said.stdout, said.stderr);
        place.ok("root", &APPLY);
        assert_eq!(limits(&place), expected, "{given}");
    }
    assert_eq!(place.history("root", "default").len(), 1, "the object was made, and nothing else");
}

/// The service needs one poll, a minute later: no deadline of a second sees it.
const LONG: &str = r#""then": {"pending": {"polls": 1, "after_ms": 60000, "message": "unpacking"}}"#;

#[test]
fn an_operation_that_runs_out_says_so_and_the_next_apply_goes_on_with_it() {
    let place = place("  timeouts {\n    create = \"1s\"\n    delete = \"1s\"\n  }");
    let said = faulty(&place, &APPLY, &format!(r#"{{"match": {{"operation": "create"}}, {LONG}}}"#));
    assert_eq!(said.code, 1, "{}", said.stdout);
    let expected = [
        "Operation takes too long",
        "Its creation was given 1s",
        "The service said last: unpacking.",
        "the next apply goes on from there",
        "timeouts { create \"…\" }",
        "default:simulated_vault.keys",
        "main.tf:6",
    ];
    for part in expected {
        assert!(told(&said).contains(part), "{part}\n{}", said.stderr);
    }
    let state = place.states("root").remove(0);
    assert!(state.resources.is_empty() && state.open.len() == 1, "it is known to go on: {state:?}");
    let said = place.ok("root", &APPLY);
    assert!(said.stdout.contains("went on, and is done"), "{}", said.stdout);
    let history = place.history("root", "default");
    let objects = history.iter().filter_map(|change| change.object.as_ref());
    let made: std::collections::BTreeSet<_> = objects.map(|(token, _)| token.clone()).collect();
    assert_eq!(made.len(), 1, "it was made once");

    // What the configuration says counts for the removal, and what was
    // recorded of it when the block is gone.
    place.write("root", "main.tf", "");
    let said = faulty(&place, &APPLY, &format!(r#"{{"match": {{"operation": "delete"}}, {LONG}}}"#));
    assert!(said.code == 1 && told(&said).contains("Its removal was given 1s"), "{}", said.stderr);
    let said = place.ok("root", &DESTROY);
    assert!(said.stdout.contains("went on, and is done"), "{}", said.stdout);
    assert!(place.states("root").remove(0).resources.is_empty());
}

#[test]
fn a_service_that_is_at_something_else_is_waited_for_until_the_deadline() {
    let place = place("  timeouts {\n    create = \"2s\"\n  }");
    let busy = r#"{"match": {"operation": "create"}, "then": {"fail": {"class": "busy", "message": "another change is under way"}}}"#;
    let said = faulty(&place, &APPLY, busy);
    assert_eq!(said.code, 1);
    for part in ["Operation takes too long", "given 2s", "another change is under way", "tries again"] {
        assert!(told(&said).contains(part), "{part}\n{}", said.stderr);
    }
    assert!(place.states("root").iter().all(|state| state.open.is_empty()), "nothing was begun");
    place.ok("root", &APPLY);
}
