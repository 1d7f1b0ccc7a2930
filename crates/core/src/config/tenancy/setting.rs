//! Settings: what a layer writes, and what layers come to together.
//!
//! Guarantees: every leaf keeps the layer and place that set it, and what it
//! overrode; maps merge deep, lists and scalars replace, `null` removes.
//! Must not: know variables.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diag::Span;
use crate::expr::{Expr, ExprKind, Reference};
use crate::value::{Entries, Kind, Path, PathStep, Type, Value};

/// The settings of one layer by name, as they are written.
pub(in crate::config) type Written = BTreeMap<Arc<str>, Setting>;

/// The settings of an instance by name, merged.
pub(in crate::config) type Merged = BTreeMap<Arc<str>, Node>;

/// A setting as it is written, and where.
#[derive(Clone, Debug)]
pub(in crate::config) struct Setting {
    pub(in crate::config) span: Span,
    pub(in crate::config) content: Content<Setting>,
}

/// What a setting is.
#[derive(Clone, Debug)]
pub(in crate::config) enum Content<T> {
    /// Settings by name, which merge with those of other layers.
    Map(BTreeMap<Arc<str>, T>),
    /// Anything else.
    Value(Value),
    /// A null, which takes away what lower layers set.
    Removed,
    /// What the platform's own resources bring, by the name under which the
    /// platform passes it on.
    Shared(Arc<str>),
}

/// Where a setting comes from, lowest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The default of the blueprint's variable.
    Blueprint,
    /// The platform.
    Platform,
    /// A tier.
    Tier(Arc<str>),
    /// An environment.
    Environment(Arc<str>),
    /// The tenant.
    Tenant(Arc<str>),
    /// What the tenant sets for one environment.
    TenantEnvironment(Arc<str>, Arc<str>),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Blueprint => f.write_str("blueprint"),
            Layer::Platform => f.write_str("platform"),
            Layer::Tier(name) => write!(f, "tier {name}"),
            Layer::Environment(name) => write!(f, "environment {name}"),
            Layer::Tenant(name) => write!(f, "tenant {name}"),
            Layer::TenantEnvironment(tenant, name) => write!(f, "tenant {tenant} in {name}"),
        }
    }
}

/// A merged setting.
#[derive(Clone, Debug)]
pub(in crate::config) struct Node {
    pub(in crate::config) layer: Layer,
    pub(in crate::config) span: Span,
    pub(in crate::config) content: Content<Node>,
    /// What the next lower layer had set.
    pub(in crate::config) overrode: Option<Box<Node>>,
}

/// Lays a layer over what lower ones came to.
pub(in crate::config) fn lay(merged: &mut Merged, layer: &Layer, written: &Written) {
    for (name, setting) in written {
        let lower = merged.remove(name);
        merged.insert(name.clone(), Node::over(lower, layer, setting));
    }
}

impl Setting {
    /// A value; an object becomes settings by name.
    pub(in crate::config) fn new(value: &Value, span: Span) -> Self {
        let content = match value.kind() {
            Kind::Object(entries) => {
                let settings = entries.iter().map(|(name, value)| (name.clone(), Setting::new(value, span)));
                Content::Map(settings.collect())
            }
            Kind::Null(_) => Content::Removed,
            _ => Content::Value(value.clone()),
        };
        Setting { span, content }
    }

    /// A value that stays null if it is.
    pub(in crate::config) fn told(value: Value, span: Span) -> Self {
        Setting { span, content: Content::Value(value) }
    }

    /// Settings by name, at one place.
    pub(in crate::config) fn map<const N: usize>(span: Span, settings: [(&str, Setting); N]) -> Self {
        let settings = settings.into_iter().map(|(name, setting)| (Arc::from(name), setting));
        Setting { span, content: Content::Map(settings.collect()) }
    }
}

impl Node {
    /// A setting laid over what was there.
    pub(in crate::config) fn over(lower: Option<Node>, layer: &Layer, setting: &Setting) -> Self {
        let (mut below, overrode) = match (lower, &setting.content) {
            (Some(Node { content: Content::Map(below), overrode, .. }), Content::Map(_)) => (below, overrode),
            (lower, _) => (BTreeMap::new(), lower.map(Box::new)),
        };
        let content = match &setting.content {
            Content::Map(settings) => {
                lay(&mut below, layer, settings);
                Content::Map(below)
            }
            Content::Value(value) => Content::Value(value.clone()),
            Content::Removed => Content::Removed,
            Content::Shared(name) => Content::Shared(name.clone()),
        };
        Node { layer: layer.clone(), span: setting.span, content, overrode }
    }

    /// The settings it consists of, unless it is a leaf.
    pub(in crate::config) fn settings(&self) -> Option<&BTreeMap<Arc<str>, Node>> {
        match &self.content {
            Content::Map(settings) => Some(settings),
            Content::Value(_) | Content::Removed | Content::Shared(_) => None,
        }
    }

    /// Whether a null took it away.
    pub(in crate::config) fn is_removed(&self) -> bool {
        matches!(&self.content, Content::Removed)
    }

