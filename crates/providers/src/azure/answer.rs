//! Answers of Azure's services, and what they mean.
//!
//! Pure. Guarantees: an error says what the service says, with its code and
//! request id; a refusal because of another change that goes on is told from
//! one that asking again will not help.
//! Must not: call anything, or show a request, which may hold secrets.

use std::time::Duration;

use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError};

/// Codes that say that something else is being done to the object.
const BUSY: &[&str] = &[
    "AnotherOperationInProgress",
    "AnotherOperationInProgressOnParent",
    "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
    "ConflictingConcurrentWriteNotAllowed",
    "EtagMismatch",
    "OperationNotAllowed",
    "OperationPreempted",
    "ResourceGroupBeingDeleted",
    "RetryableError",
];
/// Codes of limits that only people can lift.
const QUOTA: &[&str] = &[
    "ErrCode_InsufficientVCPUQuota",
    "InsufficientVCPUQuota",
    "QuotaExceeded",
    "RoleAssignmentLimitExceeded",
    "SkuNotAvailable",
    "ResourceQuotaExceeded",
];
/// Codes of what a moment ago was made elsewhere and is not yet known here.
const NOT_YET: &[&str] = &["PrincipalNotFound", "ServicePrincipalNotFound", "SubscriptionNotRegistered"];
/// The header that names a request.
const REQUEST: &str = "x-ms-request-id";

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// When to ask again.
    pub(super) retry_after: Option<Duration>,
    /// Where a long operation is asked for.
    pub(super) operation: Option<String>,
    /// The service's name for the request.
    pub(super) request: String,
    /// The body; null when it is none, or no JSON.
    pub(super) body: Json,
}

/// An error of a service, with what was being done.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The HTTP status; 0 when it never answered.
    pub(super) status: u16,
    /// The service's code; empty when it never answered.
    pub(super) code: String,
    /// The error as the engine has it.
    pub(super) error: Box<ProviderError>,
}

impl Failure {
    /// One that no service told of.
    pub(super) fn of(error: ProviderError) -> Self {
        Failure { status: 0, code: String::new(), error: Box::new(error) }
    }

    /// Whether what was asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.error.class == ErrorClass::NotFound
    }

    /// Whether another change goes on that this one has to wait for.
    pub(super) fn is_busy(&self) -> bool {
        self.status != 0 && is_busy(&self.code, &self.error.detail)
    }

    /// Whether the object is not as the request took it to be.
    pub(super) fn is_outdated(&self) -> bool {
        self.status == 412
    }
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        *failure.error
    }
}

impl Answer {
    /// Of a status, headers by lower-case name, and a body.
    pub(super) fn new<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Self {
        let seconds = |text: &str| text.trim().parse().ok().map(Duration::from_secs);
        let milliseconds = |text: &str| text.trim().parse().ok().map(Duration::from_millis);
        let retry_after = header("retry-after-ms")
            .or_else(|| header("x-ms-retry-after-ms"))
            .and_then(milliseconds)
            .or_else(|| header("retry-after").and_then(seconds));
        Answer {
            status,
            retry_after,
            operation: header("azure-asyncoperation").or_else(|| header("location")).map(str::to_owned),
            request: header(REQUEST).unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).unwrap_or(Json::Null),
        }
    }

    /// The answer, when the service did what was asked.
    ///
    /// # Errors
    /// What it says instead.
    pub(super) fn done(self, doing: &str) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.failure(doing)) }
    }

    fn failure(&self, doing: &str) -> Failure {
        let (code, message) = said(&self.body);
        let (class, summary) = classify(self.status, &code, &message, self.retry_after);
        let words = match (message.is_empty(), code.is_empty()) {
            (false, _) => message.clone(),
            (true, false) => code.clone(),
            (true, true) => format!("status {}", self.status),
        };
        let mut notes = Vec::new();
        notes.extend((!code.is_empty() && words != code).then(|| code.clone()));
        notes.extend((!self.request.is_empty()).then(|| format!("request {}", self.request)));
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        let detail = format!("{doing} failed: {words}{notes}.");
        let mut error = ProviderError::new(class, summary, detail);
        error.hint = hint(&code, class);
        Failure { status: self.status, code, error: Box::new(error) }
    }
}

/// What an error's body says: its code, and its words with those of the causes.
pub(super) fn said(body: &Json) -> (String, String) {
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
    let text = |of: &Json, name: &str| of.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let trimmed = |text: String| text.trim().trim_end_matches('.').to_owned();
    let code = text(error, "code");
    let mut message = trimmed(text(error, "message"));
    let details = error.get("details").and_then(Json::as_array).into_iter().flatten();
    for cause in details.map(|detail| trimmed(text(detail, "message"))).filter(|cause| !cause.is_empty()) {
        if !message.contains(&cause) {
            message = if message.is_empty() { cause } else { format!("{message}: {cause}") };
        }
    }
    let inner = error.get("innererror").map(|inner| text(inner, "code")).filter(|inner| !inner.is_empty());
    (inner.unwrap_or(code), message)
}

/// A quota is refused by the same code as a change at a bad time.
fn is_quota(code: &str, message: &str) -> bool {
    QUOTA.contains(&code) || (code == "OperationNotAllowed" && message.to_lowercase().contains("quota"))
}

