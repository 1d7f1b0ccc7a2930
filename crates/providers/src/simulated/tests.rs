//! A simulated provider through its life: conformance, faults, several
//! processes (here: several clouds over one directory), speed.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tenantctl_core::provider::{Attribute, Path, ResourceSchema};

use super::*;
use crate::conformance::{Case, check};

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| {
    let block = || {
        Block::new(
            [
                ("name", Attribute::required(Type::String).force_new()),
                ("size", Attribute::optional(Type::Number)),
                ("secret", Attribute::optional(Type::String).secret()),
                ("zone", Attribute::optional(Type::String).or_computed()),
                ("id", Attribute::computed(Type::String)),
                ("status", Attribute::computed(Type::String)),
            ],
            [],
        )
    };
    ProviderSchema {
        resources: ["toy_named", "toy_plain"]
            .map(|k| (k, ResourceSchema { version: 0, block: block() }))
            .into(),
        data_sources: [("toy_named", ResourceSchema { version: 0, block: block() })].into(),
        ..ProviderSchema::default()
    }
});

/// A provider with a named and an unnamed type, and no service.
struct Toy;

fn nothing<T>() -> Result<T, ProviderError> {
    Err(ProviderError::new(ErrorClass::Invalid, "Called", "The wrapped provider's service was called."))
}

