//! Buckets and the parts of their configuration, each a type of its own as
//! Terraform has it.

mod bucket;
mod encryption;
mod lifecycle;
mod ownership;
mod part;
mod policy;
mod public_access;
mod versioning;

use super::resource::Resource;
use super::session::Session;
use part::BucketPart;

/// All types.
pub(super) fn resources() -> Vec<Box<dyn Resource<Session>>> {
    vec![
        Box::new(bucket::Bucket),
        Box::new(BucketPart(versioning::Versioning)),
        Box::new(BucketPart(encryption::Encryption)),
        Box::new(BucketPart(public_access::PublicAccess)),
        Box::new(BucketPart(lifecycle::Lifecycle)),
        Box::new(BucketPart(policy::Policy)),
        Box::new(BucketPart(ownership::Ownership)),
    ]
}
