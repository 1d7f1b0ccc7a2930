//! What went wrong with a request, and what that means to the engine.
//!
//! Pure. Guarantees: every failure gets the class that decides about trying
//! again; the server's words stand in the detail, without anything that the
//! caller names as secret.
//! Must not: show tokens, keys, or values of sensitive manifests.

use std::fmt::Write as _;
use std::time::Duration;

use kube::core::Status;
use kube::core::response::StatusCause;
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::fields;
use super::manifest::ObjectId;
use super::secrets::Secrets;

/// How the server begins when a manifest does not fit its kind's schema.
const MISFIT: [&str; 2] = ["failed to create typed patch object", "failed to convert new object"];

/// When to look again whether a quota is counted: for kinds that are new to the
/// server that takes half a minute.
const COUNTING: Duration = Duration::from_secs(2);

/// How a request failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The server answered, and not with success.
    Refused {
        /// Its words.
        status: Box<Status>,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent.
    Unreachable(String),
    /// It was sent, and no whole answer came back.
    Lost(String),
    /// It was sent, and in this time nothing came back.
    Unanswered(Duration),
    /// The server is not the one it should be, or we cannot say who we are.
    Untrusted(String),
    /// The connection's settings make no sense.
    Misconfigured(String),
    /// The cloud that runs the cluster gives no credentials.
    Cloud(Box<ProviderError>),
}

impl Failure {
    /// Whether nobody but people at `kubectl` holds the fields in conflict:
    /// drift to be repaired, unlike a controller that will set them again.
    pub(super) fn is_hand_edit(&self) -> bool {
        let Failure::Refused { status, .. } = self else { return false };
        let managers = || causes(status).iter().filter(|c| c.reason == "FieldManagerConflict");
        managers().next().is_some() && managers().all(|c| manager(c).starts_with("kubectl"))
    }

    /// Whether the server says that there is no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether nobody answered at all; an answer that broke off is one.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Failure::Unreachable(_) | Failure::Unanswered(_))
    }

    /// The HTTP status of the answer.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Failure::Refused { status, .. } => Some(status.code),
            _ => None,
        }
    }
}

/// Whether a request can have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It cannot.
    Read,
    /// It can.
    Write,
}

/// What a request was about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Where it went.
    pub(super) cluster: &'a str,
    /// The object.
    pub(super) object: &'a str,
    /// What it may have done.
    pub(super) effect: Effect,
    /// What must not be shown.
    pub(super) secrets: &'a Secrets,
}

/// The provider's error for a failure.
pub(super) fn explain(failure: &Failure, about: About<'_>) -> ProviderError {
    let About { cluster, object, effect, secrets } = about;
    let transport = |class, summary: &str, what: &str, why: &str| {
        ProviderError::new(class, summary, secrets.scrub(&format!("{what}: {why}.")))
    };
    let lost = |why: &str| match effect {
        Effect::Write => transport(
            ErrorClass::Indeterminate,
            "Answer lost",
            &format!(
                "The cluster at {cluster} was sent the change of {object}, but its answer did not arrive"
            ),
            why,
        ),
        Effect::Read => transport(
            ErrorClass::Transient,
            "Answer lost",
            &format!("The answer of the cluster at {cluster} about {object} did not arrive"),
            why,
        ),
    };
    match failure {
        Failure::Refused { status, retry_after } => refused(status, *retry_after, about),
        Failure::Unreachable(why) => transport(
            ErrorClass::Transient,
            "Cluster not reachable",
            &format!("No connection to the cluster at {cluster} for {object}"),
            why,
        )
        .hint(
            "Check the cluster's address and that it can be reached from here, then run the command again.",
        ),
        Failure::Lost(why) => lost(why),
        Failure::Unanswered(time) => lost(&format!("no answer within {} s", time.as_secs())),
        Failure::Untrusted(why) => transport(
            ErrorClass::Denied,
            "Cluster not trusted",
            &format!("No trusted connection to the cluster at {cluster}"),
            why,
        )
        .hint("Check the certificate authority and the credentials of the cluster."),
        Failure::Cloud(error) => (**error).clone(),
        Failure::Misconfigured(why) => {
            transport(ErrorClass::Invalid, "Invalid cluster connection", "The cluster cannot be used", why)
        }
    }
}

