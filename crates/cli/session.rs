//! What the commands share: the settings of the run, and how the engine's
//! parts are put together for it.
//!
//! Guarantees: nothing is made on disk before a command needs it; `validate`
//! and `version` leave no trace.

use std::path::PathBuf;
use std::sync::Arc;

use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::Platform;
use tenantctl_core::diag::{Diagnostic, Diagnostics, SourceMap};
use tenantctl_core::event::EventSink;
use tenantctl_core::expr::DiskFiles;
use tenantctl_core::ops::{self, Cancel, ConfigOptions, Engine, Fetch, Installed};
use tenantctl_core::plan::Plan;
use tenantctl_core::provider::Registry;
use tenantctl_core::state::{AuditEntry, LocalStore, LockInfo, Sealer, StateStore};

use crate::args::{ConfigArgs, Global};
use crate::error;
use crate::keys;
use crate::output::Output;
use crate::providers::{self, Simulation};
use crate::render::{self, Style};
use crate::settings::Settings;

/// Provider calls in flight, in a plain root and in a fleet.
const PARALLELISM: (usize, usize) = (10, 64);

/// One run of the program.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) sources: Arc<SourceMap>,
    pub(crate) cancel: Cancel,
    pub(crate) root: PathBuf,
    state_dir: Option<PathBuf>,
    /// Warnings are shown by their title only.
    pub(crate) compact_warnings: bool,
}

/// Configuration that was read, with the providers it is for.
pub(crate) struct Loaded {
    pub(crate) platform: Arc<Platform>,
    pub(crate) registry: Registry,
    /// Names of the providers that are simulated.
    pub(crate) simulate: Vec<String>,
    /// What was found on the way, errors excepted.
    pub(crate) warnings: Diagnostics,
}

