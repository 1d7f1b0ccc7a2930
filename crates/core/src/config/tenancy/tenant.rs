//! `tenant` blocks: in the root directory's files, or one file each in a
//! directory of their own.
//!
//! Guarantees: a directory of tenants that is empty, cannot be read, or holds a
//! file without its tenant is an error, never a smaller fleet.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::layers::extended;
use super::model::{Tenancy, Tenant};
use super::read::Reader;
use super::setting::{Content, Setting, Written};
use crate::config::reader::check_names;
use crate::config::{files, vocabulary};
use crate::diag::{Diagnostic, Span};
use crate::syntax::{Block, Body, Ident};

impl Reader<'_, '_> {
    /// All tenants, wherever they stand.
    pub(super) fn tenants(&mut self, blocks: &[&Block], platform: &Block, tenancy: &mut Tenancy) {
        let files = self.directory(&platform.body, tenancy);
        for block in blocks.iter().copied().chain(files.iter().flat_map(|body| &body.blocks)) {
            let Some(tenant) = self.tenant(block, tenancy) else { continue };
            let (name, key) = (tenant.name.clone(), tenant.name.name.clone());
            let first = tenancy.tenants.insert(key, tenant);
            self.once("tenants", &name, first.map(|tenant| tenant.name.span));
        }
    }

    /// The files of the directory that `tenants = "./tenants"` names.
    fn directory(&mut self, platform: &Body, tenancy: &mut Tenancy) -> Vec<Body> {
        let Some(source) = self.text(platform, "tenants") else { return Vec::new() };
        let dir = self.root.join(&*source.name);
        tenancy.directory = Some(dir.clone());
        let bodies = match self.decoder.read(&dir) {
            Ok(bodies) => bodies,
            Err(problem) => {
                let detail = format!("The directory of tenants {} cannot be read: {problem}.", dir.display());
                self.error(Diagnostic::error("Unreadable tenants", detail).at(source.span));
                return Vec::new();
            }
        };
        if bodies.is_empty() && !self.diagnostics().has_errors() {
            let error = Diagnostic::error(
                "No tenants",
                format!("The directory of tenants {} has no file of a tenant.", dir.display()),
            );
            self.error(error.at(source.span).hint(
                "An empty directory is more often a mistake than a wish. Begin with: tenantctl onboard NAME \
                 -tier TIER. Tenants go by tenantctl offboard NAME.",
            ));
        }
        for body in &bodies {
            check_names(body, &[], &["tenant"], self.diagnostics());
        }
        self.without_tenant(&dir, &bodies);
        bodies
    }

    /// Reports files that hold nothing, which is what is left of a tenant's
    /// when something went wrong.
    fn without_tenant(&mut self, dir: &Path, bodies: &[Body]) {
        // Where all could be read, there is one body a file.
        let files = match files::of_directory(dir) {
            Ok(files) if !self.diagnostics().has_errors() => files.primary,
            _ => return,
        };
        for (path, _) in files.iter().zip(bodies).filter(|(_, body)| body.blocks.is_empty()) {
            let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
            let detail = format!("{} holds no tenant.", path.display());
            self.error(Diagnostic::error("No tenant in file", detail).hint(
                "Take the file away, or put back what it held: tenants go by tenantctl offboard NAME.",
            ));
        }
    }

    fn tenant(&mut self, block: &Block, tenancy: &Tenancy) -> Option<Tenant> {
        if &*block.kind.name != "tenant" {
            return None;
        }
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
