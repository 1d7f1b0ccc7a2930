use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Path, Provider as _, ReadOutcome, Value};
use tenantctl_test_servers::{Aws, FrontCall, FrontFate};

use crate::bench::Bench;

const BUCKET: &str = "aws_s3_bucket";

fn ask(method: &str, path: &str, body: &str) -> String {
    let (status, said) = Aws::shared().ask("s3", method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
    said
}

fn is_creation(call: &FrontCall, bucket: &str) -> bool {
    call.method == "PUT" && call.path.trim_matches('/') == bucket && call.query.is_empty()
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_and_made_once() {
    let mut lost = false;
    let bench = Bench::with(move |call| match is_creation(call, "lost-answer") && !lost {
        true => {
            lost = true;
            FrontFate::LoseAnswer
        }
        false => FrontFate::Pass,
    });
    let config = bench.config(BUCKET, &json!({"bucket": "lost-answer", "tags": {"tenant": "acme"}}));
    assert!(bench.find(BUCKET, &config).await.expect("no error").is_none());
    let error = bench.create(BUCKET, &config).await.expect_err("the answer is lost");
    assert_eq!(error.class, ErrorClass::Indeterminate, "{error}");
    // As the engine does, or the next run after a crash.
    let found = bench.find(BUCKET, &config).await.expect("ours").expect("it was made");
    assert_eq!(bench.refreshed(BUCKET, &found).await, found);
    assert_eq!(bench.create(BUCKET, &config).await.expect("the same"), found);
    let creations = bench.front.asked().iter().filter(|call| is_creation(call, "lost-answer")).count();
    assert_eq!(creations, 1, "the SDK did not repeat it, and neither did we");
    let tags = ask("GET", "/lost-answer?tagging", "");
    assert!(tags.contains("tenantctl:creation") && tags.contains("acme/dev"), "{tags}");
}

#[tokio::test]
async fn refusals_have_a_class_and_a_request_id() {
    let cases = [
        (503, "SlowDown", ErrorClass::Throttled(None)),
        (503, "ServiceUnavailable", ErrorClass::Transient),
        (500, "InternalError", ErrorClass::Indeterminate),
        (403, "AccessDenied", ErrorClass::Denied),
        (400, "TooManyBuckets", ErrorClass::Invalid),
        (409, "BucketAlreadyExists", ErrorClass::Conflict),
        (409, "OperationAborted", ErrorClass::Busy(None)),
    ];
    for (status, code, class) in cases {
        let bench = Bench::with(move |call| match is_creation(call, "refused") {
            true => FrontFate::Refuse { status, code },
            false => FrontFate::Pass,
        });
        let config = bench.config(BUCKET, &json!({"bucket": "refused"}));
        let error = bench.create(BUCKET, &config).await.expect_err("refused");
        assert_eq!(error.class, class, "{code}: {error}");
        for part in [code, "test-request-1", "\"refused\""] {
            assert!(error.detail.contains(part), "{code}: {error}");
        }
        let creations = bench.front.asked().iter().filter(|call| is_creation(call, "refused")).count();
        assert_eq!(creations, 1, "{code}: writes are not repeated here");
    }
}

#[tokio::test]
async fn a_change_that_fails_may_be_made_again() {
    let mut refusals = 0;
    let bench = Bench::with(move |call| {
        let is_put = call.method == "PUT" && call.query.starts_with("publicAccessBlock");
        refusals += usize::from(is_put);
        match refusals {
            1 if is_put => FrontFate::Refuse { status: 500, code: "InternalError" },
            2 if is_put => FrontFate::LoseAnswer,
            _ => FrontFate::Pass,
        }
    });
    let kind = "aws_s3_bucket_public_access_block";
    ask("PUT", "/again", "");
    let config = bench.config(kind, &json!({"bucket": "again", "block_public_acls": true}));
    for _ in 0..2 {
        let error = bench.create(kind, &config).await.expect_err("it fails");
        assert_eq!(error.class, ErrorClass::Transient, "{error}");
    }
    let made = bench.create(kind, &config).await.expect("the third one counts");
    assert_eq!(bench.refreshed(kind, &made).await, made);
}

#[tokio::test]
async fn a_strangers_bucket_is_neither_taken_nor_changed_nor_removed() {
    let bench = Bench::new();
    ask("PUT", "/stranger", "");
    let config = bench.config(BUCKET, &json!({"bucket": "stranger", "force_destroy": true}));
    for error in [
        bench.find(BUCKET, &config).await.expect_err("not ours"),
        bench.create(BUCKET, &config).await.expect_err("not ours"),
    ] {
        assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        assert!(error.detail.contains("\"stranger\""), "{error}");
    }
    let writes = bench.front.asked().iter().filter(|call| call.method != "GET").count();
    assert_eq!(writes, 0);
    // Another creation of our own is a stranger, too.
    let mine = bench.config(BUCKET, &json!({"bucket": "two-creations"}));
    let made = bench.create(BUCKET, &mine).await.expect("made");
    let other = Bench::new().token("another");
    assert_eq!(other.create(BUCKET, &mine).await.expect_err("taken").class, ErrorClass::Conflict);
    // Removed and made again by another workspace, meanwhile.
    let tagging = "<Tagging><TagSet><Tag><Key>tenantctl:workspace</Key><Value>globex/dev</Value></Tag></TagSet></Tagging>";
    ask("PUT", "/two-creations?tagging", tagging);
    let error = bench.delete(BUCKET, &made).await.expect_err("not ours any more");
    assert_eq!(error.class, ErrorClass::Conflict, "{error}");
    assert!(error.detail.contains("globex/dev"), "{error}");
}

#[tokio::test]
async fn drift_shows_and_is_repaired() {
    let bench = Bench::new();
    let config = bench.config(BUCKET, &json!({"bucket": "drift", "tags": {"tenant": "acme"}}));
    let made = bench.create(BUCKET, &config).await.expect("made");
    let tags = "<Tagging><TagSet><Tag><Key>tenant</Key><Value>mallory</Value></Tag>\
        <Tag><Key>tenantctl:creation</Key><Value>3f0c9f5e-58a7-4cf7-9a5f-0d2f3c1f9a11</Value></Tag></TagSet></Tagging>";
    ask("PUT", "/drift?tagging", tags);
    let found = bench.refreshed(BUCKET, &made).await;
    assert_eq!(found.at_path(&Path::root().attribute("tags").attribute("tenant")), Some("mallory".into()));
    let plan = bench.plan(BUCKET, Some(&found), &config);
    assert!(plan.requires_replace.is_empty());
    assert_ne!(plan.planned, found);
    let repaired = bench.update(BUCKET, &found, &config).await.expect("repaired");
    assert_eq!(repaired, made);
    let tags = ask("GET", "/drift?tagging", "");
    assert!(
        tags.contains("acme") && tags.contains("platform") && tags.contains("tenantctl:creation"),
        "{tags}"
    );

    // A part that somebody switched off is made again.
    let kind = "aws_s3_bucket_versioning";
    let config =
        bench.config(kind, &json!({"bucket": "drift", "versioning_configuration": [{"status": "Enabled"}]}));
    let part = bench.create(kind, &config).await.expect("made");
    let off = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    ask("PUT", "/drift?versioning", off);
    let read = bench.read(kind, std::slice::from_ref(&part)).await;
    assert!(matches!(read[0], ReadOutcome::Gone), "{read:?}");
    assert_eq!(bench.create(kind, &config).await.expect("made again"), part);
}

#[tokio::test]
async fn a_bucket_that_is_not_empty_says_what_holds_it() {
    let bench = Bench::new();
    let config = |force: bool| bench.config(BUCKET, &json!({"bucket": "full", "force_destroy": force}));
    let made = bench.create(BUCKET, &config(false)).await.expect("made");
    ask(
        "PUT",
        "/full?versioning",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    );
    for key in ["ledger.csv", "ledger.csv", "readme.txt"] {
        ask("PUT", &format!("/full/{key}"), "x");
    }
    ask("DELETE", "/full/readme.txt", "");
    let error = bench.delete(BUCKET, &made).await.expect_err("not empty");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Bucket not empty"));
    assert!(error.detail.contains("\"full\"") && error.detail.contains("ledger.csv"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("force_destroy")));
    assert!(ask("GET", "/full", "").contains("ledger.csv"), "nothing was removed");
    // The flag is of the configuration alone, and changes nothing at AWS.
    let forced = bench.update(BUCKET, &made, &config(true)).await.expect("changed");
    assert!(bench.delete(BUCKET, &forced).await.expect("emptied and removed").is_null());
    assert!(matches!(bench.read(BUCKET, &[forced]).await[0], ReadOutcome::Gone));
}

#[tokio::test]
async fn imported_buckets_plan_no_change() {
    let bench = Bench::new();
    ask("PUT", "/imported", "");
    let tagging = "<Tagging><TagSet><Tag><Key>tenant</Key><Value>acme</Value></Tag>\
        <Tag><Key>team</Key><Value>platform</Value></Tag></TagSet></Tagging>";
    ask("PUT", "/imported?tagging", tagging);
    let imported = bench.import(BUCKET, "imported").await.expect("there");
    let config = bench.config(BUCKET, &json!({"bucket": "imported", "tags": {"tenant": "acme"}}));
    assert_eq!(bench.plan(BUCKET, Some(&imported), &config).planned, imported);
    let error = bench.import(BUCKET, "not-imported").await.expect_err("not there");
    assert_eq!(error.class, ErrorClass::NotFound);
}

#[tokio::test]
async fn reads_of_many_tell_apart_what_is_gone_and_what_fails() {
    let bench = Bench::with(|call| match call.path.trim_matches('/') == "many-2" && call.method == "GET" {
        true if call.query.contains("tagging") => FrontFate::Refuse { status: 403, code: "AccessDenied" },
        _ => FrontFate::Pass,
    });
    let other = Bench::new();
    let mut made = Vec::new();
    for i in 0..4 {
        let config = other.config(BUCKET, &json!({"bucket": format!("many-{i}")}));
        made.push(other.create(BUCKET, &config).await.expect("made"));
    }
    ask("DELETE", "/many-1", "");
    let read = bench.read(BUCKET, &made).await;
    assert!(matches!(&read[0], ReadOutcome::Found(found) if *found == made[0]), "{:?}", read[0]);
    assert!(matches!(read[1], ReadOutcome::Gone));
    assert!(matches!(&read[2], ReadOutcome::Failed(error) if error.class == ErrorClass::Denied));
    assert!(matches!(read[3], ReadOutcome::Found(_)));
    assert_eq!(bench.front.asked().len(), 4, "one call for each bucket: S3 lists no tags");
}

#[tokio::test]
async fn throttled_reads_are_repeated() {
    let mut refused = 0;
    let bench = Bench::with(move |call| {
        refused += usize::from(call.method == "GET");
        if call.method == "GET" && refused <= 2 {
            FrontFate::Refuse { status: 503, code: "SlowDown" }
        } else {
            FrontFate::Pass
        }
    });
    let config = bench.config(BUCKET, &json!({"bucket": "patience"}));
    assert!(bench.find(BUCKET, &config).await.expect("third time").is_none());
    assert_eq!(bench.front.asked().len(), 3);
}

#[test]
fn names_and_arguments_are_refused_at_plan() {
    let bench = Bench::new();
    let cases = [
        (BUCKET, json!({"bucket": "Not_A_Bucket"}), "bucket"),
        (BUCKET, json!({"bucket": "abc", "bucket_prefix": "x"}), "bucket_prefix"),
        (BUCKET, json!({"bucket": "abc", "tags": {"aws:x": "y"}}), "tags[\"aws:x\"]"),
        (
            "aws_s3_bucket_versioning",
            json!({"bucket": "abc", "versioning_configuration": [{"status": "On"}]}),
            "versioning_configuration[0].status",
        ),
        ("aws_s3_bucket_policy", json!({"bucket": "abc", "policy": "{"}), "policy"),
        (
            "aws_s3_bucket_lifecycle_configuration",
            json!({"bucket": "abc", "rule": [{"id": "a", "status": "Enabled", "expiration": [{"date": "soon"}]}]}),
            "rule[0].expiration[0].date",
        ),
    ];
    for (kind, given, at) in cases {
        let problems = bench.provider.validate(kind, &bench.config(kind, &given));
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [at], "{kind} {given}: {problems:?}");
    }
}

#[test]
fn moves_need_a_new_bucket_and_default_tags_are_planned() {
    let bench = Bench::new();
    let config = bench.config(BUCKET, &json!({"bucket": "planned", "tags": {"tenant": "acme"}}));
    let planned = bench.plan(BUCKET, None, &config).planned;
    assert!(planned.is_wholly_known(), "all of it is known before anything is called: {planned:?}");
    let all = planned.get("tags_all").expect("there").to_plain_json().expect("known");
    assert_eq!(all, json!({"team": "platform", "tenant": "acme"}));
    let elsewhere = bench
        .config(BUCKET, &json!({"bucket": "planned", "tags": {"tenant": "acme"}, "region": "eu-north-1"}));
    let replaced = bench.plan(BUCKET, Some(&planned), &elsewhere).requires_replace;
    assert_eq!(replaced.iter().map(ToString::to_string).collect::<Vec<_>>(), ["region"]);
    let renamed = bench.config(BUCKET, &json!({"bucket": "renamed"}));
    let replaced = bench.plan(BUCKET, Some(&planned), &renamed).requires_replace;
    assert_eq!(replaced.iter().map(ToString::to_string).collect::<Vec<_>>(), ["bucket"]);
}

#[tokio::test]
async fn missing_credentials_and_wrong_accounts_are_said() {
    let bench = Bench::new();
    let config = bench.config(BUCKET, &json!({"bucket": "nobody"}));
    let with = |change: &dyn Fn(&mut Json)| {
        let mut block = crate::bench::provider_block(bench.front.endpoint());
        change(&mut block);
        let mut bench = Bench::new();
        bench.provider_config = Value::from_plain_json(&block);
        bench
    };
    let profile = with(&|block| {
        block["profile"] = "tenantctl-no-such-profile".into();
        block["access_key"] = Json::Null;
        block["secret_key"] = Json::Null;
    });
    let error = profile.create(BUCKET, &config).await.expect_err("no credentials");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, "AWS credentials not found"));
    assert!(error.detail.contains("tenantctl-no-such-profile"), "{error}");
    let account = with(&|block| block["allowed_account_ids"] = json!(["999999999999"]));
    let error = account.create(BUCKET, &config).await.expect_err("another account");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, "Wrong AWS account"));
    assert!(error.detail.contains("123456789012") && error.detail.contains("999999999999"), "{error}");
}

#[tokio::test]
async fn what_is_sensitive_stays_out_of_errors() {
    let bench = Bench::new();
    ask("PUT", "/secretive", "");
    let kind = "aws_s3_bucket_policy";
    let policy = r#"{"Version": "canary-4711", "Statement": []}"#;
    let mut config =
        bench.config(kind, &json!({"bucket": "secretive"})).as_entries().expect("an object").clone();
    config.insert("policy".into(), Value::from(policy).sensitive());
    let made = bench.create(kind, &Value::object(config)).await;
    match made {
        Ok(value) => assert!(value.get("policy").expect("there").is_sensitive()),
        Err(error) => assert!(!format!("{error:?}").contains("canary-4711"), "{error}"),
    }
}
