//! What every provider must do: one suite for all of them.
//!
//! Each case takes an object through its life: plan, create, read, plan again,
//! find, create again, import, update, drift and its repair, delete, find. The
//! same life is led with something happening to calls, and taken up by another
//! process after one that died. The suite panics with the step that went wrong,
//! for it runs in tests only.
//!
//! Guarantees: values shown on failure hide what is sensitive; long operations
//! are polled to their end; calls are repeated as the engine repeats them.
//! Must not: know any one provider.

mod report;
mod shapes;

use std::sync::Arc;
use std::time::Duration;

use tenantctl_core::provider::{
    Block, ErrorClass, Outcome, Path, PlanRequest, Provider, ProviderError, ReadObject, ReadOutcome,
    SharedProvider, Target, Value,
};

use report::{Report, Scenario};
use shapes::{complete, difference, only_computed_unknown, propose, replaced};

/// How often a long operation is asked for before the suite gives up.
const POLLS: usize = 600;
/// The longest wait between two polls.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often one call is made.
const ATTEMPTS: usize = 12;
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

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
    /// Whether changes that its schema marks so are planned as replacements.
    pub replaces: bool,
    /// What somebody else changes it to, when `changed` has no way back.
    pub drifted: Option<Value>,
    /// The workspace that the object belongs to.
    pub workspace: String,
    /// Whether a service holds the object; without one there is nothing to
    /// find, and reads give back what is recorded.
    pub service: bool,
    /// What the object is imported by, when not by its `id`; `None` of a type
    /// that has no ids.
    pub import: fn(&Value) -> Option<String>,
}

/// The `id` of an object.
fn id(object: &Value) -> Option<String> {
    object.get("id").and_then(|id| id.as_str().map(str::to_owned))
}

impl Case {
    /// A case without a change.
    pub fn new(kind: impl Into<String>, config: Value) -> Self {
        Case {
            kind: kind.into(),
            provider_config: Value::NULL,
            config,
            changed: None,
            drifted: None,
            replaces: true,
            workspace: "conformance".into(),
            service: true,
            import: id,
        }
    }

    /// With a configuration to change to.
    #[must_use]
    pub fn changed(mut self, changed: Value) -> Self {
        self.changed = Some(changed);
        self
    }

    /// Of a provider that plans nothing itself.
    #[must_use]
    pub fn never_replaced(mut self) -> Self {
        self.replaces = false;
        self
    }

    /// With what somebody else changes it to.
    #[must_use]
    pub fn drifted(mut self, drifted: Value) -> Self {
        self.drifted = Some(drifted);
        self
    }

    /// With a `provider` block.
    #[must_use]
    pub fn provider_config(mut self, config: Value) -> Self {
        self.provider_config = config;
        self
    }

    /// Imported by something else than its `id`.
    #[must_use]
    pub fn imported_by(mut self, import: fn(&Value) -> Option<String>) -> Self {
        self.import = import;
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
    for run in runs(&provider, cases, "plain", None) {
        Box::pin(run.life()).await;
    }
}

/// The same while something happens to calls, which the caller sees to; it is
/// told with the results under this name. Cases are to be of objects that no
/// other run makes.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check_through(trouble: &'static str, provider: SharedProvider, cases: Vec<Case>) {
    for run in runs(&provider, cases, trouble, Some(trouble)) {
        let begun = run.report.begin(Scenario::Troubled(trouble));
        Box::pin(run.life()).await;
        begun.held();
    }
}

/// Processes that die in the middle of a call, and others that go on: each is
/// a provider that remembers nothing.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check_killed(process: impl Fn() -> SharedProvider, cases: Vec<Case>) {
    let provider = process();
    for mut run in runs(&provider, cases, "killed", None) {
        run.provider = process();
        Box::pin(run.killed(&process)).await;
    }
}

