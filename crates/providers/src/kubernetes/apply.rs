//! Making and changing objects by server-side apply, and finding them again.
//!
//! Guarantees: an object that is not ours is never touched by a creation; what
//! the manifest no longer sets goes away; applying twice does no harm.
//! Must not: read before it writes, except to see whose an object in the way is
//! and what others have set in `computed_fields`.

use std::sync::Arc;

use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, Outcome, ProviderError, Target, Value};

use super::client::{Call, Cluster, escape};
use super::discovery::Location;
use super::error::{About, Effect, Failure, explain, unknown_kind};
use super::health::{is_silent, is_untouched};
use super::manifest::{ObjectId, part, seal, wire};
use super::project::project;
use super::schema::WORKSPACE_ANNOTATION;
use super::secrets::Secrets;
use super::settings::{Handle, Settings, plain};
use super::wait::{Progress, Wait};
use super::watch::pending;
use super::{Kubernetes, clock, fields};

/// An object and the way to it.
pub(super) struct Subject<'a> {
    pub(super) cluster: Arc<Cluster>,
    pub(super) id: ObjectId,
    pub(super) location: Location,
    provider: &'a Kubernetes,
    connection: &'a Value,
    secrets: Secrets,
}

impl Subject<'_> {
    /// The live object; `None` when there is none.
    pub(super) async fn get(&self) -> Result<Option<Json>, ProviderError> {
        match self.cluster.get(&self.location.object).await {
            Ok(live) => Ok(Some(live)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(self.fail(&failure, Effect::Read).await),
        }
    }

    /// The provider's error for a failure.
    pub(super) async fn fail(&self, failure: &Failure, effect: Effect) -> ProviderError {
        let about = About {
            cluster: &self.cluster.place,
            object: &self.id.to_string(),
            effect,
            secrets: &self.secrets,
        };
        if failure.code() == Some(401) {
            self.provider.clients.forget(self.connection).await;
        }
        explain(failure, about)
    }
}

/// A version that no object ever has: the store's first, before any object.
const FIRST_VERSION: &str = "1";

/// What is known of the object when it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    /// That there is to be none.
    Create,
    /// That no other has it: there was none a moment ago, or it is ours, from a
    /// creation that was not recorded.
    Adopt,
    /// That it is recorded.
    Update,
    /// The same, and nothing is to be stored.
    Rehearse,
}

/// Why an apply did not come to its end.
enum Unapplied {
    /// There is an object where one was to be created.
    Exists,
    /// Anything else.
    Failed(Box<ProviderError>),
}

impl From<ProviderError> for Unapplied {
    fn from(error: ProviderError) -> Self {
        Unapplied::Failed(Box::new(error))
    }
}

impl Unapplied {
    fn error(self) -> ProviderError {
        match self {
            Unapplied::Failed(error) => *error,
            Unapplied::Exists => ProviderError::new(
                ErrorClass::Transient,
                "Changed at the same time",
                "The object came to be while it was created.",
            ),
        }
    }
}

/// Whether an object was made by this workspace through this manager.
fn is_ours(live: &Json, manager: &str, workspace: &str) -> bool {
    let managers = live.pointer("/metadata/managedFields").and_then(Json::as_array);
    owner(live) == Some(workspace) && managers.is_some_and(|m| m.iter().any(|e| e["manager"] == manager))
}

/// The workspace that an object belongs to.
pub(super) fn owner(live: &Json) -> Option<&str> {
    live.get("metadata")?.get("annotations")?.get(WORKSPACE_ANNOTATION)?.as_str()
}

fn exists_already(id: &ObjectId, live: &Json) -> ProviderError {
    let whose = match owner(live) {
        Some(workspace) => format!("it belongs to workspace {workspace:?}"),
        None => "it was not made by tenantctl".to_owned(),
    };
    ProviderError::new(
        ErrorClass::Conflict,
        "Object already exists",
        format!("{id} exists already, and {whose}."),
    )
    .hint(format!("Import it with the id {:?}, or give the object another name.", import_id(id)))
}

fn import_id(id: &ObjectId) -> String {
    let namespace = id.namespace.as_ref().map(|n| format!("namespace={n},")).unwrap_or_default();
    format!("apiVersion={},kind={},{namespace}name={}", id.api_version, id.kind, id.name)
}

/// The manifest to apply, and its object.
fn manifest_of(config: &Value, planned: &Value) -> Result<(Value, ObjectId), ProviderError> {
    let candidates = [planned.get("manifest"), config.get("manifest")];
    let known = candidates.into_iter().flatten().find(Value::is_wholly_known);
    let named = known.and_then(|manifest| Some((seal(&manifest), ObjectId::of(&manifest)?)));
    named.ok_or_else(|| {
        ProviderError::new(
            ErrorClass::Invalid,
            "Manifest not known",
            "Parts of the manifest are still unknown.",
        )
    })
}

