//! The tenantctl engine.

pub mod addr;
pub mod diag;
pub mod provider;
pub mod value;
