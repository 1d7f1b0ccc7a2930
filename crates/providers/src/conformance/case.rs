//! What the suite is given: one object, and what it is changed to.

use tenantctl_core::provider::Value;

/// One object and what it is changed to.
#[derive(Clone, Debug)]
pub struct Case {
    /// Resource type.
    pub kind: String,
    /// The `provider` block; `NULL` without one.
    pub provider_config: Value,
    /// The configuration; what it leaves out is null.
    pub config: Value,
    /// A configuration that the object can be changed to in place.
    pub changed: Option<Value>,
    /// Whether changes that its schema marks so are planned as replacements.
    pub replaces: bool,
    /// A configuration of another object, when no argument by itself makes one.
    pub other: Option<Value>,
    /// What somebody else changes it to, when `changed` has no way back.
    pub drifted: Option<Value>,
    /// The workspace that the object belongs to.
    pub workspace: String,
    /// Whether a service holds the object; without one there is nothing to
    /// find, and reads give back what is recorded.
    pub service: bool,
    /// What the object is imported by, when not by its `id`; `None` of a type
    /// that has no ids.
    pub import: fn(&Value) -> Option<String>,
    /// Whether it is imported by its name in its connection, whatever else.
    pub imported_by_name: bool,
    /// In whose name results are told, when not the provider's.
    pub provider: Option<String>,
}

/// The `id` of an object.
fn id(object: &Value) -> Option<String> {
    object.get("id").and_then(|id| id.as_str().map(str::to_owned))
}

impl Case {
    /// A case without a change.
    pub fn new(kind: impl Into<String>, config: Value) -> Self {
        Case {
            kind: kind.into(),
            provider_config: Value::NULL,
            config,
            changed: None,
            drifted: None,
            replaces: true,
            other: None,
            workspace: "conformance".into(),
            service: true,
            import: id,
            imported_by_name: false,
            provider: None,
        }
    }

    /// With a configuration to change to.
    #[must_use]
    pub fn changed(mut self, changed: Value) -> Self {
        self.changed = Some(changed);
        self
    }

    /// Of a provider that plans nothing itself.
    #[must_use]
    pub fn never_replaced(mut self) -> Self {
        self.replaces = false;
        self
    }

    /// With a configuration that no object can be changed to.
    #[must_use]
    pub fn other(mut self, other: Value) -> Self {
        self.other = Some(other);
        self
    }

    /// With what somebody else changes it to.
    #[must_use]
    pub fn drifted(mut self, drifted: Value) -> Self {
        self.drifted = Some(drifted);
        self
    }

    /// With a `provider` block.
    #[must_use]
    pub fn provider_config(mut self, config: Value) -> Self {
        self.provider_config = config;
        self
    }

    /// Imported by something else than its `id`.
    #[must_use]
    pub fn imported_by(mut self, import: fn(&Value) -> Option<String>) -> Self {
        self.import = import;
        self
    }

    /// Of another workspace than `conformance`.
    #[must_use]
    pub fn workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = workspace.into();
        self
    }

    /// Held by no service.
    #[must_use]
    pub fn without_service(mut self) -> Self {
        self.service = false;
        self
    }

    /// In a simulated cloud: told as such, and imported by the name that its
    /// objects have there.
    #[must_use]
    pub fn simulated(mut self) -> Self {
        self.provider = Some("simulated".into());
        self.imported_by_name = true;
        self
    }
}
