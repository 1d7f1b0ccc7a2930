//! How an object is to be applied and looked at, and what is remembered of
//! an operation that takes longer.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenantctl_core::provider::Value;

use super::clock;
use super::manifest::ObjectId;
use super::schema::FIELD_MANAGER;
use super::wait::Wait;

/// How to look at an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// Our field manager.
    pub(super) manager: &'a str,
    /// Paths of fields that others may change.
    pub(super) computed: &'a [String],
}

/// What a started operation is about. Plain data without secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Handle {
    /// An object that is to become ready.
    Rollout {
        /// Which one.
        object: ObjectId,
        /// What it waits for.
        wait: Wait,
        /// Under which the planned value is kept while the process lives.
        key: String,
        /// When to give up.
        limit: clock::Limit,
        /// Whether what it says may be older than what was applied.
        #[serde(default)]
        stale: bool,
    },
    /// An object that is to vanish.
    Delete {
        /// Which one.
        object: ObjectId,
        /// Its identity, so that a successor of the same name is not waited for.
        uid: String,
        /// When to give up.
        limit: clock::Limit,
    },
}

/// What the configuration says about how to apply.
pub(super) struct Settings {
    /// Who owns the fields.
    pub(super) manager: String,
    /// Take fields that others own.
    pub(super) force: bool,
    /// Paths of fields that others may change.
    pub(super) computed: Vec<String>,
}

impl Settings {
    pub(super) fn of(config: &Value) -> Self {
        let field_manager = config.get("field_manager").unwrap_or(Value::NULL);
        let name = field_manager.get("name").and_then(|v| v.as_str().map(str::to_owned));
        let computed = config.get("computed_fields").unwrap_or(Value::NULL);
        let computed = computed.as_items().unwrap_or_default();
        Settings {
            manager: name.filter(|n| !n.is_empty()).unwrap_or_else(|| FIELD_MANAGER.to_owned()),
            force: field_manager.get("force_conflicts").and_then(|v| v.as_bool()) == Some(true),
            computed: computed.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View { manager: &self.manager, computed: &self.computed }
    }
}

/// A handle as the journal keeps it.
pub(super) fn plain(handle: &Handle) -> Json {
    // Strings, numbers and lists of them: always JSON.
    serde_json::to_value(handle).unwrap_or_default()
}
