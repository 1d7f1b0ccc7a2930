//! Where the server programs are.
//!
//! Looked for in one folder at a time, so that API server and controllers are
//! always of the same release: KUBEBUILDER_ASSETS, the cache folder that
//! `tests/servers/install` fills, then PATH. kubectl is optional and may come
//! from a later place than the others.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};

/// The lock file of the servers; the release is stated there and nowhere else.
const GO_MOD: &str = include_str!("../kubernetes/go.mod");

#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) etcd: PathBuf,
    pub(crate) apiserver: PathBuf,
    pub(crate) controller_manager: PathBuf,
    pub(crate) kubectl: Option<PathBuf>,
}

impl Binaries {
    pub(crate) fn find() -> Result<Self> {
        let folders = folders();
        let home = folders.iter().find(|folder| has_servers(folder)).ok_or_else(|| missing(&folders))?;
        Ok(Self {
            etcd: home.join("etcd"),
            apiserver: home.join("kube-apiserver"),
            controller_manager: home.join("kube-controller-manager"),
            kubectl: folders.iter().map(|folder| folder.join("kubectl")).find(|program| program.is_file()),
        })
    }
}

fn has_servers(folder: &Path) -> bool {
    ["etcd", "kube-apiserver", "kube-controller-manager"].iter().all(|program| folder.join(program).is_file())
}

fn missing(folders: &[PathBuf]) -> Failure {
    let looked: Vec<_> = folders.iter().map(|folder| format!("\n  {}", folder.display())).collect();
    Failure::new(format!(
        "etcd, kube-apiserver and kube-controller-manager are not installed. \
         Build them once, from the top of the repository, with:\n\n    \
         tests/servers/install\n\nLooked in KUBEBUILDER_ASSETS, the cache folder and PATH:{}",
        looked.concat()
    ))
}

fn folders() -> Vec<PathBuf> {
    let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    assets.into_iter().chain(cache()).chain(env::split_paths(&path)).collect()
}

/// The same rule as in `tests/servers/install`.
fn cache() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = set("TENANTCTL_TEST_CACHE").or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .map(|cache| cache.join("tenantctl/test-servers"))
    })?;
    Some(root.join(format!("kubernetes-{}", release()?)).join("bin"))
}

fn release() -> Option<&'static str> {
    let required = GO_MOD.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"))?;
    required.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_the_lock_file() {
        let release = release().expect("go.mod requires k8s.io/kubernetes");
        let digits_and_dots = |c: char| c.is_ascii_digit() || c == '.';
        assert!(release.chars().all(digits_and_dots), "{release}");
    }

    #[test]
    fn what_is_missing_names_the_command_that_installs_it() {
        assert!(missing(&[]).to_string().contains("    tests/servers/install\n"));
    }
}
