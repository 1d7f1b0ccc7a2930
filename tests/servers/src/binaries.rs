//! Where the programs are that tests run against.
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
/// The same of moto.
const AWS_REQUIREMENTS: &str = include_str!("../aws/requirements.txt");
/// The same of the CloudNativePG operator.
const CNPG_GO_MOD: &str = include_str!("../cnpg/go.mod");
/// The same of the Gateway API.
const GATEWAY_GO_MOD: &str = include_str!("../gateway/go.mod");
/// The same of OpenTofu.
const OPENTOFU_GO_MOD: &str = include_str!("../opentofu/go.mod");

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

/// OpenTofu, with which the language is compared: the one that
/// TENANTCTL_TEST_TOFU names, else what `tests/servers/install` built.
///
/// # Panics
/// When it is not installed.
pub fn opentofu() -> PathBuf {
    let named = env::var_os("TENANTCTL_TEST_TOFU").filter(|path| !path.is_empty()).map(PathBuf::from);
    let built =
        || Some(set("opentofu", release(OPENTOFU_GO_MOD, "github.com/opentofu/opentofu")?)?.join("tofu"));
    let found = named.or_else(built).filter(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "OpenTofu is not installed. Build it once, from the top of the repository, with:\n\n    \
             tests/servers/install\n"
        )
    })
}

/// The Python that has moto, the stand-in for AWS.
pub(crate) fn moto() -> Result<PathBuf> {
    let pinned = AWS_REQUIREMENTS.lines().find_map(|line| line.strip_prefix("moto=="));
    let release = pinned.and_then(|rest| rest.split_whitespace().next());
    let found = release.and_then(|release| Some(set("aws", release)?.join("python")));
    found.filter(|path| path.is_file()).ok_or_else(|| {
        Failure::new(
            "moto is not installed. Install it once, from the top of the repository, with:\n\n    \
             tests/servers/install\n",
        )
    })
}

/// The CloudNativePG operator.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) manager: PathBuf,
    /// What installs it in a cluster.
    pub(crate) manifest: PathBuf,
}

/// What `tests/servers/install` built of the CloudNativePG operator.
pub(crate) fn cnpg() -> Result<Operator> {
    let release = release(CNPG_GO_MOD, "github.com/cloudnative-pg/cloudnative-pg");
    let folder = release.and_then(|release| set("cnpg", release)).unwrap_or_default();
    let found = Operator { manager: folder.join("cnpg-manager"), manifest: folder.join("cnpg.yaml") };
    if found.manager.is_file() && found.manifest.is_file() {
        return Ok(found);
    }
    Err(Failure::new(format!(
        "the CloudNativePG operator is not installed in {}. Build it once, from the top of the \
         repository, with:\n\n    tests/servers/install\n",
        folder.display()
    )))
}

/// The published definitions of the Gateway API, in one file.
///
/// # Panics
/// When it is not there.
pub fn gateway_definitions() -> PathBuf {
    let folder = release(GATEWAY_GO_MOD, "sigs.k8s.io/gateway-api").and_then(|r| set("gateway", r));
    let found = folder.map(|folder| folder.join("gateway.yaml")).filter(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "The Gateway API is not installed. Fetch it once, from the top of the repository, with:\n\n    \
             tests/servers/install\n"
        )
    })
}

fn cache() -> Option<PathBuf> {
    set("kubernetes", release(GO_MOD, "k8s.io/kubernetes")?)
}

/// The folder of one set of programs; the same rule as in
/// `tests/servers/install`.
pub(crate) fn set(name: &str, release: &str) -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = set("TENANTCTL_TEST_CACHE").or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .map(|cache| cache.join("tenantctl/test-servers"))
    })?;
    Some(root.join(format!("{name}-{release}")).join("bin"))
}

/// The version that a lock file requires of a module.
fn release(lock: &'static str, module: &str) -> Option<&'static str> {
    let mut lines = lock.lines().map(|line| line.trim().trim_start_matches("require "));
    let version = lines.find_map(|line| line.strip_prefix(module)?.strip_prefix(" v"))?;
    version.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_the_lock_file() {
        for (lock, module) in [
            (GO_MOD, "k8s.io/kubernetes"),
            (CNPG_GO_MOD, "github.com/cloudnative-pg/cloudnative-pg"),
            (GATEWAY_GO_MOD, "sigs.k8s.io/gateway-api"),
            (OPENTOFU_GO_MOD, "github.com/opentofu/opentofu"),
        ] {
            let release = release(lock, module).expect("go.mod requires it");
            let digits_and_dots = |c: char| c.is_ascii_digit() || c == '.';
            assert!(release.chars().all(digits_and_dots), "{release}");
        }
    }

    #[test]
    fn what_is_missing_names_the_command_that_installs_it() {
        assert!(missing(&[]).to_string().contains("    tests/servers/install\n"));
    }
}
