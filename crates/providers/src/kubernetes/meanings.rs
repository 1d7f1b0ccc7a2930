//! What fields of manifests mean to policies, by the kind of object.
//!
//! Must not: decide anything; it is data.

use tenantctl_core::provider::{Aspect, Block, Meaning, Reading};

/// The label by which nodes say where they are.
const REGION: &str = "topology.kubernetes.io/region";
/// What says which kind of object it is.
const API: &[&str] = &["manifest", "apiVersion"];
const KIND: &[&str] = &["manifest", "kind"];

/// A field of one kind of object.
fn field(aspect: Aspect, kind: &'static str, api: &'static str, path: &'static [&'static str]) -> Meaning {
    Meaning::of(aspect, path).only(KIND, kind).only(API, api)
}

/// A block with what its manifest's fields mean.
pub(super) fn declared(block: Block) -> Block {
    const CNPG: &str = "postgresql.cnpg.io/*";
    let period = |kind, api, path| field(Aspect::RetentionDays, kind, api, path).by(Reading::Period);
    let on_nodes = |kind, api, path| field(Aspect::Region, kind, api, path);
    let volumes = |provisioner| {
        let path = &["manifest", "parameters", "encrypted"];
        let volumes = field(Aspect::Encrypted, "StorageClass", "storage.k8s.io/*", path);
        volumes.only(&["manifest", "provisioner"], provisioner).or(false)
    };
    [
        Meaning::of(Aspect::Labels, &["manifest", "metadata", "labels"]),
        // Backups of PostgreSQL, by the operator itself or by its plugin.
        period("Cluster", CNPG, &["manifest", "spec", "backup", "retentionPolicy"]),
        period("ObjectStore", "barmancloud.cnpg.io/*", &["manifest", "spec", "retentionPolicy"]),
        // Where nodes must be for it to run.
        on_nodes("Cluster", CNPG, &["manifest", "spec", "affinity", "nodeSelector", REGION]),
        on_nodes("Pod", "v1", &["manifest", "spec", "nodeSelector", REGION]),
        on_nodes("Deployment", "apps/*", &["manifest", "spec", "template", "spec", "nodeSelector", REGION]),
        on_nodes("StatefulSet", "apps/*", &["manifest", "spec", "template", "spec", "nodeSelector", REGION]),
        // Disks of clouds that encrypt what is asked for only.
        volumes("ebs.csi.aws.com"),
        volumes("kubernetes.io/aws-ebs"),
    ]
    .into_iter()
    .fold(block, Block::meaning)
}
