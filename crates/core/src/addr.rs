//! Names of things: workspaces and addresses, in Terraform's notation.
//!
//! Guarantees: `Display` and `FromStr` are inverse; addresses order as their
//! parts do, indexes by number.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a tenant, tier or environment: a DNS label.
pub const MAX_NAME: usize = 63;

/// Whether a tenant, tier or environment may have this name: lower-case
/// letters, digits and inner hyphens, starting with a letter, 63 at most.
pub fn is_valid_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The name of one unit of state: `acme`, `acme/production-eu`, `platform`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct WorkspaceName(Arc<str>);

impl WorkspaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkspaceName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut parts = text.split('/');
        let valid = parts.by_ref().take(2).all(is_valid_name) && parts.next().is_none();
        if valid { Ok(WorkspaceName(text.into())) } else { Err(AddressError::new("workspace name", text)) }
    }
}

impl<'de> Deserialize<'de> for WorkspaceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is not the address or name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}")]
pub struct AddressError {
    what: &'static str,
    text: String,
}

impl AddressError {
    fn new(what: &'static str, text: &str) -> Self {
        AddressError { what, text: text.into() }
    }
}

/// Which instance of a block with `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InstanceKey {
    /// From `count`.
    Index(usize),
    /// From `for_each`.
    Key(Arc<str>),
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstanceKey::Index(i) => write!(f, "[{i}]"),
            InstanceKey::Key(k) => write!(f, "[{}]", quote(k)),
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// One step of a module path: `module.db["eu"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleStep {
    /// The name of the call.
    pub name: Arc<str>,
    /// Which instance of the call.
    pub key: Option<InstanceKey>,
}

/// A module instance; empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Arc<[ModuleStep]>);

impl ModulePath {
    /// The root module.
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[ModuleStep] {
        &self.0
    }

    /// A child of this instance.
    #[must_use]
    pub fn child(&self, name: Arc<str>, key: Option<InstanceKey>) -> Self {
        let step = ModuleStep { name, key };
        ModulePath(self.0.iter().cloned().chain([step]).collect())
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let dot = if i > 0 { "." } else { "" };
            write!(f, "{dot}module.{}", step.name)?;
            if let Some(key) = &step.key {
                key.fmt(f)?;
            }
        }
        Ok(())
    }
}

/// Managed by us, only read, or opened and never kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceMode {
    /// A `resource` block.
    #[default]
    Managed,
    /// A `data` block.
    Data,
    /// An `ephemeral` block.
    Ephemeral,
}

impl ResourceMode {
    /// What stands before the type in an address.
    pub fn prefix(self) -> &'static str {
        match self {
            ResourceMode::Managed => "",
            ResourceMode::Data => "data.",
            ResourceMode::Ephemeral => "ephemeral.",
        }
    }
}

/// A resource instance: `module.db.cnpg_cluster.main["eu"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceAddress {
    /// The module instance it is in.
    pub module: ModulePath,
    /// Managed, data or ephemeral.
    pub mode: ResourceMode,
    /// Its type, `kubernetes_manifest`.
    pub kind: Arc<str>,
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Which instance.
    pub key: Option<InstanceKey>,
}

impl ResourceAddress {
    /// The same address without instance key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        ResourceAddress { key: None, ..self.clone() }
    }

    /// The same address without instance key, in all instances of the modules
    /// that follow the first few.
    #[must_use]
    pub fn within(&self, instances: usize) -> Self {
        let steps = self.module.steps();
        let rest = steps.get(instances..).unwrap_or_default();
        if rest.iter().all(|step| step.key.is_none()) {
            return self.without_key();
        }
        let rest = rest.iter().map(|step| ModuleStep { key: None, ..step.clone() });
        let module = ModulePath::of(steps[..instances].iter().cloned().chain(rest));
        ResourceAddress { module, key: None, ..self.clone() }
    }

    /// What an object of this address can be named by where something depends
    /// on it, each once: as seen from its own module instance, and from further
    /// and further outside.
    pub fn names(&self) -> impl Iterator<Item = ResourceAddress> {
        let steps = self.module.steps();
        let keyed = (0..steps.len()).rev().filter(|&at| steps[at].key.is_some());
        std::iter::once(self.without_key()).chain(keyed.map(|at| self.within(at)))
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "{}{}.{}", self.mode.prefix(), self.kind, self.name)?;
        match &self.key {
            Some(key) => key.fmt(f),
            None => Ok(()),
        }
    }
}

impl FromStr for ResourceAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError::new("resource address", text);
        let mut steps = split(text).ok_or_else(bad)?.into_iter().peekable();
        let mut module = ModulePath::root();
        while steps.peek().is_some_and(|(name, _)| name == "module") {
            let (_, key) = steps.next().ok_or_else(bad)?;
            let (name, child_key) = steps.next().ok_or_else(bad)?;
            if key.is_some() {
                return Err(bad());
            }
            module = module.child(name.into(), child_key);
        }
        let mut mode = ResourceMode::Managed;
        for other in [ResourceMode::Data, ResourceMode::Ephemeral] {
            let word = other.prefix().trim_end_matches('.');
            if steps.peek().is_some_and(|(name, key)| name == word && key.is_none()) {
                mode = other;
                steps.next();
                break;
            }
        }
        let (kind, no_key) = steps.next().ok_or_else(bad)?;
        let (name, key) = steps.next().ok_or_else(bad)?;
        if no_key.is_some() || steps.next().is_some() {
            return Err(bad());
        }
        Ok(ResourceAddress { module, mode, kind: kind.into(), name: name.into(), key })
    }
}

