//! Loading a root directory.

use crate::config::{self, Platform};
use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::ops::ConfigOptions;
use crate::provider::Registry;

/// Loads a root directory with the values given for its variables: from the
/// environment first, then files, then the command line, the last one wins.
/// Gives every mistake in the directory at once.
pub fn load(registry: &Registry, sources: &SourceMap, options: &ConfigOptions) -> (Option<Platform>, Diagnostics) {
    let mut vars = options.env_vars.clone();
    let mut diagnostics = Diagnostics::new();
    for path in options.var_files.iter().cloned().chain(automatic(options)) {
        match config::read_values(&path, sources, &mut diagnostics) {
            Ok(values) => vars.extend(values),
            Err(error) => diagnostics.push(Diagnostic::error("Unreadable variables file", format!("{} cannot be read: {error}.", path.display()))),
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

/// What is wrong with a loaded configuration: references, cycles, settings.
pub fn validate(platform: &Platform) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    match platform.instances(&[], &[]) {
        Err(errors) => diagnostics.extend(errors),
        Ok(instances) => {
            let mut seen = Vec::new();
            for instance in instances {
                let module = std::sync::Arc::as_ptr(&instance.module);
                if !seen.contains(&module) {
                    seen.push(module);
                    diagnostics.extend(crate::graph::Graph::build(&instance.module).err().into_iter().flatten());
                }
            }
        }
    }
    diagnostics
}
