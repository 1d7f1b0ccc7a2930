//! What plans look like, from values made by hand.

use tenantctl_core::plan::{Action, Change, OutputChange, PlanMode, Reason};
use tenantctl_core::value::{Path, Type, Value};

use super::super::fleet;
use super::super::testing::{change, drift_of, object, plan, style, unknown};
use super::page;

fn shown(changes: Vec<Change>) -> String {
    page(&plan("acme", changes), style())
}

fn text(text: &str) -> Value {
    text.into()
}

fn number(number: i64) -> Value {
    number.into()
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(shown(vec![]), @r"
    No changes. What exists matches the configuration.
    ");
}

#[test]
fn create() {
    let labels = Value::map(Type::String, [("app".into(), text("shop")), ("k8s.io/part".into(), text("x"))]);
    let after = object([
        ("id", unknown()),
        ("name", text("acme")),
        ("labels", labels),
        ("ports", Value::list(Type::Number, vec![number(80), number(443)])),
        ("script", text("#!/bin/sh\nexit 0\n")),
        ("policy", text(r#"{"Allow":["get","list"]}"#)),
        ("unset", Value::null(Type::String)),
        ("password", text("hunter2").sensitive()),
    ]);
    let result = shown(vec![change("kubernetes_manifest.main", Action::Create, Value::NULL, after)]);
    insta::assert_snapshot!(result, @r#"
    Symbols of actions:
        + create

    tenantctl will perform the following actions:

      # kubernetes_manifest.main will be created
      + resource "kubernetes_manifest" "main" {
          + id       = (known after apply)
          + labels   = {
              + "app"         = "shop"
              + "k8s.io/part" = "x"
            }
          + name     = "acme"
          + password = (sensitive value)
          + policy   = jsonencode(
              + {
                  + Allow = [
                      + "get",
                      + "list",
                    ]
                }
            )
          + ports    = [
              + 80,
              + 443,
            ]
          + script   = <<-EOT
                #!/bin/sh
                exit 0
            EOT
        }

    Plan: 1 to add, 0 to change, 0 to destroy.
    "#);
}

#[test]
fn update_nested() {
    let container = |name: &str, image: &str| object([("name", text(name)), ("image", text(image))]);
    let spec = |replicas, containers: Vec<Value>| {
        object([
            ("replicas", number(replicas)),
            ("paused", false.into()),
            ("containers", Value::tuple(containers)),
        ])
    };
    let before = object([
        ("id", text("a-1")),
        ("spec", spec(2, vec![container("log", "log:1"), container("app", "app:1.4.1")])),
        ("note", text("old")),
        ("zone", text("eu-1")),
    ]);
    let after = object([
        ("id", text("a-1")),
        ("spec", spec(3, vec![container("log", "log:1"), container("app", "app:1.4.2")])),
        ("status", unknown()),
        ("zone", text("eu-1")),
    ]);
    let result =
        shown(vec![change("module.web[\"eu\"].kubernetes_manifest.app", Action::Update, before, after)]);
    insta::assert_snapshot!(result, @r#"
    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # module.web["eu"].kubernetes_manifest.app will be updated in-place
      ~ resource "kubernetes_manifest" "app" {
            id     = "a-1"
          - note   = "old" -> null
          ~ spec   = {
              ~ containers = [
                    # (1 unchanged element hidden)
                  ~ {
                      ~ image = "app:1.4.1" -> "app:1.4.2"
                        name  = "app"
                    },
                ]
              ~ replicas   = 2 -> 3
                # (1 unchanged attribute hidden)
            }
          + status = (known after apply)
            # (1 unchanged attribute hidden)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn replace_says_what_forces_it() {
    let before = object([("id", text("v-1")), ("size", number(10)), ("tags", object([("a", text("1"))]))]);
    let after = object([("id", unknown()), ("size", number(5)), ("tags", object([("a", text("1"))]))]);
    let mut replaced =
        change("aws_ebs_volume.data[0]", Action::DeleteThenCreate, before.clone(), after.clone());
    replaced.reason = Some(Reason::CannotUpdate(vec![Path::root().attribute("size")]));
    let mut tainted = change("aws_ebs_volume.logs", Action::CreateThenDelete, before, after);
    tainted.reason = Some(Reason::Tainted);
    insta::assert_snapshot!(shown(vec![replaced, tainted]), @r#"
    Symbols of actions:
      -/+ destroy, then create anew
      +/- create anew, then destroy

    tenantctl will perform the following actions:

      # aws_ebs_volume.data[0] must be replaced
    -/+ resource "aws_ebs_volume" "data" {
          ~ id   = "v-1" -> (known after apply)
          ~ size = 10 -> 5 # forces replacement
            # (1 unchanged attribute hidden)
        }

      # aws_ebs_volume.logs is tainted, so it must be replaced
      # (the last run left it half made)
    +/- resource "aws_ebs_volume" "logs" {
          ~ id   = "v-1" -> (known after apply)
          ~ size = 10 -> 5
            # (1 unchanged attribute hidden)
        }

    Plan: 2 to add, 0 to change, 2 to destroy.
    "#);
}

#[test]
fn delete_and_forget() {
    let before = object([("id", text("b-1")), ("rules", Value::tuple([object([("days", number(30))])]))]);
    let mut deleted = change("aws_s3_bucket.logs", Action::Delete, before.clone(), Value::NULL);
    deleted.reason = Some(Reason::NotInConfig);
    let mut deposed =
        change("aws_s3_bucket.main", Action::Delete, object([("id", text("b-0"))]), Value::NULL);
    deposed.key.deposed = Some("1f".into());
    deposed.reason = Some(Reason::Deposed);
    let forgotten = change("aws_s3_bucket.old", Action::Forget, before, Value::NULL);
    insta::assert_snapshot!(shown(vec![deleted, deposed, forgotten]), @r#"
    Symbols of actions:
        - destroy
        . forget

    tenantctl will perform the following actions:

      # aws_s3_bucket.logs will be destroyed
      # (because the configuration has no aws_s3_bucket.logs)
      - resource "aws_s3_bucket" "logs" {
          - id    = "b-1" -> null
          - rules = [
              - {
                  - days = 30
                },
            ] -> null
        }

      # aws_s3_bucket.main (deposed object 1f) will be destroyed
      # (left over from an earlier replacement)
      - resource "aws_s3_bucket" "main" {
          - id = "b-0" -> null
        }

      # aws_s3_bucket.old will no longer be managed; the object stays
      . resource "aws_s3_bucket" "old" {
            id = "b-1"
            # (1 unchanged attribute hidden)
        }

    Plan: 0 to add, 0 to change, 2 to destroy, 1 to forget.
    "#);
}

#[test]
fn sensitive_values_are_not_shown() {
    let user = |password: &str| object([("name", text("app")), ("password", text(password).sensitive())]);
    let before = object([("user", user("hunter2")), ("keys", Value::tuple([text("k1")]).sensitive())]);
    let after = object([("user", user("hunter3")), ("keys", Value::tuple([text("k2")]))]);
    let mut plan = plan("acme", vec![change("a_user.main", Action::Update, before, after)]);
    let output = OutputChange {
        before: Value::NULL,
        after: text("hunter3"),
        residual: None,
        sensitive: true,
        gone: false,
        stays: false,
    };
    plan.outputs.insert("password".into(), output);
    let result = page(&plan, style());
    assert!(!result.contains("hunter") && !result.contains("k1") && !result.contains("k2"));
    insta::assert_snapshot!(result, @r#"
    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # a_user.main will be updated in-place
      ~ resource "a_user" "main" {
          ~ keys = (sensitive value) # no longer sensitive
          ~ user = {
                name     = "app"
              ~ password = (sensitive value)
            }
        }

    Plan: 0 to add, 1 to change, 0 to destroy.

    Changes to Outputs:
      + password = (sensitive value)
    "#);
}

#[test]
fn unknown_in_place_of_known() {
    let before = object([("endpoint", text("db-1:5432")), ("hosts", Value::tuple([text("a"), text("b")]))]);
    let after = object([("endpoint", unknown()), ("hosts", Value::unknown(Type::list(Type::String)))]);
    insta::assert_snapshot!(shown(vec![change("a_db.main", Action::Update, before, after)]), @r#"
    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # a_db.main will be updated in-place
      ~ resource "a_db" "main" {
          ~ endpoint = "db-1:5432" -> (known after apply)
          ~ hosts    = [
              - "a",
              - "b",
            ] -> (known after apply)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn documents_that_are_given_up_are_told_apart() {
    let json = || text(r#"{"actions":["get"]}"#);
    let before = object([("arn", json()), ("policy", json())]);
    let after = object([("arn", unknown()), ("policy", text("none"))]);
    let result = shown(vec![change("a_thing.main", Action::Update, before, after)]);
    let gone = "jsonencode(\n          - {\n              - actions = [\n                  - \"get\",\n                ]\n            }\n        )";
    for line in
        [format!("~ arn    = {gone} -> (known after apply)\n"), format!("~ policy = {gone} -> \"none\"\n")]
    {
        assert!(result.contains(&line), "{line}{result}");
    }
}

#[test]
fn texts_lists_and_sets() {
    let set = |items: &[&str]| Value::set(Type::String, items.iter().map(|item| text(item)).collect());
    let before = object([
        ("config", text("a\nb\nc\nd\ne\nf\nold\n")),
        ("hosts", Value::tuple([text("a"), text("b"), text("c")])),
        ("policy", text(r#"{"actions":["get"],"effect":"Allow"}"#)),
        ("zones", set(&["eu-1", "eu-2"])),
    ]);
    let after = object([
        ("config", text("a\nb\nc\nd\ne\nf\nnew\n")),
        ("hosts", Value::tuple([text("z"), text("a"), text("b"), text("c")])),
        ("policy", text(r#"{"actions":["get","list"],"effect":"Allow"}"#)),
        ("zones", set(&["eu-1", "eu-3"])),
    ]);
    insta::assert_snapshot!(shown(vec![change("a_thing.main", Action::Update, before, after)]), @r#"
    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # a_thing.main will be updated in-place
      ~ resource "a_thing" "main" {
          ~ config = <<-EOT
                # (3 unchanged lines hidden)
                d
                e
                f
              - old
              + new
            EOT
          ~ hosts  = [
              + "z",
                "a",
                # (2 unchanged elements hidden)
            ]
          ~ policy = jsonencode(
              ~ {
                  ~ actions = [
                        "get",
                      + "list",
                    ]
                    # (1 unchanged attribute hidden)
                }
            )
          ~ zones  = [
              - "eu-2",
              + "eu-3",
                # (1 unchanged element hidden)
            ]
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}

#[test]
fn drift() {
    let before = object([("id", text("x")), ("replicas", number(2))]);
    let found = object([("id", text("x")), ("replicas", number(5))]);
    let update = change("a_thing.main", Action::Update, found.clone(), before.clone());
    let mut plan = plan("acme", vec![update]);
    plan.drift.push(drift_of("a_thing.main", before.clone(), found.clone()));
    plan.drift.push(drift_of("a_thing.other", before.clone(), found));
    insta::assert_snapshot!(page(&plan, style()), @r#"
    Note: Objects have changed outside of tenantctl

      # a_thing.main has changed
      ~ resource "a_thing" "main" {
            id       = "x"
          ~ replicas = 2 -> 5
        }

    1 more object changed in ways that this plan does not touch; -refresh-only
    shows them.

    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # a_thing.main will be updated in-place
      ~ resource "a_thing" "main" {
            id       = "x"
          ~ replicas = 5 -> 2
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);

    plan.mode = PlanMode::RefreshOnly;
    plan.changes.clear();
    plan.drift[1].after = Value::NULL;
    insta::assert_snapshot!(page(&plan, style()), @r#"
    Note: Objects have changed outside of tenantctl

      # a_thing.main has changed
      ~ resource "a_thing" "main" {
            id       = "x"
          ~ replicas = 2 -> 5
        }

      # a_thing.other has been deleted
      - resource "a_thing" "other" {}

    Applying this records the above in the state. No object is touched.
    "#);
}

#[test]
fn outputs() {
    let mut plan = plan("acme", vec![]);
    let output = |before, after| OutputChange {
        before,
        after,
        residual: None,
        sensitive: false,
        gone: false,
        stays: false,
    };
    plan.outputs.insert("url".into(), output(Value::NULL, text("https://acme.example.com")));
    plan.outputs.insert("nodes".into(), output(number(2), number(3)));
    plan.outputs.insert("same".into(), output(number(1), number(1)));
    insta::assert_snapshot!(page(&plan, style()), @r#"
    Changes to Outputs:
      ~ nodes = 2 -> 3
      + url   = "https://acme.example.com"
    "#);
}

#[test]
fn a_fleet_shows_like_changes_once() {
    let update = |tenant: &str, image: &str| {
        let app = |image: &str| object([("name", text(&format!("{tenant}-app"))), ("image", text(image))]);
        plan(tenant, vec![change("a_app.main", Action::Update, app("app:1"), app(image))])
    };
    let plans = [
        update("acme", "app:2"),
        update("globex", "app:2"),
        update("initech", "app:3"),
        plan("hooli", vec![]),
    ];
    insta::assert_snapshot!(fleet::page(&plans, style()), @r#"
    Symbols of actions:
        ~ update in-place

    acme, globex (2 tenants: starter)
    <tenant> stands for the name of each.

    tenantctl will perform the following actions:

      # a_app.main will be updated in-place
      ~ resource "a_app" "main" {
          ~ image = "app:1" -> "app:2"
            name  = "<tenant>-app"
        }

    Plan: 0 to add, 1 to change, 0 to destroy.

    Tenant initech (starter)

    tenantctl will perform the following actions:

      # a_app.main will be updated in-place
      ~ resource "a_app" "main" {
          ~ image = "app:1" -> "app:3"
            name  = "initech-app"
        }

    Plan: 0 to add, 1 to change, 0 to destroy.

      tenant   tier     add  change  destroy
      acme     starter    0       1        0
      globex   starter    0       1        0
      initech  starter    0       1        0
      hooli    starter    0       0        0

    Plan: 0 to add, 3 to change, 0 to destroy across 4 tenants.
    "#);
}

#[test]
fn a_fleet_with_nothing_to_do() {
    insta::assert_snapshot!(fleet::page(&[plan("acme", vec![]), plan("globex", vec![])], style()), @r"
    No changes. What exists matches the configuration.
    ");
}

#[test]
fn names_inside_words_are_not_taken_for_tenants() {
    let update = |tenant: &str| {
        let app = |n| object([("label", text("database")), ("n", number(n))]);
        plan(tenant, vec![change("a_app.main", Action::Update, app(1), app(2))])
    };
    let page = fleet::page(&[update("data"), update("a")], style());
    assert!(!page.contains("<tenant>"), "{page}");
}

#[test]
fn no_line_is_longer_than_eighty_columns() {
    let names: Vec<String> = (0..40).map(|i| format!("tenant-{i}")).collect();
    let one = |name: &String| {
        let after = object([("id", unknown())]);
        let mut change = change("a_app.main", Action::Create, Value::NULL, after);
        change.reason = Some(Reason::Missing);
        let mut plan = plan(name, vec![change]);
        plan.drift.push(drift_of("a_app.other", object([]), Value::NULL));
        plan
    };
    let plans: Vec<_> = names.iter().map(one).collect();
    let page = fleet::page(&plans, style());
    let long: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn what_two_attributes_share_is_shown_once() {
    let manifest = |replicas: i64| object([("spec", object([("replicas", number(replicas))]))]);
    let both = |value: &Value| object([("manifest", value.clone()), ("object", value.clone())]);
    let (before, after) = (both(&manifest(1)), both(&manifest(2)));
    let result = shown(vec![change("kubernetes_manifest.main", Action::Update, before, after)]);
    insta::assert_snapshot!(result, @r#"
    Symbols of actions:
        ~ update in-place

    tenantctl will perform the following actions:

      # kubernetes_manifest.main will be updated in-place
      ~ resource "kubernetes_manifest" "main" {
          ~ manifest = {
              ~ spec = {
                  ~ replicas = 1 -> 2
                }
            }
          ~ object   = (same as manifest)
        }

    Plan: 0 to add, 1 to change, 0 to destroy.
    "#);
}
