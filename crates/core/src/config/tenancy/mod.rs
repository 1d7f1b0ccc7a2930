//! Tenancy: platform, tiers, environments, tenants, and the layers of settings
//! that they make for each instance.
//!
//! `read` and `tenant` make data (`model`) of blocks, with `scope` for what
//! settings may refer to; `setting` is what layers hold and come to; `layers`
//! merges them for one tenant in one environment; `explain` says where each
//! setting comes from, `facts` what policies may ask of it; `limits` holds what
//! many instances may not have together, `policy` what must hold of each plan;
//! `names` finds names that stand for nothing.

mod explain;
mod facts;
mod layers;
mod limits;
mod model;
mod names;
mod policy;
mod read;
mod scope;
mod setting;
mod tenant;

pub(super) use explain::explain;
pub(super) use layers::{IMPLICIT, Seat};
pub(super) use model::{Tenancy, Tenant};
pub(super) use read::{PLATFORM, Reader};
pub(super) use scope::RootScope;
pub(super) use setting::{Content, Merged, Node, Setting};

pub use explain::{Explained, Origin};
pub use facts::Facts;
pub use model::Guard;
pub use policy::{Enforcement, Policy};
pub use setting::Layer;
