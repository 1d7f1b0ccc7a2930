//! What the environment says: the only place that reads it.
//!
//! `TF_VAR_name` gives variables, as Terraform has it; everything of our own
//! is `TENANTCTL_*`; `NO_COLOR`, `KUBECONFIG`, `AWS_REGION`, `HOME` and
//! `XDG_CONFIG_HOME` mean what they always mean, as do `ARM_*` and `AZURE_*`.
//! (The AWS SDK looks for credentials by itself, where every program with it
//! does.)

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Settings of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `TF_VAR_name`: name and text.
    pub(crate) variables: Vec<(String, String)>,
    /// `NO_COLOR` is set.
    pub(crate) no_color: bool,
    /// `TENANTCTL_INPUT=false`: never ask.
    pub(crate) no_input: bool,
    /// Files that say how clusters are reached.
    #[cfg_attr(not(any(feature = "kubernetes", test)), expect(dead_code, reason = "there are no clusters"))]
    pub(crate) kubeconfig: Vec<PathBuf>,
    /// `TENANTCTL_SIMULATED_KUBECONFIG`: the clusters that simulated ones stand for.
    pub(crate) simulated_kubeconfig: Option<PathBuf>,
    /// This process runs inside a cluster.
    #[cfg_attr(not(any(feature = "kubernetes", test)), expect(dead_code, reason = "there are no clusters"))]
    pub(crate) in_cluster: bool,
    /// What `~` stands for.
    pub(crate) home: Option<PathBuf>,
    /// The file of the key that seals secrets; `None` without a home.
    pub(crate) key_file: Option<PathBuf>,
    /// `TENANTCTL_KEY_COMMAND`: prints the key.
    pub(crate) key_command: Option<String>,
    /// `TENANTCTL_PASSPHRASE`: the key is made of it.
    pub(crate) passphrase: Option<Passphrase>,
    /// `TENANTCTL_EARLIER_KEY_FILE`: what was sealed with this key can be read, too.
    pub(crate) earlier_key_file: Option<PathBuf>,
    /// `TENANTCTL_EARLIER_PASSPHRASE`: likewise.
    pub(crate) earlier_passphrase: Option<Passphrase>,
    /// `TENANTCTL_FAILPOINT`: where a test has the process die.
    #[cfg(feature = "failpoints")]
    failpoint: Option<String>,
    /// `AWS_REGION` or `AWS_DEFAULT_REGION`: of AWS objects that name none.
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only that provider asks"))]
    pub(crate) aws_region: Option<String>,
    /// `ARM_*` and `AZURE_*`: who calls Azure, and where.
    #[cfg_attr(not(feature = "azure"), allow(dead_code, reason = "only that provider asks"))]
    pub(crate) azure: Environment,
    /// `TENANTCTL_STATE_DIR`.
    pub(crate) state_dir: Option<PathBuf>,
    /// `user@host`.
    pub(crate) who: String,
}

/// Text that shows in no debug output.
#[derive(Clone)]
pub(crate) struct Passphrase(pub(crate) String);

/// Variables of the environment that show in no debug output.
#[derive(Clone, Default)]
pub(crate) struct Environment(pub(crate) BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Settings {
    /// Has the process die where a test says: `3` at the third place that is
    /// passed; `record:FILE` only writes down which are passed.
    #[cfg(feature = "failpoints")]
    pub(crate) fn arm_failpoints(&self) {
        use tenantctl_core::state::failpoint::{Armed, arm};
        let Some(text) = &self.failpoint else { return };
        match (text.strip_prefix("record:"), text.parse()) {
            (Some(path), _) => arm(Armed::Record(path.into())),
            (None, Ok(number)) => arm(Armed::Die(number)),
            (None, Err(_)) => {}
        }
    }

    /// Of this process.
    pub(crate) fn from_environment() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self::from(std::env::vars_os(), host.trim())
    }

    fn from(environment: impl IntoIterator<Item = (OsString, OsString)>, host: &str) -> Self {
        let all: BTreeMap<OsString, OsString> =
            environment.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let get = |name: &str| all.get(&OsString::from(name)).cloned();
        let text = |name: &str| get(name).and_then(|value| value.into_string().ok());
        let path = |name: &str| get(name).map(PathBuf::from);
        let home = path("HOME");
        let config = path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let user = text("USER").or_else(|| text("LOGNAME")).unwrap_or_else(|| "unknown".into());
        let host = if host.is_empty() { text("HOSTNAME").unwrap_or_default() } else { host.to_owned() };
        Settings {
            variables: variables(&all),
            no_color: get("NO_COLOR").is_some(),
            no_input: text("TENANTCTL_INPUT").is_some_and(|value| value == "0" || value == "false"),
            kubeconfig: match get("KUBECONFIG") {
                Some(list) => std::env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()).collect(),
                None => home.iter().map(|home| home.join(".kube").join("config")).collect(),
            },
            simulated_kubeconfig: path("TENANTCTL_SIMULATED_KUBECONFIG"),
            in_cluster: get("KUBERNETES_SERVICE_HOST").is_some(),
            home: home.clone(),
            key_file: path("TENANTCTL_KEY_FILE").or_else(|| Some(config?.join("tenantctl").join("key"))),
            key_command: text("TENANTCTL_KEY_COMMAND"),
            passphrase: text("TENANTCTL_PASSPHRASE").map(Passphrase),
            earlier_key_file: path("TENANTCTL_EARLIER_KEY_FILE"),
            earlier_passphrase: text("TENANTCTL_EARLIER_PASSPHRASE").map(Passphrase),
            #[cfg(feature = "failpoints")]
            failpoint: text("TENANTCTL_FAILPOINT"),
            aws_region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
            azure: Environment(prefixed(&all, &["ARM_", "AZURE_"])),
            state_dir: path("TENANTCTL_STATE_DIR"),
            who: format!("{user}@{host}"),
        }
    }
}

fn prefixed(all: &BTreeMap<OsString, OsString>, prefixes: &[&str]) -> BTreeMap<String, String> {
    let texts = all.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    let wanted = texts.filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn variables(all: &BTreeMap<OsString, OsString>) -> Vec<(String, String)> {
    all.iter()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix("TF_VAR_")?;
            Some((name.to_owned(), value.to_str()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from(pairs.iter().map(|(name, value)| (name.into(), value.into())), "box")
    }

    #[test]
    fn reads_what_it_knows() {
        let all = settings(&[("TF_VAR_region", "eu"), ("NO_COLOR", "1"), ("HOME", "/h"), ("USER", "ann")]);
        assert_eq!(all.variables, [("region".to_owned(), "eu".to_owned())]);
        assert!(all.no_color && !all.no_input && !all.in_cluster);
        assert_eq!(all.key_file, Some("/h/.config/tenantctl/key".into()));
        assert_eq!(all.kubeconfig, [PathBuf::from("/h/.kube/config")]);
        assert_eq!(all.who, "ann@box");
    }

    #[test]
    fn what_is_set_goes_before_defaults() {
        let all = settings(&[
            ("KUBECONFIG", "/a:/b"),
            ("TENANTCTL_KEY_FILE", "/k"),
            ("XDG_CONFIG_HOME", "/x"),
            ("TENANTCTL_INPUT", "false"),
            ("NO_COLOR", ""),
        ]);
        assert_eq!(all.kubeconfig, [PathBuf::from("/a"), "/b".into()]);
        assert_eq!(all.key_file, Some("/k".into()));
        assert!(all.no_input && !all.no_color);
    }
}