fn is_busy(code: &str, message: &str) -> bool {
    BUSY.contains(&code) && !is_quota(code, message)
}

fn classify(
    status: u16,
    code: &str,
    message: &str,
    retry_after: Option<Duration>,
) -> (ErrorClass, &'static str) {
    match status {
        429 => (ErrorClass::Throttled(retry_after), "Too many calls"),
        _ if is_quota(code, message) => (ErrorClass::Invalid, "Quota exceeded"),
        _ if is_busy(code, message) => (ErrorClass::Busy(retry_after), "Another change is under way"),
        _ if NOT_YET.contains(&code) => (ErrorClass::Busy(retry_after), "Not known everywhere yet"),
        400 => (ErrorClass::Invalid, "Refused by Azure"),
        401 | 403 => (ErrorClass::Denied, "Access denied by Azure"),
        404 | 410 => (ErrorClass::NotFound, "Not found in Azure"),
        408 => (ErrorClass::Transient, "Azure did not answer in time"),
        409 => (ErrorClass::Conflict, "Object already exists or is in use"),
        412 => (ErrorClass::Transient, "Object changed meanwhile"),
        500..=599 => (ErrorClass::Transient, "Azure failed"),
        _ => (ErrorClass::Invalid, "Refused by Azure"),
    }
}

fn hint(code: &str, class: ErrorClass) -> Option<String> {
    let text = match (code, class) {
        ("ExpiredAuthenticationToken", _) => "The credentials have expired: log in again.",
        ("InvalidAuthenticationTokenTenant", _) => {
            "The subscription belongs to another tenant: check tenant_id."
        }
        ("SubscriptionNotFound", _) => "Check subscription_id, and that the credentials may see it.",
        ("ResourceGroupNotFound", _) => "Create the resource group first, or name the right one.",
        (_, ErrorClass::Denied) => "Check subscription, tenant and the role assignments of the credentials.",
        (_, ErrorClass::Invalid) if QUOTA.contains(&code) => {
            "Ask for a higher quota, or use another size or region."
        }
        _ => return None,
    };
    Some(text.into())
}

/// Somebody else's object.
pub(super) fn not_ours(what: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::Conflict,
        "Object already exists",
        format!("There is {what} already that was not made by this creation."),
    )
    .hint("Import it, give the new one another name, or delete the old one.")
}

/// What was to be changed is not there.
pub(super) fn gone(what: &str) -> ProviderError {
    ProviderError::new(ErrorClass::NotFound, "Object not found", format!("There is no {what} any more."))
        .hint("Plan again: it was removed by somebody else.")
}

/// An id that import cannot read.
pub(super) fn bad_id(kind: &str, shape: &str) -> ProviderError {
    ProviderError::new(ErrorClass::Invalid, "Invalid import id", format!("The id of {kind} is {shape}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Json) -> Answer {
        Answer { status, request: "r-1".into(), body, ..Answer::default() }
    }

    #[test]
    fn each_refusal_has_its_class() {
        let error = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
        let cases = [
            (429, error("TooManyRequests", "slow"), ErrorClass::Throttled(None)),
            (503, Json::Null, ErrorClass::Transient),
            (409, error("OperationNotAllowed", "another operation is in progress"), ErrorClass::Busy(None)),
            (409, error("OperationNotAllowed", "exceeding approved Cores quota"), ErrorClass::Invalid),
            (409, error("VaultAlreadyExists", "taken"), ErrorClass::Conflict),
            (412, error("PreconditionFailed", "changed"), ErrorClass::Transient),
            (404, error("ResourceNotFound", "no"), ErrorClass::NotFound),
            (403, error("AuthorizationFailed", "no"), ErrorClass::Denied),
            (400, error("PrincipalNotFound", "not yet"), ErrorClass::Busy(None)),
            (403, error("PrincipalNotFound", "not yet"), ErrorClass::Busy(None)),
            (400, error("InvalidParameter", "no"), ErrorClass::Invalid),
        ];
        for (status, body, class) in cases {
            let failure = answer(status, body).done("Asking").expect_err("refused");
            assert_eq!(failure.error.class, class, "{status} {failure:?}");
            assert!(failure.error.detail.contains("r-1"), "{failure:?}");
        }
        assert!(answer(201, Json::Null).done("Asking").is_ok());
    }

    #[test]
    fn errors_say_what_the_service_says() {
        let body = json!({"error": {"code": "BadRequest", "message": "It failed.", "details": [{"message": "The size."}]}});
        let failure = answer(400, body).done("Creating the cluster \"c\"").expect_err("refused");
        assert_eq!(
            failure.error.detail,
            "Creating the cluster \"c\" failed: It failed: The size (BadRequest, request r-1)."
        );
        let inner = json!({"error": {"code": "Conflict", "message": "m", "innererror": {"code": "ObjectIsDeletedButRecoverable"}}});
        assert_eq!(said(&inner).0, "ObjectIsDeletedButRecoverable");
    }

    #[test]
    fn headers_of_long_operations_are_read() {
        let header = |name: &str| match name {
            "azure-asyncoperation" => Some("https://a/op"),
            "location" => Some("https://a/other"),
            "retry-after" => Some("7"),
            _ => None,
        };
        let answer = Answer::new(202, header, b"");
        assert_eq!(answer.operation.as_deref(), Some("https://a/op"));
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    }
}