/// The planned value with what the server made of it.
pub(super) fn settled(planned: &Value, manifest: &Value, live: &Json) -> Value {
    let settings = Settings::of(planned);
    let object = project(manifest, live, settings.view());
    fields::with_entry(&fields::with_entry(planned, "manifest", manifest.clone()), "object", object)
}

impl Kubernetes {
    /// The way to an object. `patient`: its kind may be only just defined.
    pub(super) async fn subject<'a>(
        &'a self,
        connection: &'a Value,
        id: ObjectId,
        sensitive: &Value,
        patient: bool,
    ) -> Result<Subject<'a>, ProviderError> {
        let secrets = Secrets::of(&[sensitive, connection]);
        let object = id.to_string();
        let about = |cluster| About { cluster, object: &object, effect: Effect::Read, secrets: &secrets };
        let cluster = self.clients.cluster(connection).await.map_err(|f| explain(&f, about("")))?;
        let served = if patient { cluster.served_soon(&id).await } else { cluster.served(&id).await };
        let served = match served {
            Ok(served) => served,
            // A cluster that was only just made answers in some minutes.
            Err(failure @ Failure::Unreachable(_)) if patient && cluster.is_of_cloud() => {
                let error = explain(&failure, about(&cluster.place));
                return Err(ProviderError { class: ErrorClass::Busy(None), ..error });
            }
            Err(failure) => {
                if failure.code() == Some(401) {
                    self.clients.forget(connection).await;
                }
                return Err(explain(&failure, about(&cluster.place)));
            }
        };
        let Some(served) = served else { return Err(unknown_kind(&id, &cluster.place)) };
        let location = served.locate(&id).map_err(|f| explain(&f, about(&cluster.place)))?;
        Ok(Subject { cluster, id, location, provider: self, connection, secrets })
    }

    pub(super) async fn find_object(
        &self,
        target: &Target<'_>,
        planned: &Value,
    ) -> Result<Option<Value>, ProviderError> {
        let (manifest, id) = manifest_of(planned, planned)?;
        let subject = match self.subject(target.connection, id, &manifest, false).await {
            Ok(subject) => subject,
            // Without its kind there can be no object.
            Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(live) = subject.get().await? else { return Ok(None) };
        if !is_ours(&live, &Settings::of(planned).manager, target.workspace) {
            return Err(exists_already(&subject.id, &live));
        }
        Ok(Some(settled(planned, &manifest, &live)))
    }

    pub(super) async fn create_object(
        &self,
        target: &Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        let (manifest, id) = manifest_of(config, planned)?;
        let subject = self.subject(target.connection, id, &manifest, true).await?;
        let applied = self.apply(&subject, target.workspace, planned, &manifest, Verb::Create).await;
        let Err(Unapplied::Exists) = applied else { return applied.map_err(Unapplied::error) };
        // Where there is none, it is gone by now, or the conflict was another.
        if let Some(live) = subject.get().await? {
            if live.pointer("/metadata/deletionTimestamp").is_some() {
                return Err(ProviderError::new(
                    ErrorClass::Transient,
                    "Object is being deleted",
                    format!("{} of the same name is still being deleted.", subject.id),
                ));
            }
            if !is_ours(&live, &Settings::of(planned).manager, target.workspace) {
                return Err(exists_already(&subject.id, &live));
            }
        }
        let applied = self.apply(&subject, target.workspace, planned, &manifest, Verb::Adopt).await;
        applied.map_err(Unapplied::error)
    }

    pub(super) async fn update_object(
        &self,
        target: &Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        let (manifest, id) = manifest_of(config, planned)?;
        let before = prior.get("manifest").and_then(|m| ObjectId::of(&m));
        if let Some(before) = before.filter(|before| before.identity() != id.identity()) {
            return Err(ProviderError::new(
                ErrorClass::Invalid,
                "Object changed its name",
                format!(
                    "The manifest, now that it is wholly known, is about {id} and no longer about {before}."
                ),
            )
            .hint("Plan again: the object has to be replaced."));
        }
        let subject = self.subject(target.connection, id, &manifest, true).await?;
        let applied = self.apply(&subject, target.workspace, planned, &manifest, Verb::Update).await;
        applied.map_err(Unapplied::error)
    }

    /// Whether the server would take an update: it goes all the way through
    /// admission and validation, and is not stored.
    pub(super) async fn rehearse_update(
        &self,
        target: &Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<(), ProviderError> {
        let (manifest, id) = manifest_of(config, planned)?;
        let subject = self.subject(target.connection, id, &manifest, false).await?;
        let settings = Settings::of(planned);
        let body = body(&subject, &settings, target.workspace, &manifest, Verb::Rehearse).await?;
        match send(&subject, &settings, &body, Verb::Rehearse).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(subject.fail(&failure, Effect::Read).await),
        }
    }

    async fn apply(
        &self,
        subject: &Subject<'_>,
        workspace: &str,
        planned: &Value,
        manifest: &Value,
        verb: Verb,
    ) -> Result<Outcome, Unapplied> {
        let settings = Settings::of(planned);
        let body = body(subject, &settings, workspace, manifest, verb).await?;
        let live = match send(subject, &settings, &body, verb).await {
            Ok(live) => live,
            Err(failure) if verb == Verb::Create && failure.code() == Some(409) => {
                return Err(Unapplied::Exists);
            }
            Err(failure) => return Err(not_applied(subject, failure).await.into()),
        };
        let value = settled(planned, manifest, &live);
        let wait = Wait::of(planned, &subject.id.kind);
        if wait.is_nothing() {
            return Ok(Outcome::Done(value));
        }
        let stale = is_untouched(&live) || verb == Verb::Update && is_silent(&live);
        let message = match wait.progress(&live) {
            Progress::Ready if stale => "its controller may not have looked at it yet".to_owned(),
            Progress::Ready => return Ok(Outcome::Done(value)),
            // What failed may be of the previous generation: look once more.
            Progress::Waiting(message) | Progress::Failed(message) => message,
        };
        let key = uuid::Uuid::new_v4().to_string();
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.insert(key.clone(), planned.clone());
        }
        self.seen.note(&key, &live);
        let limit = clock::Limit::of(planned, if verb == Verb::Update { "update" } else { "create" });
        let handle = Handle::Rollout { object: subject.id.clone(), wait, key, limit, stale };
        Ok(Outcome::Pending(pending(plain(&handle), message, limit)))
    }
}

