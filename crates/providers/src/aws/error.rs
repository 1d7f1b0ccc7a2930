//! Errors of the SDK as errors of the engine: what kind, and in whose words.
//!
//! Guarantees: the service's request id is said where there is one; a write of
//! which nobody knows whether it was done is never called undone.
//! Must not: show requests, which may hold secrets.

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;
use tenantctl_core::provider::{ErrorClass, ProviderError};

/// Codes by which services ask for fewer calls.
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
];
/// Codes that say that another change is under way.
const BUSY: &[&str] = &["OperationAborted", "ConcurrentModification", "ConcurrentModificationException"];
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];
const MISSING: &[&str] = &[
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchHostedZone",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
];
const TAKEN: &[&str] = &[
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "EntityAlreadyExists",
    "HostedZoneAlreadyExists",
    "ConflictingDomainExists",
    "ResourceInUseException",
];
const QUOTA: &[&str] = &[
    "LimitExceeded",
    "LimitExceededException",
    "LimitsExceeded",
    "ResourceLimitExceededException",
    "ServiceQuotaExceededException",
    "TooManyBuckets",
    "TooManyHostedZones",
];

/// What is said of an endpoint that is not who it should be.
const UNTRUSTED: &str = "Certificate of AWS not trusted";

/// An error of the SDK, with what was being done.
pub(super) struct Failure {
    /// The service's code; empty when it never answered.
    pub(super) code: String,
    /// The error as the engine has it.
    pub(super) error: Box<ProviderError>,
}

impl Failure {
    /// One that no service told of.
    pub(super) fn of(error: ProviderError) -> Self {
        Failure { code: String::new(), error: Box::new(error) }
    }

    /// Whether the service gives one of these codes.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    /// Whether what was asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.error.class == ErrorClass::NotFound
    }
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        *failure.error
    }
}

/// Whether a call may be made twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It does no harm: reads, puts, deletes, and what carries a token.
    Safe,
    /// It could make a second object, or refuse our own.
    Unsafe,
}

/// The error of a call that may be repeated.
pub(super) fn failed<E>(doing: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    classified(doing, Repeat::Safe, error)
}

/// The error of a call, with the class by which the engine goes on.
pub(super) fn classified<E>(doing: &str, repeat: Repeat, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let unknown = if repeat == Repeat::Safe { ErrorClass::Transient } else { ErrorClass::Indeterminate };
    let request = error.request_id().map(str::to_owned);
    let response = match &error {
        SdkError::ServiceError(answer) => Some(answer.raw()),
        SdkError::ResponseError(answer) => Some(answer.raw()),
        _ => None,
    };
    let status = response.map(|response| response.status().as_u16());
    let retry_after = response.and_then(|response| response.headers().get("retry-after")).and_then(seconds);
    let region =
        response.and_then(|response| response.headers().get("x-amz-bucket-region")).map(str::to_owned);
    let code = error.code().unwrap_or_default().to_owned();
    let message = error.message().unwrap_or_default().to_owned();
    let (class, summary) = match (&error, status) {
        (SdkError::ConstructionFailure(_), _) => (ErrorClass::Invalid, "Request not possible"),
        (SdkError::TimeoutError(_), _) => (unknown, "AWS did not answer in time"),
        (SdkError::DispatchFailure(_), _) if is_untrusted(&error) => (ErrorClass::Denied, UNTRUSTED),
        (SdkError::DispatchFailure(_), _) if never_sent(&error) => (ErrorClass::Transient, "AWS not reached"),
        (SdkError::DispatchFailure(_), _) => (unknown, "Connection to AWS lost"),
        (SdkError::ServiceError(_), Some(status)) => by_answer(&code, status, retry_after, unknown),
        _ => (unknown, "Answer of AWS not understood"),
    };
    let said = match (message.is_empty(), code.is_empty()) {
        (false, _) => message.trim_end_matches('.').to_owned(),
        (true, false) => code.clone(),
        (true, true) => match status {
            Some(status) if (400..600).contains(&status) => format!("status {status}"),
            _ => innermost(&error),
        },
    };
    let mut notes: Vec<String> = Vec::new();
    notes.extend((!code.is_empty() && said != code).then(|| code.clone()));
    notes.extend(request.map(|id| format!("request {id}")));
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let mut error = ProviderError::new(class, summary, format!("{doing} failed: {said}{notes}."));
    error.hint = match summary {
        UNTRUSTED => Some("Check the endpoint's address, and whether a proxy stands in between.".into()),
        _ => hint(&code, class, region.as_deref()),
    };
    Failure { code, error: Box::new(error) }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

fn by_answer(
    code: &str,
    status: u16,
    retry_after: Option<Duration>,
    unknown: ErrorClass,
) -> (ErrorClass, &'static str) {
    let is = |codes: &[&str]| codes.contains(&code);
    match status {
        _ if is(THROTTLED) || status == 429 => (ErrorClass::Throttled(retry_after), "Too many calls"),
        _ if is(BUSY) => (ErrorClass::Busy(retry_after), "Another change is under way"),
        _ if is(DENIED) => (ErrorClass::Denied, "Access denied by AWS"),
        _ if is(MISSING) => (ErrorClass::NotFound, "Not found in AWS"),
        _ if is(TAKEN) => (ErrorClass::Conflict, "Object already exists"),
        _ if is(QUOTA) => (ErrorClass::Invalid, "Quota exceeded"),
        200..=299 => (unknown, "Answer of AWS not understood"),
        301 | 307 => (ErrorClass::Invalid, "Wrong region"),
        503 => (ErrorClass::Transient, "AWS is not available"),
        500..=599 => (unknown, "AWS failed"),
        401 | 403 => (ErrorClass::Denied, "Access denied by AWS"),
        404 => (ErrorClass::NotFound, "Not found in AWS"),
        408 => (unknown, "AWS did not answer in time"),
        _ => (ErrorClass::Invalid, "Refused by AWS"),
    }
}

fn hint(code: &str, class: ErrorClass, region: Option<&str>) -> Option<String> {
    let text = match (code, class) {
        ("ExpiredToken" | "ExpiredTokenException", _) => "The credentials have expired: log in again.",
        (
            "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch",
            _,
        ) => "The credentials are not known to AWS: check access key, profile and account.",
        (_, ErrorClass::Denied) => "Check account, role and the permissions of the credentials.",
        ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed", _)
            if region.is_some() =>
        {
            return region.map(|region| format!("It is in the region {region}: set region to that."));
        }
        (code, _) if QUOTA.contains(&code) => "Ask for a higher quota, or remove what is not needed.",
        _ => return None,
    };
    Some(text.into())
}

/// Whether the connection was never made, so that nothing can have been done.
fn never_sent(error: &(dyn Error + 'static)) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        cause = error.source();
    }
    false
}

/// Whether it is not the server that it should be.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    never_sent(error) && innermost(error).contains("certificate")
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().trim_end_matches('.').to_owned()
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
