//! The DNS provider against a real authoritative server, which checks
//! signatures, prerequisites and names by itself.

#[path = "../common/mod.rs"]
mod common;

mod bench;
/// Record sets through their whole life, what others do to them, import.
mod lifecycle;
/// Whose record sets are whose.
mod ownership;
/// What a server refuses, servers that are not there, lost messages.
mod refusals;
