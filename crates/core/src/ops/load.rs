//! Loading a root directory.

use std::collections::BTreeMap;

use crate::config::{self, Platform};
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::ops::ConfigOptions;
use crate::plan::{PlanInput, PlanMode, plan};
use crate::provider::Registry;
use crate::state::WorkspaceState;

/// Loads a root directory with the values given for its variables: from the
/// environment first, then files, then the command line, the last one wins.
/// Gives every mistake in the directory at once.
pub fn load(
    registry: &Registry,
    sources: &SourceMap,
    options: &ConfigOptions,
) -> (Option<Platform>, Diagnostics) {
    let mut vars = options.env_vars.clone();
    let mut diagnostics = Diagnostics::new();
    for path in options.var_files.iter().cloned().chain(automatic(options)) {
        match config::read_values(&path, sources, &mut diagnostics) {
            Ok(values) => vars.extend(values),
            Err(error) => diagnostics.push(Diagnostic::error(
                "Unreadable variables file",
                format!("{} cannot be read: {error}.", path.display()),
            )),
        }
    }
    vars.extend(options.vars.iter().cloned());
    let (platform, mut found) = config::load(registry, sources, &options.root, &vars);
    found.extend(diagnostics);
    (platform, found)
}

/// `terraform.tfvars` and `*.auto.tfvars` of the root directory, in order.
fn automatic(options: &ConfigOptions) -> Vec<std::path::PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(&options.root)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name == "terraform.tfvars" || name.ends_with(".auto.tfvars")
        })
        .collect();
    names.sort();
    names.sort_by_key(|path| path.file_name().is_some_and(|n| n != "terraform.tfvars"));
    names
}

/// What is wrong with a loaded configuration: references, cycles, settings,
/// values. Plans every instance against an empty state, since that looks at
/// everything a real plan does.
pub fn validate(registry: &Registry, platform: &Platform) -> Diagnostics {
    let instances = match platform.instances(&[], &[]) {
        Ok(instances) => instances,
        Err(errors) => return errors,
    };
    let graphs = match super::plan::graphs(&instances) {
        Ok(graphs) => graphs,
        Err(errors) => return errors,
    };
    let mut diagnostics = Diagnostics::new();
    for instance in &instances {
        let state = WorkspaceState::empty(instance.workspace.clone());
        let input = PlanInput {
            instance,
            graph: &graphs[&super::plan::key(&instance.module)],
            state: &state,
            drift: Vec::new(),
            refreshed: Vec::new(),
            registry,
            mode: PlanMode::Normal,
            replace: &[],
            timestamp: "",
            config_digest: platform.digest(),
            data: &BTreeMap::new(),
        };
        diagnostics.extend(plan(input).err().into_iter().flatten());
    }
    diagnostics
}
