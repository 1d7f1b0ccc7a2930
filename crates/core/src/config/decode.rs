//! Syntax to typed configuration: directories of files to modules.
//!
//! Guarantees: every mistake in every file is reported in one run; module
//! directories are read once; a module that includes itself is an error.
//! Must not: follow references, or evaluate anything but constants.

mod interface;
mod objects;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::consistency::Deprecation;
use super::given::Given;
use super::model::{Lifecycle, Module};
use super::reader::{Constants, check_labels};
use super::statics::{Giver, Statics};
use super::{
    blocks, consistency, files, json, overrides, provider_functions, providers, requirements, scopes,
    vocabulary,
};
use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics, Severity, SourceMap, Span};
use crate::expr::{DiskFiles, Expr, ExprKind, FunctionContext, Reference};
use crate::fmt::LANGUAGE;
use crate::modules::Modules;
use crate::provider::Registry;
use crate::syntax::{Block, Body, INVALID_REFERENCE, parse_file};
use crate::value::Value;

/// Block types of the language that have no place here yet.
const LATER: [&str; 1] = ["action"];

/// Reads modules; remembers what it read.
pub(super) struct Decoder<'a> {
    pub registry: &'a Registry,
    pub sources: &'a SourceMap,
    /// Where modules are.
    pub located: &'a mut Modules,
    /// Values given for the root module's variables.
    vars: &'a [(String, Given)],
    deprecation: Deprecation,
    pub diagnostics: Diagnostics,
    /// Text of every file, for the digest.
    pub texts: Vec<Arc<str>>,
    modules: HashMap<PathBuf, Arc<Module>>,
    /// What is wrong with modules, for each who calls one.
    faults: HashMap<PathBuf, Diagnostics>,
    stack: Vec<PathBuf>,
    /// Whether some file calls a function of a provider.
    calls_providers: bool,
    /// Of blocks that say nothing about it, which most do.
    usual: Arc<Lifecycle>,
    /// Names of providers.
    names: HashSet<Arc<str>>,
    /// What blocks of the module at hand stand for that could not be read.
    broken: Vec<Reference>,
    /// Whether some file is not all there, since its syntax is wrong.
    pub is_torn: bool,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(
        registry: &'a Registry,
        sources: &'a SourceMap,
        located: &'a mut Modules,
        vars: &'a [(String, Given)],
        deprecation: Deprecation,
    ) -> Self {
        Decoder {
            registry,
            sources,
            located,
            vars,
            deprecation,
            diagnostics: Diagnostics::new(),
            texts: Vec::new(),
            modules: HashMap::new(),
            faults: HashMap::new(),
            stack: Vec::new(),
            calls_providers: false,
            usual: Arc::default(),
            names: HashSet::new(),
            broken: Vec::new(),
            is_torn: false,
        }
    }

    /// The one copy of a provider's name, which many blocks have.
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.names.get(name) {
            return shared.clone();
        }
        let shared: Arc<str> = name.into();
        self.names.insert(shared.clone());
        shared
    }

    /// The bodies of all configuration files of a directory, in name order,
    /// with its override files laid over them.
    pub(super) fn read(&mut self, dir: &Path) -> Result<Vec<Body>, std::io::Error> {
        let files = files::of_directory(dir)?;
        let mut bodies: Vec<Body> = files.primary.iter().filter_map(|path| self.file(path)).collect();
        for path in &files.overrides {
            if let Some(body) = self.file(path) {
                overrides::apply(&mut bodies, body, &mut self.diagnostics);
            }
        }
        Ok(bodies)
    }

    /// The body of one file; `None` when it cannot be read.
    pub(super) fn file(&mut self, path: &Path) -> Option<Body> {
        let text: Arc<str> = match files::read(path, false) {
            Ok(text) => text.into(),
            Err(problem) => {
                self.diagnostics.push(*problem);
                self.is_torn = true;
                return None;
            }
        };
        self.calls_providers |= text.contains("provider::");
        self.texts.push(text.clone());
        let file = self.sources.add(files::shown(path), text.clone());
        let mut found = Diagnostics::new();
        let body = if files::is_json(path) {
            json::parse(file, &text, self.registry, &mut found)
        } else {
            parse_file(file, &text, &mut found)
        };
        let tears = |problem: &Diagnostic| {
            problem.severity == Severity::Error && problem.summary != INVALID_REFERENCE
        };
        self.is_torn |= found.iter().any(tears);
        self.diagnostics.extend(found);
        Some(body)
    }

    /// The module that a source names, which tenants are made of. `dir` is the
    /// directory of the caller.
    pub(super) fn source(&mut self, dir: &Path, source: &str, span: Span) -> Option<Arc<Module>> {
        self.called(dir, source, Giver::Tenants, span)
    }

    fn called(&mut self, dir: &Path, source: &str, giver: Giver<'_>, span: Span) -> Option<Arc<Module>> {
        match self.located.locate(dir, source) {
            Ok(found) => self.module(&found, giver, span),
            Err(problem) => {
                self.diagnostics.push(problem.at(span));
                None
            }
        }
    }

    /// A called module. `span` is where it is called.
    fn module(&mut self, dir: &Path, giver: Giver<'_>, span: Span) -> Option<Arc<Module>> {
        let Ok(canonical) = dir.canonicalize() else {
            self.diagnostics.push(
                Diagnostic::error(
                    "Unreadable module directory",
                    format!("There is no directory {}.", dir.display()),
                )
                .at(span),
            );
            return None;
        };
        if let Some(module) = self.modules.get(&canonical) {
            self.diagnostics.extend(self.faults.get(&canonical).cloned().into_iter().flatten());
            return Some(module.clone());
        }
        if self.stack.contains(&canonical) {
            self.diagnostics.push(
                Diagnostic::error(
                    "Module includes itself",
                    format!("The module in {} is called from inside itself.", canonical.display()),
                )
                .at(span),
            );
            return None;
        }
        let before = std::mem::take(&mut self.diagnostics);
        self.stack.push(canonical.clone());
        let made = self.made(dir, giver, span);
        self.stack.pop();
        let found = std::mem::replace(&mut self.diagnostics, before);
        if let Some((module, false)) = &made {
            if found.has_errors() {
                self.faults.insert(canonical.clone(), found.clone());
            }
            self.modules.insert(canonical, module.clone());
        }
        self.diagnostics.extend(found);
        made.map(|(module, _)| module)
    }

    /// The module in a directory; says too whether it is one only for this
    /// caller.
    fn made(&mut self, dir: &Path, giver: Giver<'_>, span: Span) -> Option<(Arc<Module>, bool)> {
        let problem = match self.read(dir) {
            Ok(mut bodies) if !bodies.is_empty() => {
                let (module, is_of_caller) = self.decoded(dir, &mut bodies, giver);
                return Some((Arc::new(module), is_of_caller));
            }
            Ok(_) => Diagnostic::error(
                "Empty module directory",
                format!("The directory {} has no configuration files.", dir.display()),
            )
            .hint("Configuration files end in .tf or .hcl."),
            Err(error) => Diagnostic::error(
                "Unreadable module directory",
                format!("{} cannot be read: {error}.", dir.display()),
            ),
        };
        self.diagnostics.push(problem.at(span));
        None
    }

    /// Takes the blocks of the root directory. Tenancy blocks are left to others.
    pub(super) fn decode(&mut self, dir: &Path, bodies: &mut [Body]) -> Module {
        self.decoded(dir, bodies, Giver::User { vars: self.vars, sources: self.sources }).0
    }

    /// Takes the blocks of one directory; says too whether the module is one
    /// only for this caller.
    fn decoded(&mut self, dir: &Path, bodies: &mut [Body], giver: Giver<'_>) -> (Module, bool) {
        let root = matches!(giver, Giver::User { .. });
        let outer = std::mem::take(&mut self.broken);
        let local_names = requirements::local_names(bodies, self.registry, &mut self.diagnostics);
        let mut module = Module { dir: dir.to_path_buf(), local_names, ..Module::default() };
        let files = DiskFiles;
        let scope = Constants(FunctionContext {
            module_dir: dir,
            root_dir: dir,
            timestamp: "",
            now: None,
            files: &files,
            language: &LANGUAGE,
        });
        let blocks = bodies.iter().flat_map(|body| &body.blocks);
        module.resources.reserve_exact(blocks.filter(|block| &*block.kind.name == "resource").count());
        let mut calls = Vec::new();
        for body in bodies {
            for attribute in &body.attributes {
                self.diagnostics.push(
                    Diagnostic::error(
                        "Unsupported argument",
                        "Arguments stand inside blocks, not at the top of a file.",
                    )
                    .at(attribute.name.span),
                );
            }
            for block in std::mem::take(&mut body.blocks) {
                if root && vocabulary::is_tenancy(&block.kind.name) {
                    body.blocks.push(block);
                } else if &*block.kind.name == "module" {
                    calls.push(block);
                } else {
                    self.block(block, &scope, &mut module);
                }
            }
        }
        // After the rest, which may say where they come from.
        let mut is_of_caller = false;
        for block in calls {
            let statics = Statics::new(&module, giver, &scope);
            let call = self.call(&block, &statics);
            is_of_caller |= statics.is_asked();
            if let (None, [name]) = (&call, block.labels.as_slice()) {
                self.broken.push(Reference::Module(name.name.clone()));
            }
            module.calls.extend(call);
        }
        let statics = Statics::new(&module, giver, &scope);
        statics.check_constants(&mut self.diagnostics);
        is_of_caller |= statics.is_asked();
        // What tenants are made of is called by no block.
        if !matches!(giver, Giver::Tenants) {
            consistency::reserved(&module, &mut self.diagnostics);
        }
        consistency::duplicates(&module, &mut self.diagnostics);
        consistency::configurations(&module, &mut self.diagnostics);
        scopes::check(&module, self.registry, &mut self.diagnostics);
        consistency::deprecated_outputs(&module, self.deprecation, &mut self.diagnostics);
        if self.calls_providers {
            provider_functions::check(&module, &mut self.diagnostics);
        }
        module.broken = std::mem::replace(&mut self.broken, outer);
        (module, is_of_caller)
    }

    fn block(&mut self, mut block: Block, scope: &Constants<'_>, module: &mut Module) {
        match &*block.kind.name {
            "variable" => module.variables.extend(self.variable(&block, scope)),
            "locals" => {
                if check_labels(&block, &[], &mut self.diagnostics) {
                    module.locals.extend(block.body.attributes.into_iter().map(|a| (a.name, a.value)));
                }
            }
            "output" => module.outputs.extend(self.output(&block, scope)),
            "resource" => module.resources.extend(self.resource(
                block,
                ResourceMode::Managed,
                None,
                scope,
                &module.local_names,
            )),
            "data" => module.resources.extend(self.resource(
                block,
                ResourceMode::Data,
                None,
                scope,
                &module.local_names,
            )),
            "ephemeral" => {
                let names = &module.local_names;
                module.resources.extend(self.resource(block, ResourceMode::Ephemeral, None, scope, names));
            }
            "moved" => module.moves.extend(blocks::moved(&block, self.registry, &mut self.diagnostics)),
            "removed" => module.removals.extend(blocks::removed(&mut block, scope, &mut self.diagnostics)),
            "import" => {
                module.imports.extend(blocks::import(&block, &module.local_names, &mut self.diagnostics));
            }
            "check" => self.check(block, scope, module),
            // A module takes its caller's configuration, which such a block once
            // stood for.
            "provider" if !self.stack.is_empty() && providers::is_empty(&block) => {}
            "provider" => {
                let (names, problems) = (&module.local_names, &mut self.diagnostics);
                module.providers.extend(providers::block(block, self.registry, names, scope, problems));
            }
            "terraform" => {
                let is_root = self.stack.is_empty();
                let problems = &mut self.diagnostics;
                let names = &module.local_names;
                let path = self.sources.path(block.kind.span.file).unwrap_or_default();
                let is_others = files::is_of_terraform(&path);
                let place = requirements::Place { is_root, is_others };
                let required = requirements::terraform(&block, place, self.registry, names, scope, problems);
                module.required_providers.extend(required.0);
                module.configuration_aliases.extend(required.1);
            }
            "language" => requirements::language(&block, scope, &mut self.diagnostics),
            name if vocabulary::is_tenancy(name) => self.diagnostics.push(
                Diagnostic::error(
                    "Misplaced block",
                    format!("A {name:?} block stands in the root directory only."),
                )
                .at(block.header()),
            ),
            name if LATER.contains(&name) => self.diagnostics.push(
                Diagnostic::error(
                    "Block type not supported yet",
                    format!("This version of tenantctl has no {name:?} blocks yet."),
                )
                .at(block.header()),
            ),
            name => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "Unsupported block type",
                        format!("Blocks of type {name:?} are not expected here."),
                    )
                    .at(block.kind.span)
                    .suggest(name, vocabulary::at_top()),
                );
            }
        }
    }
}

fn noun_with_article(mode: ResourceMode) -> &'static str {
    match mode {
        ResourceMode::Managed => "a resource",
        ResourceMode::Data => "a data source",
        ResourceMode::Ephemeral => "an ephemeral resource",
    }
}

pub(super) fn noun(mode: ResourceMode) -> &'static str {
    noun_with_article(mode).split_once(' ').map_or("", |(_, noun)| noun)
}

/// What an expression holds as an object with literal keys.
pub(super) fn object_items(expr: &Expr) -> Option<impl Iterator<Item = (Arc<str>, Span, &Expr)>> {
    let ExprKind::Object(items) = &expr.kind else { return None };
    Some(items.iter().filter_map(|(key, value)| match &key.kind {
        ExprKind::Literal(name) => Some((Value::as_str(name)?.into(), key.span, value)),
        _ => None,
    }))
}
