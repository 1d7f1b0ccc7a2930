//! What providers of clouds have in common: resource types that speak JSON
//! with a service, plans that are corrected by type, marks that say whose an
//! object is, and the life of a change from its first call to its end.
//!
//! Must not: know any one cloud.

pub(crate) mod json;
pub(crate) mod listed;
pub(crate) mod plan;
pub(crate) mod problems;
pub(crate) mod resource;
pub(crate) mod schema;
pub(crate) mod service;
pub(crate) mod tags;
