//! `tenant` blocks: in the root directory's files, or one file each in a
//! directory of their own.
//!
//! Guarantees: what is wrong with one tenant's block or file is that tenant's
//! problem, and the others are read all the same; a file that cannot be read
//! whole gives no tenant; a directory of tenants that is empty or cannot be read
//! is an error, never a smaller fleet.

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layers::extended;
use super::model::{Tenancy, Tenant};
use super::read::{PLATFORM, Reader};
use super::setting::{Content, Setting, Written};
use crate::addr::is_valid_name;
use crate::config::reader::check_names;
use crate::config::{files, overrides, vocabulary};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::syntax::{Block, Body, Ident};

/// A file of the directory of tenants.
struct TenantFile {
    path: PathBuf,
    /// What could be read of it.
    body: Body,
    /// What is wrong with its text.
    problems: Diagnostics,
}

impl TenantFile {
    /// The tenants that are named in it; of one without, the tenant that it is
    /// named after.
    fn names(&self) -> Vec<Arc<str>> {
        let names: Vec<Arc<str>> = self.body.blocks.iter().filter_map(name).collect();
        if !names.is_empty() {
            return names;
        }
        let stem = self.path.file_name().and_then(|name| files::stem(name.to_str()?));
        stem.filter(|stem| is_tenant(stem)).map(Arc::from).into_iter().collect()
    }
}

/// The name of the tenant that a block is of.
fn name(block: &Block) -> Option<Arc<str>> {
    let label = block.labels.first().filter(|_| &*block.kind.name == "tenant")?;
    is_tenant(&label.name).then(|| label.name.clone())
}

fn is_tenant(name: &str) -> bool {
    is_valid_name(name) && name != PLATFORM
}

impl Reader<'_, '_> {
    /// All tenants, wherever they stand.
    pub(super) fn tenants(&mut self, blocks: &[&Block], platform: &Block, tenancy: &mut Tenancy) {
        let mut broken = Vec::new();
        for block in blocks {
            self.taken(block, name(block).as_slice(), tenancy, &mut broken);
        }
        for file in self.directory(&platform.body, tenancy) {
            self.file(file, tenancy, &mut broken);
        }
        for (name, problems) in broken {
            tenancy.breaks(&name, problems);
        }
    }

    fn file(&mut self, file: TenantFile, tenancy: &mut Tenancy, broken: &mut Vec<(Arc<str>, Diagnostics)>) {
        let names = file.names();
        let mut problems = file.problems;
        if problems.has_errors() {
            // Half a file says of its tenants only what must be hidden in excerpts.
            let passed_on = self.shared.len();
            for block in &file.body.blocks {
                let (settings, _) = self.apart(|reader| reader.settings(&block.body, "tenant"));
                for name in &names {
                    tenancy.broken.entry(name.clone()).or_default().settings.push(settings.clone());
                }
            }
            self.shared.truncate(passed_on);
        } else {
            check_names(&file.body, &[], &["tenant"], &mut problems);
            for block in file.body.blocks.iter().filter(|block| &*block.kind.name == "tenant") {
                let own = name(block);
                self.taken(
                    block,
                    own.as_ref().map_or(names.as_slice(), std::slice::from_ref),
                    tenancy,
                    broken,
                );
            }
            if file.body.blocks.is_empty() {
                let path = files::shown(&file.path);
                let detail = format!("{} holds no tenant.", path.display());
                problems.push(Diagnostic::error("No tenant in file", detail).hint(
                    "Take the file away, or put back what it held: tenants go by tenantctl offboard NAME.",
                ));
            }
        }
        self.sort_out(problems, &names, broken);
    }

    /// A tenant's block; what is wrong with it is the problem of those named.
    fn taken(
        &mut self,
        block: &Block,
        names: &[Arc<str>],
        tenancy: &mut Tenancy,
        broken: &mut Vec<(Arc<str>, Diagnostics)>,
    ) {
        let (_, problems) = self.apart(|reader| {
            let Some(tenant) = reader.tenant(block, tenancy) else { return };
            let (name, key) = (tenant.name.clone(), tenant.name.name.clone());
            let first = tenancy.tenants.insert(key, tenant);
            reader.once("tenants", &name, first.map(|tenant| tenant.name.span));
        });
        self.sort_out(problems, names, broken);
    }

