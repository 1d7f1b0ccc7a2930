//! `aws_s3_bucket_versioning`.
//!
//! A bucket that was ever versioned can only be suspended, which is what
//! removal comes to.

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Path};

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{block, located, name, needed};
use super::super::session::Session;
use super::part::{Part, unless};

const ENABLED: &str = "Enabled";
const SUSPENDED: &str = "Suspended";
const DISABLED: &str = "Disabled";

pub(super) struct Versioning;

#[async_trait]
impl Part for Versioning {
    const KIND: &'static str = "aws_s3_bucket_versioning";

    fn block(&self) -> Block {
        let configuration = block([("status", name("Enabled, Suspended, or Disabled: never enabled."))], []);
        located([], [("versioning_configuration", needed(configuration))])
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let path = Path::root().attribute("versioning_configuration");
        if let Some(path) = problems.exactly_one(&path) {
            problems.one_of(&path.attribute("status"), &[ENABLED, SUSPENDED, DISABLED]);
        }
    }

    async fn get(&self, at: &Session, bucket: &str, prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_bucket_versioning().bucket(bucket).send().await;
        let doing = format!("Reading the versioning of the bucket {bucket:?}");
        let Some(answer) = unless(&doing, &[], answer)? else { return Ok(None) };
        let status = answer.status().map_or(DISABLED, BucketVersioningStatus::as_str).to_owned();
        let wanted = prior.block("versioning_configuration").map(|c| c.text("status")).unwrap_or_default();
        // One that shall be enabled and is not, is not there.
        let is_there = status == ENABLED || (status == wanted && wanted != DISABLED) || wanted.is_empty();
        let is_off = wanted == DISABLED && status == DISABLED;
        Ok((is_there || is_off).then(|| json!({ "versioning_configuration": [{ "status": status }] })))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        match planned.block("versioning_configuration").map(|c| c.text("status")).unwrap_or_default() {
            DISABLED => Ok(()),
            status => set(at, bucket, status).await,
        }
    }

    async fn remove(&self, at: &Session, bucket: &str, prior: &Json) -> Result<(), Failure> {
        match prior.block("versioning_configuration").map(|c| c.text("status")).unwrap_or_default() {
            ENABLED => set(at, bucket, SUSPENDED).await,
            _ => Ok(()),
        }
    }
}

async fn set(at: &Session, bucket: &str, status: &str) -> Result<(), Failure> {
    let configuration = VersioningConfiguration::builder().status(status.into()).build();
    let put = at.s3().write.put_bucket_versioning().bucket(bucket).versioning_configuration(configuration);
    let doing = format!("Setting the versioning of the bucket {bucket:?}");
    put.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
}
