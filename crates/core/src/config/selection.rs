//! Which instances an operator means.
//!
//! Must not: know what there is; a name that does not exist selects nothing
//! here and is refused by the platform.

use super::instance::Seated;
use super::tenancy::Seat;
use crate::addr::WorkspaceName;

/// Which instances are meant. Empty lists mean all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Tenants by name.
    pub tenants: Vec<String>,
    /// Tiers by name.
    pub tiers: Vec<String>,
    /// Environments by name.
    pub environments: Vec<String>,
    /// Labels that a tenant has, all of them.
    pub labels: Vec<(String, String)>,
    /// The platform's shared resources alone.
    pub platform: bool,
    /// Workspaces that the configuration has no more, and nothing else.
    pub gone: Vec<WorkspaceName>,
}

impl Selection {
    /// One tenant, wherever it runs.
    pub fn tenant(name: &str) -> Self {
        Selection { tenants: vec![name.to_owned()], ..Selection::default() }
    }

    /// Whether nothing was chosen.
    pub fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    pub(super) fn means(&self, seat: Seat<'_>) -> bool {
        let is = |chosen: &[String], name: &str| chosen.is_empty() || chosen.iter().any(|c| c == name);
        is(&self.tenants, &seat.tenant.name.name)
            && is(&self.tiers, &seat.tier.name.name)
            && is(&self.environments, seat.environment_name())
    }

    /// Whether it may mean a tenant of which no more than this is known.
    pub(super) fn may_mean(&self, tenant: &str, tier: Option<&str>) -> bool {
        let is = |chosen: &[String], name: &str| chosen.is_empty() || chosen.iter().any(|c| c == name);
        !self.platform && is(&self.tenants, tenant) && tier.is_none_or(|tier| is(&self.tiers, tier))
    }

    pub(super) fn has_labels(&self, seated: &Seated) -> bool {
        self.labels.iter().all(|(name, value)| seated.labels.get(name.as_str()) == Some(value))
    }
}
