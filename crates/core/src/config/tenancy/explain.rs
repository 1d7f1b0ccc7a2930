//! Where each setting of an instance comes from.

use super::setting::{Layer, Merged, Node};
use crate::config::model::Module;
use crate::diag::Span;
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

/// Every setting that a blueprint takes, in order of names; defaults too.
pub(in crate::config) fn explain(module: &Module, merged: &Merged, described: &Merged) -> Vec<Explained> {
    let mut all = Vec::new();
    let mut variables: Vec<_> =
        module.variables.iter().filter(|variable| !described.contains_key(&variable.name.name)).collect();
    variables.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    for variable in variables {
        let name = &variable.name.name;
        let default = variable.default.clone().map(|value| Origin {
            value,
            layer: Layer::Blueprint,
            span: variable.name.span,
        });
        match merged.get(name) {
            None => all.extend(default.map(|origin| Explained {
                path: name.to_string(),
                origin,
                overrode: Vec::new(),
                sensitive: variable.sensitive,
            })),
            Some(node) => node.leaves(name, &mut |path, leaf| {
                let whole = path == **name;
                let mut overrode = overrode(leaf);
                overrode.extend(default.clone().filter(|_| whole));
                all.push(Explained {
                    path,
                    origin: Origin::of(leaf),
                    overrode,
                    sensitive: variable.sensitive,
                });
            }),
        }
    }
    all
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
