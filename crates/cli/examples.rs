//! Examples that a platform can begin from, part of the program.
//!
//! Guarantees: no file is written over another; either nothing is written or
//! every file was begun with a free place.
//! Must not: take files that are not listed here, since runs leave states
//! beside examples.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tenantctl_core::diag::{Diagnostic, Diagnostics};

/// An example: what it is called, what it shows, and its files.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    pub(crate) shows: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! files {
    ($example:literal: $($path:literal)*) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/", $example, "/", $path)))),*]
    };
}

/// All of them.
pub(crate) const EXAMPLES: [Example; 4] = [
    Example {
        name: "quickstart",
        shows: "three customers, one tier, on a simulated cluster",
        files: files! { "quickstart":
            "README.md"
            "main.hcl"
            "blueprint/app.tf"
            "blueprint/guards.tf"
            "blueprint/namespace.tf"
            "blueprint/variables.tf"
        },
    },
    Example {
        name: "saas-aws",
        shows: "namespaces, node groups and clusters of EKS, buckets and names, on AWS",
        files: files! { "saas-aws":
            "README.md"
            "main.hcl"
            "shared.tf"
            "blueprint/cluster.tf"
            "blueprint/data.tf"
            "blueprint/names.tf"
            "blueprint/namespace.tf"
            "blueprint/variables.tf"
            "tenants/acme.hcl"
            "tenants/globex.hcl"
            "tenants/hooli.hcl"
        },
    },
    Example {
        name: "saas-azure",
        shows: "namespaces, node pools and clusters of AKS, key vaults and names, on Azure",
        files: files! { "saas-azure":
            "README.md"
            "main.hcl"
            "shared.tf"
            "blueprint/cluster.tf"
            "blueprint/dns.tf"
            "blueprint/namespace.tf"
            "blueprint/variables.tf"
            "blueprint/vault.tf"
        },
    },
    Example {
        name: "saas-hybrid",
        shows: "shared namespaces, own nodes and own clusters from one blueprint",
        files: files! { "saas-hybrid":
            "README.md"
            "main.hcl"
            "environments.hcl"
            "clusters.tf"
            "policies.hcl"
            "blueprints/customer-instance/access.tf"
            "blueprints/customer-instance/app.tf"
            "blueprints/customer-instance/cluster.tf"
            "blueprints/customer-instance/database.tf"
            "blueprints/customer-instance/guards.tf"
            "blueprints/customer-instance/monitoring.tf"
            "blueprints/customer-instance/names.tf"
            "blueprints/customer-instance/namespace.tf"
            "blueprints/customer-instance/network.tf"
            "blueprints/customer-instance/outputs.tf"
            "blueprints/customer-instance/pool.tf"
            "blueprints/customer-instance/secrets.tf"
            "blueprints/customer-instance/variables.tf"
            "modules/cluster/addons.tf"
            "modules/cluster/addons/README.md"
            "modules/cluster/base.tf"
            "modules/cluster/cluster.tf"
            "modules/cluster/gateway.tf"
            "modules/cluster/policies.tf"
            "modules/cluster/variables.tf"
            "tenants/acme.hcl"
            "tenants/globex.hcl"
            "tenants/hooli.hcl"
            "tenants/initech.hcl"
            "tenants/stark.hcl"
            "tenants/umbrella.hcl"
        },
    },
];

/// The example of a name.
///
/// # Errors
/// When there is none.
pub(crate) fn find(name: &str) -> Result<&'static Example, Diagnostics> {
    EXAMPLES.iter().find(|example| example.name == name).ok_or_else(|| {
        let known: Vec<String> = EXAMPLES.iter().map(|e| format!("{} ({})", e.name, e.shows)).collect();
        let error = Diagnostic::error("Unknown example", format!("There is no example {name:?}."));
        error.hint(format!("There are: {}.", known.join("; "))).into()
    })
}

impl Example {
    /// Writes its files into a directory, which is made if need be; how many.
    ///
    /// # Errors
    /// When one of them is there already, and then nothing is written; or when
    /// one cannot be written.
    pub(crate) fn write(&self, directory: &Path) -> Result<usize, Diagnostics> {
        let mut problems = Diagnostics::new();
        for (path, _) in self.files {
            let path = directory.join(path);
            if path.symlink_metadata().is_ok() {
                let error = Diagnostic::error("File exists", format!("{} is there already.", path.display()));
                problems.push(error.hint("Choose another directory: nothing is written over."));
            }
        }
        if problems.has_errors() {
            return Err(problems);
        }
        for (path, text) in self.files {
            let path = directory.join(path);
            write_new(&path, text).map_err(|problem| {
                let detail = format!("{} cannot be written: {problem}.", path.display());
                Diagnostic::error("File not written", detail)
            })?;
        }
        Ok(self.files.len())
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn files(folder: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            // What a user's own runs left there is not part of the example.
            if path.is_dir() && name != "state" {
                files(&path, below, found);
            } else if path.is_file() && !name.to_string_lossy().starts_with('.') {
                let inside = path.strip_prefix(below).expect("below");
                found.insert(inside.display().to_string());
            }
        }
    }

    #[test]
    fn every_file_of_an_example_is_listed() {
        for example in &EXAMPLES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example.name);
            let mut found = BTreeSet::new();
            files(&folder, &folder, &mut found);
            let listed: BTreeSet<String> = example.files.iter().map(|(path, _)| (*path).to_owned()).collect();
            assert_eq!(listed, found, "{}", example.name);
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let place = tempfile::tempdir().expect("a directory");
        let example = find("quickstart").expect("known");
        let directory = place.path().join("new/shop");
        assert_eq!(example.write(&directory).expect("written"), example.files.len());
        fs::write(directory.join("main.hcl"), "mine").expect("written");
        assert_eq!(example.write(&directory).expect_err("refused").iter().count(), example.files.len());
        assert_eq!(fs::read_to_string(directory.join("main.hcl")).expect("there"), "mine");
        assert!(find("quick").is_err());
    }
}
