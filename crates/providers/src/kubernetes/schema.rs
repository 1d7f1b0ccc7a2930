//! What the provider's blocks take, and the constant names it goes by.
//!
//! Must not: decide anything; it is data.

use std::collections::BTreeMap;

use tenantctl_core::provider::{
    Attribute, Block, BlockType, Nesting, ProviderSchema, ResourceSchema, Timeouts, Type,
};

use super::meanings;

/// The managed resource type.
pub(super) const MANIFEST: &str = "kubernetes_manifest";
/// The data source type.
pub(super) const RESOURCE: &str = "kubernetes_resource";
/// Marks whose an object is. On the wire only, never in a value.
pub(super) const WORKSPACE_ANNOTATION: &str = "tenantctl.dev/workspace";
/// The field manager unless the configuration names another.
pub(super) const FIELD_MANAGER: &str = "tenantctl";

/// The schema as a whole.
pub(super) fn schema() -> ProviderSchema {
    ProviderSchema {
        config: provider_block(),
        resources: BTreeMap::from([(MANIFEST, ResourceSchema { version: 0, block: manifest_block() })]),
        data_sources: BTreeMap::from([(RESOURCE, ResourceSchema { version: 0, block: resource_block() })]),
        ..ProviderSchema::default()
    }
}

fn text(description: &'static str) -> Attribute {
    Attribute::optional(Type::String).describe(description)
}

fn block<const N: usize>(attributes: [(&'static str, Attribute); N]) -> Block {
    Block::new(attributes, [])
}

fn single(block: Block) -> BlockType {
    BlockType { nesting: Nesting::Single, required: false, block }
}

fn cluster() -> Attribute {
    Attribute::optional(Type::Dynamic).describe(
        "The cluster: an object with endpoint and credentials, or with config_path and config_context.",
    )
}

fn provider_block() -> Block {
    block([
        ("host", text("Address of the API server.")),
        (
            "cluster_ca_certificate",
            text("Certificate of the authority that signed the server's, PEM or base64."),
        ),
        ("token", text("Bearer token.").secret()),
        ("client_certificate", text("Client certificate, PEM or base64.")),
        ("client_key", text("Key of the client certificate, PEM or base64.").secret()),
        ("config_path", text("A kubeconfig file.")),
        ("config_context", text("The context to use of the kubeconfig.")),
        ("insecure", Attribute::optional(Type::Bool).describe("Do not check the server's certificate.")),
    ])
}

fn manifest_block() -> Block {
    let mut manifest = block([
        ("manifest", Attribute::required(Type::Dynamic).describe("The object as Kubernetes is to have it.")),
        (
            "object",
            Attribute::computed(Type::Dynamic).describe("The fields of the manifest as the server has them."),
        ),
        ("cluster", cluster()),
        (
            "computed_fields",
            Attribute::optional(Type::list(Type::String))
                .describe("Paths of fields that others may change, such as spec.replicas."),
        ),
    ]);
    manifest = meanings::declared(manifest);
    manifest.timeouts = Timeouts::minutes(15, 15, 15);
    manifest.blocks = BTreeMap::from([
        (
            "field_manager",
            single(block([
                ("name", text("Who owns the fields; tenantctl when not set.")),
                (
                    "force_conflicts",
                    Attribute::optional(Type::Bool).describe("Take fields that another manager owns."),
                ),
            ])),
        ),
        ("wait", single(wait_block())),
        (
            "timeouts",
            single(block([
                ("create", text("How long to wait after creation, 10m when not set.")),
                ("update", text("How long to wait after a change, 10m when not set.")),
                ("delete", text("How long to wait until the object is gone, 10m when not set.")),
            ])),
        ),
    ]);
    manifest
}

fn wait_block() -> Block {
    let mut wait = block([
        (
            "rollout",
            Attribute::optional(Type::Bool).describe(
                "Wait until the workload has rolled out, the database is healthy, the object is ready.",
            ),
        ),
        (
            "fields",
            Attribute::optional(Type::map(Type::String)).describe(
                "Fields to wait for by path, such as status.phase: a regular expression, or * for any value.",
            ),
        ),
    ]);
    let condition = block([
        ("type", Attribute::required(Type::String).describe("Type of the condition to wait for.")),
        ("status", text("Status that the condition must have, True when not set.")),
    ]);
    wait.blocks.insert("condition", BlockType { nesting: Nesting::List, required: false, block: condition });
    wait
}

fn resource_block() -> Block {
    let mut resource = block([
        ("api_version", Attribute::required(Type::String).describe("API version of the object.")),
        ("kind", Attribute::required(Type::String).describe("Kind of the object.")),
        ("cluster", cluster()),
        ("object", Attribute::computed(Type::Dynamic).describe("The object as the server has it.")),
    ]);
    let metadata = block([
        ("name", Attribute::required(Type::String).describe("Name of the object.")),
        ("namespace", text("Namespace of the object, default when not set.")),
    ]);
    resource.blocks.insert("metadata", BlockType { required: true, ..single(metadata) });
    resource
}
