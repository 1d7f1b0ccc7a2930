//! Resources of all kinds, and the modules that are called for more of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::body::{Meta, compile};
use super::super::lifecycle::{lifecycle, repetition};
use super::super::model::{Module, ModuleCall, Resource};
use super::super::providers::LocalNames;
use super::super::reader::{
    Constants, check_labels, check_name, constant_expr, dependencies, only_one, unexpected_block,
};
use super::super::statics::{Giver, Statics, hidden};
use super::super::{blocks, consistency, providers, provisioners, scopes, timeouts, vocabulary};
use super::{Decoder, noun_with_article};
use crate::addr::ResourceMode;
use crate::diag::Diagnostic;
use crate::expr::Reference;
use crate::syntax::{Block, Ident};
use crate::value::{Marks, Type};

impl Decoder<'_> {
    pub(super) fn check(&mut self, mut block: Block, scope: &Constants<'_>, module: &mut Module) {
        let Some(check) = blocks::check(&block, &mut self.diagnostics) else { return };
        let data = std::mem::take(&mut block.body.blocks).into_iter().find(|b| &*b.kind.name == "data");
        if let Some(data) = data {
            let name = Some(check.name.name.clone());
            module.resources.extend(self.resource(
                data,
                ResourceMode::Data,
                name,
                scope,
                &module.local_names,
            ));
        }
        module.checks.push(check);
    }

    /// A resource or data source; `check` is the block that it stands in.
    pub(super) fn resource(
        &mut self,
        mut block: Block,
        mode: ResourceMode,
        check: Option<Arc<str>>,
        scope: &Constants<'_>,
        names: &LocalNames,
    ) -> Option<Resource> {
        if !check_labels(&block, &["type", "name"], &mut self.diagnostics) {
            return None;
        }
        let span = block.header();
        let (kind, name) = (&block.labels[0], &block.labels[1]);
        let Some(provider) = self.registry.of_type(&kind.name).cloned() else {
            let known: Vec<&str> =
                self.registry.iter().flat_map(|p| p.schema().types(mode).keys()).copied().collect();
            self.diagnostics.push(
                Diagnostic::error(
                    "Unknown resource type",
                    format!("No provider of this build has the type {:?}.", kind.name),
                )
                .at(kind.span)
                .suggest(&kind.name, known),
            );
            self.broken.push(named(mode, kind, name));
            return None;
        };
        let Some(schema) = provider.schema().types(mode).get(&*kind.name) else {
            let modes = [ResourceMode::Managed, ResourceMode::Data, ResourceMode::Ephemeral];
            let is = |mode: &ResourceMode| provider.schema().types(*mode).contains_key(&*kind.name);
            let other = modes.into_iter().find(is).map_or("something else", noun_with_article);
            let detail = format!("{:?} is {other}, not {}.", kind.name, noun_with_article(mode));
            self.diagnostics.push(Diagnostic::error("Unknown resource type", detail).at(kind.span));
            self.broken.push(named(mode, kind, name));
            return None;
        };
        check_name(name, &mut self.diagnostics);
        only_one(&block.body, "lifecycle", &mut self.diagnostics);
        // What is said to depend on itself does so anyway.
        let mut depends_on = dependencies(&block.body, &mut self.diagnostics);
        depends_on.retain(|expr| !scopes::is_resource(expr, (mode, &kind.name, &name.name)));
        let settings = block.body.blocks.iter().find(|b| &*b.kind.name == "lifecycle");
        let lifecycle = settings
            .map(|b| Arc::new(lifecycle(b, mode, &schema.block, scope, &mut self.diagnostics)))
            .unwrap_or_else(|| self.usual.clone());
        let provider_name = self.shared(provider.name());
        let said = block.body.attribute("provider");
        let configuration = providers::of_resource(said, &provider_name, kind, names, &mut self.diagnostics);
        let meta = match mode {
            ResourceMode::Managed => Meta::of("resource"),
            ResourceMode::Data => Meta::of("data"),
            ResourceMode::Ephemeral => Meta::of("ephemeral"),
        };
        Some(Resource {
            mode,
            kind: kind.name.clone(),
            name: name.name.clone(),
            span,
            provider: provider_name,
            repetition: repetition(&block.body, &mut self.diagnostics),
            depends_on,
            timeouts: timeouts::take(&mut block.body, &schema.block, &mut self.diagnostics),
            provisioners: provisioners::of_resource(&mut block.body, mode, &mut self.diagnostics),
            body: compile(&mut block.body, &schema.block, &meta, span, &mut self.diagnostics),
            configuration,
            lifecycle,
            scope: check,
        })
    }

    pub(super) fn call(&mut self, block: &Block, statics: &Statics<'_>) -> Option<ModuleCall> {
        if !check_labels(block, &["name"], &mut self.diagnostics) {
            return None;
        }
        let Some(source) = block.body.attribute("source") else {
            self.diagnostics.push(
                Diagnostic::error("Missing required argument", "The argument \"source\" is required.")
                    .at(block.header()),
            );
            return None;
        };
        let path = constant_expr(&source.value, &Type::String, statics, &mut self.diagnostics)?;
        if path.marks() != Marks::NONE {
            self.diagnostics.push(hidden("This is secret", source.value.span));
            return None;
        }
        let Some(path) = path.as_str().map(str::to_owned) else {
            let detail = "The source is null, so that there is nowhere to find the module.";
            self.diagnostics.push(Diagnostic::error("Invalid module source", detail).at(source.value.span));
            return None;
        };
        if let Some(version) = block.body.attribute("version") {
            self.diagnostics.push(
                Diagnostic::error(
                    "Unsupported argument",
                    "Only modules of a registry have versions to choose from, and tenantctl uses none.",
                )
                .at(version.name.span)
                .hint("Name a tag of a git repository in the source: ?ref=TAG"),
            );
        }
        let meta = vocabulary::vocabulary("module").arguments;
        let arguments: BTreeMap<_, _> = block
            .body
            .attributes
            .iter()
            .filter(|a| !meta.contains(&&*a.name.name))
            .map(|a| (a.name.name.clone(), a.value.clone()))
            .collect();
        let giver = Giver::Call { arguments: &arguments, caller: statics };
        let module = self.called(&statics.module().dir, &path, giver, source.value.span)?;
        let tells = self.deprecation.tells_of(&path);
        consistency::arguments(block, &module, &arguments, tells, &mut self.diagnostics);
        for inner in &block.body.blocks {
            if &*inner.kind.name == "lifecycle" {
                vocabulary::check("module lifecycle", &inner.body, &mut self.diagnostics);
            } else {
                self.diagnostics.push(unexpected_block(inner, ["lifecycle"], &[]));
            }
        }
        check_name(&block.labels[0], &mut self.diagnostics);
        only_one(&block.body, "lifecycle", &mut self.diagnostics);
        let names = [&module.local_names, &statics.module().local_names];
        let passed = providers::passed(block.body.attribute("providers"), names, &mut self.diagnostics);
        for (inner, _) in passed.iter().filter(|(inner, _)| self.registry.get(&inner.name).is_none()) {
            let known: Vec<&str> = self.registry.iter().map(|provider| provider.name()).collect();
            let detail = format!("This build has no provider {:?}.", inner.name);
            let problem = Diagnostic::error("Unknown provider", detail).at(inner.span);
            self.diagnostics.push(problem.suggest(&inner.name, known));
        }
        let repetition = repetition(&block.body, &mut self.diagnostics);
        let repeats = repetition.expr().is_some() || block.body.attribute("depends_on").is_some();
        providers::check_passed(&passed, &module, repeats, block.header(), &mut self.diagnostics);
        Some(ModuleCall {
            name: block.labels[0].clone(),
            module,
            source: path.into(),
            repetition,
            arguments,
            providers: passed,
            depends_on: dependencies(&block.body, &mut self.diagnostics),
        })
    }
}

fn named(mode: ResourceMode, kind: &Ident, name: &Ident) -> Reference {
    Reference::Resource { mode, kind: kind.name.clone(), name: name.name.clone() }
}
