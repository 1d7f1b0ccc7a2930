//! The tenantctl engine.

pub mod addr;
pub mod diag;
pub mod event;
pub mod expr;
pub mod ops;
pub mod plan;
pub mod provider;
pub mod state;
pub mod value;
