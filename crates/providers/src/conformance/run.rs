//! One object and the calls that are made for it, as the engine makes them.

use std::cell::Cell;
use std::time::Duration;

use tenantctl_core::provider::{
    Block, ErrorClass, Outcome, Path, PlanRequest, PlanResponse, ProviderError, ReadObject, ReadOutcome,
    SharedProvider, Target, Value,
};

use super::case::Case;
use super::report::{Begun, Report, Scenario};
use super::service::Service;
use super::shapes::{complete, difference, only_computed_unknown, propose};
use super::trouble::Fault;

/// How often a long operation is asked for before the suite gives up, and how
/// often what is busy.
const POLLS: usize = 600;
/// The longest wait between two polls.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often one call is made.
const ATTEMPTS: usize = 24;
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// The process is dead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Died {
    /// Whether its last call was a creation, and the provider called it done;
    /// one that goes on may have had to wait for its turn.
    pub(super) created: bool,
}

/// What came of something, unless the process died in it.
pub(super) type Lived<T> = Result<T, Died>;

/// An object of a case, and who takes it through its life.
pub(super) struct Run {
    pub(super) provider: SharedProvider,
    pub(super) case: Case,
    pub(super) block: Block,
    pub(super) config: Value,
    pub(super) report: Report,
    service: Service,
    fault: Fault,
    connection: Value,
    token: String,
    /// Whether each scenario is told by itself; else the life as a whole.
    is_plain: bool,
}

impl Run {
    /// The token is made of what tells this run from others.
    pub(super) fn new(case: Case, service: Service, fault: Fault, name: &str, is_plain: bool) -> Self {
        let provider = (service.process)();
        let schema = provider.schema().resources.get(case.kind.as_str());
        let block = schema.unwrap_or_else(|| panic!("{}: not in the schema", case.kind)).block.clone();
        let config = complete(&block, &case.config);
        let connection = provider
            .connection(&service.provider_config, &config)
            .unwrap_or_else(|e| panic!("{}: connection: {}", case.kind, e.detail));
        assert!(connection.is_wholly_known(), "{}: the connection is not known", case.kind);
        let token = format!("conformance-{}-{name}", case.kind);
        let told = case.provider.clone().unwrap_or_else(|| provider.name().to_owned());
        let report = Report { provider: told, kind: case.kind.clone() };
        Run { provider, case, block, config, report, service, fault, connection, token, is_plain }
    }

    /// The process is another one now, which knows what is recorded alone.
    pub(super) fn rise(&mut self) {
        self.provider = (self.service.process)();
        self.fault = Fault::none();
    }

