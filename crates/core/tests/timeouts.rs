//! Deadlines of operations, in time that is only told: a provider whose
//! service is busy, slow or silent for hours.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's way to fail")]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tenantctl_core::diag::{Diagnostic, SourceMap};
use tenantctl_core::event::Silent;
use tenantctl_core::ops::{self, Cancel, ConfigOptions, Engine, PlanOptions, Selection};
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Operation, Outcome, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, Registry, ResourceSchema, Target, Timeouts, Type,
    Value,
};
use tenantctl_core::state::{LocalStore, LockInfo, Sealer, WorkspaceState};
use tokio::time::Instant;

/// What the service does to creations.
#[derive(Clone, Copy)]
enum Way {
    /// It is at something else for so long.
    Busy(Duration),
    /// It works for so long.
    Slow(Duration),
    /// It never answers.
    Silent,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Vats, which take their time.
struct Vats {
    way: Mutex<Way>,
    since: Mutex<Option<Instant>>,
    made: Mutex<u32>,
}

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| {
    let vat = Block::new([("name", Attribute::required(Type::String))], []);
    let vat = vat.timeouts(Timeouts::minutes(60, 60, 60));
    ProviderSchema {
        resources: [("test_vat", ResourceSchema { version: 0, block: vat })].into(),
        ..ProviderSchema::default()
    }
});

impl Vats {
    fn elapsed(&self) -> Duration {
        self.since.lock().unwrap().get_or_insert_with(Instant::now).elapsed()
    }

    fn pending() -> Outcome {
        let (handle, message) = (json!({ "vat": 1 }), "filling".into());
        Outcome::Pending(Operation { handle, message, after: Duration::from_secs(20) })
    }
}

#[async_trait]
impl Provider for Vats {
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

    async fn find(&self, _: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        Ok((*self.made.lock().unwrap() > 0).then(|| planned.clone()))
    }

    async fn create(&self, _: Target<'_>, _: &Value, planned: &Value) -> Result<Outcome, ProviderError> {
        let way = *self.way.lock().unwrap();
        match way {
            Way::Busy(time) if self.elapsed() < time => {
                let class = ErrorClass::Busy(None);
                return Err(ProviderError::new(class, "Busy", "An earlier change is under way."));
            }
            Way::Silent => std::future::pending::<()>().await,
            _ => {}
        }
        *self.made.lock().unwrap() += 1;
        self.elapsed();
        Ok(if matches!(way, Way::Slow(_)) { Vats::pending() } else { Outcome::Done(planned.clone()) })
    }

    async fn update(&self, _: Target<'_>, _: &Value, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        Err(ProviderError::new(ErrorClass::Invalid, "No change", "A vat is never changed."))
    }

    async fn delete(&self, _: Target<'_>, _: &Value) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(Value::NULL))
    }

    async fn poll(&self, _: Target<'_>, _: &Operation) -> Result<Outcome, ProviderError> {
        match *self.way.lock().unwrap() {
            Way::Slow(time) if self.elapsed() < time => Ok(Vats::pending()),
            _ => Ok(Outcome::Done(Value::object([("name", "v".into())]))),
        }
    }
}

struct World {
    dir: tempfile::TempDir,
    vats: Arc<Vats>,
}

