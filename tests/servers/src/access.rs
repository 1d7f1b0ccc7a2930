//! The ways into one API server: endpoint, tokens, certificates, kubeconfigs,
//! clients. Every client knows only the stack's own authority and no proxy.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::certs::{Authority, Pair};
use crate::error::{Context, Result};
use crate::kubeconfig::{self, Login};
use crate::tokens::Tokens;

pub(crate) struct Access {
    pub(crate) endpoint: String,
    pub(crate) authority: Authority,
    pub(crate) tokens: Tokens,
    /// The administrator's.
    pub(crate) kubeconfig: PathBuf,
    folder: PathBuf,
    files: AtomicU64,
}

impl Access {
    pub(crate) fn new(folder: &Path, endpoint: String, authority: Authority, tokens: Tokens) -> Result<Self> {
        let access = Self {
            endpoint,
            authority,
            tokens,
            kubeconfig: folder.join("admin.kubeconfig"),
            folder: folder.to_owned(),
            files: AtomicU64::new(0),
        };
        access.write(&access.kubeconfig, &Login::Token(access.tokens.admin()))?;
        Ok(access)
    }

    pub(crate) fn certificate(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        self.authority.client(user, groups)
    }

    /// A new file at each call, so that callers may change or remove theirs.
    pub(crate) fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let file = self.new_kubeconfig();
        let pair = self.certificate(user, groups)?;
        self.write(&file, &Login::Certificate(&pair))?;
        Ok(file)
    }

    /// A path that no other kubeconfig has.
    pub(crate) fn new_kubeconfig(&self) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("user-{number}.kubeconfig"))
    }

    fn write(&self, file: &Path, login: &Login<'_>) -> Result<()> {
        kubeconfig::write(file, &self.endpoint, self.authority.pem(), login)
    }
}

/// Must be called on the runtime that will use the client.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let doing = format!("cannot make a client from {}", kubeconfig.display());
    let kubeconfig = Kubeconfig::read_from(kubeconfig).context(&doing)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.context(&doing)?;
    config.proxy_url = None;
    // A test sees each answer as it came.
    config.default_retry = false;
    Client::try_from(config).context(&doing)
}