    /// A scenario of the plain life; the others are told as a whole.
    pub(super) fn begin(&self, scenario: Scenario) -> Option<Begun<'_>> {
        self.is_plain.then(|| self.report.begin(scenario))
    }

    fn target(&self) -> Target<'_> {
        Target {
            kind: &self.case.kind,
            connection: &self.connection,
            token: &self.token,
            workspace: &self.case.workspace,
        }
    }

    /// The plan of a valid configuration.
    pub(super) fn planned(&self, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let kind = &self.case.kind;
        let proposed = propose(&self.block, prior, config);
        let connection = &self.connection;
        let request = PlanRequest { kind, prior, config, connection, proposed: &proposed };
        let response = self.provider.plan(request).unwrap_or_else(|e| panic!("{kind}: plan: {}", e.detail));
        let names = |v: &Value| v.as_entries().map(|e| e.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(&response.planned), names(&proposed), "{kind}: the plan does not follow the schema");
        response
    }

    pub(super) fn plan(&self, prior: Option<&Value>, config: &Value) -> (Value, Vec<Path>) {
        let problems = self.provider.validate(&self.case.kind, config);
        assert!(problems.is_empty(), "{}: the configuration is not valid: {problems:?}", self.case.kind);
        let response = self.planned(prior, config);
        (response.planned, response.requires_replace)
    }

    pub(super) fn plan_creation(&self, config: &Value) -> Value {
        let (planned, replaced) = self.plan(None, config);
        assert!(replaced.is_empty(), "{}: a creation replaces", self.case.kind);
        only_computed_unknown(&self.block, &planned, &self.case.kind);
        planned
    }

    pub(super) async fn create(&self, config: &Value, planned: &Value) -> Lived<Value> {
        let outcome = self.created(config, planned).await?;
        let created = self.finished("create", outcome).await?;
        self.is_as_planned("create", planned, &created);
        Ok(created)
    }

    pub(super) async fn update(&self, prior: &Value, config: &Value, planned: &Value) -> Lived<Value> {
        let update = || self.provider.update(self.target(), prior, config, planned);
        let outcome = self.insist("update", update).await?;
        self.finished("update", outcome).await
    }

    pub(super) async fn delete(&self, object: &Value) -> Lived<()> {
        let outcome = self.insist("delete", || self.provider.delete(self.target(), object)).await?;
        let left = self.finished("delete", outcome).await?;
        assert!(left.is_null(), "{}: delete leaves {left:?}", self.case.kind);
        Ok(())
    }

    pub(super) async fn find(&self, planned: &Value) -> Lived<Option<Value>> {
        self.fault.step();
        self.look(planned).await
    }

    /// Looks what became of a creation, as a part of its step.
    async fn look(&self, planned: &Value) -> Lived<Option<Value>> {
        self.repeat("find", || self.provider.find(self.target(), planned)).await
    }

    pub(super) async fn import(&self, id: &str) -> Lived<Value> {
        self.insist("import", || self.provider.import(self.target(), id)).await
    }

    /// The object as it is read; `None` when it is gone.
    pub(super) async fn read(&self, object: &Value) -> Lived<Option<Value>> {
        let (kind, workspace) = (&self.case.kind, &self.case.workspace);
        let objects = [ReadObject { prior: object }];
        let read = async || {
            let mut read = self.provider.read(kind, &self.connection, workspace, &objects).await;
            assert_eq!(read.len(), 1, "{kind}: one outcome for each object");
            match read.remove(0) {
                ReadOutcome::Found(found) | ReadOutcome::Changed(found, _) => Ok(Some(found)),
                ReadOutcome::Gone => Ok(None),
                ReadOutcome::Failed(error) => Err(error),
            }
        };
        self.insist("read", read).await
    }

    /// What a next apply makes of what it finds.
    pub(super) async fn completed(&self, config: &Value, found: Value) -> Lived<Value> {
        let (planned, replaced) = self.plan(Some(&found), config);
        assert!(replaced.is_empty(), "{}: what is taken up is replaced by {replaced:?}", self.case.kind);
        if planned == found { Ok(found) } else { self.update(&found, config, &planned).await }
    }

    /// A creation as the engine makes it: of one whose answer is lost it looks
    /// what became.
    async fn created(&self, config: &Value, planned: &Value) -> Lived<Outcome> {
        self.fault.step();
        let mut patience = Patience::default();
        loop {
            let is_done = Cell::new(false);
            let create = async {
                let outcome = self.provider.create(self.target(), config, planned).await;
                is_done.set(matches!(outcome, Ok(Outcome::Done(_))));
                outcome
            };
            let created = self.call(create).await;
            let error = match created.map_err(|Died { .. }| Died { created: is_done.get() })? {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            if error.class == ErrorClass::Indeterminate
                && let Some(found) = self.look(planned).await?
            {
                // What is missing of it, the next apply brings.
                return Ok(Outcome::Done(self.completed(config, found).await?));
            }
            patience.again(&self.case.kind, "create", &error).await;
        }
    }

    /// A call as the engine makes it, of which to make it twice does no harm.
    async fn insist<T, F>(&self, step: &str, call: impl Fn() -> F) -> Lived<T>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        self.fault.step();
        self.repeat(step, call).await
    }

    async fn repeat<T, F>(&self, step: &str, call: impl Fn() -> F) -> Lived<T>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let mut patience = Patience::default();
        loop {
            match self.call(call()).await? {
                Ok(done) => return Ok(done),
                Err(error) => patience.again(&self.case.kind, step, &error).await,
            }
        }
    }

    /// One call, which is given up at its deadline and may be the last.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Lived<Result<T, ProviderError>> {
        let done = tokio::select! {
            biased;
            () = self.fault.strikes_dead() => return Err(Died { created: false }),
            done = tokio::time::timeout(self.service.deadline, call) => done,
        };
        let late = || {
            let detail = "The service did not answer.";
            Err(ProviderError::new(ErrorClass::Indeterminate, "Operation takes too long", detail))
        };
        if self.fault.is_dead() { Err(Died { created: false }) } else { Ok(done.unwrap_or_else(|_| late())) }
    }

    async fn finished(&self, step: &str, mut outcome: Outcome) -> Lived<Value> {
        for _ in 0..POLLS {
            let operation = match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(operation) => operation,
            };
            tokio::time::sleep(operation.after.min(LONGEST_WAIT)).await;
            outcome = self.insist(step, || self.provider.poll(self.target(), &operation)).await?;
        }
        panic!("{}: {step} does not end", self.case.kind);
    }

    pub(super) fn is_as_planned(&self, step: &str, planned: &Value, actual: &Value) {
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

/// How often a call has been made in vain.
#[derive(Default)]
struct Patience {
    attempts: usize,
    busy: usize,
}

impl Patience {
    /// Waits until the call may be made again.
    async fn again(&mut self, kind: &str, step: &str, error: &ProviderError) {
        match error.class {
            ErrorClass::Busy(_) => self.busy += 1,
            ErrorClass::Indeterminate => self.attempts += 1,
            class if class.is_retryable() => self.attempts += 1,
            _ => panic!("{kind}: {step}: {error}"),
        }
        let is_over = self.attempts >= ATTEMPTS || self.busy >= POLLS;
        assert!(!is_over, "{kind}: {step} fails again and again: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}