impl Session {
    /// Goes to the directory that is meant.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub(crate) fn new(settings: Settings, output: Output, global: &Global) -> Result<Self, Diagnostics> {
        if let Ok(start) = std::env::current_dir() {
            DiskFiles::set_start(start);
        }
        if let Some(dir) = &global.chdir {
            std::env::set_current_dir(dir).map_err(|e| error::file("Cannot change to", dir, &e))?;
        }
        if let Some(home) = settings.home.clone() {
            DiskFiles::set_home(home);
        }
        let state_dir = global.state_dir.clone().or_else(|| settings.state_dir.clone());
        Ok(Session {
            settings,
            output,
            sources: Arc::default(),
            cancel: Cancel::default(),
            root: PathBuf::from("."),
            state_dir,
            compact_warnings: global.compact_warnings,
        })
    }

    /// How standard output shows values.
    pub(crate) fn style(&self, show_sensitive: bool) -> Style {
        Style { theme: self.output.theme(), show_sensitive }
    }

    /// Shows problems to people.
    pub(crate) fn report(&self, all: impl IntoIterator<Item = Diagnostic>) {
        let all: Vec<Diagnostic> = all.into_iter().collect();
        let text = render::diagnostics::render(
            &all,
            &self.sources,
            self.output.error_theme(),
            self.compact_warnings,
        );
        self.output.error_text(&text);
    }

    /// Reads the configuration for a look at it: with real providers, whose
    /// schemas are those of simulated ones. Errors come with the warnings.
    pub(crate) fn read(&self, config: &ConfigArgs) -> (Option<Platform>, Registry, Diagnostics) {
        let registry = providers::real(&self.settings);
        let (platform, problems) = ops::load(&registry, &self.sources, &self.options(config));
        (platform, registry, problems)
    }

    /// The same where nothing may be configured.
    pub(crate) fn read_any(&self, config: &ConfigArgs) -> (Option<Platform>, Registry, Diagnostics) {
        let registry = providers::real(&self.settings);
        let options = ConfigOptions { may_be_empty: true, ..self.options(config) };
        let (platform, problems) = ops::load(&registry, &self.sources, &options);
        (platform, registry, problems)
    }

    /// Reads the configuration for a look at it that needs nothing else.
    ///
    /// # Errors
    /// When it is not valid.
    pub(crate) fn look(&self, config: &ConfigArgs) -> Result<Platform, Diagnostics> {
        let (platform, _, problems) = self.read(config);
        match platform {
            Some(platform) if !problems.has_errors() => {
                self.report(problems.sorted());
                Ok(platform)
            }
            _ => Err(problems.sorted()),
        }
    }

    /// Fetches the modules that the configuration names; what it is otherwise
    /// is looked at on the way.
    pub(crate) fn install(&self, config: &ConfigArgs, fetch: Fetch) -> (Vec<Installed>, Diagnostics) {
        let registry = providers::real(&self.settings);
        let (_, installed, problems) = ops::install(&registry, &self.sources, &self.options(config), fetch);
        (installed, problems)
    }

    fn options(&self, config: &ConfigArgs) -> ConfigOptions {
        ConfigOptions {
            root: self.root.clone(),
            values: config.values.0.clone(),
            env_vars: self.settings.variables.clone(),
            deprecation: config.deprecation,
            may_be_empty: false,
        }
    }

    /// Reads the configuration for a run.
    ///
    /// # Errors
    /// When it is not valid, or a provider cannot be simulated.
    pub(crate) fn load(&self, config: &ConfigArgs, sealer: &Arc<Sealer>) -> Result<Loaded, Diagnostics> {
        let (platform, registry, problems) = self.read(config);
        let platform = match platform {
            Some(platform) if !problems.has_errors() => platform,
            _ => return Err(ops::validate_more(&registry, platform.as_ref(), problems).sorted()),
        };
        let names: Vec<String> = config.simulate.iter().chain(platform.simulate()).cloned().collect();
        let registry = providers::simulate(registry, &names, &self.simulation(config, sealer))?;
        Ok(Loaded { platform: Arc::new(platform), registry, simulate: names, warnings: problems.sorted() })
    }

    /// The digest of the configuration at hand; `None` where there is none that
    /// can be read, which a saved plan does not need.
    pub(crate) fn config_digest(&self, config: &ConfigArgs) -> Option<String> {
        let (platform, _, problems) = self.read(config);
        platform.filter(|_| !problems.has_errors()).map(|platform| platform.digest().to_owned())
    }

    /// The providers that saved plans were made with.
    ///
    /// # Errors
    /// When one of them cannot be simulated.
    pub(crate) fn registry_of(
        &self,
        plans: &[Plan],
        config: &ConfigArgs,
        sealer: &Arc<Sealer>,
    ) -> Result<Registry, Diagnostics> {
        let registry = providers::real(&self.settings);
        let names: Vec<String> =
            config.simulate.iter().chain(plans.iter().flat_map(|plan| &plan.simulate)).cloned().collect();
        providers::simulate(registry, &names, &self.simulation(config, sealer))
    }

    fn simulation<'s>(&'s self, config: &'s ConfigArgs, sealer: &'s Arc<Sealer>) -> Simulation<'s> {
        Simulation {
            dir: self.state_dir().join("simulated"),
            sealer,
            fault_script: config.fault_script.as_deref(),
            kubeconfig: self.settings.simulated_kubeconfig.as_deref(),
        }
    }

    /// The key that keeps secrets from those who read the state's files, with
    /// those that were used before it.
    ///
    /// # Errors
    /// When there is none and none can be made.
    pub(crate) fn sealer(&self) -> Result<Arc<Sealer>, Diagnostics> {
        let keys = keys::load(self)?;
        if let Some(path) = keys.made {
            self.output.error_text(&format!(
                "Made a key for secrets in state and plans: {}\nKeep a copy: without it they cannot be read.\n",
                path.display()
            ));
        }
        Ok(Arc::new(Sealer::with_earlier(&keys.key, &keys.earlier)))
    }

    /// Where states are kept.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| self.root.join("state"))
    }

    /// The store of states.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn store(&self, sealer: &Arc<Sealer>) -> Result<Arc<dyn StateStore>, Diagnostics> {
        let store = LocalStore::open(&self.state_dir(), Arc::clone(sealer)).map_err(|e| error::state(&e))?;
        Ok(Arc::new(store))
    }

    /// The engine for one operation.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub(crate) fn engine(
        &self,
        operation: &str,
        registry: Registry,
        sealer: &Arc<Sealer>,
        events: Arc<dyn EventSink>,
        parallelism: usize,
    ) -> Result<Engine, Diagnostics> {
        let timestamp = now();
        Ok(Engine {
            registry,
            store: self.store(sealer)?,
            sources: Arc::clone(&self.sources),
            events,
            lock_info: LockInfo {
                id: uuid::Uuid::new_v4().to_string(),
                operation: operation.to_owned(),
                who: self.settings.who.clone(),
                version: render::VERSION.to_owned(),
                created: timestamp.clone(),
                pid: std::process::id(),
            },
            lock_timeout: std::time::Duration::ZERO,
            timestamp,
            parallelism,
            fail_fast: false,
            cancel: self.cancel.clone(),
        })
    }
}

impl Session {
    /// Leaves a note that sensitive values were shown. They are not shown when
    /// it cannot be left.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn showed_sensitive(
        &self,
        store: &dyn StateStore,
        command: &str,
        workspaces: Vec<WorkspaceName>,
    ) -> Result<(), Diagnostics> {
        let entry = AuditEntry {
            at: now(),
            who: self.settings.who.clone(),
            operation: "show-sensitive".to_owned(),
            workspaces,
            detail: command.to_owned(),
            complete: true,
            ..AuditEntry::default()
        };
        Ok(store.record(&[entry], true).map_err(|e| error::state(&e))?)
    }
}

/// Calls in flight: as asked, or what suits the size of the run.
pub(crate) fn parallelism(asked: Option<u16>, fleet: bool) -> usize {
    match asked {
        Some(number) => usize::from(number),
        None if fleet => PARALLELISM.1,
        None => PARALLELISM.0,
    }
}

/// Now, RFC 3339, to the second.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
