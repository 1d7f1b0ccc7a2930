//! Any provider with no cloud at hand: the schema, validation and planning are
//! the wrapped provider's, the objects live in a [`Cloud`].
//!
//! Guarantees: the wrapped provider's service is never called; a creation with
//! the same token gives the same object; an object's name is taken for all
//! workspaces; what a fault script says happens, the same each time.
//! Must not: know any one provider. Objects are told apart by the wrapped
//! provider's identity, else by their attribute `id`.

mod cloud;
mod invent;
mod log;
mod object;
mod sandbox;
mod script;
mod tables;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tenantctl_core::provider;
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Opened, Outcome, PlanRequest, PlanResponse, Provider, ProviderError,
    ProviderSchema, ReadObject, ReadOutcome, SharedProvider, Target, Type, Value,
};

pub use cloud::{Change, Cloud, CloudError, Sealer};
pub use sandbox::{Sandbox, answers};
pub use script::{Class, Effect, Operation, Script, ScriptError};

use cloud::Created;
use invent::Inventor;
use object::Name;
use script::Verdict;
use tables::{Record, Work};

/// A provider whose objects are simulated.
pub struct Simulated {
    inner: SharedProvider,
    cloud: Arc<Cloud>,
    answer: Option<Arc<Answer>>,
}

/// What a service answers, by resource type and planned object.
type Answer = dyn Fn(&str, &Value) -> Value + Send + Sync;

impl From<CloudError> for ProviderError {
    fn from(error: CloudError) -> Self {
        let class = match error {
            CloudError::Io(_) => ErrorClass::Transient,
            _ => ErrorClass::Invalid,
        };
        ProviderError::new(class, "Simulated cloud failed", format!("{error}."))
    }
}

impl Simulated {
    /// The provider with its service replaced by a cloud.
    pub fn new(inner: SharedProvider, cloud: Arc<Cloud>) -> Self {
        Simulated { inner, cloud, answer: None }
    }

