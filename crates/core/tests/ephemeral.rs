//! Ephemeral objects and write-only attributes, with a provider that has both
//! and notes what it is given.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's way to fail")]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tenantctl_core::diag::{Diagnostics, SourceMap};
use tenantctl_core::event::Silent;
use tenantctl_core::ops::{self, Cancel, ConfigOptions, Engine, PlanOptions, Selection};
use tenantctl_core::plan::{Plan, file};
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Opened, Outcome, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, Registry, Renewed, ResourceSchema, Target, Type,
    Value,
};
use tenantctl_core::state::{LocalStore, LockInfo, Sealer};

/// Vaults with a password that is only written, and leases of tokens.
#[derive(Default)]
struct Vaults {
    heard: Mutex<Vec<String>>,
}

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| {
    let vault = Block::new(
        [
            ("id", Attribute::computed(Type::String)),
            ("name", Attribute::required(Type::String)),
            ("password_wo", Attribute::optional(Type::String).write_only()),
            ("password_wo_version", Attribute::optional(Type::Number)),
        ],
        [],
    );
    let lease = Block::new(
        [("path", Attribute::required(Type::String)), ("token", Attribute::computed(Type::String))],
        [],
    );
    ProviderSchema {
        resources: [("test_vault", ResourceSchema { version: 0, block: vault })].into(),
        ephemeral: [("test_lease", ResourceSchema { version: 0, block: lease })].into(),
        ..ProviderSchema::default()
    }
});

fn text(object: &Value, name: &str) -> String {
    match object.get(name) {
        Some(value) => value.as_str().map_or_else(|| value.show(), str::to_owned),
        None => "nothing".into(),
    }
}

impl Vaults {
    fn note(&self, words: String) {
        self.heard.lock().unwrap().push(words);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    fn made(config: &Value, planned: &Value) -> Value {
        let part = |name: &str| config.get(name).unwrap_or(Value::NULL);
        let id = planned.get("id").filter(Value::is_known).unwrap_or_else(|| "v-1".into());
        // A service may well give back what it was told.
        Value::object([
            ("id", id),
            ("name", part("name")),
            ("password_wo", part("password_wo")),
            ("password_wo_version", part("password_wo_version")),
        ])
    }
}

#[async_trait]
impl Provider for Vaults {
    fn name(&self) -> &str {
        "test"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        Ok(PlanResponse { planned: request.proposed.clone(), requires_replace: Vec::new() })
    }

    async fn read(&self, _: &str, _: &Value, _: &str, objects: &[ReadObject<'_>]) -> Vec<ReadOutcome> {
        objects.iter().map(|object| ReadOutcome::Found(object.prior.clone())).collect()
    }

    async fn find(&self, _: Target<'_>, _: &Value) -> Result<Option<Value>, ProviderError> {
        Ok(None)
    }

    async fn create(&self, _: Target<'_>, config: &Value, planned: &Value) -> Result<Outcome, ProviderError> {
        // A slow service.
        if text(config, "name") == "slow" {
            tokio::time::sleep(Duration::from_secs(100)).await;
        }
        self.note(format!("create with {}", text(&config.clone().unmark_deep(), "password_wo")));
        if text(config, "name") == "broken" {
            return Err(ProviderError::new(ErrorClass::Invalid, "Not made", "It cannot be."));
        }
        assert!(planned.get("password_wo").is_some_and(|v| v.is_null()), "what is planned is kept");
        Ok(Outcome::Done(Vaults::made(config, planned)))
    }

    async fn update(
        &self,
        _: Target<'_>,
        prior: &Value,
        config: &Value,
        _: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.note(format!("update with {}", text(&config.clone().unmark_deep(), "password_wo")));
        Ok(Outcome::Done(Vaults::made(config, prior)))
    }

    async fn delete(&self, _: Target<'_>, _: &Value) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(Value::NULL))
    }

    async fn open(&self, _: &str, _: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let path = text(&config.clone().unmark_deep(), "path");
        if path.starts_with("late") {
            tokio::time::sleep(Duration::from_secs(100)).await;
        }
        self.note(format!("open {path}"));
        let token = Value::from(format!("token-of-{path}"));
        let value = Value::object([("path", path.as_str().into()), ("token", token)]);
        let renew_after = path.starts_with("short").then_some(Duration::from_secs(40));
        Ok(Opened { value, handle: Some(path.into()), renew_after })
    }

    async fn renew(&self, _: &str, _: &Value, handle: &serde_json::Value) -> Result<Renewed, ProviderError> {
        let handle = handle.as_str().unwrap();
        self.note(format!("renew {handle}"));
        if handle == "short-once+" {
            return Err(ProviderError::new(ErrorClass::Invalid, "Lease is over", "It lasts no longer."));
        }
        Ok(Renewed { handle: Some(format!("{handle}+").into()), renew_after: Some(Duration::from_secs(40)) })
    }

    async fn close(&self, _: &str, _: &Value, handle: &serde_json::Value) -> Result<(), ProviderError> {
        self.note(format!("close {}", handle.as_str().unwrap()));
        Ok(())
    }
}

struct Place {
    dir: tempfile::TempDir,
    vaults: Arc<Vaults>,
    sealer: Arc<Sealer>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config")).unwrap();
        Place { dir, vaults: Arc::default(), sealer: Arc::new(Sealer::new(&[7; 32])) }
    }

