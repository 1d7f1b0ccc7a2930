//! What every provider must do: one suite for all of them.
//!
//! Each case takes an object through its life: plan, create, read, plan again,
//! update, find, create again, delete, find. The suite panics with the step
//! that went wrong, for it runs in tests only.
//!
//! Guarantees: values shown on failure hide what is sensitive; long operations
//! are polled to their end.
//! Must not: know any one provider.

use std::sync::Arc;
use std::time::Duration;

use tenantctl_core::provider::{
    Block, Kind, Nesting, Outcome, Path, PlanRequest, Provider, ReadObject, ReadOutcome, SharedProvider,
    Target, Value,
};

/// How often a long operation is asked for before the suite gives up.
const POLLS: usize = 600;
/// The longest wait between two polls.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// One object and what it is changed to.
#[derive(Clone, Debug)]
pub struct Case {
    /// Resource type.
    pub kind: String,
    /// The `provider` block; `NULL` without one.
    pub provider_config: Value,
    /// The configuration; what it leaves out is null.
    pub config: Value,
    /// A configuration that the object can be changed to in place.
    pub changed: Option<Value>,
    /// The workspace that the object belongs to.
    pub workspace: String,
    /// Whether a service holds the object; without one there is nothing to
    /// find, and reads give back what is recorded.
    pub service: bool,
}

impl Case {
    /// A case without a change.
    pub fn new(kind: impl Into<String>, config: Value) -> Self {
        Case {
            kind: kind.into(),
            provider_config: Value::NULL,
            config,
            changed: None,
            workspace: "conformance".into(),
            service: true,
        }
    }

    /// With a configuration to change to.
    #[must_use]
    pub fn changed(mut self, changed: Value) -> Self {
        self.changed = Some(changed);
        self
    }

    /// With a `provider` block.
    #[must_use]
    pub fn provider_config(mut self, config: Value) -> Self {
        self.provider_config = config;
        self
    }

    /// Of another workspace than `conformance`.
    #[must_use]
    pub fn workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = workspace.into();
        self
    }

    /// Held by no service.
    #[must_use]
    pub fn without_service(mut self) -> Self {
        self.service = false;
        self
    }
}

/// Takes every case through the suite.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check(provider: SharedProvider, cases: Vec<Case>) {
    for (i, case) in cases.into_iter().enumerate() {
        let schema = provider.schema().resources.get(case.kind.as_str());
        let block = schema.unwrap_or_else(|| panic!("{}: not in the schema", case.kind)).block.clone();
        let config = complete(&block, &case.config);
        let connection = provider
            .connection(&case.provider_config, &config)
            .unwrap_or_else(|e| panic!("{}: connection: {}", case.kind, e.detail));
        assert!(connection.is_wholly_known(), "{}: the connection is not known", case.kind);
        let token = format!("conformance-{}-{i}", case.kind);
        let run = Run { provider: provider.clone(), case, block, connection, token };
        Box::pin(run.life(config)).await;
    }
}

struct Run {
    provider: Arc<dyn Provider>,
    case: Case,
    block: Block,
    connection: Value,
    token: String,
}

