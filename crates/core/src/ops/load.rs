//! Loading a root directory.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::config::{self, Given, Instance, Manner, Platform, Selected};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::graph::Graph;
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
    for path in automatic_values(&options.root) {
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
    let (platform, mut found) = config::load(
        registry,
        sources,
        modules,
        &options.root,
        &vars,
        Manner { deprecation: options.deprecation, may_be_empty: options.may_be_empty },
    );
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
/// `*.auto.tfvars.json` of a directory, in order.
pub fn automatic_values(dir: &Path) -> Vec<PathBuf> {
    const FIRST: [&str; 2] = ["terraform.tfvars", "terraform.tfvars.json"];
    let name = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
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
    let mut looked_through = HashSet::new();
    for instance in &instances {
        let key = super::plan::key(&instance.module);
        match &graphs[&key] {
            Ok(graph) => diagnostics.extend(tried(registry, platform, instance, graph)),
            Err(problems) if looked_through.insert(key) => {
                diagnostics.extend(beyond(registry, platform, instance, problems));
            }
            Err(_) => {}
        }
    }
    diagnostics
}

/// What more is wrong with a configuration in which something is already known
/// to be wrong; with that.
pub fn validate_more(registry: &Registry, platform: Option<&Platform>, known: Diagnostics) -> Diagnostics {
    let Some(platform) = platform.filter(|platform| platform.can_be_looked_through()) else { return known };
    let found = validate(registry, platform);
    with_new(known, found)
}

/// What is wrong with an instance whose graph cannot be built; `problems` say
/// why that is.
pub(super) fn beyond(
    registry: &Registry,
    platform: &Platform,
    instance: &Instance,
    problems: &Diagnostics,
) -> Diagnostics {
    let (Some(graph), _) = Graph::sketch(&instance.module) else { return problems.clone() };
    with_new(problems.clone(), tried(registry, platform, instance, &graph))
}

/// Problems and those of others that are not where one of them is: they would
/// say the same.
fn with_new(mut problems: Diagnostics, others: Diagnostics) -> Diagnostics {
    let known: Vec<Span> = problems.iter().filter_map(|problem| problem.span).collect();
    let meets = |a: Span, b: &Span| a.file == b.file && a.start < b.end && b.start < a.end;
    let is_new = |other: &Diagnostic| other.span.is_some_and(|span| !known.iter().any(|b| meets(span, b)));
    problems.extend(others.into_iter().filter(is_new));
    problems.sorted()
}

/// What planning an instance finds wrong, when there is nothing yet.
fn tried(registry: &Registry, platform: &Platform, instance: &Instance, graph: &Graph) -> Diagnostics {
    let mut state = WorkspaceState::empty(instance.workspace.clone());
    let moved = match moves(graph, registry, &mut state) {
        Ok(moved) => moved,
        Err(errors) => return errors,
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
        Ok(Planned::Plan(plan, _)) => plan.unpassed.into_values().flatten().collect(),
        Ok(Planned::Needs(_)) => Diagnostics::new(),
        Err(problems) => problems,
    }
}