fn runs(
    provider: &SharedProvider,
    cases: Vec<Case>,
    name: &str,
    trouble: Option<&'static str>,
) -> impl Iterator<Item = Run> {
    let made = cases.into_iter().enumerate().map(|(i, case)| {
        let schema = provider.schema().resources.get(case.kind.as_str());
        let block = schema.unwrap_or_else(|| panic!("{}: not in the schema", case.kind)).block.clone();
        let config = complete(&block, &case.config);
        let connection = provider
            .connection(&case.provider_config, &config)
            .unwrap_or_else(|e| panic!("{}: connection: {}", case.kind, e.detail));
        assert!(connection.is_wholly_known(), "{}: the connection is not known", case.kind);
        let token = format!("conformance-{name}-{}-{i}", case.kind);
        let report = Report { provider: provider.name().to_owned(), kind: case.kind.clone() };
        Run { provider: provider.clone(), case, block, connection, token, config, report, trouble }
    });
    made.collect::<Vec<_>>().into_iter()
}

/// Says that a scenario held, where it is told by itself.
fn held(begun: Option<report::Begun<'_>>) {
    if let Some(begun) = begun {
        begun.held();
    }
}

struct Run {
    provider: Arc<dyn Provider>,
    case: Case,
    block: Block,
    connection: Value,
    token: String,
    config: Value,
    report: Report,
    /// What happens to calls.
    trouble: Option<&'static str>,
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