    /// The same, with answers for some of what would be invented; what is
    /// still unknown in them is invented as ever.
    #[must_use]
    pub fn answering(mut self, answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    fn block(&self, kind: &str) -> Option<&Block> {
        self.inner.schema().resources.get(kind).map(|resource| &resource.block)
    }

    fn name_of(&self, kind: &str, object: &Value) -> String {
        if self.cloud.faults().is_empty() { String::new() } else { object::name(&*self.inner, kind, object) }
    }

    fn key(&self, target: &Target<'_>, object: &Value) -> Option<String> {
        object::key(&*self.inner, target.kind, target.connection, object)
    }

    fn view(&self, kind: &str, record: &Record) -> Result<Value, CloudError> {
        object::view(record, self.block(kind))
    }

    /// An object, of which this was recorded.
    fn seen(&self, kind: &str, record: &Record, prior: &Value) -> Result<Value, CloudError> {
        if record.work.is_none() && record.is(prior) { Ok(prior.clone()) } else { self.view(kind, record) }
    }

    /// The object with all that a service would add.
    fn finish(&self, target: &Target<'_>, planned: &Value, prior: Option<&Value>, token: &str) -> Value {
        let name = object::text(planned, "name");
        let region = match object::text(planned, "region") {
            region if region.is_empty() => object::text(target.connection, "region"),
            region => region,
        };
        let inventor = Inventor { kind: target.kind, token, name: &name, region: &region };
        let answered = self.answer.as_ref().map(|answer| answer(target.kind, planned));
        let made = inventor.finish(answered.as_ref().unwrap_or(planned), prior);
        match (self.block(target.kind), made.as_entries()) {
            (Some(block), Some(attributes)) => {
                let secret = |name: &str| block.attributes.get(name).is_some_and(|a| a.sensitive);
                let marked = |(name, value): (&Arc<str>, &Value)| {
                    let value = value.clone();
                    (name.clone(), if secret(name) { value.sensitive() } else { value })
                };
                Value::object(attributes.iter().map(marked)).with_marks(made.marks())
            }
            _ => made,
        }
    }

    fn find_now(&self, target: &Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        if let Some((_, record)) = self.cloud.by_token(target.workspace, target.token)? {
            return Ok(Some(self.view(target.kind, &record)?));
        }
        let Some(key) = self.key(target, planned) else { return Ok(None) };
        match self.cloud.get(target.workspace, &key)? {
            None => Ok(None),
            Some(found) if &*found.record.token == target.token => {
                Ok(Some(self.view(target.kind, &found.record)?))
            }
            Some(_) => Err(already_exists(&object::name(&*self.inner, target.kind, planned))),
        }
    }

    fn create_now(
        &self,
        target: &Target<'_>,
        planned: &Value,
        work: Option<Work>,
    ) -> Result<Outcome, ProviderError> {
        let value = self.finish(target, planned, None, target.token);
        let name = object::name(&*self.inner, target.kind, &value);
        let key = self.key(target, &value).ok_or_else(|| {
            let detail = format!("Objects of type {} have neither an identity nor an id.", target.kind);
            ProviderError::new(ErrorClass::Invalid, "Type cannot be simulated", detail)
        })?;
        let record = Record::new(target.token.into(), &value, work)?;
        match self.cloud.create(target.workspace, &key, record.clone())? {
            Created::New => work::outcome(&key, &name, &record, self.block(target.kind)),
            Created::Same(record, key) => work::outcome(&key, &name, &record, self.block(target.kind)),
            Created::Taken => Err(already_exists(&name)),
        }
    }

    fn update_now(
        &self,
        target: &Target<'_>,
        prior: &Value,
        planned: &Value,
        work: Option<Work>,
    ) -> Result<Outcome, ProviderError> {
        let name = object::name(&*self.inner, target.kind, prior);
        let key = self.key(target, prior).ok_or_else(|| gone(&name))?;
        let found = self.cloud.get(target.workspace, &key)?.ok_or_else(|| gone(&name))?;
        let block = self.block(target.kind);
        self.cloud.alter(&found.owner, &key, |slot| {
            let goes_on = work::goes_on(slot, Operation::Update)?;
            let record = slot.as_mut().ok_or_else(|| gone(&name))?;
            if goes_on {
                return work::outcome(&key, &name, record, block);
            }
            record.set_value(&self.finish(target, planned, Some(&record.value(block)?), &record.token))?;
            record.work = work;
            work::outcome(&key, &name, record, block)
        })?
    }

    fn delete_now(
        &self,
        target: &Target<'_>,
        prior: &Value,
        work: Option<Work>,
    ) -> Result<Outcome, ProviderError> {
        let name = object::name(&*self.inner, target.kind, prior);
        let Some(key) = self.key(target, prior) else { return Ok(Outcome::Done(Value::NULL)) };
        let Some(found) = self.cloud.get(target.workspace, &key)? else {
            return Ok(Outcome::Done(Value::NULL));
        };
        let block = self.block(target.kind);
        self.cloud.alter(&found.owner, &key, |slot| {
            let goes_on = work::goes_on(slot, Operation::Delete)?;
            let Some(record) = slot.as_mut() else { return Ok(Outcome::Done(Value::NULL)) };
            if goes_on {
                return work::outcome(&key, &name, record, block);
            }
            if work.is_none() {
                *slot = None;
                return Ok(Outcome::Done(Value::NULL));
            }
            record.work = work;
            work::outcome(&key, &name, record, block)
        })?
    }

    /// What others do to the object before the call.
    fn disturb(
        &self,
        verdict: &Verdict,
        kind: &str,
        workspace: &str,
        key: Option<&str>,
    ) -> Result<(), ProviderError> {
        let Some(key) = key.filter(|_| !verdict.before.is_empty()) else { return Ok(()) };
        let Some(found) = self.cloud.get(workspace, key)? else { return Ok(()) };
        let block = self.block(kind);
        self.cloud.alter(&found.owner, key, |slot| {
            for effect in &verdict.before {
                match effect {
                    Effect::Change { path, value } => {
                        let Some(record) = slot.as_mut() else { continue };
                        if let Some(changed) = object::set_at(&record.value(block)?, path.steps(), value) {
                            record.set_value(&changed)?;
                        }
                    }
                    _ => *slot = None,
                }
            }
            Ok::<_, CloudError>(())
        })??;
        Ok(())
    }

    /// Lets a script have its way before one call.
    async fn begin(
        &self,
        operation: Operation,
        target: &Target<'_>,
        object: &Value,
    ) -> Result<Verdict, ProviderError> {
        if self.cloud.faults().is_empty() {
            return Ok(Verdict::default());
        }
        let name = object::name(&*self.inner, target.kind, object);
        let verdict = self.cloud.faults().judge(operation, target.kind, &name);
        let made = self.cloud.by_token(target.workspace, target.token)?.map(|(key, _)| key.to_string());
        let key = self.key(target, object).or(made);
        self.disturb(&verdict, target.kind, target.workspace, key.as_deref())?;
        work::wait(verdict).await
    }

    /// Lets a script have its way before a bulk read: latency once for the
    /// whole call, failures one by one. Gives them and the latency after it.
    async fn begin_read(
        &self,
        kind: &str,
        workspace: &str,
        keys: &[Option<String>],
        objects: &[ReadObject<'_>],
    ) -> (Vec<Option<ProviderError>>, Duration) {
        if self.cloud.faults().is_empty() {
            return Default::default();
        }
        let (mut latency, mut latency_after) = (Duration::ZERO, Duration::ZERO);
        let mut hangs = false;
        let mut failures = Vec::with_capacity(objects.len());
        for (object, key) in objects.iter().zip(keys) {
            let name = self.name_of(kind, object.prior);
            let verdict = self.cloud.faults().judge(Operation::Read, kind, &name);
            latency = latency.max(verdict.latency);
            hangs |= matches!(verdict.answer, Some(Effect::Hang));
            latency_after = latency_after.max(verdict.latency_after);
            let disturbed = self.disturb(&verdict, kind, workspace, key.as_deref());
            let failure = disturbed.err().or_else(|| work::loss(&verdict));
            failures.push(failure.or_else(|| work::refusal(&verdict)));
        }
        work::delay(latency, hangs).await;
        (failures, latency_after)
    }
}

fn already_exists(name: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::Conflict,
        "Object already exists",
        format!("There is an object {name:?} already that was not made by this creation."),
    )
    .hint("Import it, give the new one another name, or delete the old one.")
}

fn gone(name: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::NotFound,
        "Object not found",
        format!("There is no object {name:?} any more."),
    )
}