fn refused(status: &Status, retry_after: Option<Duration>, about: About<'_>) -> ProviderError {
    let About { object, effect, secrets, .. } = about;
    let words = words(status, secrets);
    let error = |class, summary: &str, detail: String| ProviderError::new(class, summary, detail);
    let said = |class, summary: &str| error(class, summary, format!("The server refused {object}: {words}"));
    let maybe_done = match effect {
        Effect::Read => ErrorClass::Transient,
        Effect::Write => ErrorClass::Indeterminate,
    };
    match status.code {
        401 => said(ErrorClass::Denied, "Not authenticated")
            .hint("The credentials of the cluster are missing, wrong or expired."),
        403 if has_cause(status, "NamespaceTerminating") => {
            said(ErrorClass::NotFound, "Namespace is being deleted")
        }
        // The quota is younger than the last look of who counts for it.
        403 if status.message.contains("status unknown for quota") => {
            said(ErrorClass::Busy(Some(COUNTING)), "Quota not counted yet")
                .hint("A kind that the cluster has just learned may be counted up to five minutes later.")
        }
        403 => said(ErrorClass::Denied, "Not allowed")
            .hint("Let the user named there do it, by a role and its binding, or use other credentials."),
        404 => not_found(status, about, &words),
        409 if has_cause(status, "FieldManagerConflict") => field_conflict(status, about),
        409 | 410 => said(ErrorClass::Transient, "Changed at the same time"),
        429 => {
            let seconds = status.details.as_ref().map_or(0, |d| d.retry_after_seconds);
            let hinted = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            said(ErrorClass::Throttled(retry_after.or(hinted)), "Too many requests")
                .hint("Run the command again later, or with a smaller -parallelism.")
        }
        503 => said(ErrorClass::Transient, "Server not available"),
        500 if status.message.contains("failed calling webhook") => {
            said(ErrorClass::Transient, "Admission webhook not available")
        }
        // Said of the manifest before anything is done, whatever the status.
        500 if MISFIT.iter().any(|start| status.message.starts_with(start)) => untyped(status, about, &words),
        500..=599 => error(maybe_done, "Server error", format!("The server failed on {object}: {words}"))
            .hint("Look what ails the server, then run the command again: it looks first what was done."),
        _ => invalid(status, about, &words),
    }
}

fn not_found(status: &Status, about: About<'_>, words: &str) -> ProviderError {
    let object = about.object;
    let missing = status.details.as_ref().filter(|d| d.kind == "namespaces" && !d.name.is_empty());
    if let Some(details) = missing {
        return ProviderError::new(
            ErrorClass::NotFound,
            "Namespace does not exist",
            format!("{object} cannot be made: namespace {:?} does not exist.", details.name),
        )
        .hint("Create the namespace first, or refer to the resource that makes it.");
    }
    ProviderError::new(
        ErrorClass::NotFound,
        "Not found",
        format!("The server does not find {object}: {words}"),
    )
}

/// A kind that discovery does not list.
pub(super) fn unknown_kind(id: &ObjectId, cluster: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::NotFound,
        "Kind not known to the cluster",
        format!("The cluster at {cluster} does not know {} of {}.", id.kind, id.api_version),
    )
    .hint("Install its CustomResourceDefinition first, or in this plan, and let this resource depend on it.")
}

fn has_cause(status: &Status, reason: &str) -> bool {
    status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == reason))
}

fn causes(status: &Status) -> &[StatusCause] {
    status.details.as_ref().map_or(&[], |d| &d.causes)
}

/// The manager that a conflict's cause names.
fn manager(cause: &StatusCause) -> &str {
    cause.message.split('"').nth(1).unwrap_or(&cause.message)
}

/// Fields of ours that another manager owns.
fn field_conflict(status: &Status, about: About<'_>) -> ProviderError {
    let mut managers: Vec<&str> = Vec::new();
    let mut detail = format!("Others own fields of {} that the manifest sets:", about.object);
    for cause in causes(status).iter().filter(|c| c.reason == "FieldManagerConflict") {
        let manager = manager(cause);
        if !managers.contains(&manager) {
            managers.push(manager);
        }
        let _ = write!(detail, "\n  {} is owned by {manager}", cause.field.trim_start_matches('.'));
    }
    let error = ProviderError::new(ErrorClass::Conflict, "Field owned by another manager", about.secrets.scrub(&detail))
        .hint(format!(
            "Take the fields out of the manifest or list them in computed_fields, or take them from {} with field_manager {{ force_conflicts = true }}.",
            managers.join(" and ")
        ));
    with_path(error, status)
}

fn invalid(status: &Status, about: About<'_>, words: &str) -> ProviderError {
    let listed: Vec<&StatusCause> = causes(status).iter().filter(|c| !c.field.is_empty()).collect();
    let mut detail = format!("The server refused {}:", about.object);
    if listed.is_empty() {
        let _ = write!(detail, " {words}");
    }
    for cause in listed {
        let _ = write!(
            detail,
            "\n  {}: {}",
            cause.field.trim_start_matches('.'),
            cause_words(cause, about.secrets)
        );
    }
    let error = ProviderError::new(ErrorClass::Invalid, "Object not accepted", about.secrets.scrub(&detail));
    let immutable = status.message.contains("immutable") || status.message.contains("are forbidden");
    let error = if immutable {
        error.hint("The field cannot be changed in place: replace the object with -replace.")
    } else {
        error
    };
    with_path(error, status)
}

/// A manifest with a field that the kind does not have, or of another type.
fn untyped(status: &Status, about: About<'_>, words: &str) -> ProviderError {
    let error = ProviderError::new(
        ErrorClass::Invalid,
        "Object not accepted",
        format!("The manifest of {} does not fit its kind: {words}", about.object),
    );
    match status.message.split_once("): .").and_then(|(_, rest)| rest.split_once(": ")) {
        Some((field, _)) => error.path(fields::in_manifest(field)),
        None => error,
    }
}

