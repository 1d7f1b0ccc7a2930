//! The tenantctl engine: from HCL to a plan, and from a plan to objects.
//!
//! # The data path
//!
//! One direction; each arrow has one owner and one output.
//!
//! | from → to | owner | gives |
//! | --- | --- | --- |
//! | text → syntax | [`syntax`]: `lexer`, `parser` | tree with places, syntax diagnostics |
//! | text → canonical text | [`mod@fmt`]: `rewrite`, `layout` | the same configuration as `fmt` lays it out |
//! | a module's source → its directory | [`modules`]: `source`, `git`, `lock`, `store` | a local directory, or a checkout at the pinned commit |
//! | syntax → modules | [`config`]: `decode`, `body`, `types` | typed blocks; each resource body is one expression that follows its schema |
//! | blocks of a platform → layers | [`config`]: `tenancy` | settings with layer and place, policies, limits |
//! | modules → instances | [`config`]: `platform`, `settle` | one [`config::Instance`] a tenant and environment, settings merged and checked |
//! | modules → graph | [`graph`] | what must be known before what, shared by all tenants of a blueprint |
//! | state → refreshed state | [`refresh`] | bulk reads, drift |
//! | state → moved state | [`plan`]: `moves` | recorded objects at the addresses of their blocks |
//! | graph + refreshed → plan | [`plan`]: `evaluate`, `planner`, `objects`, `diff`, `order` | [`plan::Plan`]: actions, reasons, steps, closed residual expressions |
//! | plans → plans that may be | [`plan`]: `policies`; [`ops`]: `claims`, `guards` | refusals: policies, names claimed twice, the platform's guard |
//! | plans → warnings | [`ops`]: `rehearse` | some changes in place, tried out without effect |
//! | plan ↔ file | [`plan::file`] | versioned, sealed |
//! | plan → steps | [`mod@apply`]: `executor`, `turn` | order, limits, stop requests, events |
//! | step → objects | [`mod@apply`]: `step`, `call`, `values` | journal begin, provider call, journal end |
//! | what a dead run left | [`mod@apply`]: `recover` | waited for, adopted or not made, by asking the provider |
//!
//! [`ops`] puts these together for its callers: the command line and tests.
//! [`testing`] runs test files by it.
//!
//! # Underneath
//!
//! [`addr`] names, [`timeouts`] deadlines, [`value`] typed values with unknowns and marks, [`diag`]
//! diagnostics, [`cancel`] stop requests, [`retry`] calls made again, [`expr`]
//! expressions and the one evaluator, [`provider`] the interface of providers,
//! [`state`] records, journal and lock. [`event`] tells in terms of plans what
//! happens.
//!
//! Which module may import which is stated and held by a test, `tests/imports.rs`.
//!
//! # What holds everywhere
//!
//! - Unknown and sensitive are types. Sensitive values show through no `Debug`
//!   and are sealed before anything is written.
//! - A begin entry is durable before a provider is called for an object that
//!   there is outside the state, and an end entry before such a call is made for
//!   what depends on it.
//! - Planning is pure; applying decides nothing.
//! - Nothing here prints, prompts, exits, reads the environment or the clock.
//!
//! # What is absent
//!
//! Provisioners other than `local-exec`, module registries, migration and
//! rollout. Each is refused by a diagnostic, not ignored.

pub mod addr;
pub mod apply;
pub mod cancel;
pub mod config;
pub mod diag;
pub mod event;
pub mod expr;
pub mod fmt;
pub mod graph;
pub mod modules;
pub mod ops;
pub mod plan;
pub mod provider;
pub mod refresh;
pub mod retry;
pub mod state;
pub mod syntax;
pub mod testing;
pub mod timeouts;
pub mod value;
