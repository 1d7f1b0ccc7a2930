//! Paths into values: which attribute of a resource a message, a drift or a
//! replacement is about.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A way from a value down to one of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(Vec<PathStep>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathStep {
    /// An element of a list, set or tuple, from 0.
    Index(usize),
    /// An attribute of an object or an element of a map.
    Attribute(Arc<str>),
}

impl Path {
    /// The path to the value itself.
    pub fn root() -> Self {
        Path::default()
    }

    /// The steps from the outside in.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// This path and one attribute further.
    #[must_use]
    pub fn attribute(&self, name: impl Into<Arc<str>>) -> Self {
        self.step(PathStep::Attribute(name.into()))
    }

    /// This path and one element further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(PathStep::Index(index))
    }

    /// This path and one step further.
    #[must_use]
    pub fn step(&self, step: PathStep) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Path(steps)
    }

    /// Whether `self` is `other` or leads to something inside `other`.
    pub fn starts_with(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// `spec.containers[0].env["PATH"]`; the root is empty.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Attribute(name) if i == 0 => f.write_str(name)?,
                PathStep::Attribute(name) if is_identifier(name) => write!(f, ".{name}")?,
                PathStep::Attribute(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
