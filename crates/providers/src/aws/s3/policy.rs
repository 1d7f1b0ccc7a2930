//! `aws_s3_bucket_policy`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Path, Value};

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::policy::{problem, same_document};
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{located, name};
use super::super::session::Session;
use super::part::{Part, unless};

pub(super) struct Policy;

#[async_trait]
impl Part for Policy {
    const KIND: &'static str = "aws_s3_bucket_policy";

    fn block(&self) -> Block {
        located([("policy", name("The policy, in JSON."))], [])
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let path = Path::root().attribute("policy");
        if let Some(problem) = problems.text(&path).and_then(|text| problem(&text)) {
            problems.push(path, "Invalid policy", problem);
        }
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        name == "policy" && same_document(a, b)
    }

    async fn get(&self, at: &Session, bucket: &str, _prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_bucket_policy().bucket(bucket).send().await;
        let doing = format!("Reading the policy of the bucket {bucket:?}");
        let answer = unless(&doing, &["NoSuchBucketPolicy"], answer)?;
        Ok(answer.and_then(|a| a.policy).map(|policy| json!({ "policy": policy })))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        let doing = format!("Setting the policy of the bucket {bucket:?}");
        let put = at.s3().write.put_bucket_policy().bucket(bucket).policy(planned.text("policy"));
        put.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn remove(&self, at: &Session, bucket: &str, _prior: &Json) -> Result<(), Failure> {
        let doing = format!("Removing the policy of the bucket {bucket:?}");
        let delete = at.s3().write.delete_bucket_policy().bucket(bucket).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }
}
