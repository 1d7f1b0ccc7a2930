//! Tests of the built binary, of several parts together and against real
//! servers, in one test program. Every module has its line here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's way to fail")]
#![cfg_attr(
    not(feature = "kubernetes"),
    allow(dead_code, unused_imports, reason = "most tests are of objects in clusters")
)]
#![allow(missing_docs, unreachable_pub, reason = "tests have no callers")]

/// Tenants with a bucket, nodes and a name, on stand-ins for AWS.
#[cfg(all(feature = "aws", feature = "kubernetes"))]
mod aws;
/// Three tiers of tenants on a stand-in for Azure, into a real API server.
#[cfg(all(feature = "azure", feature = "kubernetes"))]
mod azure;
/// Configuration that would take all time or memory.
mod bad_input;
/// Blocks of the language beyond resources: moved, removed, import, check,
/// lifecycle; targets; plans in part.
#[cfg(feature = "kubernetes")]
mod blocks;
/// Databases of CloudNativePG, with its real operator.
#[cfg(feature = "kubernetes")]
mod cnpg;
mod common;
/// Expressions asked of the program.
#[cfg(feature = "kubernetes")]
mod console;
/// A killed apply, and what the next one makes of it.
#[cfg(feature = "kubernetes")]
mod crash;
/// Kills of runs on a real API server.
#[cfg(feature = "kubernetes")]
mod crash_live;
/// A death at every place at which something is written or called.
#[cfg(all(feature = "failpoints", feature = "kubernetes"))]
mod crash_matrix;
/// What each mistake in a configuration is answered with.
#[cfg(feature = "kubernetes")]
mod diagnostics;
/// Names of tenants on a real DNS server.
#[cfg(feature = "dns")]
mod dns;
/// What documents say of the program.
mod documents;
/// Flags that scripts for OpenTofu give.
mod flags;
/// `fmt`: what it lists, writes, shows and refuses.
mod fmt;
/// `fmt`, as OpenTofu lays files out.
mod fmt_oracle;
/// examples/saas-hybrid, simulated and on real clusters.
#[cfg(feature = "kubernetes")]
mod hybrid;
/// What may import what.
mod imports;
/// What customers of examples/saas-hybrid can do to each other: nothing.
#[cfg(feature = "kubernetes")]
mod isolation;
/// Configuration in JSON, files of values, override files.
#[cfg(feature = "kubernetes")]
mod json_syntax;
/// Values that only the apply brings, and secrets on the way.
mod language;
/// examples/shared-cluster on a real API server.
#[cfg(feature = "kubernetes")]
mod live;
/// Locks: waiting, looking, taking away, and more workspaces than files.
#[cfg(feature = "kubernetes")]
mod locks;
/// Modules from repositories, and what a configuration asks of the program.
#[cfg(feature = "kubernetes")]
mod modules;
/// Expressions, as OpenTofu and this program evaluate them.
mod oracle;
/// Saved plans, and what each refuses.
#[cfg(feature = "kubernetes")]
mod plan_files;
/// Several processes at once, signals, a state that cannot be written,
/// progress with and without a terminal.
#[cfg(feature = "kubernetes")]
mod processes;
/// examples/quickstart, as its README walks through.
#[cfg(feature = "kubernetes")]
mod quickstart;
/// What a cluster refuses, or leaves unanswered.
#[cfg(feature = "kubernetes")]
mod refusals;
/// Credentials that are replaced by others.
#[cfg(feature = "kubernetes")]
mod rotation;
/// What a fleet costs a cluster: calls counted in its audit log.
#[cfg(feature = "kubernetes")]
mod scale;
/// A secret in every input, looked for in all that is written and said.
#[cfg(feature = "kubernetes")]
mod secrets;
/// Changing, moving, giving out and taking back states; keys; who did what.
#[cfg(feature = "kubernetes")]
mod state_commands;
/// Platforms: layers of settings, what is shared, guards, policies.
#[cfg(feature = "kubernetes")]
mod tenancy;
/// `test`, as OpenTofu runs tests.
#[cfg(feature = "kubernetes")]
mod tftest;
/// Deadlines of operations: written, kept, kept to.
mod timeouts;