fn with_path(error: ProviderError, status: &Status) -> ProviderError {
    match causes(status).iter().find(|c| !c.field.is_empty()) {
        Some(cause) => error.path(fields::in_manifest(&cause.field)),
        None => error,
    }
}

/// A cause without the value that it quotes when that may be secret.
fn cause_words(cause: &StatusCause, secrets: &Secrets) -> String {
    match cause.message.split_once("Invalid value:") {
        Some((before, _)) if !secrets.is_empty() => {
            format!("{before}Invalid value (not shown, since the manifest holds sensitive values)")
        }
        _ => cause.message.clone(),
    }
}

/// The server's message on one line, without what may be secret.
fn words(status: &Status, secrets: &Secrets) -> String {
    let message = if status.message.is_empty() { &status.reason } else { &status.message };
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // Servers quote values, whole or in part.
    let quote = ["Invalid value:", ", got "].iter().filter_map(|start| message.find(start)).min();
    let shown = match quote {
        Some(start) if !secrets.is_empty() => format!("{} (value not shown)", &message[..start]),
        _ => message,
    };
    let mut shown = secrets.scrub(&shown);
    if shown.chars().count() > 1000 {
        shown = shown.chars().take(1000).chain("...".chars()).collect();
    }
    if shown.is_empty() {
        shown = format!("HTTP status {}", status.code);
    }
    if !shown.ends_with(['.', '!', '?']) {
        shown.push('.');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenantctl_core::provider::Value;

    use super::*;

    fn explained(status: serde_json::Value, effect: Effect, secrets: &Secrets) -> ProviderError {
        let status: Status = serde_json::from_value(status).expect("a status");
        let failure = Failure::Refused { status: status.boxed(), retry_after: None };
        explain(&failure, About { cluster: "https://c", object: "Secret \"s\"", effect, secrets })
    }

    #[test]
    fn answers_have_classes() {
        let counting = ErrorClass::Busy(Some(COUNTING));
        use ErrorClass::{Conflict, Denied, Indeterminate, Invalid, NotFound, Throttled, Transient};
        let terminating =
            json!({"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]});
        let taken = json!({"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.a"}]});
        let cases = [
            (json!({"code": 401}), Denied, Denied),
            (json!({"code": 403, "message": "no"}), Denied, Denied),
            (json!({"code": 403, "message": "status unknown for quota: q"}), counting, counting),
            (json!({"code": 403, "details": terminating}), NotFound, NotFound),
            (json!({"code": 404, "details": {"kind": "namespaces", "name": "x"}}), NotFound, NotFound),
            (json!({"code": 409, "details": taken}), Conflict, Conflict),
            (json!({"code": 409, "reason": "Conflict"}), Transient, Transient),
            (json!({"code": 422}), Invalid, Invalid),
            (json!({"code": 400}), Invalid, Invalid),
            (
                json!({"code": 429, "details": {"retryAfterSeconds": 3}}),
                Throttled(Some(Duration::from_secs(3))),
                Throttled(Some(Duration::from_secs(3))),
            ),
            (json!({"code": 500}), Transient, Indeterminate),
            (json!({"code": 500, "message": "failed calling webhook \"x\""}), Transient, Transient),
            (
                json!({"code": 500, "message": "failed to create typed patch object (x): .dta: unknown"}),
                Invalid,
                Invalid,
            ),
            (json!({"code": 503}), Transient, Transient),
            (json!({"code": 504}), Transient, Indeterminate),
        ];
        for (status, read, write) in cases {
            let none = Secrets::default();
            assert_eq!(explained(status.clone(), Effect::Read, &none).class, read, "{status}");
            assert_eq!(explained(status.clone(), Effect::Write, &none).class, write, "{status}");
        }
    }

    #[test]
    fn conflicts_name_manager_and_field() {
        let status = json!({"code": 409, "details": {"causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl-edit\" using apps/v1", "field": ".spec.replicas"},
        ]}});
        let error = explained(status, Effect::Write, &Secrets::default());
        assert!(error.detail.contains("spec.replicas is owned by kubectl-edit"), "{}", error.detail);
        assert!(error.hint.expect("a hint").contains("force_conflicts = true"));
        assert_eq!(error.path.expect("a path").to_string(), "manifest.spec.replicas");
    }

    #[test]
    fn nothing_sensitive_is_told() {
        let secret = Value::object([("password", Value::from("hunter2").sensitive())]);
        let secrets = Secrets::of(&[&secret]);
        let status = json!({"code": 422, "message": "Secret \"s\" is invalid: data: Invalid value: \"hunt...(truncated)\"",
        "details": {"causes": [
            {"field": "data.password", "message": "Invalid value: \"hunt\": bad"},
            {"field": "data.other", "message": "hunter2 is too short"},
        ]}});
        let error = explained(status, Effect::Write, &secrets);
        let text = format!("{error:?} {secrets:?}");
        assert!(!text.contains("hunter2") && !text.contains("\"hunt\\\""), "{text}");
        assert!(text.contains("data.password"), "{text}");
    }
}
