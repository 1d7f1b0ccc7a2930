//! The AWS provider against moto, and a proxy for what moto does too seldom.

#[path = "../common/mod.rs"]
mod common;

mod bench;
/// What a refresh of a fleet costs.
mod counting;
/// Clusters, node groups, add-ons and who may use them.
mod eks;
/// Zones and records.
mod route53;
/// Buckets and the parts of their configuration.
mod s3;
/// Every type through its whole life, on the stand-in and simulated.
mod types;
