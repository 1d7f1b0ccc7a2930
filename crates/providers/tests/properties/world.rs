use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tempfile::TempDir;
use tenantctl_core::diag::{Diagnostics, SourceMap};
use tenantctl_core::event::{Event, EventSink, Silent};
use tenantctl_core::ops::{self, Applied, Cancel, ConfigOptions, Engine, Outcome, PlanOptions, Selection};
use tenantctl_core::plan::{Plan, PlanMode, file};
use tenantctl_core::provider::{Provider, Registry, Value};
use tenantctl_core::state::{LocalStore, LockInfo, ResourceRecord, Sealer, StateStore, WorkspaceState};
use tenantctl_providers::builtin::Builtin;
use tenantctl_providers::kubernetes::{Kubernetes, Options};
use tenantctl_providers::simulated::{self, Cloud, Script, Simulated};

use crate::crash::{Life, Mortal};
use crate::service::Boxes;
use crate::story::{Config, Kind, Round, Wanted};

/// The workspace of a root without tenants.
const WORKSPACE: &str = "default";

/// A directory with configuration, state and cloud.
pub(crate) struct World {
    dir: TempDir,
    sealer: Arc<Sealer>,
}

/// Hides nothing: no secrets are told here.
struct Open;

impl simulated::Sealer for Open {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        Ok(plain.to_vec())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }
}

/// Asks a run to stop when so many steps have begun.
struct Stopper {
    left: Mutex<usize>,
    at_once: bool,
    cancel: Cancel,
}

