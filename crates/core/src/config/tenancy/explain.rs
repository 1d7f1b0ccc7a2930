//! Where each setting of an instance comes from.

use super::setting::{Layer, Merged, Node};
use crate::config::model::Module;
use crate::diag::Span;
use crate::expr::fill_defaults;
use crate::value::Value;

/// A setting of an instance, or a leaf inside of one.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its path, as `db.storage`.
    pub path: String,
    /// What set it.
    pub origin: Origin,
    /// What that overrode, highest first.
    pub overrode: Vec<Origin>,
    /// Not to be shown.
    pub sensitive: bool,
}

/// A value and what gave it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The value; unknown when the platform's resources bring it, null when
    /// this layer takes the setting away.
    pub value: Value,
    /// The layer.
    pub layer: Layer,
    /// The place.
    pub span: Span,
}

impl Origin {
    fn of(node: &Node) -> Self {
        Origin { value: node.value(), layer: node.layer.clone(), span: node.span }
    }
}

/// Every setting that a blueprint takes, in order of names; defaults too, those
/// of attributes that are left out of an object as well.
pub(in crate::config) fn explain(module: &Module, merged: &Merged, described: &Merged) -> Vec<Explained> {
    let mut all = Vec::new();
    let mut variables: Vec<_> =
        module.variables.iter().filter(|variable| !described.contains_key(&variable.name.name)).collect();
    variables.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    for variable in variables {
        let name = &variable.name.name;
        let span = variable.name.span;
        let node = merged.get(name);
        let mut leaves = Leaves { span, sensitive: variable.sensitive, all: Vec::new() };
        match (node.filter(|node| !node.is_removed()), &variable.default) {
            (Some(node), default) => {
                let filled = fill_defaults(&node.value(), &variable.constraint.defaults);
                leaves.take(name, &filled, Some(node));
                // A default is taken or not as a whole.
                if let ([leaf], Some(default)) = (&mut leaves.all[..], default)
                    && leaf.path == **name
                {
                    leaf.overrode.push(default_of(default, span));
                }
            }
            (None, Some(default)) => leaves.take(name, default, node),
            (None, None) => node.into_iter().for_each(|node| leaves.set(name, node)),
        }
        leaves.all.sort_by(|a, b| a.path.cmp(&b.path));
        all.extend(leaves.all);
    }
    all
}

/// What a variable of the blueprint says of itself.
fn default_of(value: &Value, span: Span) -> Origin {
    Origin { value: value.clone(), layer: Layer::Blueprint, span }
}

/// The leaves of one setting, as they are collected.
struct Leaves {
    /// Where the variable is declared.
    span: Span,
    sensitive: bool,
    all: Vec<Explained>,
}

impl Leaves {
    /// The leaves of a value, of which layers set what is in `node`.
    fn take(&mut self, path: &str, value: &Value, node: Option<&Node>) {
        let settings = node.and_then(Node::settings);
        let is_set = node.is_some_and(|node| !node.is_removed());
        match value.as_entries().filter(|entries| !entries.is_empty()) {
            Some(entries) if settings.is_some() || !is_set => {
                for (name, value) in entries.iter() {
                    let inner = settings.and_then(|settings| settings.get(name));
                    self.take(&format!("{path}.{name}"), value, inner.or(node.filter(|_| !is_set)));
                }
                // What is taken away and has no default is in no value.
                for (name, inner) in settings.into_iter().flatten().filter(|(_, inner)| inner.is_removed()) {
                    if entries.get(name).is_none() {
                        self.set(&format!("{path}.{name}"), inner);
                    }
                }
            }
            _ => match node.filter(|_| is_set) {
                Some(node) => node.leaves(path, &mut |path, leaf| self.set(&path, leaf)),
                None => {
                    let taken_away = node
                        .into_iter()
                        .flat_map(|node| std::iter::once(Origin::of(node)).chain(overrode(node)));
                    self.all.push(Explained {
                        path: path.to_owned(),
                        origin: default_of(value, self.span),
                        overrode: taken_away.collect(),
                        sensitive: self.sensitive,
                    });
                }
            },
        }
    }

    /// A leaf as a layer set it.
    fn set(&mut self, path: &str, leaf: &Node) {
        self.all.push(Explained {
            path: path.to_owned(),
            origin: Origin::of(leaf),
            overrode: overrode(leaf),
            sensitive: self.sensitive,
        });
    }
}

fn overrode(node: &Node) -> Vec<Origin> {
    let mut all = Vec::new();
    let mut next = node.overrode.as_deref();
    while let Some(node) = next {
        all.push(Origin::of(node));
        next = node.overrode.as_deref();
    }
    all
}

impl Explained {
    /// Whether a path means it or something it is in: `db` means `db.storage`.
    pub fn is_in(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}
