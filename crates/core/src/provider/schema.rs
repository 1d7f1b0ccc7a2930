//! Schemas: which arguments a block takes, of which types, and who sets them.
//!
//! Modelled on Terraform's provider protocol: an attribute is set by the user
//! (`required`, `optional`), by the service (`computed`), or by either.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::meaning::Meanings;
use crate::addr::ResourceMode;
use crate::timeouts::Timeouts;
use crate::value::{Type, Value};

/// All that a provider offers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProviderSchema {
    /// The `provider` block.
    pub config: Block,
    /// Managed resource types.
    pub resources: BTreeMap<&'static str, ResourceSchema>,
    /// Data source types.
    pub data_sources: BTreeMap<&'static str, ResourceSchema>,
    /// Ephemeral resource types.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ephemeral: BTreeMap<&'static str, ResourceSchema>,
}

impl ProviderSchema {
    /// The types that blocks of a mode may have.
    pub fn types(&self, mode: ResourceMode) -> &BTreeMap<&'static str, ResourceSchema> {
        match mode {
            ResourceMode::Managed => &self.resources,
            ResourceMode::Data => &self.data_sources,
            ResourceMode::Ephemeral => &self.ephemeral,
        }
    }
}

/// A resource type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResourceSchema {
    /// Raised when stored attributes change their meaning.
    pub version: u32,
    /// What the block takes.
    pub block: Block,
}

/// What a block takes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Block {
    /// Arguments and results by name.
    pub attributes: BTreeMap<&'static str, Attribute>,
    /// Nested blocks by type name.
    pub blocks: BTreeMap<&'static str, BlockType>,
    /// Operations that may take long, with their usual deadlines: a resource
    /// sets others in its `timeouts`, which are the engine's and no value.
    #[serde(skip_serializing_if = "Timeouts::is_empty")]
    pub timeouts: Timeouts,
    /// What attributes mean to policies. It changes nothing of the objects.
    #[serde(skip)]
    pub meanings: Meanings,
    /// What follows from the rest, made once: many thousand blocks share it.
    #[serde(skip)]
    shape: OnceLock<Shape>,
    #[serde(skip)]
    digest: OnceLock<String>,
}

/// The object that a block comes to.
#[derive(Clone, Debug)]
struct Shape {
    ty: Type,
    /// Every attribute and block type, in their order, with its value when it
    /// is not set.
    unset: Vec<(Arc<str>, Value)>,
}

/// One attribute.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the flags of the provider protocol")]
pub struct Attribute {
    /// What it holds.
    #[serde(rename = "type")]
    pub ty: Type,
    /// The user must set it.
    pub required: bool,
    /// The user may set it.
    pub optional: bool,
    /// The service sets it when the user does not.
    pub computed: bool,
    /// Never shown.
    pub sensitive: bool,
    /// A change needs a new object.
    pub force_new: bool,
    /// Given to the service and never kept: it may be ephemeral.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub write_only: bool,
    /// One sentence for users.
    pub description: &'static str,
}

impl Attribute {
    /// An argument that must be set.
    pub fn required(ty: Type) -> Self {
        Attribute { ty, required: true, ..Self::default() }
    }

    /// An argument that may be set.
    pub fn optional(ty: Type) -> Self {
        Attribute { ty, optional: true, ..Self::default() }
    }

    /// A result.
    pub fn computed(ty: Type) -> Self {
        Attribute { ty, computed: true, ..Self::default() }
    }

    /// Also set by the service when the user does not.
    #[must_use]
    pub fn or_computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Never shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// A change needs a new object.
    #[must_use]
    pub fn force_new(mut self) -> Self {
        self.force_new = true;
        self
    }

    /// Given to the service and never kept.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// With its one sentence.
    #[must_use]
    pub fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Whether the user may set it.
    pub fn is_argument(&self) -> bool {
        self.required || self.optional
    }
}

/// How often a nested block may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nesting {
    /// Once at most: an object or null.
    Single,
    /// Any number: a list of objects.
    List,
}

/// A nested block type.
#[derive(Clone, Debug, Serialize)]
pub struct BlockType {
    /// How often.
    pub nesting: Nesting,
    /// It must stand at least once.
    pub required: bool,
    /// What it takes.
    pub block: Block,
}

impl Block {
    /// A block of attributes and nested blocks.
    pub fn new(
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
        blocks: impl IntoIterator<Item = (&'static str, BlockType)>,
    ) -> Self {
        Block {
            attributes: attributes.into_iter().collect(),
            blocks: blocks.into_iter().collect(),
            timeouts: Timeouts::default(),
            meanings: Meanings::default(),
            shape: OnceLock::new(),
            digest: OnceLock::new(),
        }
    }

    /// With operations that may take long.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The type of the object that a block of this schema comes to.
    pub fn ty(&self) -> Type {
        self.shape().ty.clone()
    }

    /// Attributes, then block types, each with its value when it is not set.
    pub fn unset(&self) -> &[(Arc<str>, Value)] {
        &self.shape().unset
    }

    /// The object in which nothing is set.
    pub fn empty(&self) -> Value {
        Value::object(self.unset().iter().cloned())
    }

    /// Tells this schema from another one; what is only for readers does not
    /// count.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            // A schema is plain data with names for keys.
            let mut json = serde_json::to_value(self).unwrap_or_default();
            without_descriptions(&mut json);
            let hash = Sha256::digest(json.to_string());
            hash.iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| {
            let attributes = self.attributes.iter().map(|(name, a)| (*name, Value::null(a.ty.clone())));
            let blocks = self.blocks.iter().map(|(name, b)| {
                let value = match b.nesting {
                    Nesting::List => Value::list(b.block.ty(), Vec::new()),
                    Nesting::Single => Value::null(b.block.ty()),
                };
                (*name, value)
            });
            let unset: Vec<(Arc<str>, Value)> =
                attributes.chain(blocks).map(|(name, value)| (name.into(), value)).collect();
            let ty = Type::object(unset.iter().map(|(name, value)| (name.clone(), value.ty())));
            Shape { ty, unset }
        })
    }
}

fn without_descriptions(json: &mut serde_json::Value) {
    if let Some(object) = json.as_object_mut() {
        // An attribute of that name is an object.
        object.retain(|name, value| name != "description" || !value.is_string());
        object.values_mut().for_each(without_descriptions);
    }
}
