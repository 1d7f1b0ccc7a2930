//! Hand-made plans for the tests of this folder.

use std::collections::BTreeMap;

use tenantctl_core::plan::{Action, Change, Drift, Plan, PlanMode};
use tenantctl_core::state::{Checks, RecordKey};
use tenantctl_core::value::{Type, Value};

use super::{Style, Theme};

pub(super) fn style() -> Style {
    Style { theme: Theme::new(false), show_sensitive: false }
}

pub(super) fn key(address: &str) -> RecordKey {
    RecordKey::current(address.parse().expect("an address"))
}

pub(super) fn object<const N: usize>(attributes: [(&str, Value); N]) -> Value {
    Value::object(attributes)
}

pub(super) fn unknown() -> Value {
    Value::unknown(Type::String)
}

pub(super) fn change(address: &str, action: Action, before: Value, after: Value) -> Change {
    Change { before, after, ..Change::of(key(address), &"test".into(), action) }
}

pub(super) fn drift_of(address: &str, before: Value, after: Value) -> Drift {
    Drift { key: key(address), before, after, by: Vec::new() }
}

pub(super) fn plan(workspace: &str, changes: Vec<Change>) -> Plan {
    Plan {
        workspace: workspace.parse().expect("a name"),
        tenant: Some(workspace.into()),
        tier: Some("starter".into()),
        environment: None,
        lineage: String::new(),
        serial: 0,
        mode: PlanMode::Normal,
        timestamp: "2030-01-01T00:00:00Z".into(),
        config_digest: String::new(),
        simulate: Vec::new(),
        schemas: BTreeMap::new(),
        variables: BTreeMap::new(),
        ephemeral: BTreeMap::new(),
        changes,
        unchanged: 0,
        outputs: [].into(),
        drift: Vec::new(),
        steps: Vec::new(),
        slots: Vec::new(),
        refreshed: Vec::new(),
        deferred: Vec::new(),
        checks: Checks::default(),
        rechecked: false,
        assertions: Vec::new(),
        policies: Vec::new(),
        partial: false,
        relevant: Vec::new(),
        unpassed: BTreeMap::new(),
        generated: Vec::new(),
    }
}
