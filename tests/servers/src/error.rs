//! Why a server could not be brought up.
//!
//! Kept as a value until the public face of the crate, where it becomes a
//! panic: starting has one failure that is tried again, a lost race for a port.

use std::fmt;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Another process took the port between choosing it and listening on it.
    PortTaken(String),
    /// Anything else, as a text for the person reading the test's output.
    Other(String),
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

/// Turns any error into a [`Failure`] that says what was being done.
pub(crate) trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{doing}: {error}")))
    }
}
