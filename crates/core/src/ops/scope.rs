//! What an address on the command line means: an instance, all instances of a
//! resource, or all that is in a module.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::json;

use crate::addr::{AddressError, InstanceKey, ModulePath, ModuleStep, ResourceAddress};

/// One or more instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A module with all in it; without a key, with all its instances.
    Module(ModulePath),
    /// A resource; without a key, with all its instances.
    Resource(ResourceAddress),
}

impl FromStr for Scope {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.parse() {
            Ok(address) => Ok(Scope::Resource(address)),
            Err(error) => match serde_json::from_value::<ModulePath>(json!(text)) {
                Ok(module) if !module.is_root() => Ok(Scope::Module(module)),
                _ => Err(error),
            },
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Module(module) => module.fmt(f),
            Scope::Resource(address) => address.fmt(f),
        }
    }
}

impl Scope {
    /// Whether an instance is in it.
    pub fn holds(&self, address: &ResourceAddress) -> bool {
        match self {
            Scope::Module(module) => is_in(module.steps(), address.module.steps()),
            Scope::Resource(own) => {
                (&own.module, own.mode, &own.kind, &own.name)
                    == (&address.module, address.mode, &address.kind, &address.name)
                    && (own.key.is_none() || own.key == address.key)
            }
        }
    }

    /// Where an instance of this goes when this becomes `to`; `None` when the
    /// two are not of one sort.
    pub(super) fn moved(&self, address: &ResourceAddress, to: &Scope) -> Option<ResourceAddress> {
        match (self, to) {
            (Scope::Resource(from), Scope::Resource(to)) => {
                let key = kept_key(from.key.as_ref(), to.key.as_ref(), address.key.as_ref());
                Some(ResourceAddress { key, ..to.clone() })
            }
            (Scope::Module(from), Scope::Module(to)) => {
                let steps = address.module.steps();
                let (last, at) = (to.steps().last()?, from.steps().len());
                let there = steps.get(at - 1)?;
                let key = kept_key(from.steps()[at - 1].key.as_ref(), last.key.as_ref(), there.key.as_ref());
                let before = &to.steps()[..to.steps().len() - 1];
                let step = ModuleStep { name: last.name.clone(), key };
                let module = before.iter().chain([&step]).chain(&steps[at..]).fold(
                    ModulePath::root(),
                    |path: ModulePath, step: &ModuleStep| {
                        path.child(Arc::clone(&step.name), step.key.clone())
                    },
                );
                Some(ResourceAddress { module, ..address.clone() })
            }
            _ => None,
        }
    }
}

/// The key is as it was when all instances move together.
fn kept_key(
    from: Option<&InstanceKey>,
    to: Option<&InstanceKey>,
    has: Option<&InstanceKey>,
) -> Option<InstanceKey> {
    match (from, to) {
        (None, None) => has.cloned(),
        _ => to.cloned(),
    }
}

fn is_in(module: &[ModuleStep], path: &[ModuleStep]) -> bool {
    let Some((last, before)) = module.split_last() else { return true };
    path.len() >= module.len()
        && path.starts_with(before)
        && path[before.len()].name == last.name
        && (last.key.is_none() || path[before.len()].key == last.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn what_is_in_it_and_where_that_goes() {
        for (from, address, to, moved) in [
            ("a.b", "a.b", "a.c", "a.c"),
            ("a.b", "a.b[0]", "a.c", "a.c[0]"),
            ("a.b[0]", "a.b[0]", "a.c", "a.c"),
            ("a.b", "a.b", "module.m.a.b[\"k\"]", "module.m.a.b[\"k\"]"),
            ("module.m", "module.m[1].module.n.a.b", "module.k", "module.k[1].module.n.a.b"),
            ("module.m[1]", "module.m[1].a.b[2]", "module.p.module.q", "module.p.module.q.a.b[2]"),
        ] {
            let address: ResourceAddress = address.parse().unwrap_or_else(|e| panic!("{e}"));
            assert!(scope(from).holds(&address), "{from} {address}");
            let to = scope(from).moved(&address, &scope(to)).map(|address| address.to_string());
            assert_eq!(to.as_deref(), Some(moved));
        }
        for (from, address) in
            [("a.b[0]", "a.b"), ("a.b", "module.m.a.b"), ("module.m[0]", "module.m.a.b"), ("module.m", "a.b")]
        {
            let address: ResourceAddress = address.parse().unwrap_or_else(|e| panic!("{e}"));
            assert!(!scope(from).holds(&address), "{from} {address}");
        }
        assert!("module.".parse::<Scope>().is_err() && "x".parse::<Scope>().is_err());
    }
}
