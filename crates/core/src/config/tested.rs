//! A loaded configuration as a test changes it: one tenant taken for a root of
//! its own, another module in place of the root's, other values.
//!
//! Must not: know what tests are.

use std::path::Path;
use std::sync::Arc;

use super::consistency::Deprecation;
use super::decode::Decoder;
use super::model::{Module, Settings};
use super::platform::Platform;
use super::providers::ProviderBlock;
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::provider::Registry;
use crate::syntax::{Block, Body};

impl Platform {
    /// The root module.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Values that the root module's variables were given, and their places.
    pub fn given(&self) -> &Settings {
        &self.variables
    }

    /// A tenant's instance as a plain root, with its settings for variables;
    /// what is a plain root already is taken as it is.
    ///
    /// # Errors
    /// A fleet without a tenant, a tenant that does not exist.
    pub fn rooted(&self, tenant: Option<&str>) -> Result<Platform, Diagnostics> {
        let (module, variables) = match (&self.tenancy, tenant) {
            (None, None) => (self.module.clone(), self.variables.clone()),
            (Some(_), None) => {
                let detail = "This configuration has tenants, and a test needs one to be run for.";
                let error = Diagnostic::error("No tenant selected", detail);
                return Err(error.hint("Choose one with -tenant=NAME.").into());
            }
            (_, Some(name)) => {
                let instance = self.inspected(Some(name), None)?;
                (instance.module, instance.variables)
            }
        };
        Ok(self.of(module, variables))
    }

    /// A plain root of this module, whose variables have the same values but
    /// for these.
    #[must_use]
    pub fn with(&self, module: Arc<Module>, values: Settings) -> Platform {
        let mut variables = self.variables.clone();
        variables.extend(values);
        self.of(module, variables)
    }

    fn of(&self, module: Arc<Module>, variables: Settings) -> Platform {
        Platform {
            root: self.root.clone(),
            module,
            tenancy: None,
            simulate: self.simulate.clone(),
            digest: self.digest.clone(),
            variables,
            is_torn: self.is_torn,
        }
    }
}

/// `provider` blocks that stand elsewhere than in a module.
pub(crate) fn provider_blocks(
    registry: &Registry,
    sources: &SourceMap,
    blocks: Vec<Block>,
    diagnostics: &mut Diagnostics,
) -> Vec<ProviderBlock> {
    let mut modules = crate::modules::Modules::open(Path::new("."), None, sources, diagnostics);
    let mut decoder = Decoder::new(registry, sources, &mut modules, &[], Deprecation::None);
    let body = Body { attributes: Vec::new(), blocks };
    let module = decoder.decode(Path::new("."), &mut [body]);
    diagnostics.extend(decoder.diagnostics);
    module.providers
}
