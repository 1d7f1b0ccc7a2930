//! The Kubernetes provider against a real API server, with its defaults,
//! admission, field ownership, garbage collection and namespace deletion.

#[path = "../common/mod.rs"]
mod common;

mod bench;
/// Kinds through their whole life, and what is waited for.
mod lifecycle;
/// Whose objects and fields are whose.
mod ownership;
/// Many objects at once, and data sources.
mod reading;
/// What a cluster refuses, and clusters that are not there.
mod refusals;
/// What a real server does too seldom.
mod scripted;
