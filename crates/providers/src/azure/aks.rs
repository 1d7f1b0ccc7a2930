//! Clusters and their node pools: `azurerm_kubernetes_cluster`,
//! `azurerm_kubernetes_cluster_node_pool`.
//!
//! A cluster takes one change of its pools at a time; clusters are changed in
//! parallel.

mod cluster;
mod cluster_schema;
mod covers;
mod kubeconfig;
mod node_pool;
mod pools;
mod versions;

pub(super) use cluster::Cluster;
pub(super) use kubeconfig::credentials;
pub(super) use node_pool::NodePool;

/// The namespace of clusters.
const NAMESPACE: &str = "Microsoft.ContainerService";
/// Clusters in it.
const CLUSTERS: &str = "managedClusters";
/// Pools of a cluster.
const POOLS: &str = "agentPools";
