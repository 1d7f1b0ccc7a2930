//! From a root directory's files to a [`Platform`].

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::consistency::Deprecation;
use super::decode::Decoder;
use super::given::{self, Given};
use super::passed_on::pass_on;
use super::platform::{self, Platform};
use super::reader::{Constants, constant};
use super::requirements;
use super::settle::{Owner, settle};
use super::tenancy::{Reader, RootScope};
use super::vocabulary;
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::expr::{DiskFiles, FunctionContext};
use crate::fmt::LANGUAGE;
use crate::modules::Modules;
use crate::provider::Registry;
use crate::syntax::Body;
use crate::value::{Type, Value};

/// How configuration is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Which warnings are given of what modules say is deprecated.
    pub deprecation: Deprecation,
    /// Whether a directory without configuration is one of nothing.
    pub may_be_empty: bool,
}

/// Loads a root directory. Gives what could be loaded together with every
/// mistake; `None` when there is nothing to work with.
pub fn load(
    registry: &Registry,
    sources: &SourceMap,
    modules: &mut Modules,
    root: &Path,
    vars: &[(String, Given)],
    manner: Manner,
) -> (Option<Platform>, Diagnostics) {
    let mut decoder = Decoder::new(registry, sources, modules, vars, manner.deprecation);
    let mut bodies = match decoder.read(root) {
        Ok(bodies) => bodies,
        Err(error) => {
            let detail = format!("{} cannot be read: {error}.", root.display());
            return (None, Diagnostic::error("Unreadable configuration", detail).into());
        }
    };
    if bodies.is_empty() && (!manner.may_be_empty || decoder.diagnostics.has_errors()) {
        if !decoder.diagnostics.has_errors() {
            let here = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
            let detail = format!("There are no .tf, .tf.json, .tofu or .hcl files in {}.", here.display());
            let error = Diagnostic::error("No configuration files", detail);
            decoder.diagnostics.push(error.hint("Give the configuration's directory with -chdir=DIR."));
        }
        return (None, decoder.diagnostics);
    }
    let mut module = decoder.decode(root, &mut bodies);
    let files = DiskFiles;
    let functions = || FunctionContext {
        module_dir: root,
        root_dir: root,
        timestamp: "",
        now: None,
        files: &files,
        language: &LANGUAGE,
    };
    let scope = Constants(functions());
    let mut simulate = Vec::new();
    own(&bodies, &scope, &mut simulate, &mut decoder.diagnostics);
    let variables = given::settings(&module, vars, sources, &scope, &mut decoder.diagnostics);
    // What is wrong with them is reported with the instances.
    let settled = settle(&module, &platform::given(&variables), Owner::Nobody, &mut Diagnostics::new());
    let scope = RootScope::new(&module, &settled.values, functions());
    let mut reader =
        Reader { root, scope: &scope, module: &module, decoder: &mut decoder, shared: Vec::new() };
    let tenancy = reader.read(&bodies);
    if let Some(tenancy) = &tenancy {
        tenancy.hide_secrets(sources);
    }
    let shared = reader.shared;
    pass_on(&mut module, shared, sources);
    let mut digest = Sha256::new();
    for text in &decoder.texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let digest = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let (diagnostics, is_torn) = (decoder.diagnostics.sorted(), decoder.is_torn);
    let (root, module) = (root.to_path_buf(), Arc::new(module));
    (Some(Platform { root, module, tenancy, simulate, digest, variables, is_torn }), diagnostics)
}

/// `tenantctl` blocks.
fn own(bodies: &[Body], scope: &Constants<'_>, simulate: &mut Vec<String>, diagnostics: &mut Diagnostics) {
    let blocks = bodies.iter().flat_map(|body| &body.blocks);
    for block in blocks.filter(|block| &*block.kind.name == "tenantctl") {
        vocabulary::check("tenantctl", &block.body, diagnostics);
        let names = constant(&block.body, "simulate", &Type::list(Type::String), scope, diagnostics);
        let items = names.iter().filter_map(Value::as_items).flatten();
        simulate.extend(items.filter_map(Value::as_str).map(String::from));
        requirements::tenantctl(&block.body, scope, diagnostics);
        for backend in block.body.blocks.iter().filter(|b| &*b.kind.name == "backend") {
            requirements::backend(backend, diagnostics);
        }
    }
}
