//! The Azure provider against the stand-in.

/// Clusters and their pools.
mod aks;
#[path = "../common/mod.rs"]
mod common;

mod bench;
/// What a refresh of a fleet costs.
mod counting;
/// What is refused, and what goes wrong.
mod faults;
/// Every type through its whole life.
mod types;
/// Vaults and their secrets.
mod vaults;
