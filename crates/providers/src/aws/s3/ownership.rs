//! `aws_s3_bucket_ownership_controls`.

use async_trait::async_trait;
use aws_sdk_s3::types::{OwnershipControls, OwnershipControlsRule};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Path};

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{block, located, name, needed};
use super::super::session::Session;
use super::part::{Part, incomplete, unless};

pub(super) struct Ownership;

#[async_trait]
impl Part for Ownership {
    const KIND: &'static str = "aws_s3_bucket_ownership_controls";

    fn block(&self) -> Block {
        let rule = block(
            [("object_ownership", name("BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter."))],
            [],
        );
        located([], [("rule", needed(rule))])
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        if let Some(rule) = problems.exactly_one(&Path::root().attribute("rule")) {
            let allowed = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];
            problems.one_of(&rule.attribute("object_ownership"), &allowed);
        }
    }

    async fn get(&self, at: &Session, bucket: &str, _prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_bucket_ownership_controls().bucket(bucket).send().await;
        let doing = format!("Reading the ownership of objects of the bucket {bucket:?}");
        let answer = unless(&doing, &["OwnershipControlsNotFoundError"], answer)?;
        let Some(controls) = answer.and_then(|a| a.ownership_controls) else { return Ok(None) };
        let rules: Vec<Json> = controls
            .rules()
            .iter()
            .map(|r| json!({ "object_ownership": r.object_ownership().as_str() }))
            .collect();
        Ok(Some(json!({ "rule": rules })))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        let rule = |rule: &Json| {
            let ownership = rule.text("object_ownership").into();
            OwnershipControlsRule::builder().object_ownership(ownership).build().map_err(incomplete)
        };
        let rules = planned.items("rule").iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        let controls = OwnershipControls::builder().set_rules(Some(rules)).build().map_err(incomplete)?;
        let put = at.s3().write.put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls);
        let doing = format!("Setting the ownership of objects of the bucket {bucket:?}");
        put.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn remove(&self, at: &Session, bucket: &str, _prior: &Json) -> Result<(), Failure> {
        let doing = format!("Resetting the ownership of objects of the bucket {bucket:?}");
        let delete = at.s3().write.delete_bucket_ownership_controls().bucket(bucket).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }
}
