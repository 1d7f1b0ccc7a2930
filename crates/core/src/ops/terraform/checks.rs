//! What conditions came to, as Terraform's state files have it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::addr::ResourceAddress;
use crate::state::{CheckOutcome, CheckStatus, Checkable, CheckableKind, Checked, Checks};

/// A block that sets conditions.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Block {
    object_kind: Kind,
    #[cfg_attr(test, schemars(with = "String"))]
    config_addr: ResourceAddress,
    status: CheckStatus,
    /// Null where there are none, or they are not known.
    objects: Option<Vec<Object>>,
}

/// An instance of it.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Object {
    #[cfg_attr(test, schemars(with = "String"))]
    object_addr: ResourceAddress,
    status: CheckStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failure_messages: Vec<String>,
}

/// What kind of block, in the words of state files.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Kind {
    Resource,
    Output,
    Check,
    Var,
}

impl From<CheckableKind> for Kind {
    fn from(kind: CheckableKind) -> Self {
        match kind {
            CheckableKind::Resource => Kind::Resource,
            CheckableKind::OutputValue => Kind::Output,
            CheckableKind::Check => Kind::Check,
            CheckableKind::Variable => Kind::Var,
        }
    }
}

impl From<Kind> for CheckableKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Resource => CheckableKind::Resource,
            Kind::Output => CheckableKind::OutputValue,
            Kind::Check => CheckableKind::Check,
            Kind::Var => CheckableKind::Variable,
        }
    }
}

pub(super) fn serialize<S: Serializer>(checks: &Checks, serializer: S) -> Result<S::Ok, S::Error> {
    if checks.is_empty() {
        return serializer.serialize_none();
    }
    let object = |(at, outcome): (&ResourceAddress, &CheckOutcome)| Object {
        object_addr: at.clone(),
        status: outcome.status,
        failure_messages: outcome.problems.clone(),
    };
    serializer.collect_seq(checks.0.iter().map(|(block, checked)| Block {
        object_kind: block.kind.into(),
        config_addr: block.address.clone(),
        status: checked.status(),
        objects: (!checked.instances.is_empty()).then(|| checked.instances.iter().map(object).collect()),
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Checks, D::Error> {
    let blocks: Option<Vec<Block>> = Deserialize::deserialize(deserializer)?;
    let checked = |block: Block| {
        let open = block.objects.is_none() && block.status == CheckStatus::Unknown;
        let objects = block.objects.into_iter().flatten();
        let instances = objects.map(|object| {
            (object.object_addr, CheckOutcome { status: object.status, problems: object.failure_messages })
        });
        let which = Checkable { kind: block.object_kind.into(), address: block.config_addr };
        (which, Checked { open, instances: instances.collect() })
    };
    Ok(Checks(blocks.into_iter().flatten().map(checked).collect()))
}