    /// Its value, unknown where the platform's resources bring it.
    pub(in crate::config) fn value(&self) -> Value {
        match &self.content {
            Content::Value(value) => value.clone(),
            Content::Removed => Value::NULL,
            Content::Shared(_) => Value::unknown(Type::Dynamic),
            Content::Map(settings) => {
                let kept = settings.iter().filter(|(_, node)| !node.is_removed());
                let entries: Entries = kept.map(|(name, node)| (name.clone(), node.value())).collect();
                Kind::Object(Arc::new(entries)).into()
            }
        }
    }

    /// Where a lower layer has what the platform's resources bring, in whose
    /// place the settings here stand.
    pub(in crate::config) fn hides(&self) -> Option<Span> {
        let lower = self.overrode.as_deref().filter(|_| self.settings().is_some())?;
        matches!(lower.content, Content::Shared(_)).then_some(lower.span)
    }

    /// Whether the platform's resources bring a part of it.
    pub(in crate::config) fn is_shared(&self) -> bool {
        match &self.content {
            Content::Value(_) | Content::Removed => false,
            Content::Shared(_) => true,
            Content::Map(settings) => settings.values().any(Node::is_shared),
        }
    }

    /// It as an expression over what the platform passes on.
    pub(in crate::config) fn expr(&self) -> Expr {
        let kind = match &self.content {
            Content::Value(value) => ExprKind::Literal(value.clone()),
            Content::Removed => ExprKind::Literal(Value::NULL),
            Content::Shared(name) => ExprKind::Reference(Reference::Shared(name.clone())),
            Content::Map(settings) => {
                let kept = settings.iter().filter(|(_, node)| !node.is_removed());
                let item = |(name, node): (&Arc<str>, &Node)| {
                    (Expr::literal(Value::from(name.clone()), node.span), node.expr())
                };
                ExprKind::Object(kept.map(item).collect())
            }
        };
        Expr { kind, span: self.span }
    }

    /// The innermost setting on the way to a part of the value.
    pub(in crate::config) fn at(&self, path: &Path) -> &Node {
        let mut node = self;
        for step in path.steps() {
            let (Content::Map(settings), PathStep::Attribute(name)) = (&node.content, step) else { break };
            let Some(inner) = settings.get(name) else { break };
            node = inner;
        }
        node
    }

    /// Its leaves with their paths, in order; an empty map is one.
    pub(in crate::config) fn leaves<'n>(&'n self, path: &str, each: &mut dyn FnMut(String, &'n Node)) {
        match &self.content {
            Content::Map(settings) if !settings.is_empty() => {
                for (name, node) in settings {
                    node.leaves(&format!("{path}.{name}"), each);
                }
            }
            _ => each(path.to_owned(), self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Written {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let setting = Setting::new(&Value::from_plain_json(&value), Span::default());
        match setting.content {
            Content::Map(settings) => settings,
            _ => panic!("no object"),
        }
    }

    /// `{lower} + {upper}` and what comes of it.
    #[test]
    fn maps_merge_deep_the_rest_replaces_null_removes() {
        for (lower, upper, merged) in [
            ("{}", r#"{"a": 1}"#, r#"{"a":1}"#),
            (r#"{"a": 1}"#, "{}", r#"{"a":1}"#),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"c": 3, "d": 4}}"#, r#"{"a":{"b":1,"c":3,"d":4}}"#),
            (r#"{"a": [1, 2]}"#, r#"{"a": [3]}"#, r#"{"a":[3]}"#),
            (r#"{"a": {"b": 1}}"#, r#"{"a": 2}"#, r#"{"a":2}"#),
            (r#"{"a": 2}"#, r#"{"a": {"b": 1}}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"b": null}}"#, r#"{"a":{"c":2}}"#),
            (r#"{"a": 1, "b": 2}"#, r#"{"a": null}"#, r#"{"b":2}"#),
        ] {
            let mut nodes = Merged::new();
            lay(&mut nodes, &Layer::Platform, &layer(lower));
            lay(&mut nodes, &Layer::Tier("t".into()), &layer(upper));
            let kept = nodes.iter().filter(|(_, node)| !node.is_removed());
            let value = Value::object(kept.map(|(name, node)| (name.clone(), node.value())));
            assert_eq!(
                value.to_plain_json().map(|json| json.to_string()).as_deref(),
                Ok(merged),
                "{lower} + {upper}"
            );
        }
    }

    #[test]
    fn a_leaf_knows_all_that_set_it() {
        let mut nodes = Merged::new();
        for (name, text) in [
            ("a", r#"{"db": {"size": 1}}"#),
            ("b", r#"{"db": {"size": 2}}"#),
            ("c", r#"{"db": {"size": 3}}"#),
        ] {
            lay(&mut nodes, &Layer::Tier(name.into()), &layer(text));
        }
        let mut seen = Vec::new();
        nodes["db"].leaves("db", &mut |path, node| {
            let mut next = Some(node);
            while let Some(node) = next {
                seen.push(format!(
                    "{path} {} {}",
                    node.layer,
                    node.value().as_number().map_or(0, |n| n.as_i64().unwrap_or(0))
                ));
                next = node.overrode.as_deref();
            }
        });
        assert_eq!(seen, ["db.size tier c 3", "db.size tier b 2", "db.size tier a 1"]);
    }
}