impl World {
    fn new(way: Way) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config")).unwrap();
        let vats = Vats { way: Mutex::new(way), since: Mutex::default(), made: Mutex::default() };
        World { dir, vats: Arc::new(vats) }
    }

    fn engine(&self) -> Engine {
        let mut registry = Registry::default();
        registry.insert(self.vats.clone());
        let sealer = Arc::new(Sealer::new(&[7; 32]));
        let store = LocalStore::open(&self.dir.path().join("state"), sealer).unwrap();
        let now = "2030-01-01T00:00:00Z".to_owned();
        let (id, operation, who, version) = ("1".into(), "test".into(), "test".into(), "0".into());
        Engine {
            registry,
            store: Arc::new(store),
            sources: Arc::new(SourceMap::default()),
            events: Arc::new(Silent),
            lock_info: LockInfo { id, operation, who, version, created: now.clone(), pid: 1 },
            lock_timeout: Duration::ZERO,
            timestamp: now,
            parallelism: 4,
            fail_fast: false,
            cancel: Cancel::default(),
        }
    }

    /// Plans and applies; how long that took, and the problem if there is one.
    async fn apply(&self, timeouts: &str) -> (Duration, Option<Diagnostic>) {
        let text = format!("resource \"test_vat\" \"v\" {{\n  name = \"v\"\n  {timeouts}\n}}\n");
        std::fs::write(self.dir.path().join("config/main.tf"), text).unwrap();
        let engine = self.engine();
        let options = ConfigOptions { root: self.dir.path().join("config"), ..ConfigOptions::default() };
        let (platform, found) = ops::load(&engine.registry, &engine.sources, &options);
        assert!(!found.has_errors(), "{found:?}");
        let (platform, start) = (Arc::new(platform.unwrap()), Instant::now());
        let (selection, options) = (Selection::default(), PlanOptions::default());
        let planned = ops::plan(&engine, &platform, &selection, &options).await.unwrap().remove(0);
        let problem = match planned.result {
            None => planned.diagnostics.iter().next().cloned(),
            Some(plan) => ops::apply(&engine, vec![plan]).await.remove(0).diagnostics.iter().next().cloned(),
        };
        (start.elapsed(), problem)
    }

    fn state(&self) -> WorkspaceState {
        self.engine().store.load(&["default".parse().unwrap()]).unwrap().remove(0).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_is_waited_for_up_to_the_deadline() {
    let world = World::new(Way::Busy(40 * MINUTE));
    let (took, problem) = world.apply("timeouts {\n    create = \"30m\"\n  }").await;
    let problem = problem.expect("it takes longer");
    assert_eq!(took.as_secs(), 30 * 60);
    assert_eq!(
        (problem.summary.as_str(), problem.detail.as_str()),
        (
            "Operation takes too long",
            "Its creation was given 30m and is not done. Nothing was done in that time. An earlier change is under way."
        )
    );
    let state = world.state();
    assert!(state.open.is_empty() && state.resources.is_empty(), "nothing was done");
    let (took, problem) = world.apply("").await;
    assert!(problem.is_none(), "{problem:?}");
    assert!((10 * MINUTE..11 * MINUTE).contains(&took), "it was waited for, and not longer: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_usual_deadline_is_the_types_and_a_block_may_set_a_longer_one() {
    let world = World::new(Way::Slow(90 * MINUTE));
    let (took, problem) = world.apply("").await;
    assert_eq!(took.as_secs(), 60 * 60);
    let problem = problem.expect("it takes longer");
    assert_eq!(problem.detail, "Its creation was given 1h and is not done. The service said last: filling.");
    assert!(problem.span.is_some() && problem.address.as_deref() == Some("default:test_vat.v"));
    let hint = problem.hint.expect("what comes next");
    assert!(hint.contains("goes on from there") && hint.contains("timeouts { create = "), "{hint}");
    // The next run goes on with it, for as long as the record says.
    let (took, problem) = world.apply("timeouts {\n    create = \"6h\"\n  }").await;
    assert!(problem.is_none() && took < 31 * MINUTE, "{took:?} {problem:?}");
    assert_eq!(*world.vats.made.lock().unwrap(), 1, "it was made once");
    assert!(world.state().open.is_empty());

    let world = World::new(Way::Slow(300 * MINUTE));
    let (took, problem) = world.apply("timeouts = { create = \"6h\" }").await;
    assert!(problem.is_none() && took >= 300 * MINUTE, "{took:?} {problem:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_call_that_is_never_answered_nobody_knows() {
    let world = World::new(Way::Silent);
    let (took, problem) = world.apply("timeouts {\n    create = \"5m\"\n  }").await;
    assert_eq!(took.as_secs(), 5 * 60);
    let problem = problem.expect("no answer");
    assert_eq!(problem.detail, "Its creation was given 5m and is not done. The service did not answer.");
    assert_eq!(world.state().open.len(), 1, "the next run looks");
    *world.vats.way.lock().unwrap() = Way::Busy(Duration::ZERO);
    let (_, problem) = world.apply("").await;
    assert!(problem.is_none(), "{problem:?}");
    assert_eq!(*world.vats.made.lock().unwrap(), 1);
}
