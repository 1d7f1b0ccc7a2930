//! The Azure provider against the stand-in.

/// Clusters and their pools.
mod aks;
mod bench;
/// What is refused, and what goes wrong.
mod faults;
/// Every type through its whole life.
mod types;
/// Vaults and their secrets.
mod vaults;
