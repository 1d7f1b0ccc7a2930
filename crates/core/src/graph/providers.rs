//! Which `provider` block configures what: a module's own, the one that its
//! caller gives it, or its caller's default.

use std::sync::Arc;

use super::{Graph, NodeKind};
use crate::config::ProviderRef;
use crate::diag::{Diagnostic, Diagnostics};

/// Where a configuration of a provider is to be looked for next.
#[derive(Clone, Copy, Debug)]
pub enum ProviderHop<'g> {
    /// It is this block of the module.
    Here(usize),
    /// It is what the caller calls so.
    Given(&'g ProviderRef),
    /// It is the caller's default.
    Inherited,
    /// There is none.
    Nowhere,
}

impl Graph {
    /// Where a module's configuration of a provider comes from.
    pub fn provider_hop(&self, module: usize, name: &str, alias: Option<&Arc<str>>) -> ProviderHop<'_> {
        let node = &self.modules[module];
        let own =
            node.module.providers.iter().position(|p| *p.name.name == *name && p.alias.as_ref() == alias);
        if let Some(block) = own {
            return ProviderHop::Here(block);
        }
        let Some((parent, call)) = node.parent else { return ProviderHop::Nowhere };
        let given = &self.modules[parent].module.calls[call].providers;
        match given.iter().find(|(inner, _)| inner.names(name, alias)) {
            Some((_, outer)) => ProviderHop::Given(outer),
            None if alias.is_none() => ProviderHop::Inherited,
            None => ProviderHop::Nowhere,
        }
    }

    /// The module and block that a reference in a module leads to.
    pub fn provider_block(&self, mut module: usize, wanted: &ProviderRef) -> Option<(usize, usize)> {
        let (mut name, mut alias) = (&wanted.name, wanted.alias.as_ref());
        loop {
            match self.provider_hop(module, name, alias) {
                ProviderHop::Here(block) => return Some((module, block)),
                ProviderHop::Given(outer) => (name, alias) = (&outer.name, outer.alias.as_ref()),
                ProviderHop::Inherited => {}
                ProviderHop::Nowhere => return None,
            }
            module = self.modules[module].parent?.0;
        }
    }

    /// The node of the block that a reference in a module leads to. A provider
    /// needs no block, but one of its other configurations does.
    pub(super) fn provider_node(
        &self,
        module: usize,
        wanted: &ProviderRef,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        let found = self.provider_block(module, wanted);
        // What a call does not give is told of the call.
        let node = &self.modules[module];
        let asked = &node.module.configuration_aliases;
        let is_owed =
            node.parent.is_some() && asked.iter().any(|own| own.names(&wanted.name, wanted.alias.as_ref()));
        if found.is_none() && wanted.alias.is_some() && !is_owed {
            let blocks = &self.modules[module].module.providers;
            let known: Vec<String> = blocks.iter().map(|block| block.reference().to_string()).collect();
            let detail = format!("There is no configuration {wanted} of a provider in this module.");
            diagnostics.push(
                Diagnostic::error("Provider configuration not present", detail)
                    .at(wanted.span)
                    .suggest(&wanted.to_string(), known.iter().map(String::as_str)),
            );
        }
        let (module, block) = found?;
        self.node(module, NodeKind::Provider(block))
    }
}
