//! Words of which the schemas of clouds are made.

pub(crate) use tenantctl_core::provider::{Aspect, Meaning, Reading};
use tenantctl_core::provider::{Attribute, Block, BlockType, Nesting, Type};

/// A block of attributes and nested blocks.
pub(crate) fn block<const N: usize, const M: usize>(
    attributes: [(&'static str, Attribute); N],
    blocks: [(&'static str, BlockType); M],
) -> Block {
    Block::new(attributes, blocks)
}

/// Text that may be set.
pub(crate) fn text(description: &'static str) -> Attribute {
    Attribute::optional(Type::String).describe(description)
}

/// Text that must be set.
pub(crate) fn name(description: &'static str) -> Attribute {
    Attribute::required(Type::String).describe(description)
}

/// Text that the service gives.
pub(crate) fn given(description: &'static str) -> Attribute {
    Attribute::computed(Type::String).describe(description)
}

/// A truth value that may be set.
pub(crate) fn flag(description: &'static str) -> Attribute {
    Attribute::optional(Type::Bool).describe(description)
}

/// A number that may be set.
pub(crate) fn number(description: &'static str) -> Attribute {
    Attribute::optional(Type::Number).describe(description)
}

/// A set of texts that may be set.
pub(crate) fn texts(description: &'static str) -> Attribute {
    Attribute::optional(Type::set(Type::String)).describe(description)
}

/// Texts by name that may be set.
pub(crate) fn texts_by_name(description: &'static str) -> Attribute {
    Attribute::optional(Type::map(Type::String)).describe(description)
}

/// Tags that may be set.
pub(crate) fn tags() -> Attribute {
    texts_by_name("Tags, besides the provider's default ones.")
}

/// All tags.
pub(crate) fn tags_all() -> Attribute {
    Attribute::computed(Type::map(Type::String)).describe("All tags, the provider's default ones included.")
}

/// With what attributes mean that all types of a cloud call the same.
pub(crate) fn with_meanings(block: Block, place: &'static [&'static str]) -> Block {
    let has = |name: &[&str]| name.first().is_some_and(|name| block.attributes.contains_key(name));
    let meanings = [(Aspect::Region, place), (Aspect::Labels, &["tags_all"])];
    let meanings: Vec<_> = meanings.into_iter().filter(|(_, path)| has(path)).collect();
    meanings.into_iter().fold(block, |block, (aspect, path)| block.meaning(Meaning::of(aspect, path)))
}

/// A block that may stand.
pub(crate) fn nested(block: Block) -> BlockType {
    BlockType { nesting: Nesting::List, required: false, block }
}

/// A block that must stand.
pub(crate) fn needed(block: Block) -> BlockType {
    BlockType { required: true, ..nested(block) }
}
