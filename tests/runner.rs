//! Tests of the built binary, of several parts together and against real
//! servers, in one test program. Every module has its line here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's way to fail")]
#![allow(missing_docs, unreachable_pub, reason = "tests have no callers")]

/// Tenants with a bucket, nodes and a name, on stand-ins for AWS.
#[cfg(feature = "aws")]
mod aws;
/// Three tiers of tenants on a stand-in for Azure, into a real API server.
#[cfg(feature = "azure")]
mod azure;
/// Configuration that would take all time or memory.
mod bad_input;
/// Blocks of the language beyond resources: moved, removed, import, check,
/// lifecycle; targets; plans in part.
mod blocks;
/// Databases of CloudNativePG, with its real operator.
mod cnpg;
mod common;
/// Expressions asked of the program.
mod console;
/// A killed apply, and what the next one makes of it.
mod crash;
/// Kills of runs on a real API server.
mod crash_live;
/// A death at every place at which something is written or called.
#[cfg(feature = "failpoints")]
mod crash_matrix;
/// What each mistake in a configuration is answered with.
mod diagnostics;
/// Names of tenants on a real DNS server.
mod dns;
/// What documents say of the program.
mod documents;
/// `fmt`: what it lists, writes, shows and refuses.
mod fmt;
/// `fmt`, as OpenTofu lays files out.
mod fmt_oracle;
/// examples/saas-hybrid, simulated and on real clusters.
mod hybrid;
/// What may import what.
mod imports;
/// What customers of examples/saas-hybrid can do to each other: nothing.
mod isolation;
/// Configuration in JSON, files of values, override files.
mod json_syntax;
/// Values that only the apply brings, and secrets on the way.
mod language;
/// examples/shared-cluster on a real API server.
mod live;
/// Locks: waiting, looking, taking away, and more workspaces than files.
mod locks;
/// Modules from repositories, and what a configuration asks of the program.
mod modules;
/// Expressions, as OpenTofu and this program evaluate them.
mod oracle;
/// Saved plans, and what each refuses.
mod plan_files;
/// Several processes at once, signals, a state that cannot be written,
/// progress with and without a terminal.
mod processes;
/// examples/quickstart, as its README walks through.
mod quickstart;
/// What a cluster refuses, or leaves unanswered.
mod refusals;
/// Credentials that are replaced by others.
mod rotation;
/// What a fleet costs a cluster: calls counted in its audit log.
mod scale;
/// A secret in every input, looked for in all that is written and said.
mod secrets;
/// Changing, moving, giving out and taking back states; keys; who did what.
mod state_commands;
/// Platforms: layers of settings, what is shared, guards, policies.
mod tenancy;
/// `test`, as OpenTofu runs tests.
mod tftest;
/// Deadlines of operations: written, kept, kept to.
mod timeouts;
