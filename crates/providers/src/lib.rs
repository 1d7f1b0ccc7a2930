//! What tenantctl provisions: one module and one cargo feature each.
//!
//! Providers know `tenantctl_core::provider` and what it re-exports, nothing
//! else of the engine; types of an SDK never leave their module.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
#[cfg(feature = "builtin")]
pub mod builtin;
#[cfg(any(feature = "aws", feature = "azure"))]
#[cfg_attr(
    not(all(feature = "aws", feature = "azure")),
    allow(dead_code, reason = "each cloud needs a part of what they have in common")
)]
mod cloud;
pub mod cluster_access;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "builtin")]
pub mod null;
#[cfg(feature = "simulated")]
pub mod simulated;