#[async_trait]
impl Provider for Simulated {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        self.inner.validate(kind, config)
    }

    /// The wrapped provider's connection; where that needs something which is
    /// not at hand, what the configuration says of the cluster.
    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        if let Ok(connection) = self.inner.connection(provider_config, config) {
            return Ok(connection);
        }
        let given = |of: &Value| of.get("cluster").filter(|cluster| !cluster.is_null());
        Ok(match given(config).or_else(|| given(provider_config)) {
            None => Value::NULL,
            Some(cluster) if cluster.is_wholly_known() => Value::object([("cluster", cluster)]),
            Some(_) => Value::unknown(Type::Dynamic),
        })
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        self.inner.identity(kind, planned)
    }

    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        self.inner.claims(kind, planned)
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        self.inner.plan(request)
    }

    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        let place = object::place(connection);
        let keys: Vec<Option<String>> =
            objects.iter().map(|o| object::key_at(&*self.inner, kind, &place, o.prior)).collect();
        let (mut failures, latency_after) = self.begin_read(kind, workspace, &keys, objects).await;
        failures.resize(objects.len(), None);
        let read = self.cloud.get_many(workspace, &keys);
        work::delay(latency_after, false).await;
        let found = match read {
            Ok(found) => found,
            Err(error) => {
                let error = ProviderError::from(error);
                return objects.iter().map(|_| ReadOutcome::Failed(error.clone())).collect();
            }
        };
        let seen = |record: Option<Record>, prior| match record.map(|it| self.seen(kind, &it, prior)) {
            Some(Ok(value)) => ReadOutcome::Found(value),
            Some(Err(error)) => ReadOutcome::Failed(error.into()),
            None => ReadOutcome::Gone,
        };
        let all = failures.into_iter().zip(found).zip(objects);
        all.map(|((failure, record), object)| {
            failure.map_or_else(|| seen(record, object.prior), ReadOutcome::Failed)
        })
        .collect()
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        let verdict = self.begin(Operation::Find, &target, planned).await?;
        let found = self.find_now(&target, planned)?;
        work::finish(&verdict, found).await
    }

    async fn create(
        &self,
        target: Target<'_>,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        let verdict = self.begin(Operation::Create, &target, planned).await?;
        let outcome = self.create_now(&target, planned, work::start(&verdict, Operation::Create))?;
        work::finish(&verdict, outcome).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        let verdict = self.begin(Operation::Update, &target, prior).await?;
        let outcome = self.update_now(&target, prior, planned, work::start(&verdict, Operation::Update))?;
        work::finish(&verdict, outcome).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        let verdict = self.begin(Operation::Delete, &target, prior).await?;
        let outcome = self.delete_now(&target, prior, work::start(&verdict, Operation::Delete))?;
        work::finish(&verdict, outcome).await
    }

    async fn poll(
        &self,
        target: Target<'_>,
        operation: &provider::Operation,
    ) -> Result<Outcome, ProviderError> {
        let handle = work::Handle::parse(operation)?;
        let mut verdict = self.cloud.faults().judge(Operation::Poll, target.kind, &handle.name);
        self.disturb(&verdict, target.kind, target.workspace, Some(&handle.key))?;
        verdict = work::wait(verdict).await?;
        let outcome = match self.cloud.get(target.workspace, &handle.key)? {
            None => handle.missing(),
            Some(found) => {
                let block = self.block(target.kind);
                self.cloud.alter(&found.owner, &handle.key, |slot| handle.advance(slot, block))?
            }
        }?;
        work::finish(&verdict, outcome).await
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let named = Value::object([("id", id.into())]);
        let verdict = self.begin(Operation::Read, &target, &named).await?;
        let place = object::place(target.connection);
        for by in [Name::Identity, Name::Id] {
            let key = object::key_of(target.kind, &place, by, id);
            if let Some(found) = self.cloud.get(target.workspace, &key)? {
                return work::finish(&verdict, self.view(target.kind, &found.record)?).await;
            }
        }
        Err(gone(id))
    }

    /// What a service might give: arguments as given, results invented.
    async fn open(&self, kind: &str, connection: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let Some(schema) = self.inner.schema().ephemeral.get(kind) else {
            let detail = format!("There is no ephemeral resource {kind}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown ephemeral resource", detail));
        };
        let planned = work::expected(&schema.block, config);
        let token = work::fingerprint(config);
        let target = Target { kind, connection, token: &token, workspace: "" };
        let value = self.finish(&target, &planned, None, &token);
        Ok(Opened { value, handle: None, renew_after: None })
    }

    /// What a service might answer: arguments as given, results invented.
    async fn read_data(
        &self,
        kind: &str,
        connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let Some(schema) = self.inner.schema().data_sources.get(kind) else {
            let detail = format!("There is no data source {kind}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown data source", detail));
        };
        let verdict =
            work::wait(self.cloud.faults().judge(Operation::Read, kind, &self.name_of(kind, config))).await?;
        let planned = work::expected(&schema.block, config);
        let token = work::fingerprint(config);
        let target = Target { kind, connection, token: &token, workspace: "" };
        let found = self.finish(&target, &planned, None, &token);
        work::finish(&verdict, found).await
    }
}
