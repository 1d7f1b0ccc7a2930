//! The tenantctl engine.

pub mod addr;
pub mod apply;
pub mod config;
pub mod diag;
pub mod event;
pub mod expr;
pub mod graph;
pub mod ops;
pub mod plan;
pub mod provider;
pub mod refresh;
pub mod state;
pub mod value;
