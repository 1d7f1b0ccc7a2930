//! Which providers a run has: the real ones, or simulated ones in their place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::provider::Registry;
use tenantctl_core::state::Sealer;
use tenantctl_providers::builtin::Builtin;
use tenantctl_providers::null::Null;
use tenantctl_providers::simulated::{self, Cloud, Sandbox, Script, Simulated};

use crate::error::sentence;
use crate::settings::Settings;

/// Names all providers where one would be named.
const ALL: &str = "*";
/// What simulated objects are sealed as.
const CONTEXT: &[u8] = b"tenantctl simulated cloud 1";

/// All providers, each with its real service.
pub(crate) fn real(settings: &Settings) -> Registry {
    let mut registry = Registry::default();
    registry.insert(Arc::new(Builtin::new()));
    registry.insert(Arc::new(Null));
    #[cfg(feature = "dns")]
    registry.insert(Arc::new(tenantctl_providers::dns::Dns::new()));
    registry.insert(Arc::new(Sandbox));
    // Clouds that give credentials of their clusters.
    #[cfg(feature = "kubernetes")]
    #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "there are none"))]
    let mut access = std::collections::BTreeMap::new();
    #[cfg(feature = "aws")]
    {
        let aws = aws(settings);
        #[cfg(feature = "kubernetes")]
        access.insert(tenantctl_core::provider::Provider::name(&aws).to_owned(), aws.cluster_access());
        registry.insert(Arc::new(aws));
    }
    #[cfg(feature = "azure")]
    {
        let azure = azure(settings);
        #[cfg(feature = "kubernetes")]
        access.insert(tenantctl_core::provider::Provider::name(&azure).to_owned(), azure.cluster_access());
        registry.insert(Arc::new(azure));
    }
    #[cfg(feature = "kubernetes")]
    registry.insert(Arc::new(kubernetes(settings, access)));
    // Without any of them.
    let _ = settings;
    registry
}

#[cfg(feature = "aws")]
fn aws(settings: &Settings) -> tenantctl_providers::aws::Aws {
    use tenantctl_providers::aws::{Aws, Options};
    Aws::new(Options { region: settings.aws_region.clone(), ..Options::default() })
}

#[cfg(feature = "azure")]
fn azure(settings: &Settings) -> tenantctl_providers::azure::Azure {
    use tenantctl_providers::azure::{Azure, Options};
    Azure::new(Options { environment: settings.azure.0.clone(), ..Options::default() })
}

#[cfg(feature = "kubernetes")]
fn kubernetes(
    settings: &Settings,
    access: std::collections::BTreeMap<String, Arc<dyn tenantctl_providers::cluster_access::ClusterAccess>>,
) -> impl tenantctl_core::provider::Provider + 'static {
    use tenantctl_providers::kubernetes::{Kubernetes, Options};
    Kubernetes::new(Options {
        kubeconfig: settings.kubeconfig.clone(),
        in_cluster: settings.in_cluster,
        home: settings.home.clone(),
        access,
    })
}

/// Where simulated objects live and how their cloud behaves.
pub(crate) struct Simulation<'s> {
    pub(crate) dir: PathBuf,
    pub(crate) sealer: &'s Arc<Sealer>,
    pub(crate) fault_script: Option<&'s Path>,
    /// The clusters that simulated ones stand for.
    pub(crate) kubeconfig: Option<&'s Path>,
}

/// The same providers, those of these names simulated, and the one that is
/// never anything else.
///
/// # Errors
/// A name that no provider has, or files that cannot be used.
pub(crate) fn simulate(
    mut registry: Registry,
    names: &[String],
    simulation: &Simulation<'_>,
) -> Result<Registry, Diagnostics> {
    let known: Vec<String> = registry.iter().map(|provider| provider.name().to_owned()).collect();
    if let Some(unknown) = names.iter().find(|name| *name != ALL && !known.contains(name)) {
        let problem =
            Diagnostic::error("Unknown provider", format!("There is no provider {unknown:?} to simulate."));
        return Err(problem.suggest(unknown, known.iter().map(String::as_str)).into());
    }
    let cloud = Arc::new(cloud(simulation, names.is_empty())?);
    let sandbox = Sandbox;
    let sandbox = tenantctl_core::provider::Provider::name(&sandbox);
    // These have no service that could be simulated.
    let builtin = Builtin::new();
    let builtin = tenantctl_core::provider::Provider::name(&builtin);
    let null = tenantctl_core::provider::Provider::name(&Null);
    let own = [builtin, null, sandbox];
    for name in known
        .iter()
        .filter(|name| !own.contains(&name.as_str()) && names.iter().any(|n| n == ALL || n == *name))
    {
        if let Some(inner) = registry.get(name).cloned() {
            registry.insert(Arc::new(Simulated::new(inner, Arc::clone(&cloud))));
        }
    }
    let answers = simulated::answers(simulation.kubeconfig.map(Path::to_owned));
    registry.insert(Arc::new(Simulated::new(Arc::new(Sandbox), cloud).answering(answers)));
    Ok(registry)
}

/// Without a provider to simulate there may never be an object, and then there
/// is to be no directory.
fn cloud(simulation: &Simulation<'_>, idle: bool) -> Result<Cloud, Diagnostics> {
    let sealer = Arc::new(CloudSealer(Arc::clone(simulation.sealer)));
    let unusable = |summary: &str, error: &dyn std::error::Error| {
        Diagnostics::from(Diagnostic::error(summary, sentence(&error.to_string())))
    };
    let cloud = match idle {
        true => Cloud::at(&simulation.dir, sealer),
        false => Cloud::open(&simulation.dir, sealer)
            .map_err(|error| unusable("Simulated cloud not usable", &error))?,
    };
    let Some(path) = simulation.fault_script else { return Ok(cloud) };
    let script = Script::load(path).map_err(|error| unusable("Fault script not usable", &error))?;
    Ok(cloud.with_script(script))
}

/// The state's key, as the simulated cloud wants it.
struct CloudSealer(Arc<Sealer>);

impl simulated::Sealer for CloudSealer {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        self.0.seal_bytes(plain, CONTEXT).map_err(|error| error.to_string())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.0.unseal_bytes(sealed, CONTEXT).map_err(|error| error.to_string())
    }
}
