//! Problems of a configuration, found before anything is called.
//!
//! Rules are those that the services publish. What is unknown is no problem.

use tenantctl_core::provider::{AttributeError, Path, Value};

use super::tags::RESERVED;

/// What is wrong with one configuration.
pub(crate) struct Problems<'a> {
    /// The configuration.
    pub(crate) config: &'a Value,
    found: Vec<AttributeError>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(config: &'a Value) -> Self {
        Problems { config, found: Vec::new() }
    }

    pub(crate) fn into_found(self) -> Vec<AttributeError> {
        self.found
    }

    /// One more.
    pub(crate) fn push(&mut self, path: Path, summary: &'static str, detail: impl Into<String>) {
        self.found.push(AttributeError { path, summary, detail: detail.into(), hint: None });
    }

    /// With what to do about the last one.
    pub(crate) fn hint(&mut self, hint: &str) {
        if let Some(last) = self.found.last_mut() {
            last.hint = Some(hint.to_owned());
        }
    }

    /// The part at a path, when it is known and not null.
    pub(crate) fn at(&self, path: &Path) -> Option<Value> {
        self.config.at_path(path).filter(|value| value.is_known() && !value.is_null())
    }

    /// The known text at a path.
    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        self.at(path)?.as_str().map(str::to_owned)
    }

    /// The known whole number at a path.
    pub(crate) fn int(&self, path: &Path) -> Option<i64> {
        self.at(path)?.as_number()?.as_i64()
    }

    /// The paths of the elements or blocks at a path.
    pub(crate) fn each(&self, path: &Path) -> Vec<Path> {
        let count = self.at(path).and_then(|value| value.as_items().map(<[_]>::len)).unwrap_or(0);
        (0..count).map(|i| path.index(i)).collect()
    }

    /// At most one block of a type; its path when there is one.
    pub(crate) fn single(&mut self, path: &Path) -> Option<Path> {
        let each = self.each(path);
        if each.len() > 1 {
            self.push(path.clone(), "Too many blocks", format!("There may be one {path} block at most."));
        }
        each.into_iter().next()
    }

    /// Exactly one block of a type.
    pub(crate) fn exactly_one(&mut self, path: &Path) -> Option<Path> {
        let known = self.at(path).is_some();
        let first = self.single(path);
        if known && first.is_none() {
            self.push(path.clone(), "Missing block", format!("There must be one {path} block."));
        }
        first
    }

    /// One of these words.
    pub(crate) fn one_of(&mut self, path: &Path, allowed: &[&str]) {
        if let Some(text) = self.text(path)
            && !allowed.contains(&text.as_str())
        {
            self.push(
                path.clone(),
                "Invalid value",
                format!("{path} is {text:?}, and must be one of {}.", allowed.join(", ")),
            );
        }
    }

    /// A number in a range.
    pub(crate) fn range(&mut self, path: &Path, range: std::ops::RangeInclusive<i64>) {
        if let Some(number) = self.int(path)
            && !range.contains(&number)
        {
            let (from, to) = (range.start(), range.end());
            self.push(
                path.clone(),
                "Number out of range",
                format!("{path} is {number}, and must be from {from} to {to}."),
            );
        }
    }

    /// Two arguments that exclude each other.
    pub(crate) fn exclusive(&mut self, a: &Path, b: &Path) {
        if self.at(a).is_some() && self.at(b).is_some() {
            self.push(a.clone(), "Conflicting arguments", format!("Only one of {a} and {b} may be set."));
        }
    }

    /// Tags as services take them.
    pub(crate) fn tags(&mut self) {
        let path = Path::root().attribute("tags");
        let Some(tags) = self.at(&path) else { return };
        for (name, value) in tags.as_entries().into_iter().flatten() {
            let problem = if name.is_empty() || name.chars().count() > 128 {
                Some(format!("The tag name {name:?} must have 1 to 128 characters."))
            } else if let Some(prefix) = reserved(name) {
                Some(format!("The tag name {name:?} is reserved: it starts with {prefix}."))
            } else if value.as_str().is_some_and(|text| text.chars().count() > 256) {
                Some(format!("The value of the tag {name:?} must have at most 256 characters."))
            } else {
                None
            };
            if let Some(problem) = problem {
                self.push(path.attribute(name.clone()), "Invalid tag", problem);
            }
        }
    }
}

fn reserved(name: &str) -> Option<&'static str> {
    RESERVED.into_iter().find(|prefix| name.to_ascii_lowercase().starts_with(prefix))
}