#[async_trait]
impl Provider for Toy {
    fn name(&self) -> &str {
        "toy"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn connection(&self, _provider_config: &Value, _config: &Value) -> Result<Value, AttributeError> {
        Err(AttributeError { path: Path::root(), summary: "No cluster", detail: "None.".into(), hint: None })
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        let name = planned.get("name")?;
        (kind == "toy_named").then(|| name.as_str().map(str::to_owned))?
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        Ok(PlanResponse { planned: request.proposed.clone(), requires_replace: Vec::new() })
    }

    async fn read(&self, _: &str, _: &Value, _: &str, _: &[ReadObject<'_>]) -> Vec<ReadOutcome> {
        Vec::new()
    }

    async fn find(&self, _: Target<'_>, _: &Value) -> Result<Option<Value>, ProviderError> {
        nothing()
    }

    async fn create(&self, _: Target<'_>, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        nothing()
    }

    async fn update(&self, _: Target<'_>, _: &Value, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        nothing()
    }

    async fn delete(&self, _: Target<'_>, _: &Value) -> Result<Outcome, ProviderError> {
        nothing()
    }
}

/// Turns every bit, so that nothing on disk can be read.
struct Flip;

impl Sealer for Flip {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        Ok(plain.iter().map(|b| !b).collect())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.seal(sealed)
    }
}

fn simulated(dir: &TempDir, rules: &str) -> Arc<Simulated> {
    let script = Script::parse(&format!(r#"{{"version": 1, "rules": {rules}}}"#)).expect("script");
    let cloud = Cloud::open(dir.path(), Arc::new(Flip)).expect("opens").with_script(script);
    Arc::new(Simulated::new(Arc::new(Toy), Arc::new(cloud)))
}

fn planned(name: &str, size: i64) -> Value {
    Value::object([
        ("name", name.into()),
        ("size", size.into()),
        ("secret", Value::from("hunter2").sensitive()),
        ("zone", Value::unknown(Type::String)),
        ("id", Value::unknown(Type::String)),
        ("status", Value::unknown(Type::String)),
    ])
}

fn target<'a>(kind: &'a str, token: &'a str, workspace: &'a str) -> Target<'a> {
    Target { kind, connection: &Value::NULL, token, workspace }
}

const T: &str = "toy_named";

async fn make(cloud: &Simulated, token: &str, workspace: &str) -> Result<Value, ErrorClass> {
    match cloud.create(target(T, token, workspace), &Value::NULL, &planned("x", 1)).await {
        Ok(Outcome::Done(value)) => Ok(value),
        Ok(Outcome::Pending(operation)) => panic!("pending: {}", operation.message),
        Err(error) => Err(error.class),
    }
}

async fn read(cloud: &Simulated, workspace: &str, prior: &Value) -> ReadOutcome {
    cloud.read(T, &Value::NULL, workspace, &[ReadObject { prior }]).await.remove(0)
}

fn cases() -> Vec<Case> {
    let config = |size: i64| {
        Value::object([("name", "x".into()), ("size", size.into()), ("secret", Value::from("s").sensitive())])
    };
    ["toy_named", "toy_plain"]
        .map(|kind| Case::new(kind, config(1)).changed(config(2)).never_replaced().imported_by(|_| None))
        .into()
}

#[tokio::test(start_paused = true)]
async fn conforms() {
    let slow = r#"[{"latency_ms": 50, "then": {"pending": {"polls": 3, "message": "working"}}}]"#;
    for rules in ["[]", slow] {
        let dir = tempfile::tempdir().expect("dir");
        check(simulated(&dir, rules), cases()).await;
    }
}

#[tokio::test]
async fn names_are_taken_for_all_workspaces_and_processes() {
    let dir = tempfile::tempdir().expect("dir");
    let (a, b) = (simulated(&dir, "[]"), simulated(&dir, "[]"));
    let made = make(&a, "t1", "acme/eu").await.expect("creates");
    assert_eq!(make(&b, "t1", "acme/eu").await, Ok(made.clone()), "the same token");
    for (token, workspace) in [("t2", "beta"), ("t2", "acme/eu")] {
        assert_eq!(make(&b, token, workspace).await, Err(ErrorClass::Conflict), "{workspace}");
        let found = b.find(target(T, token, workspace), &planned("x", 1)).await;
        assert_eq!(found.expect_err("not ours").class, ErrorClass::Conflict);
    }
    assert!(matches!(read(&b, "beta", &made).await, ReadOutcome::Found(found) if found == made));
    let imported = b.import(target(T, "t3", "beta"), "x").await.expect("imports");
    assert_eq!(imported, made);
    b.delete(target(T, "t1", "beta"), &made).await.expect("deletes");
    assert!(matches!(read(&a, "acme/eu", &made).await, ReadOutcome::Gone));
    make(&b, "t2", "beta").await.expect("the name is free again");
}

/// Each thread has a cloud of its own, as a process would.
#[test]
fn of_many_at_once_one_gets_the_name() {
    let dir = tempfile::tempdir().expect("dir");
    let race = |workspace: usize| {
        let cloud = simulated(&dir, "[]");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let won = (0..20).filter(|i| {
            let (workspace, name) = (format!("w{workspace}"), format!("n{i}"));
            let token = format!("{workspace}-{name}");
            let planned = planned(&name, 1);
            runtime.block_on(cloud.create(target(T, &token, &workspace), &Value::NULL, &planned)).is_ok()
        });
        won.count()
    };
    let race = &race;
    let won: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|w| scope.spawn(move || race(w))).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).sum()
    });
    assert_eq!(won, 20);
}

/// Creations, reads and removals of the same names from two workspaces of one
/// process: locks are taken in one order only.
#[test]
fn calls_at_once_do_not_wait_for_each_other_for_ever() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(&dir, "[]");
    let (done, finished) = std::sync::mpsc::channel();
    // Not scoped: the test must fail, not hang, when they wait for ever.
    for workspace in ["a", "b", "a", "c"] {
        let (cloud, done) = (cloud.clone(), done.clone());
        std::thread::spawn(move || {
            live_and_let_die(&cloud, workspace);
            done.send(()).expect("heard");
        });
    }
    for _ in 0..4 {
        finished.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
    }
}

fn live_and_let_die(cloud: &Simulated, workspace: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    for i in 0..200 {
        let token = format!("{workspace}{i}");
        let made = runtime.block_on(make(cloud, &token, workspace));
        let prior = made.unwrap_or_else(|_| planned("x", 1));
        runtime.block_on(read(cloud, workspace, &prior));
        runtime.block_on(cloud.delete(target(T, &token, workspace), &prior)).expect("deletes");
    }
}

