//! The providers of a run, by name.

use std::collections::BTreeMap;

use super::{Mover, SharedProvider};

/// Which providers there are.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, SharedProvider>);

impl Registry {
    /// Takes a provider in, in place of one of the same name.
    pub fn insert(&mut self, provider: SharedProvider) {
        self.0.insert(provider.name().to_owned(), provider);
    }

    /// The provider of a name.
    pub fn get(&self, name: &str) -> Option<&SharedProvider> {
        self.0.get(name)
    }

    /// The provider of a resource or data source type, and its name.
    pub fn of_type(&self, kind: &str) -> Option<&SharedProvider> {
        self.0.values().find(|p| {
            let schema = p.schema();
            schema.resources.contains_key(kind)
                || schema.data_sources.contains_key(kind)
                || schema.ephemeral.contains_key(kind)
        })
    }

    /// What makes objects of one type out of those of another, and the provider
    /// that they belong to then; `None` when nothing does.
    pub fn moved(&self, from: &str, to: &str) -> Option<(&SharedProvider, Mover)> {
        let provider = self.of_type(to)?;
        Some((provider, provider.moved(from, to)?))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &SharedProvider> {
        self.0.values()
    }
}