    fn engine(&self) -> Engine {
        let mut registry = Registry::default();
        registry.insert(self.vaults.clone());
        let store = LocalStore::open(&self.dir.path().join("state"), self.sealer.clone()).unwrap();
        let now = "2030-01-01T00:00:00Z".to_owned();
        let (id, operation, who, version) = ("1".into(), "test".into(), "test".into(), "0".into());
        Engine {
            registry,
            store: Arc::new(store),
            sources: Arc::new(SourceMap::default()),
            events: Arc::new(Silent),
            lock_info: LockInfo { id, operation, who, version, created: now.clone(), pid: 1 },
            lock_timeout: std::time::Duration::ZERO,
            timestamp: now,
            parallelism: 4,
            fail_fast: false,
            cancel: Cancel::default(),
        }
    }

    async fn plan(&self, text: &str) -> Result<Plan, Diagnostics> {
        std::fs::write(self.dir.path().join("config/main.tf"), text).unwrap();
        let engine = self.engine();
        let options = ConfigOptions { root: self.dir.path().join("config"), ..ConfigOptions::default() };
        let (platform, found) = ops::load(&engine.registry, &engine.sources, &options);
        let platform = platform.filter(|_| !found.has_errors()).ok_or(found)?;
        let (selection, options) = (Selection::default(), PlanOptions::default());
        let planned = ops::plan(&engine, &Arc::new(platform), &selection, &options).await?;
        let one = planned.into_iter().next().unwrap();
        one.result.ok_or(one.diagnostics)
    }

    /// Applies a plan after it was in a file.
    async fn apply(&self, plan: Plan) {
        let path = self.dir.path().join("saved");
        file::write(&path, &[plan], &self.sealer).unwrap();
        let plans = file::read(&path, &self.sealer).unwrap();
        let outcome = ops::apply(&self.engine(), plans).await.remove(0);
        assert!(outcome.result.is_some_and(|applied| applied.complete), "{:?}", outcome.diagnostics);
    }

