//! Configurations of providers, of all modules in one table, as Terraform's
//! format has them: a module's own, and those that it has from its caller by
//! another key.

use std::collections::BTreeMap;

use tenantctl_core::config::{Module, ProviderRef};
use tenantctl_core::provider::Registry;
use tenantctl_core::value::Value;

use super::{Entries, body, called, set_all, set_words, texts};

/// The table.
#[derive(Default)]
pub(super) struct Configurations(BTreeMap<String, Known>);

struct Known {
    entries: Entries,
    /// The provider.
    name: String,
    /// The key of the one that it is, in a module further out.
    outer: Option<String>,
}

/// `module.m:aws.west`.
fn key(local: &str, path: &str) -> String {
    if path.is_empty() { local.to_owned() } else { format!("{path}:{local}") }
}

impl Configurations {
    /// All that a root module and those that it calls have.
    pub(super) fn of(root: &Module, registry: &Registry) -> Self {
        let mut all = Configurations::default();
        all.collect(root, "", None, registry);
        all
    }

    /// Those that are not another one.
    pub(super) fn shown(&self) -> impl Iterator<Item = (String, Value)> {
        let own = self.0.iter().filter(|(_, known)| known.outer.is_none());
        own.map(|(key, known)| (key.clone(), Value::object(known.entries.clone())))
    }

    /// The key of the configuration that a module calls so.
    pub(super) fn key(&self, named: &ProviderRef, path: &str) -> String {
        let key = key(&named.to_string(), path);
        match self.0.get(&key).and_then(|known| known.outer.as_ref()) {
            Some(outer) if self.0.contains_key(outer) => outer.clone(),
            _ => key,
        }
    }

    fn collect(&mut self, module: &Module, path: &str, outer: Option<&str>, registry: &Registry) {
        let version = |name: &str| {
            let required = module.required_providers.iter().find(|(known, _)| **known == *name);
            required.and_then(|(_, version)| version.clone())
        };
        let local = |name: &str| {
            let local = module.local_names.iter().find(|(_, own)| ***own == *name);
            local.map_or(name, |(local, _)| &**local).to_owned()
        };
        for block in &module.providers {
            let reference = block.reference();
            let mut known =
                Known::new(&reference.name, &local(&reference.name), path, version(&reference.name));
            set_words(&mut known.entries, &[], &[("alias", reference.alias.as_deref())]);
            if let Some(provider) = registry.get(&reference.name) {
                let inside = body(&block.config, &provider.schema().config, block.span);
                set_all(&mut known.entries, "expressions", inside);
            }
            self.0.insert(key(&reference.to_string(), path), known);
        }
        for alias in &module.configuration_aliases {
            let known = || Known::new(&alias.name, &local(&alias.name), path, version(&alias.name));
            self.0.entry(key(&alias.to_string(), path)).or_insert_with(known);
        }
        let required = module.required_providers.iter().map(|(name, _)| &**name);
        let used = module.resources.iter().map(|resource| &*resource.provider);
        let configured = module.providers.iter().map(|block| &*block.name.name);
        // Also what is imported into other modules, or has no block yet.
        let imported = module.imports.iter().filter_map(|import| registry.of_type(&import.to.kind));
        let imported = imported.map(|provider| provider.name());
        for name in required.chain(used).chain(configured).chain(imported) {
            let local = local(name);
            let key = key(&local, path);
            if !self.0.contains_key(&key) {
                let mut known = Known::new(name, &local, path, version(name));
                known.outer = outer.and_then(|outer| self.source(&self::key(&local, outer), name));
                self.0.insert(key, known);
            }
        }
        for call in &module.calls {
            let inner_path = called(path, call);
            for (inner, outer) in &call.providers {
                let local = inner.to_string();
                let mut known = Known::new(&inner.name, &local, &inner_path, None);
                known.outer = self.source(&key(&outer.to_string(), path), &inner.name);
                self.0.insert(key(&local, &inner_path), known);
            }
            self.collect(&call.module, &inner_path, Some(path), registry);
        }
    }

    /// The outermost of those that one is.
    fn source(&self, start: &str, name: &str) -> Option<String> {
        let mut found = None;
        let mut next = Some(start);
        while let Some((key, known)) = next.and_then(|key| self.0.get_key_value(key))
            && known.name == name
        {
            found = Some(key.clone());
            next = known.outer.as_deref();
        }
        found
    }
}

impl Known {
    fn new(name: &str, local: &str, path: &str, version: Option<String>) -> Self {
        let mut entries = texts([("name", local), ("full_name", name)]);
        let words = [("module_address", Some(path)), ("version_constraint", version.as_deref())];
        set_words(&mut entries, &[], &words);
        Known { entries, name: name.to_owned(), outer: None }
    }
}
