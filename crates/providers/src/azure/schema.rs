//! Words that the blocks of all types are written with, and the provider's
//! own block.
//!
//! Must not: decide anything; it is data.

use tenantctl_core::provider::{Attribute, Block, BlockType};

pub(super) use crate::cloud::schema::{
    Aspect, Meaning, block, flag, given, name, needed, nested, number, tags, tags_all, text, texts,
    texts_by_name, with_meanings,
};

/// A block with what every type has: its id, and the subscription.
pub(super) fn placed<const N: usize, const M: usize>(
    attributes: [(&'static str, Attribute); N],
    blocks: [(&'static str, BlockType); M],
) -> Block {
    let mut block = Block::new(attributes, blocks);
    block.attributes.insert("id", given("Id of the object."));
    let subscription = text("The subscription, when not the provider's.").force_new();
    block.attributes.insert("subscription_id", subscription);
    with_meanings(block, &["location"])
}

/// The `provider` block.
pub(super) fn provider() -> Block {
    let vault = block(
        [
            ("purge_soft_delete_on_destroy", flag("Delete vaults for good; true when not set.")),
            ("purge_soft_deleted_secrets_on_destroy", flag("Delete secrets for good; true when not set.")),
            ("recover_soft_deleted_key_vaults", flag("Bring deleted vaults back; true when not set.")),
            ("recover_soft_deleted_secrets", flag("Bring deleted secrets back; true when not set.")),
        ],
        [],
    );
    let group = block(
        [(
            "prevent_deletion_if_contains_resources",
            flag("Keep groups with something in them; true when not set."),
        )],
        [],
    );
    let features = block([], [("key_vault", nested(vault)), ("resource_group", nested(group))]);
    let default_tags = block([("tags", texts_by_name("Tags of every object."))], []);
    block(
        [
            ("subscription_id", text("The subscription of objects that name none.")),
            ("tenant_id", text("The directory that the credentials are of.")),
            ("client_id", text("Who logs in: the id of an application or identity.")),
            ("client_secret", text("Its secret; better leave it to the credential chain.").secret()),
            ("oidc_token_file_path", text("File with a token that the directory trusts.")),
            ("use_oidc", flag("Log in by such a token.")),
            ("use_msi", flag("Log in as the machine that the program runs on.")),
            ("use_cli", flag("Log in as the Azure CLI is; true when not set.")),
            ("environment", text("The cloud: public, usgovernment or china.")),
            ("metadata_host", text("Host that tells the addresses of another cloud.")),
        ],
        [("features", nested(features)), ("default_tags", nested(default_tags))],
    )
}