    /// A scenario of the plain life; the others are told as a whole.
    fn begin(&self, scenario: Scenario) -> Option<report::Begun<'_>> {
        self.trouble.is_none().then(|| self.report.begin(scenario))
    }

    async fn life(&self) {
        let config = &self.config;
        let planned = self.plan_creation(config);
        if self.case.service {
            assert!(self.find(&planned).await.is_none(), "{}: found before creation", self.case.kind);
        }
        let begun = self.begin(Scenario::Create);
        let created = self.create(config, &planned).await;
        held(begun);
        self.settled(config, &created).await;
        let begun = self.begin(Scenario::CreateAgain);
        let again = self.create(config, &planned).await;
        assert_eq!(again, created, "{}: created twice by one token", self.case.kind);
        held(begun);
        if self.case.service {
            let begun = self.begin(Scenario::Find);
            assert_eq!(self.find(&planned).await.as_ref(), Some(&created), "{}: find", self.case.kind);
            held(begun);
        }
        self.replace(config, &created);
        self.import(&created).await;
        let last = match self.case.changed.clone() {
            Some(changed) => {
                let changed = complete(&self.block, &changed);
                let drifted = self.case.drifted.as_ref().map(|other| complete(&self.block, other));
                let repaired = self.drift(config, drifted.as_ref().unwrap_or(&changed), &created).await;
                let begun = self.begin(Scenario::Update);
                let changed = self.change(&changed, &repaired).await;
                held(begun);
                changed
            }
            None => created,
        };
        self.end(&planned, &last).await;
    }

    /// A change that no object survives is planned as a replacement.
    fn replace(&self, config: &Value, object: &Value) {
        let changed = replaced(&self.block, config).filter(|_| self.case.replaces);
        let Some((name, changed)) = changed else { return };
        let begun = self.begin(Scenario::Replace);
        let proposed = propose(&self.block, Some(object), &changed);
        let (kind, connection) = (&self.case.kind, &self.connection);
        let request =
            PlanRequest { kind, prior: Some(object), config: &changed, connection, proposed: &proposed };
        let response = self.provider.plan(request).unwrap_or_else(|e| panic!("{kind}: plan: {}", e.detail));
        let path = Path::root().attribute(name);
        assert!(response.requires_replace.contains(&path), "{kind}: another {name} is no replacement");
        held(begun);
    }

    /// The object is found by its id, as the same.
    async fn import(&self, object: &Value) {
        let Some(id) = (self.case.import)(object).filter(|_| self.case.service) else { return };
        let begun = self.begin(Scenario::Import);
        let kind = &self.case.kind;
        let imported = self.provider.import(self.target(), &id).await;
        let imported = imported.unwrap_or_else(|e| panic!("{kind}: import of {id}: {e}"));
        assert!(imported.is_wholly_known(), "{kind}: import leaves something unknown");
        let id = |object: &Value| {
            object.get("id").or_else(|| self.provider.identity(kind, object).map(Into::into))
        };
        assert_eq!(id(&imported), id(object), "{kind}: import finds another object");
        let (_, replaced) = self.plan(Some(&imported), &self.config);
        assert!(replaced.is_empty(), "{kind}: after import, the plan replaces by {replaced:?}");
        held(begun);
    }

    /// Somebody else changes the object; that is found and put right.
    async fn drift(&self, config: &Value, changed: &Value, object: &Value) -> Value {
        let kind = &self.case.kind;
        if !self.case.service {
            return object.clone();
        }
        let begun = self.begin(Scenario::DriftSeen);
        let (theirs, _) = self.plan(Some(object), changed);
        self.update(object, changed, &theirs).await;
        let found = match self.read(object).await {
            ReadOutcome::Found(found) => found,
            other => panic!("{kind}: read of a changed object: {other:?}"),
        };
        assert_ne!(&found, object, "{kind}: what somebody else did is not found");
        held(begun);
        let begun = self.begin(Scenario::DriftRepaired);
        let (planned, replaced) = self.plan(Some(&found), config);
        assert!(replaced.is_empty(), "{kind}: the repair replaces by {replaced:?}");
        let repaired = self.update(&found, config, &planned).await;
        self.is_as_planned("repair", &planned, &repaired);
        let (planned, _) = self.plan(Some(&repaired), config);
        assert_eq!(planned, repaired, "{kind}: the plan after the repair is not empty");
        held(begun);
        repaired
    }

    /// A life in which each call is the last of its process.
    async fn killed(mut self, process: &impl Fn() -> SharedProvider) {
        let (kind, config) = (self.case.kind.clone(), self.config.clone());
        let planned = self.plan_creation(&config);
        let report = self.report.clone();
        let begun = report.begin(Scenario::Killed("create"));
        self.insist("create", || self.provider.create(self.target(), &config, &planned)).await;
        self.provider = process();
        let found = self.find(&planned).await.unwrap_or_else(|| panic!("{kind}: what was begun is lost"));
        let created = self.taken_up(&config, found).await;
        begun.held();
        let mut last = created;
        if let Some(changed) = self.case.changed.clone() {
            let begun = report.begin(Scenario::Killed("update"));
            let changed = complete(&self.block, &changed);
            let (planned, _) = self.plan(Some(&last), &changed);
            self.insist("update", || self.provider.update(self.target(), &last, &changed, &planned)).await;
            self.provider = process();
            let found = match self.read(&last).await {
                ReadOutcome::Found(found) => found,
                other => panic!("{kind}: read after a killed update: {other:?}"),
            };
            last = self.taken_up(&changed, found).await;
            begun.held();
        }
        let begun = report.begin(Scenario::Killed("delete"));
        self.insist("delete", || self.provider.delete(self.target(), &last)).await;
        self.provider = process();
        let deleted = self.insist("delete", || self.provider.delete(self.target(), &last)).await;
        assert!(self.finished("delete", deleted).await.is_null(), "{kind}: delete leaves something");
        assert!(self.find(&planned).await.is_none(), "{kind}: found after delete");
        begun.held();
    }

    /// What a next apply makes of what it finds.
    async fn completed(&self, config: &Value, found: Value) -> Value {
        let (planned, replaced) = self.plan(Some(&found), config);
        assert!(replaced.is_empty(), "{}: what is taken up is replaced by {replaced:?}", self.case.kind);
        if planned == found { found } else { self.update(&found, config, &planned).await }
    }

    /// What another process began, brought to its end.
    async fn taken_up(&self, config: &Value, found: Value) -> Value {
        let whole = self.completed(config, found).await;
        self.settled(config, &whole).await;
        whole
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
        let outcome = self.created(config, planned).await;
        let created = self.finished("create", outcome).await;
        self.is_as_planned("create", planned, &created);
        created
    }

    /// The object reads as it was written, and planning it again is no change.
    async fn settled(&self, config: &Value, object: &Value) {
        let kind = &self.case.kind;
        let begun = self.begin(Scenario::Read);
        match self.read(object).await {
            ReadOutcome::Found(found) => assert_eq!(&found, object, "{kind}: read differs from the write"),
            other => panic!("{kind}: read after a write: {other:?}"),
        }
        held(begun);
        let begun = self.begin(Scenario::SecondPlan);
        let (planned, replaced) = self.plan(Some(object), config);
        assert_eq!(&planned, object, "{kind}: the second plan is not empty");
        assert!(replaced.is_empty(), "{kind}: the second plan replaces by {replaced:?}");
        held(begun);
    }

    async fn change(&self, config: &Value, prior: &Value) -> Value {
        let kind = &self.case.kind;
        let (planned, replaced) = self.plan(Some(prior), config);
        assert!(replaced.is_empty(), "{kind}: the change replaces by {replaced:?}");
        assert_ne!(&planned, prior, "{kind}: the change plans nothing");
        let mut last = prior.clone();
        // Twice, as after a crash.
        for _ in 0..2 {
            last = self.update(prior, config, &planned).await;
            self.is_as_planned("update", &planned, &last);
        }
        self.settled(config, &last).await;
        last
    }

    /// Removal, as often as one likes.
    async fn end(&self, planned: &Value, object: &Value) {
        let kind = &self.case.kind;
        for _ in 0..2 {
            let begun = self.begin(Scenario::Delete);
            let outcome = self.insist("delete", || self.provider.delete(self.target(), object)).await;
            let left = self.finished("delete", outcome).await;
            assert!(left.is_null(), "{kind}: delete leaves {left:?}");
            held(begun);
            let begun = self.begin(Scenario::Gone);
            if self.case.service {
                let read = self.read(object).await;
                assert!(matches!(read, ReadOutcome::Gone), "{kind}: read after delete: {read:?}");
            }
            held(begun);
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

    async fn update(&self, prior: &Value, config: &Value, planned: &Value) -> Value {
        let update = || self.provider.update(self.target(), prior, config, planned);
        let outcome = self.insist("update", update).await;
        self.finished("update", outcome).await
    }

    /// A creation as the engine makes it: of one whose answer is lost it looks
    /// what became.
    async fn created(&self, config: &Value, planned: &Value) -> Outcome {
        for _ in 0..ATTEMPTS {
            let create = self.provider.create(self.target(), config, planned).await;
            match create {
                Ok(outcome) => return outcome,
                Err(error) if error.class.is_retryable() => tokio::time::sleep(PAUSE).await,
                Err(error) if error.class == ErrorClass::Indeterminate => match self.find(planned).await {
                    // What is missing of it, the next apply brings.
                    Some(found) => return Outcome::Done(self.completed(config, found).await),
                    None => tokio::time::sleep(PAUSE).await,
                },
                Err(error) => panic!("{}: create: {error}", self.case.kind),
            }
        }
        panic!("{}: create fails again and again", self.case.kind);
    }

    /// A change or removal as the engine makes it: doing it twice does no harm.
    async fn insist<F>(&self, step: &str, call: impl Fn() -> F) -> Outcome
    where
        F: Future<Output = Result<Outcome, ProviderError>>,
    {
        for _ in 0..ATTEMPTS {
            match call().await {
                Ok(outcome) => return outcome,
                Err(error) if error.class.is_retryable() || error.class == ErrorClass::Indeterminate => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => panic!("{}: {step}: {error}", self.case.kind),
            }
        }
        panic!("{}: {step} fails again and again", self.case.kind);
    }

    async fn finished(&self, step: &str, mut outcome: Outcome) -> Value {
        let kind = &self.case.kind;
        for _ in 0..POLLS {
            let operation = match outcome {
                Outcome::Done(value) => return value,
                Outcome::Pending(operation) => operation,
            };
            tokio::time::sleep(operation.after.min(LONGEST_WAIT)).await;
            outcome = self.insist(step, || self.provider.poll(self.target(), &operation)).await;
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