    /// Errors that are about the tenants named, from those about all.
    fn sort_out(
        &mut self,
        problems: Diagnostics,
        names: &[Arc<str>],
        broken: &mut Vec<(Arc<str>, Diagnostics)>,
    ) {
        let is_theirs = |problem: &Diagnostic| !names.is_empty() && problem.severity == Severity::Error;
        let (theirs, of_all): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_theirs);
        self.diagnostics().extend(of_all);
        let mut own = Diagnostics::new();
        own.extend(theirs);
        if !own.is_empty() {
            broken.extend(names.iter().map(|name| (name.clone(), own.clone())));
        }
    }

    /// The files of the directory that `tenants = "./tenants"` names.
    fn directory(&mut self, platform: &Body, tenancy: &mut Tenancy) -> Vec<TenantFile> {
        let Some(source) = self.text(platform, "tenants") else { return Vec::new() };
        let dir = self.root.join(&*source.name);
        tenancy.directory = Some(dir.clone());
        let files = match self.files(&dir) {
            Ok(files) => files,
            Err(problem) => {
                let detail = format!("The directory of tenants {} cannot be read: {problem}.", dir.display());
                self.error(Diagnostic::error("Unreadable tenants", detail).at(source.span));
                return Vec::new();
            }
        };
        if files.is_empty() && !self.diagnostics().has_errors() {
            let error = Diagnostic::error(
                "No tenants",
                format!("The directory of tenants {} has no file of a tenant.", dir.display()),
            );
            self.error(error.at(source.span).hint(
                "An empty directory is more often a mistake than a wish. Begin with: tenantctl onboard NAME \
                 -tier TIER. Tenants go by tenantctl offboard NAME.",
            ));
        }
        files
    }

    /// Each file of a directory, with its override files laid over them.
    fn files(&mut self, dir: &Path) -> std::io::Result<Vec<TenantFile>> {
        let names = files::of_directory(dir)?;
        let read = |path: PathBuf| {
            let (body, problems) = self.apart(|reader| reader.decoder.file(&path).unwrap_or_default());
            TenantFile { path, body, problems }
        };
        let mut files: Vec<TenantFile> = names.primary.into_iter().map(read).collect();
        files.extend(files::no_files_of(dir)?.into_iter().map(|path| {
            let detail =
                format!("{} is no file: a folder, or a link to nothing.", files::shown(&path).display());
            let problems = Diagnostic::error("Unreadable file", detail).into();
            TenantFile { path, body: Body::default(), problems }
        }));
        if !names.overrides.is_empty() {
            let mut bodies: Vec<Body> = files.iter_mut().map(|file| mem::take(&mut file.body)).collect();
            for path in &names.overrides {
                if let Some(body) = self.decoder.file(path) {
                    overrides::apply(&mut bodies, body, self.diagnostics());
                }
            }
            files.iter_mut().zip(bodies).for_each(|(file, body)| file.body = body);
        }
        Ok(files)
    }

    fn tenant(&mut self, block: &Block, tenancy: &Tenancy) -> Option<Tenant> {
        let name = self.named(block, "tenant")?;
        if block.body.attribute("tier").is_none() {
            vocabulary::missing("tenant", &block.body, "tier", block.header(), self.diagnostics());
            return None;
        }
        let tier = self.text(&block.body, "tier")?;
        if !tenancy.tiers.contains_key(&tier.name) {
            self.unknown("tier", &tier, tenancy.tiers.keys());
        }
        let owner = format!("tenant.{}", name.name);
        let environments = self.names(&block.body, "environments");
        let own = self.own(block, &owner);
        for environment in environments.iter().flatten().chain(own.values().map(|(name, _)| name)) {
            if !tenancy.environments.contains_key(&environment.name) {
                self.unknown("environment", environment, tenancy.environments.keys());
            }
        }
        if block.body.attribute("blueprint").is_none()
            && let Some(of_tier) = tenancy.tiers.get(&tier.name)
        {
            let problems = tenancy.blueprint_problems(of_tier).cloned();
            self.diagnostics().extend(problems.into_iter().flatten());
        }
        let span = block.body.attribute("members").map_or(Span::default(), |a| a.value.span);
        let mut tenant = Tenant {
            tier,
            blueprint: self.module(&block.body, "blueprint").map(|(module, _)| module),
            environments,
            own,
            compliance: self.names(&block.body, "compliance").unwrap_or_default(),
            suspended: self.flag(&block.body, "suspended"),
            delete_after: self.text(&block.body, "delete_after"),
            members: Setting { span, content: Content::Map(self.object(&block.body, "members", &owner)) },
            settings: self.settings(&block.body, &owner),
            labels: self.labels(&block.body, &owner),
            name,
        };
        if let Some((extension, span)) = self.module(&block.body, "extension") {
            match extended(tenancy.blueprint(&tenant), &extension, span) {
                Ok(module) => tenant.blueprint = Some(Arc::new(module)),
                Err(problem) => self.error(*problem),
            }
        }
        Some(tenant)
    }

    /// `environment` blocks in a tenant.
    fn own(&mut self, tenant: &Block, owner: &str) -> BTreeMap<Arc<str>, (Ident, Written)> {
        let mut own = BTreeMap::new();
        for block in tenant.body.blocks.iter().filter(|block| &*block.kind.name == "environment") {
            let Some(name) = self.named(block, "tenant environment") else { continue };
            let settings = self.settings(&block.body, &format!("{owner}.{}", name.name));
            let first: Option<(Ident, _)> = own.insert(name.name.clone(), (name.clone(), settings));
            self.once("environments", &name, first.map(|(name, _)| name.span));
        }
        own
    }
}