#[tokio::test]
async fn nothing_secret_is_on_disk() {
    let dir = tempfile::tempdir().expect("dir");
    make(&simulated(&dir, "[]"), "t", "acme/eu").await.expect("creates");
    let text = std::fs::read_to_string(dir.path().join("acme@eu.log")).expect("reads");
    let payload = text.lines().nth(1).and_then(|l| l.split_once(' ')).expect("an entry").1;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD_NO_PAD, payload);
    let sealed = bytes.expect("base64");
    assert!(!String::from_utf8_lossy(&sealed).contains("hunter2"));
    let plain = Flip.unseal(&sealed).expect("unseals");
    assert!(String::from_utf8_lossy(&plain).contains("hunter2"), "the search finds what is there");
}

#[tokio::test(start_paused = true)]
async fn failures_do_nothing_and_lost_replies_do_all() {
    let cases = [
        (r#"{"fail": {"class": "denied", "message": "no"}}"#, ErrorClass::Denied, false),
        (
            r#"{"throttle": {"retry_after_ms": 5}}"#,
            ErrorClass::Throttled(Some(Duration::from_millis(5))),
            false,
        ),
        (r#""lose_reply""#, ErrorClass::Indeterminate, true),
    ];
    for (effect, class, done) in cases {
        let dir = tempfile::tempdir().expect("dir");
        let rules = format!(r#"[{{"match": {{"operation": "create"}}, "nth": [1], "then": {effect}}}]"#);
        let cloud = simulated(&dir, &rules);
        assert_eq!(make(&cloud, "t", "w").await, Err(class), "{effect}");
        let found = cloud.find(target(T, "t", "w"), &planned("x", 1)).await.expect("finds");
        assert_eq!(found.is_some(), done, "{effect}");
        assert!(make(&cloud, "t", "w").await.is_ok(), "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_never_answers() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(&dir, r#"[{"then": "hang"}]"#);
    assert!(tokio::time::timeout(Duration::from_secs(3600), make(&cloud, "t", "w")).await.is_err());
}

#[tokio::test]
async fn others_change_and_delete_objects() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(
        &dir,
        r#"[{"match": {"operation": "read", "name": "x"}, "nth": [1],
             "then": {"change": {"path": ["size"], "value": 7}}},
            {"match": {"operation": "read"}, "nth": [3], "then": "vanish"}]"#,
    );
    let made = make(&cloud, "t", "w").await.expect("creates");
    for _ in 0..2 {
        let ReadOutcome::Found(found) = read(&cloud, "w", &made).await else { panic!("not found") };
        assert_eq!(found.get("size"), Some(7i64.into()));
    }
    for _ in 0..2 {
        assert!(matches!(read(&cloud, "w", &made).await, ReadOutcome::Gone));
    }
}

#[tokio::test]
async fn a_long_operation_goes_on_in_the_next_process() {
    let dir = tempfile::tempdir().expect("dir");
    // One for the deletion that is refused meanwhile, and two polls.
    let slow = r#"[{"match": {"operation": "create"}, "then": {"pending": {"polls": 3, "message": "m"}}}]"#;
    let first = simulated(&dir, slow);
    let begun = first.create(target(T, "t", "w"), &Value::NULL, &planned("x", 1)).await.expect("begins");
    let Outcome::Pending(operation) = begun else { panic!("not pending") };
    let next = simulated(&dir, "[]");
    let found = next.find(target(T, "t", "w"), &planned("x", 1)).await.expect("finds").expect("there");
    assert_eq!(found.get("status"), Some("CREATING".into()));
    let deleted = next.delete(target(T, "t", "w"), &found).await;
    assert!(matches!(deleted.expect_err("busy").class, ErrorClass::Busy(Some(_))));
    let polled = next.poll(target(T, "t", "w"), &operation).await.expect("polls");
    assert!(matches!(polled, Outcome::Pending(_)));
    let polled = next.poll(target(T, "t", "w"), &operation).await.expect("polls");
    let Outcome::Done(done) = polled else { panic!("not done") };
    assert_eq!(done.get("status"), Some("ACTIVE".into()));
}

#[test]
fn without_a_cluster_the_connection_names_it() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(&dir, "[]");
    let cluster = Value::object([("endpoint", "https://a".into())]);
    let cases = [
        (Value::NULL, "", true),
        (Value::object([("cluster", cluster)]), "https://a", true),
        (Value::object([("cluster", Value::unknown(Type::Dynamic))]), "", false),
    ];
    for (config, place, known) in cases {
        let connection = cloud.connection(&Value::NULL, &config).unwrap_or(Value::NULL);
        assert_eq!((object::place(&connection).as_str(), connection.is_known()), (place, known));
    }
}

#[tokio::test]
async fn data_sources_answer_the_same_each_time() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(&dir, "[]");
    let config = Value::object([("name", "x".into())]);
    let read = cloud.read_data(T, &Value::NULL, &config).await.expect("reads");
    assert!(read.is_wholly_known());
    assert_eq!(read.get("name"), Some("x".into()));
    assert_eq!(cloud.read_data(T, &Value::NULL, &config).await.expect("reads"), read);
}

