use serde_json::json;
use tenantctl_core::provider::ErrorClass;
use tenantctl_test_servers::{Toll, is_change};

use crate::bench::{A, Bench, ZONE};

#[tokio::test]
async fn a_strangers_record_set_is_left_alone_and_can_be_imported() {
    let bench = Bench::start();
    bench.server.edit(ZONE, &["set web 77 A 192.0.2.9"]);
    let config = bench.a("web", &["192.0.2.1"]);
    for error in [
        bench.create(A, &config).await.expect_err("not ours"),
        bench.find(A, &config).await.expect_err("not ours"),
    ] {
        assert_eq!(
            (error.class, error.summary.as_str()),
            (ErrorClass::Conflict, "Record set already exists")
        );
        assert!(error.detail.contains("A web.example.test. exists already"), "{error}");
        assert!(error.hint.expect("a hint").contains("\"web.example.test.\""));
    }
    assert_eq!(bench.live("web"), ["77 A 192.0.2.9"]);
    assert_eq!(bench.server.names(ZONE), ["web.example.test."], "no mark is left");

    let imported = bench.import(A, "web.example.test.").await.expect("imported");
    let plain = imported.to_plain_json().expect("known");
    assert_eq!(
        plain,
        json!({"zone": ZONE, "name": "web", "addresses": ["192.0.2.9"], "ttl": 77, "id": "web.example.test."})
    );
    // As the engine goes on with it: without a token.
    let bench = Bench { token: "", ..bench };
    bench.update(A, &imported, &config).await.expect("taken over");
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
    assert_eq!(bench.live("web._a._tenantctl"), [r#"300 TXT "tenantctl/1 workspace=acme/dev token=""#]);
    let another = Bench { workspace: "globex/dev", token: "token-2", ..bench };
    let error = another.create(A, &config).await.expect_err("taken");
    assert!(error.detail.contains("\"acme/dev\""), "{error}");
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_neither_made_changed_nor_removed() {
    let bench = Bench::start();
    let config = bench.a("web", &["192.0.2.1"]);
    let made = bench.create(A, &config).await.expect("made");
    let bench = Bench { workspace: "globex/dev", token: "token-2", ..bench };
    let other = bench.a("web", &["192.0.2.2"]);
    for error in [
        bench.create(A, &config).await.expect_err("another's"),
        bench.find(A, &config).await.expect_err("another's"),
        bench.update(A, &made, &other).await.expect_err("another's"),
        bench.delete(A, &made).await.expect_err("another's"),
        bench.import(A, "web.example.test.").await.expect_err("another's"),
    ] {
        assert_eq!(
            (error.class, error.summary.as_str()),
            (ErrorClass::Conflict, "Record set belongs to another")
        );
        assert!(error.detail.contains("A web.example.test."), "{error}");
        assert!(error.detail.contains("\"acme/dev\""), "{error}");
        assert!(error.detail.contains("web._a._tenantctl.example.test."), "{error}");
    }
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
    // Also where the set is gone and only the claim is left.
    bench.server.edit(ZONE, &["unset web A"]);
    let error = bench.create(A, &config).await.expect_err("claimed");
    assert!(error.detail.contains("\"acme/dev\""), "{error}");
    bench.delete(A, &made).await.expect("nothing there to remove");
    assert_eq!(bench.server.names(ZONE), ["web._a._tenantctl.example.test."]);
}

#[tokio::test]
async fn an_object_that_moved_to_another_workspace_is_still_ours() {
    let bench = Bench::start();
    let made = bench.create(A, &bench.a("web", &["192.0.2.1"])).await.expect("made");
    // The record went with its token.
    let bench = Bench { workspace: "globex/dev", ..bench };
    let changed = bench.update(A, &made, &bench.a("web", &["192.0.2.2"])).await.expect("ours");
    assert!(bench.live("web._a._tenantctl")[0].contains("workspace=globex/dev token=token-1"));
    bench.delete(A, &changed).await.expect("ours");
    assert_eq!(bench.server.names(ZONE), Vec::<String>::new());
}

#[tokio::test]
async fn two_states_of_one_workspace_name_do_not_share_a_name() {
    let bench = Bench::start();
    let config = bench.a("web", &["192.0.2.1"]);
    let made = bench.create(A, &config).await.expect("made");
    let bench = Bench { token: "token-of-another-state", ..bench };
    assert_eq!(bench.create(A, &config).await.expect_err("taken").class, ErrorClass::Conflict);
    assert_eq!(bench.delete(A, &made).await.expect_err("taken").class, ErrorClass::Conflict);
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_adopted() {
    let bench = Bench::start();
    let mut changes = 0;
    let relay = bench.server.relay(move |message| {
        changes += usize::from(is_change(message));
        if is_change(message) && changes == 1 { Toll::LoseAnswer } else { Toll::Pass }
    });
    let bench = bench.with(json!({"port": relay.port()}));
    let config = bench.a("web", &["192.0.2.1"]);
    let error = bench.create(A, &config).await.expect_err("no answer came");
    assert_eq!(error.class, ErrorClass::Indeterminate);
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"], "the server did it");
    let found = bench.find(A, &config).await.expect("no error").expect("ours, by its token");
    assert_eq!(bench.create(A, &config).await.expect("ours"), found);
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
}

#[tokio::test]
async fn a_creation_that_never_arrived_is_made() {
    let bench = Bench::start();
    let mut changes = 0;
    let relay = bench.server.relay(move |message| {
        changes += usize::from(is_change(message));
        if is_change(message) && changes == 1 { Toll::LoseMessage } else { Toll::Pass }
    });
    let bench = bench.with(json!({"port": relay.port()}));
    let config = bench.a("web", &["192.0.2.1"]);
    // Nobody can know here whether it arrived.
    assert_eq!(bench.create(A, &config).await.expect_err("lost").class, ErrorClass::Indeterminate);
    assert!(bench.find(A, &config).await.expect("no error").is_none());
    bench.create(A, &config).await.expect("made");
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1"]);
}

#[tokio::test]
async fn lost_answers_to_changes_and_removals_do_no_harm() {
    let bench = Bench::start();
    let made = bench.create(A, &bench.a("web", &["192.0.2.1"])).await.expect("made");
    let relay =
        bench.server.relay(move |message| if is_change(message) { Toll::LoseAnswer } else { Toll::Pass });
    let bench = bench.with(json!({"port": relay.port()}));
    let config = bench.a("web", &["192.0.2.2"]);
    assert_eq!(bench.update(A, &made, &config).await.expect_err("lost").class, ErrorClass::Indeterminate);
    let changed = bench.update(A, &made, &config).await.expect("done before");
    assert_eq!(bench.refreshed(A, &changed).await, changed);
    assert_eq!(bench.delete(A, &changed).await.expect_err("lost").class, ErrorClass::Indeterminate);
    assert!(bench.delete(A, &changed).await.expect("done before").is_null());
    assert_eq!(bench.server.names(ZONE), Vec::<String>::new());
}

#[tokio::test]
async fn what_changed_since_the_plan_is_refused() {
    let bench = Bench::start();
    let made = bench.create(A, &bench.a("web", &["192.0.2.1"])).await.expect("made");
    let config = bench.a("web", &["192.0.2.2"]);
    for by_hand in
        [vec!["set web 60 A 192.0.2.66"], vec!["unset web A", "set web 61 A 192.0.2.1"], vec!["unset web A"]]
    {
        bench.server.edit(ZONE, &by_hand);
        let there = bench.live("web");
        let error = bench.update(A, &made, &config).await.expect_err("changed");
        assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Conflict, "Record set has changed"));
        assert!(error.detail.contains("A web.example.test."), "{error}");
        if !there.is_empty() {
            assert_eq!(bench.delete(A, &made).await.expect_err("changed").class, ErrorClass::Conflict);
        }
        assert_eq!(bench.live("web"), there);
    }
}

#[tokio::test]
async fn what_changes_between_the_look_and_the_update_is_refused_by_the_server() {
    let bench = Bench::start();
    let made = bench.create(A, &bench.a("web", &["192.0.2.1"])).await.expect("made");
    let (edit, mut address) = (bench.server.editor(), 100);
    let relay = bench.server.relay(move |message| {
        // Somebody is always quicker.
        if is_change(message) {
            address += 1;
            edit(ZONE, &[&format!("set web 60 A 192.0.2.{address}")]);
        }
        Toll::Pass
    });
    let bench = bench.with(json!({"port": relay.port()}));
    let error = bench.update(A, &made, &bench.a("web", &["192.0.2.2"])).await.expect_err("changed");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Conflict, "Record set has changed"));
    assert_eq!(bench.live("web"), ["60 A 192.0.2.1", "60 A 192.0.2.101"]);
}

#[tokio::test]
async fn of_two_that_make_one_name_at_the_same_time_one_wins() {
    let bench = Bench::start();
    let config = bench.a("race", &["192.0.2.1"]);
    let connection = bench.connection();
    let planned = bench.plan(A, None, &config).planned;
    let tokens: Vec<String> = (0..8).map(|i| format!("racer-{i}")).collect();
    let races = tokens.iter().map(|token| {
        use tenantctl_core::provider::{Provider as _, Target};
        let target = Target { kind: A, connection: &connection, token, workspace: "w" };
        bench.provider.create(target, &config, &planned)
    });
    let outcomes = futures::future::join_all(races).await;
    let won: Vec<usize> = (0..8).filter(|i| outcomes[*i].is_ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert!(bench.live("race._a._tenantctl")[0].contains(&format!("token=racer-{}", won[0])));
    let refused = outcomes.iter().filter_map(|o| o.as_ref().err());
    assert!(refused.clone().count() == 7 && refused.clone().all(|e| e.class == ErrorClass::Conflict));
}