/// What is sent of a manifest.
async fn body(
    subject: &Subject<'_>,
    settings: &Settings,
    workspace: &str,
    manifest: &Value,
    verb: Verb,
) -> Result<Json, ProviderError> {
    let mut body = wire(manifest, workspace).ok_or_else(|| {
        ProviderError::new(ErrorClass::Invalid, "Invalid manifest", "The manifest is not an object.")
    })?;
    if verb == Verb::Create {
        // No object is of this version: one that exists is in conflict,
        // and one that does not is made, which takes a single call.
        body["metadata"]["resourceVersion"] = FIRST_VERSION.into();
    } else if !settings.computed.is_empty()
        && let Some(live) = subject.get().await?
    {
        // What others may change is sent as they left it.
        let paths = settings.computed.iter().filter_map(|path| fields::parse(path));
        paths.for_each(|steps| fields::overlay_json(&mut body, &live, &steps));
    }
    Ok(body)
}

async fn send(subject: &Subject<'_>, settings: &Settings, body: &Json, verb: Verb) -> Result<Json, Failure> {
    let (object, manager) = (&subject.location.object, escape(&settings.manager));
    let dry_run = if verb == Verb::Rehearse { "&dryRun=All" } else { "" };
    let once = async |force: bool| {
        let uri = format!("{object}?fieldManager={manager}&force={force}&fieldValidation=Strict{dry_run}");
        let body = Some(("application/apply-patch+yaml", body));
        subject.cluster.call(Call { method: "PATCH", uri: &uri, body }).await
    };
    match once(settings.force).await {
        // The plan has shown the edit, and that it will be put right.
        Err(failure) if matches!(verb, Verb::Update | Verb::Rehearse) && failure.is_hand_edit() => {
            once(true).await
        }
        sent => sent,
    }
}

async fn not_applied(subject: &Subject<'_>, failure: Failure) -> ProviderError {
    // A 404 that does not speak of a namespace: what discovery said is over.
    let namespace = |f: &Failure| {
        matches!(f, Failure::Refused { status, .. }
            if status.details.as_ref().is_some_and(|d| d.kind == "namespaces"))
    };
    if failure.is_not_found() && !namespace(&failure) {
        subject.cluster.forget_kinds(&subject.id.api_version).await;
        let mut error = unknown_kind(&subject.id, &subject.cluster.place);
        error.class = ErrorClass::Transient;
        return error;
    }
    subject.fail(&failure, Effect::Write).await
}

/// The UID of a live object.
pub(super) fn uid(live: &Json) -> Option<&str> {
    live.get("metadata")?.get("uid")?.as_str()
}

/// The manifest's object that a stored value is about.
pub(super) fn recorded(prior: &Value) -> Result<ObjectId, ProviderError> {
    let id = part(prior, &["manifest"]).and_then(|m| ObjectId::of(&m));
    id.ok_or_else(|| {
        ProviderError::new(ErrorClass::Invalid, "Malformed record", "The recorded manifest names no object.")
    })
}
