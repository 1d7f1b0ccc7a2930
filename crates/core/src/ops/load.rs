//! Loading a root directory.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::config::{self, Given, Platform, Selected};
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::modules::{Fetch, Installed, Modules};
use crate::ops::{ConfigOptions, ValueOption};
use crate::plan::{Chosen, PlanInput, PlanMode, Planned, moves, plan};
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
    let mut diagnostics = Diagnostics::new();
    let mut modules = Modules::open(&options.root, None, sources, &mut diagnostics);
    let (platform, found) = read(registry, sources, &mut modules, options);
    diagnostics.extend(found);
    (platform, diagnostics)
}

/// Fetches the modules that a root directory needs and has not, and pins them.
/// Gives what [`load`] gives, and the repositories that are used.
pub fn install(
    registry: &Registry,
    sources: &SourceMap,
    options: &ConfigOptions,
    fetch: Fetch,
) -> (Option<Platform>, Vec<Installed>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut modules = Modules::open(&options.root, Some(fetch), sources, &mut diagnostics);
    // A file of pins that cannot be read is not written over.
    if diagnostics.has_errors() {
        return (None, Vec::new(), diagnostics);
    }
    let (platform, mut found) = read(registry, sources, &mut modules, options);
    // What broken tenants name is not known either.
    found.extend(of_tenants(platform.as_ref()));
    let complete = platform.is_some() && !found.has_errors();
    diagnostics.extend(found);
    diagnostics.extend(modules.save(complete).err().map(|problem| -> Diagnostic { *problem }));
    (platform, modules.installed(), diagnostics)
}

fn read(
    registry: &Registry,
    sources: &SourceMap,
    modules: &mut Modules,
    options: &ConfigOptions,
) -> (Option<Platform>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut vars: Vec<(String, Given)> = Vec::new();
    let named =
        |(name, text): &(String, String), given: fn(String) -> Given| (name.clone(), given(text.clone()));
    vars.extend(options.env_vars.iter().map(|var| named(var, Given::Environment)));
    for path in automatic(options) {
        vars.extend(config::read_values(&path, false, sources, &mut diagnostics));
    }
    for value in &options.values {
        match value {
            ValueOption::Variable(name, text) => vars.push((name.clone(), Given::CommandLine(text.clone()))),
            ValueOption::File(path) => {
                vars.extend(config::read_values(path, true, sources, &mut diagnostics));
            }
        }
    }
    let (platform, mut found) =
        config::load(registry, sources, modules, &options.root, &vars, options.deprecation);
    found.extend(diagnostics);
    // Where nothing can be done for anybody, all that is wrong is told at once.
    if found.has_errors() {
        found.extend(of_tenants(platform.as_ref()));
    }
    (platform, found)
}

/// What is wrong with tenants whose block or file is not right.
fn of_tenants(platform: Option<&Platform>) -> impl Iterator<Item = Diagnostic> {
    platform.into_iter().flat_map(Platform::broken).flat_map(|(_, problems)| problems.iter().cloned())
}

/// `terraform.tfvars`, `terraform.tfvars.json`, then `*.auto.tfvars` and
/// `*.auto.tfvars.json` of the root directory, in order.
fn automatic(options: &ConfigOptions) -> Vec<PathBuf> {
    const FIRST: [&str; 2] = ["terraform.tfvars", "terraform.tfvars.json"];
    let name = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&options.root)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = name(path);
            let is_auto = name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
            FIRST.contains(&name.as_str()) || is_auto && !name.starts_with('.')
        })
        .collect();
    paths.sort_by_key(|path| (!FIRST.contains(&name(path).as_str()), name(path)));
    paths
}

/// What is wrong with a loaded configuration: references, cycles, settings,
/// values. Plans every instance against an empty state, since that looks at
/// everything a real plan does. Variables of the root need no values: one that
/// has none stands for an unknown value.
pub fn validate(registry: &Registry, platform: &Platform) -> Diagnostics {
    let Selected { instances, failed } = match platform.checked() {
        Ok(selected) => selected,
        Err(errors) => return errors,
    };
    let graphs = super::plan::graphs(&instances);
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(failed.into_iter().flat_map(|(_, problems)| problems));
    for instance in &instances {
        let mut state = WorkspaceState::empty(instance.workspace.clone());
        let graph = match &graphs[&super::plan::key(&instance.module)] {
            Ok(graph) => graph,
            Err(problems) => {
                diagnostics.extend(problems.iter().cloned());
                continue;
            }
        };
        let moved = match moves(graph, registry, &mut state) {
            Ok(moved) => moved,
            Err(errors) => {
                diagnostics.extend(errors);
                continue;
            }
        };
        let input = PlanInput {
            is_trial: true,
            instance,
            graph,
            state: &state,
            drift: &[],
            refreshed: &[],
            registry,
            mode: PlanMode::Normal,
            replace: &[],
            chosen: &Chosen::default(),
            moves: &moved,
            imports: &[],
            generate: false,
            relevant: false,
            timestamp: "",
            config_digest: platform.digest(),
            data: &BTreeMap::new(),
            unread: &HashSet::new(),
            imported: &BTreeMap::new(),
            opened: &BTreeMap::new(),
        };
        match plan(input) {
            Ok(Planned::Plan(plan, _)) => diagnostics.extend(plan.unpassed.into_values().flatten()),
            Ok(Planned::Needs(_)) => {}
            Err(problems) => diagnostics.extend(problems),
        }
    }
    diagnostics
}