impl Run {
    fn target(&self) -> Target<'_> {
        Target {
            kind: &self.case.kind,
            connection: &self.connection,
            token: &self.token,
            workspace: &self.case.workspace,
        }
    }

    async fn life(&self, config: Value) {
        let planned = self.plan_creation(&config);
        if self.case.service {
            assert!(self.find(&planned).await.is_none(), "{}: found before creation", self.case.kind);
        }
        let created = self.create(&config, &planned).await;
        self.settled(&config, &created).await;
        let again = self.create(&config, &planned).await;
        if self.case.service {
            assert_eq!(self.find(&planned).await.as_ref(), Some(&created), "{}: find", self.case.kind);
        }
        assert_eq!(again, created, "{}: created twice by one token", self.case.kind);
        let last = match self.case.changed.clone() {
            Some(changed) => self.change(&complete(&self.block, &changed), &created).await,
            None => created,
        };
        self.end(&planned, &last).await;
    }

    fn plan(&self, prior: Option<&Value>, config: &Value) -> (Value, Vec<Path>) {
        let kind = &self.case.kind;
        let problems = self.provider.validate(kind, config);
        assert!(problems.is_empty(), "{kind}: the configuration is not valid: {problems:?}");
        let proposed = propose(&self.block, prior, config);
        let connection = &self.connection;
        let request = PlanRequest { kind, prior, config, connection, proposed: &proposed };
        let response = self.provider.plan(request).unwrap_or_else(|e| panic!("{kind}: plan: {}", e.detail));
        let names = |v: &Value| v.as_entries().map(|e| e.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(&response.planned), names(&proposed), "{kind}: the plan does not follow the schema");
        (response.planned, response.requires_replace)
    }

    fn plan_creation(&self, config: &Value) -> Value {
        let (planned, replaced) = self.plan(None, config);
        assert!(replaced.is_empty(), "{}: a creation replaces", self.case.kind);
        only_computed_unknown(&self.block, &planned, &self.case.kind);
        planned
    }

    async fn create(&self, config: &Value, planned: &Value) -> Value {
        let outcome = self.provider.create(self.target(), config, planned).await;
        let created = self.finished("create", outcome).await;
        self.is_as_planned("create", planned, &created);
        created
    }

    /// The object reads as it was written, and planning it again is no change.
    async fn settled(&self, config: &Value, object: &Value) {
        let kind = &self.case.kind;
        match self.read(object).await {
            ReadOutcome::Found(found) => assert_eq!(&found, object, "{kind}: read differs from the write"),
            other => panic!("{kind}: read after a write: {other:?}"),
        }
        let (planned, replaced) = self.plan(Some(object), config);
        assert_eq!(&planned, object, "{kind}: the second plan is not empty");
        assert!(replaced.is_empty(), "{kind}: the second plan replaces by {replaced:?}");
    }

    async fn change(&self, config: &Value, prior: &Value) -> Value {
        let kind = &self.case.kind;
        let (planned, replaced) = self.plan(Some(prior), config);
        assert!(replaced.is_empty(), "{kind}: the change replaces by {replaced:?}");
        assert_ne!(&planned, prior, "{kind}: the change plans nothing");
        let mut last = prior.clone();
        // Twice, as after a crash.
        for _ in 0..2 {
            let outcome = self.provider.update(self.target(), prior, config, &planned).await;
            last = self.finished("update", outcome).await;
            self.is_as_planned("update", &planned, &last);
        }
        self.settled(config, &last).await;
        last
    }

    /// Removal, as often as one likes.
    async fn end(&self, planned: &Value, object: &Value) {
        let kind = &self.case.kind;
        for _ in 0..2 {
            let outcome = self.provider.delete(self.target(), object).await;
            let left = self.finished("delete", outcome).await;
            assert!(left.is_null(), "{kind}: delete leaves {left:?}");
            if self.case.service {
                let read = self.read(object).await;
                assert!(matches!(read, ReadOutcome::Gone), "{kind}: read after delete: {read:?}");
            }
        }
        assert!(self.find(planned).await.is_none(), "{kind}: found after delete");
    }

    async fn find(&self, planned: &Value) -> Option<Value> {
        let found = self.provider.find(self.target(), planned).await;
        found.unwrap_or_else(|e| panic!("{}: find: {e}", self.case.kind))
    }

    async fn read(&self, object: &Value) -> ReadOutcome {
        let objects = [ReadObject { prior: object }];
        let (kind, workspace) = (&self.case.kind, &self.case.workspace);
        let mut read = self.provider.read(kind, &self.connection, workspace, &objects).await;
        assert_eq!(read.len(), 1, "{kind}: one outcome for each object");
        read.remove(0)
    }

    async fn finished<E: std::fmt::Display>(&self, step: &str, outcome: Result<Outcome, E>) -> Value {
        let kind = &self.case.kind;
        let mut outcome = outcome.unwrap_or_else(|e| panic!("{kind}: {step}: {e}"));
        for _ in 0..POLLS {
            let operation = match outcome {
                Outcome::Done(value) => return value,
                Outcome::Pending(operation) => operation,
            };
            tokio::time::sleep(operation.after.min(LONGEST_WAIT)).await;
            let polled = self.provider.poll(self.target(), &operation).await;
            outcome = polled.unwrap_or_else(|e| panic!("{kind}: poll of {step}: {e}"));
        }
        panic!("{kind}: {step} does not end");
    }

    fn is_as_planned(&self, step: &str, planned: &Value, actual: &Value) {
        let kind = &self.case.kind;
        assert!(actual.is_wholly_known(), "{kind}: {step} leaves something unknown");
        if let Some(path) = difference(planned, actual, &Path::root()) {
            panic!("{kind}: {step} gives another {path} than planned");
        }
        if let Some(identity) = self.provider.identity(kind, planned) {
            assert_eq!(self.provider.identity(kind, actual), Some(identity), "{kind}: {step}: identity");
        }
    }
}