impl EventSink for Stopper {
    fn send(&self, event: Event) {
        if !matches!(event, Event::StepStarted { .. }) {
            return;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match *left {
            0 => {}
            1 => {
                *left = 0;
                (0..=u8::from(self.at_once)).for_each(|_| self.cancel.request());
            }
            _ => *left -= 1,
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        // In memory where there is such a place: what reaches the disk is not
        // asked here, and would take most of the time.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.expect("a directory");
        std::fs::create_dir(dir.path().join("config")).expect("a directory");
        World { dir, sealer: Arc::new(Sealer::new(&[7; 32])) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes this the configuration.
    pub(crate) fn write(&self, config: &Config) {
        std::fs::write(self.path("config/main.tf"), config.to_string()).expect("written");
    }

    fn cloud(&self) -> Cloud {
        Cloud::open(&self.path("cloud"), Arc::new(Open)).expect("a cloud")
    }

    fn engine(&self, script: &Json) -> Engine {
        let script = Script::parse(&script.to_string()).expect("a script");
        let cloud = Arc::new(self.cloud().with_script(script));
        let mut registry = Registry::default();
        registry.insert(Arc::new(Builtin::new()));
        let services: [Arc<dyn Provider>; 2] =
            [Arc::new(Kubernetes::new(Options::default())), Arc::new(Boxes)];
        for service in services {
            registry.insert(Arc::new(Simulated::new(service, Arc::clone(&cloud))));
        }
        Engine {
            registry,
            store: Arc::new(self.store()),
            sources: Arc::new(SourceMap::default()),
            events: Arc::new(Silent),
            lock_info: LockInfo {
                id: "1".into(),
                operation: "test".into(),
                who: "test".into(),
                version: "0".into(),
                created: "2030-01-01T00:00:00Z".into(),
                pid: 1,
            },
            lock_timeout: std::time::Duration::ZERO,
            timestamp: "2030-01-01T00:00:00Z".into(),
            parallelism: 4,
            fail_fast: false,
            cancel: Cancel::default(),
        }
    }

    fn store(&self) -> LocalStore {
        LocalStore::open(&self.path("state"), Arc::clone(&self.sealer)).expect("a store")
    }

    fn state(&self) -> Result<WorkspaceState, String> {
        let name = WORKSPACE.parse().expect("a name");
        let mut states = self.store().load(&[name]).map_err(|e| e.to_string())?;
        states.remove(0).map_err(|e| format!("state: {e}"))
    }

    async fn plan(&self, engine: &Engine, mode: PlanMode) -> Result<Plan, Diagnostics> {
        let options = ConfigOptions { root: self.path("config"), ..ConfigOptions::default() };
        let (platform, found) = ops::load(&engine.registry, &engine.sources, &options);
        let Some(platform) = platform.filter(|_| !found.has_errors()) else {
            return Err(found);
        };
        let options = PlanOptions { mode, ..PlanOptions::default() };
        let planned = ops::plan(engine, &Arc::new(platform), &Selection::default(), &options).await?;
        let one = planned.into_iter().next().expect("one workspace");
        one.result.ok_or(one.diagnostics)
    }

    /// The plan after a way through a file, which must not change it.
    fn filed(&self, plan: &Plan) -> Result<Plan, String> {
        let path = self.path("saved.plan");
        file::write(&path, std::slice::from_ref(plan), &self.sealer).map_err(|d| format!("{d:?}"))?;
        let mut read = file::read(&path, &self.sealer).map_err(|d| format!("{d:?}"))?;
        let read = read.remove(0);
        let text = |plan: &Plan| serde_json::to_string(plan).expect("JSON");
        if text(plan) != text(&read) {
            return Err(format!("the plan file changed the plan:\n{}\n{}", text(plan), text(&read)));
        }
        Ok(read)
    }

    async fn apply(&self, engine: &Engine, plan: &Plan) -> Result<Outcome<Applied>, String> {
        let plan = self.filed(plan)?;
        Ok(ops::apply(engine, vec![plan]).await.remove(0))
    }

    /// An apply that may fail, but only for a reason, or die.
    pub(crate) async fn troubled(&self, round: &Round) -> Result<(), String> {
        let mut engine = self.engine(&round.script());
        if let Some((steps, at_once)) = round.stop {
            let cancel = engine.cancel.clone();
            engine.events = Arc::new(Stopper { left: Mutex::new(steps), at_once, cancel });
        }
        let Some(crash) = round.crash else { return self.run(&engine).await };
        let life = Life::until(crash);
        engine.store = Arc::new(Mortal { store: self.store(), life: Arc::clone(&life) });
        tokio::select! {
            biased;
            () = life.ended() => Ok(()),
            done = self.run(&engine) => done,
        }
    }

    async fn run(&self, engine: &Engine) -> Result<(), String> {
        let problems = match self.plan(engine, PlanMode::Normal).await {
            Err(problems) => problems,
            Ok(plan) => {
                let outcome = self.apply(engine, &plan).await?;
                let complete = outcome.result.as_ref().is_some_and(|applied| applied.complete);
                if complete == outcome.diagnostics.has_errors() {
                    return Err(format!("complete is {complete}, yet {:?}", outcome.diagnostics));
                }
                outcome.diagnostics
            }
        };
        let broken = ["Internal error", "Plan is broken", "State is broken", "State not available"];
        match problems.iter().find(|d| broken.contains(&d.summary.as_str())) {
            Some(broken) => Err(format!("{broken:?}")),
            None => self.state().map(drop),
        }
    }

    /// A plain apply, which must succeed.
    pub(crate) async fn applied(&self) -> Result<(), String> {
        self.follow(PlanMode::Normal).await
    }

    /// A plain destroy, which must leave nothing.
    pub(crate) async fn destroyed(&self) -> Result<(), String> {
        self.follow(PlanMode::Destroy).await?;
        let (state, cloud) = (self.state()?, self.objects()?);
        if state.resources.is_empty() && state.open.is_empty() && cloud.is_empty() {
            return Ok(());
        }
        let left: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
        Err(format!("destroy left {left:?}, open {:?}, in the cloud {cloud:?}", state.open))
    }

    async fn follow(&self, mode: PlanMode) -> Result<(), String> {
        let engine = self.engine(&serde_json::json!({"version": 1}));
        let plan = self.plan(&engine, mode).await.map_err(|d| format!("plain plan: {d:?}"))?;
        let outcome = self.apply(&engine, &plan).await?;
        match outcome.result {
            Some(applied) if applied.complete && outcome.diagnostics.is_empty() => Ok(()),
            _ => Err(format!("plain apply: {:?}", outcome.diagnostics)),
        }
    }

    /// Whether nothing is left to do, and configuration, state and cloud are
    /// the same.
    pub(crate) async fn is_settled(&self, config: &Config) -> Result<(), String> {
        let engine = self.engine(&serde_json::json!({"version": 1}));
        let plan =
            self.plan(&engine, PlanMode::Normal).await.map_err(|d| format!("plan after apply: {d:?}"))?;
        if plan.has_changes() || !plan.drift.is_empty() || !plan.steps.is_empty() {
            let changes: Vec<String> =
                plan.changes.iter().map(|c| format!("{:?} {}", c.action, c.key)).collect();
            return Err(format!("the second plan is not empty: {changes:?}, drift {:?}", plan.drift));
        }
        let state = self.state()?;
        follows(&state, config)?;
        let of_services = |r: &&ResourceRecord| *r.provider != *"terraform";
        let recorded = state.resources.values().filter(of_services).map(|r| text(&r.attributes));
        let (recorded, cloud) = (sorted(recorded), self.objects()?);
        if recorded != cloud {
            return Err(format!("state {recorded:#?}\nis not the cloud {cloud:#?}"));
        }
        Ok(())
    }

    /// What the cloud has.
    fn objects(&self) -> Result<Vec<String>, String> {
        let history = self.cloud().history(WORKSPACE).map_err(|e| e.to_string())?;
        let last: BTreeMap<_, _> = history.into_iter().map(|change| (change.key, change.object)).collect();
        Ok(sorted(last.into_values().flatten().map(|(_, object)| text(&object))))
    }
}

/// An object without what is not set, as records keep it.
fn text(value: &Value) -> String {
    let mut json = value.to_plain_json().expect("known");
    if let Some(attributes) = json.as_object_mut() {
        attributes.retain(|_, attribute| !attribute.is_null());
    }
    json.to_string()
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// Whether a state is what a configuration asks for.
fn follows(state: &WorkspaceState, config: &Config) -> Result<(), String> {
    if let Some(open) = state.open.first() {
        return Err(format!("an open call is left: {open:?}"));
    }
    let records: BTreeMap<String, &ResourceRecord> =
        state.resources.iter().map(|(key, record)| (key.to_string(), record)).collect();
    let wanted = config.wanted();
    let (there, asked): (BTreeSet<&str>, BTreeSet<&str>) =
        (records.keys().map(String::as_str).collect(), wanted.iter().map(|w| w.address.as_str()).collect());
    if there != asked {
        return Err(format!("state has {there:?}, the configuration asks for {asked:?}"));
    }
    let mut shown: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for want in &wanted {
        let record = records[&want.address];
        if record.tainted {
            return Err(format!("{} is tainted", want.address));
        }
        let object = record.attributes.to_plain_json().expect("known");
        let refs: Vec<String> = config
            .referred(want.slot)
            .into_iter()
            .flat_map(|slot| shown.get(&slot).cloned().unwrap_or_default())
            .collect();
        let expected = expected(want, &refs.join(","));
        if part(want, &object) != expected {
            return Err(format!("{} is {object}, not {expected:?}", want.address));
        }
        let pointer = if want.kind == Kind::Manifest { "/object/metadata/name" } else { "/id" };
        shown.entry(want.slot).or_default().push(string(&object, pointer));
    }
    Ok(())
}

/// Name, value and references, as wanted.
fn expected(want: &Wanted, refs: &str) -> [String; 3] {
    [want.name.clone(), want.value.to_string(), refs.to_owned()]
}

/// Name, value and references, as they are.
fn part(want: &Wanted, object: &Json) -> [String; 3] {
    let pointers = match want.kind {
        Kind::Manifest => ["/object/metadata/name", "/object/data/value", "/object/data/refs"],
        Kind::Thing => ["/name", "/size", "/refs"],
        Kind::Data => ["/triggers_replace", "/output/value", "/output/refs"],
    };
    pointers.map(|pointer| string(object, pointer))
}

fn string(object: &Json, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing".into(),
    }
}
