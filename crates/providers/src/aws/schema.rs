//! Words that the blocks of all types are written with, and the provider's
//! own block.
//!
//! Must not: decide anything; it is data.

use tenantctl_core::provider::{Attribute, Block, BlockType, Type};

use super::connection::SERVICES;
pub(super) use crate::cloud::schema::{
    Aspect, Meaning, Reading, block, flag, given, name, needed, nested, number, tags, tags_all, text, texts,
    with_meanings,
};

/// A block with what every type has: region and account.
pub(super) fn located<const N: usize, const M: usize>(
    attributes: [(&'static str, Attribute); N],
    blocks: [(&'static str, BlockType); M],
) -> Block {
    let account = Type::object([
        ("assume_role", Type::String),
        ("external_id", Type::String),
        ("profile", Type::String),
    ]);
    let account = match account {
        Type::Object(object) => {
            let optional = object.attributes.keys().cloned().collect();
            Type::Object(std::sync::Arc::new(tenantctl_core::provider::ObjectType {
                optional,
                ..(*object).clone()
            }))
        }
        other => other,
    };
    let mut block = Block::new(attributes, blocks);
    block.attributes.insert("region", text("The region, when not the provider's.").or_computed().force_new());
    block.attributes.insert(
        "account",
        Attribute::optional(account).describe(
            "How the account is reached, when not as the provider: assume_role, external_id, profile.",
        ),
    );
    with_meanings(block, &["region"])
}

/// A block like that of a type whose objects are in no region: theirs says
/// through which one they are reached.
pub(super) fn worldwide<const N: usize, const M: usize>(
    attributes: [(&'static str, Attribute); N],
    blocks: [(&'static str, BlockType); M],
) -> Block {
    located(attributes, blocks).meaningless(&["region"], "the service is one for the whole world")
}

/// The `provider` block.
pub(super) fn provider() -> Block {
    let role = block(
        [
            ("role_arn", name("ARN of the role to take on.")),
            ("session_name", text("Name of the session, tenantctl when not set.")),
            ("external_id", text("What the role's owner asks for.")),
        ],
        [],
    );
    let default_tags =
        block([("tags", Attribute::optional(Type::map(Type::String)).describe("Tags of every object."))], []);
    let endpoints = SERVICES.map(|service| (service, text("Address of the service.")));
    block(
        [
            ("region", text("The region of objects that name none.")),
            ("profile", text("A profile of the shared configuration files.")),
            ("access_key", text("Access key; better leave it to the credential chain.").secret()),
            ("secret_key", text("Secret key; better leave it to the credential chain.").secret()),
            ("token", text("Session token.").secret()),
            ("allowed_account_ids", texts("Accounts that may be changed; others are refused.")),
            ("s3_use_path_style", flag("Name buckets in the path of S3's address.")),
        ],
        [
            ("assume_role", nested(role)),
            ("default_tags", nested(default_tags)),
            ("endpoints", nested(block(endpoints, []))),
        ],
    )
}