/// The configuration with nulls where nothing is set, in the schema's types.
fn complete(block: &Block, config: &Value) -> Value {
    let empty = block.empty();
    let attributes = empty.as_entries().into_iter().flatten().map(|(name, null)| {
        let value = config.get(name).unwrap_or_else(|| null.clone());
        let value = match block.blocks.get(&**name) {
            Some(nested) if !value.is_null() => {
                each(nested.nesting, &value, |v, _| complete(&nested.block, v))
            }
            _ => value,
        };
        (name.clone(), value.convert(&null.ty()).unwrap_or_else(|e| panic!("{name}: {e}")))
    });
    Value::object(attributes)
}

/// The engine's guess: results from the prior object, else unknown.
fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let attributes = config.as_entries().into_iter().flatten().map(|(name, value)| {
        let before = prior.and_then(|p| p.get(name));
        let proposed = match (block.attributes.get(&**name), block.blocks.get(&**name)) {
            (Some(a), _) if a.computed && value.is_null() => match prior {
                Some(_) => before.unwrap_or_else(|| Value::null(a.ty.clone())),
                None => Value::unknown(a.ty.clone()),
            },
            (_, Some(nested)) if !value.is_null() => each(nested.nesting, value, |v, i| {
                let before = match nested.nesting {
                    Nesting::List => before.as_ref().and_then(|b| b.at(i)),
                    Nesting::Single => before.clone().filter(|b| !b.is_null()),
                };
                propose(&nested.block, before.as_ref(), v)
            }),
            _ => value.clone(),
        };
        (name.clone(), proposed)
    });
    Value::object(attributes)
}

fn each(nesting: Nesting, value: &Value, f: impl Fn(&Value, usize) -> Value) -> Value {
    match nesting {
        Nesting::Single => f(value, 0),
        Nesting::List => {
            Value::tuple(value.as_items().unwrap_or_default().iter().enumerate().map(|(i, v)| f(v, i)))
        }
    }
}

fn only_computed_unknown(block: &Block, planned: &Value, whole: &str) {
    for (name, value) in planned.as_entries().into_iter().flatten() {
        if let Some(nested) = block.blocks.get(&**name) {
            match nested.nesting {
                Nesting::Single => only_computed_unknown(&nested.block, value, name),
                Nesting::List => {
                    let items = value.as_items().unwrap_or_default();
                    items.iter().for_each(|v| only_computed_unknown(&nested.block, v, name));
                }
            }
        } else if !value.is_wholly_known() {
            let computed = block.attributes.get(&**name).is_some_and(|a| a.computed);
            assert!(computed, "{whole}: {name} is unknown in the plan but not computed");
        }
    }
}

/// Where the actual value is not what was planned.
fn difference(planned: &Value, actual: &Value, path: &Path) -> Option<Path> {
    if planned.is_wholly_known() {
        return (planned != actual).then(|| path.clone());
    }
    match (planned.kind(), planned.as_items(), planned.as_entries()) {
        (Kind::Unknown(_), ..) => None,
        (Kind::Set(_), ..) => None,
        (_, Some(items), _) => {
            let mut parts = items.iter().enumerate();
            parts.find_map(|(i, v)| difference(v, &actual.at(i).unwrap_or(Value::NULL), &path.index(i)))
        }
        (.., Some(entries)) => entries.iter().find_map(|(k, v)| {
            difference(v, &actual.get(k).unwrap_or(Value::NULL), &path.attribute(k.clone()))
        }),
        _ => Some(path.clone()),
    }
}