/// Splits `a.b["c.d"].e[0]` into names with their index.
fn split(text: &str) -> Option<Vec<(String, Option<InstanceKey>)>> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let valid = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !valid {
            return None;
        }
        let (key, after) = match after.strip_prefix('[') {
            Some(inside) => {
                let (key, after) = instance_key(inside)?;
                (Some(key), after)
            }
            None => (None, after),
        };
        steps.push((name.to_owned(), key));
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(steps),
            None => return None,
        }
    }
}

/// Reads an index after its opening bracket; gives what follows the closing one.
fn instance_key(inside: &str) -> Option<(InstanceKey, &str)> {
    let Some(quoted) = inside.strip_prefix('"') else {
        let (digits, after) = inside.split_once(']')?;
        return Some((InstanceKey::Index(digits.parse().ok()?), after));
    };
    let mut key = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => key.push('\n'),
                other => key.push(other),
            },
            '"' => return Some((InstanceKey::Key(key.into()), quoted[at + 1..].strip_prefix(']')?)),
            _ => key.push(c),
        }
    }
    None
}

/// What a user names: a module or a resource, with or without keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selector {
    /// All that is in a module.
    Module(ModulePath),
    /// A resource.
    Resource(ResourceAddress),
}

impl Selector {
    /// Whether an object is meant. A step without key means every instance.
    pub fn contains(&self, address: &ResourceAddress) -> bool {
        match self {
            Selector::Module(path) => path.contains(&address.module),
            Selector::Resource(named) => {
                (named.mode, &named.kind, &named.name) == (address.mode, &address.kind, &address.name)
                    && named.module.steps().len() == address.module.steps().len()
                    && named.module.contains(&address.module)
                    && (named.key.is_none() || named.key == address.key)
            }
        }
    }

    /// The module that it names or stands in.
    pub fn module(&self) -> &ModulePath {
        match self {
            Selector::Module(path) => path,
            Selector::Resource(address) => &address.module,
        }
    }
}

impl ModulePath {
    /// Whether another path is this one or leads to something in it. A step
    /// without key means every instance.
    pub fn contains(&self, other: &ModulePath) -> bool {
        self.0.len() <= other.0.len()
            && self
                .0
                .iter()
                .zip(other.0.iter())
                .all(|(a, b)| a.name == b.name && (a.key.is_none() || a.key == b.key))
    }

    /// A path of these steps.
    pub fn of(steps: impl IntoIterator<Item = ModuleStep>) -> Self {
        ModulePath(steps.into_iter().collect())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Module(path) => path.fmt(f),
            Selector::Resource(address) => address.fmt(f),
        }
    }
}

impl FromStr for Selector {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Ok(address) = text.parse() {
            return Ok(Selector::Resource(address));
        }
        // A module path is the module part of the address of anything in it.
        match format!("{text}.x.x").parse::<ResourceAddress>() {
            Ok(inside) if !inside.module.is_root() && &*inside.kind == "x" && inside.key.is_none() => {
                Ok(Selector::Module(inside.module))
            }
            _ => Err(AddressError::new("resource or module address", text)),
        }
    }
}

impl Serialize for ResourceAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ModulePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModulePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(ModulePath::root());
        }
        // A module path is the module part of the address of anything in it.
        let inside: ResourceAddress = format!("{text}.x.x").parse().map_err(serde::de::Error::custom)?;
        Ok(inside.module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in
            ["a.b", "data.a.b[0]", "module.m[\"x.y\"].module.n.a.b[\"q\\\"z\"]", "module.m[1].data.a.b"]
        {
            let address: ResourceAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "a", "a.b.c", "a[0].b", "module.m", "a.b[", "a.b[x]", "a..b"] {
            assert!(text.parse::<ResourceAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_go_from_its_own_modules_outwards() {
        for (text, names) in [
            ("a.b[0]", &["a.b"][..]),
            ("module.m.a.b", &["module.m.a.b"]),
            ("module.m[\"x\"].a.b[1]", &["module.m[\"x\"].a.b", "module.m.a.b"]),
            (
                "module.m[0].module.n.module.o[1].a.b",
                &[
                    "module.m[0].module.n.module.o[1].a.b",
                    "module.m[0].module.n.module.o.a.b",
                    "module.m.module.n.module.o.a.b",
                ],
            ),
        ] {
            let address: ResourceAddress = text.parse().expect(text);
            assert_eq!(address.names().map(|name| name.to_string()).collect::<Vec<_>>(), names);
        }
    }

    #[test]
    fn selectors_mean_objects() {
        let address = |text: &str| text.parse::<ResourceAddress>().expect(text);
        for (selector, object, meant) in [
            ("a.b", "a.b", true),
            ("a.b", "a.b[0]", true),
            ("a.b[1]", "a.b[0]", false),
            ("a.b", "module.m.a.b", false),
            ("a.b", "data.a.b", false),
            ("module.m", "module.m.a.b", true),
            ("module.m", "module.m[\"x\"].module.n[0].a.b[2]", true),
            ("module.m[\"x\"]", "module.m[\"y\"].a.b", false),
            ("module.m", "module.n.a.b", false),
            ("module.m.a.b", "module.m[0].a.b[1]", true),
            ("module.m.module.n", "module.m.a.b", false),
        ] {
            let parsed: Selector = selector.parse().expect(selector);
            assert_eq!(parsed.to_string(), selector);
            assert_eq!(parsed.contains(&address(object)), meant, "{selector} {object}");
        }
        for text in ["", "a", "module", "module.m[", "a.b.c", "data.a"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }

    #[test]
    fn workspace_names() {
        for (text, valid) in [
            ("acme", true),
            ("acme/production-eu", true),
            ("Acme", false),
            ("a/b/c", false),
            ("-a", false),
            ("a-", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<WorkspaceName>().is_ok(), valid, "{text}");
        }
    }
}