    fn vault(&self) -> Value {
        let name = "default".parse().unwrap();
        let state = self.engine().store.load(&[name]).unwrap().remove(0).unwrap();
        assert_eq!(state.resources.len(), 1, "ephemeral objects have no records");
        state.resources.into_values().next().unwrap().attributes
    }
}

fn config(version: usize) -> String {
    format!(
        "ephemeral \"test_lease\" \"l\" {{\n  path = \"db\"\n}}\nresource \"test_vault\" \"v\" {{\n  name = \"v\"\n  \
         password_wo = \"p-${{ephemeral.test_lease.l.token}}\"\n  password_wo_version = {version}\n}}\n"
    )
}

#[tokio::test]
async fn what_is_only_written_reaches_the_provider_and_no_record() {
    let place = Place::new();
    let plan = place.plan(&config(1)).await.unwrap();
    assert_eq!(place.vaults.heard(), ["open db", "close db"], "a plan closes what it opened");
    assert!(!format!("{plan:?}").contains("token-of-db"), "the plan has no secret");
    place.apply(plan).await;
    assert_eq!(place.vaults.heard(), ["open db", "create with p-token-of-db", "close db"]);
    let vault = place.vault();
    assert!(vault.get("password_wo").is_none_or(|v| v.is_null()), "{vault:?}");

    // What is only written is never a difference by itself.
    let plan = place.plan(&config(1)).await.unwrap();
    assert!(!plan.has_changes() && plan.steps.is_empty());
    place.vaults.heard();
    let plan = place.plan(&config(2)).await.unwrap();
    assert!(plan.has_changes());
    place.vaults.heard();
    place.apply(plan).await;
    assert_eq!(place.vaults.heard(), ["open db", "update with p-token-of-db", "close db"]);
    assert!(place.vault().get("password_wo").is_none_or(|v| v.is_null()));
}

#[tokio::test]
async fn plain_values_are_only_written_too() {
    let place = Place::new();
    let text = "resource \"test_vault\" \"v\" {\n  name = \"v\"\n  password_wo = \"plain\"\n}\n";
    place.apply(place.plan(text).await.unwrap()).await;
    assert_eq!(place.vaults.heard(), ["create with plain"]);
    assert!(place.vault().get("password_wo").is_none_or(|v| v.is_null()));
    assert!(!place.plan(text).await.unwrap().has_changes());
}

#[tokio::test]
async fn other_attributes_take_no_ephemeral_values() {
    let place = Place::new();
    let text = config(1).replace("name = \"v\"", "name = ephemeral.test_lease.l.token");
    let problems = place.plan(&text).await.unwrap_err();
    let details: Vec<&str> = problems.iter().map(|problem| problem.detail.as_str()).collect();
    assert_eq!(
        details,
        ["The attribute \"name\" of test_vault.v is stored, so it takes no ephemeral values."]
    );
    // What was opened for nothing is closed.
    assert_eq!(place.vaults.heard(), ["open db", "close db"]);
}

/// A vault whose password is of a lease, of these names.
fn leased(path: &str, name: &str) -> String {
    config(1).replace("\"db\"", &format!("{path:?}")).replace("name = \"v\"", &format!("name = {name:?}"))
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_renewed_while_steps_go_on() {
    let place = Place::new();
    let plan = place.plan(&leased("short", "slow")).await.unwrap();
    place.vaults.heard();
    place.apply(plan).await;
    let heard =
        ["open short", "renew short", "renew short+", "create with p-token-of-short", "close short++"];
    assert_eq!(place.vaults.heard(), heard);

    // Nothing is renewed that is not asked for, or that is done in time.
    let place = Place::new();
    let plan = place.plan(&leased("long", "slow")).await.unwrap();
    place.apply(plan).await;
    assert!(!place.vaults.heard().iter().any(|words| words.starts_with("renew")));
    let place = Place::new();
    let plan = place.plan(&leased("short", "quick")).await.unwrap();
    place.apply(plan).await;
    assert!(!place.vaults.heard().iter().any(|words| words.starts_with("renew")));
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_renewed_while_a_plan_reads() {
    let late = "ephemeral \"test_lease\" \"m\" {\n  path = \"late by ${ephemeral.test_lease.l.token}\"\n}\n";
    // One whose renewal fails is closed all the same.
    for (path, closed) in [("short", "short++"), ("short-once", "short-once+")] {
        let place = Place::new();
        place.plan(&(leased(path, "v") + late)).await.unwrap();
        let name = format!("late by token-of-{path}");
        let heard = [
            format!("open {path}"),
            format!("renew {path}"),
            format!("renew {path}+"),
            format!("open {name}"),
            format!("close {name}"),
            format!("close {closed}"),
        ];
        assert_eq!(place.vaults.heard(), heard);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_told_and_the_object_is_closed() {
    let place = Place::new();
    let plan = place.plan(&leased("short-once", "slow")).await.unwrap();
    place.vaults.heard();
    let outcome = ops::apply(&place.engine(), vec![plan]).await.remove(0);
    assert!(outcome.diagnostics.iter().any(|problem| problem.summary == "Lease is over"));
    let heard = [
        "open short-once",
        "renew short-once",
        "renew short-once+",
        "create with p-token-of-short-once",
        "close short-once+",
    ];
    assert_eq!(place.vaults.heard(), heard);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_closed_after_a_failure_and_a_stop() {
    let place = Place::new();
    let plan = place.plan(&leased("db", "broken")).await.unwrap();
    place.vaults.heard();
    let outcome = ops::apply(&place.engine(), vec![plan]).await.remove(0);
    assert!(outcome.diagnostics.has_errors());
    assert_eq!(place.vaults.heard(), ["open db", "create with p-token-of-db", "close db"]);

    // Stopped while the service works: what was begun comes to its end, and
    // aborted it does not; the lease is given back either way.
    for (requests, created) in [(1, true), (2, false)] {
        let place = Place::new();
        let plan = place.plan(&leased("short", "slow")).await.unwrap();
        place.vaults.heard();
        let engine = place.engine();
        let cancel = engine.cancel.clone();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            (0..requests).for_each(|_| cancel.request());
        };
        let (_, ()) = tokio::join!(ops::apply(&engine, vec![plan]), stop);
        let heard = place.vaults.heard();
        assert_eq!(heard[..2], ["open short", "renew short"], "{heard:?}");
        assert_eq!(heard.iter().any(|words| words.starts_with("create")), created, "{heard:?}");
        assert!(heard.last().is_some_and(|words| words.starts_with("close short+")), "{heard:?}");
    }
}
