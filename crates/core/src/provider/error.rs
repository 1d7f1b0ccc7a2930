//! Errors of providers, with the class by which the engine decides whether to
//! retry, to look again, or to stop.

use std::fmt;
use std::time::Duration;

use crate::value::Path;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The service is busy or away and nothing was done: try again.
    Transient,
    /// Too many requests and nothing was done: try again, not before this.
    Throttled(Option<Duration>),
    /// The service is at an earlier change of the object, and nothing was done:
    /// wait until that is over, not less than this.
    Busy(Option<Duration>),
    /// Nobody knows whether it was done: look before doing anything else.
    Indeterminate,
    /// Somebody else's object or field is in the way.
    Conflict,
    /// What it needs is not there (a namespace, a type).
    NotFound,
    /// Credentials are missing, wrong or not enough.
    Denied,
    /// The service refuses what was asked; asking again will not help.
    Invalid,
}

impl ErrorClass {
    /// Whether the same call may be made again without looking first.
    pub fn is_retryable(self) -> bool {
        matches!(self, ErrorClass::Transient | ErrorClass::Throttled(_) | ErrorClass::Busy(_))
    }
}

/// A failed call.
#[derive(Clone, Debug)]
pub struct ProviderError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The kind of problem in a few constant words.
    pub summary: String,
    /// What happened, with the service's own words and request id.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// The attribute at fault.
    pub path: Option<Path>,
}

impl ProviderError {
    /// An error without hint or attribute.
    pub fn new(class: ErrorClass, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        ProviderError { class, summary: summary.into(), detail: detail.into(), hint: None, path: None }
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the attribute at fault.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.summary, self.detail)
    }
}

impl std::error::Error for ProviderError {}