#[tokio::test]
async fn ten_thousand_objects() {
    let dir = tempfile::tempdir().expect("dir");
    let cloud = simulated(&dir, "[]");
    let start = Instant::now();
    let mut made = Vec::new();
    for i in 0..10_000 {
        let (token, name) = (format!("t{i}"), format!("n{i}"));
        let outcome = cloud.create(target(T, &token, "w"), &Value::NULL, &planned(&name, i)).await;
        let Ok(Outcome::Done(value)) = outcome else { panic!("not done") };
        made.push(value);
    }
    let created = start.elapsed();
    let objects: Vec<_> = made.iter().map(|prior| ReadObject { prior }).collect();
    let start = Instant::now();
    let found = cloud.read(T, &Value::NULL, "w", &objects).await;
    let warm = start.elapsed();
    assert!(found.iter().all(|f| matches!(f, ReadOutcome::Found(_))));
    let start = Instant::now();
    let other = simulated(&dir, "[]");
    assert_eq!(other.read(T, &Value::NULL, "w", &objects).await.len(), made.len());
    let cold = start.elapsed();
    // Far above what it takes: only a change of order is to be noticed.
    assert!(warm < Duration::from_secs(2), "create {created:?}, read {warm:?}, first read {cold:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_take_longer_than_the_work() {
    let dir = tempfile::tempdir().expect("dir");
    let slow = r#"[{"match": {"operation": "create"}, "latency_ms": 20, "latency_after_ms": 50},
                   {"match": {"operation": "read"}, "latency_after_ms": 30}]"#;
    let cloud = simulated(&dir, slow);
    let changes = || cloud.cloud.history("acme").expect("reads");
    let started = tokio::time::Instant::now();
    let mut call = Box::pin(make(&cloud, "t1", "acme"));
    for (until, made) in [(19, 0), (69, 1)] {
        let until = started + Duration::from_millis(until);
        assert!(tokio::time::timeout_at(until, &mut call).await.is_err(), "answered already");
        assert_eq!(changes().len(), made);
    }
    let made = call.await.expect("made");
    assert_eq!(started.elapsed(), Duration::from_millis(70));
    let Some((token, object)) = changes().remove(0).object else { panic!("deleted") };
    assert_eq!((&*token, &object), ("t1", &made));
    assert!(matches!(read(&cloud, "acme", &made).await, ReadOutcome::Found(_)));
    assert_eq!(started.elapsed(), Duration::from_millis(100));
    cloud.delete(target(T, "t1", "acme"), &made).await.expect("deletes");
    assert!(changes()[1].object.is_none());
}
