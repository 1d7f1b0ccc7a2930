//! `aws_s3_bucket_public_access_block`.

use async_trait::async_trait;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::Block;

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{Aspect, Meaning, Reading, flag, located};
use super::super::session::Session;
use super::part::{Part, unless};

const FLAGS: [&str; 4] =
    ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"];

const PATHS: [&[&str]; 4] = [&[FLAGS[0]], &[FLAGS[1]], &[FLAGS[2]], &[FLAGS[3]]];

pub(super) struct PublicAccess;

#[async_trait]
impl Part for PublicAccess {
    const KIND: &'static str = "aws_s3_bucket_public_access_block";

    fn block(&self) -> Block {
        let block = located(
            [
                ("block_public_acls", flag("Refuse ACLs that make something public.").or_computed()),
                ("block_public_policy", flag("Refuse policies that make something public.").or_computed()),
                ("ignore_public_acls", flag("Ignore ACLs that make something public.").or_computed()),
                ("restrict_public_buckets", flag("Let nobody else in by a public policy.").or_computed()),
            ],
            [],
        );
        let says = |path| Meaning::of(Aspect::Public, path).by(Reading::Opposite);
        PATHS.into_iter().fold(block, |block, path| block.meaning(says(path)))
    }

    fn validate(&self, _problems: &mut Problems<'_>) {}

    fn plan(&self, draft: &mut Draft<'_>) {
        for flag in FLAGS {
            draft.default(flag, false);
        }
    }

    async fn get(&self, at: &Session, bucket: &str, _prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_public_access_block().bucket(bucket).send().await;
        let doing = format!("Reading the public access block of the bucket {bucket:?}");
        let answer = unless(&doing, &["NoSuchPublicAccessBlockConfiguration"], answer)?;
        Ok(answer.and_then(|a| a.public_access_block_configuration).map(|c| {
            json!({
                "block_public_acls": c.block_public_acls().unwrap_or(false),
                "block_public_policy": c.block_public_policy().unwrap_or(false),
                "ignore_public_acls": c.ignore_public_acls().unwrap_or(false),
                "restrict_public_buckets": c.restrict_public_buckets().unwrap_or(false),
            })
        }))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        let configuration = PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(planned.flag("block_public_acls"))
            .set_block_public_policy(planned.flag("block_public_policy"))
            .set_ignore_public_acls(planned.flag("ignore_public_acls"))
            .set_restrict_public_buckets(planned.flag("restrict_public_buckets"))
            .build();
        let put = at.s3().write.put_public_access_block().bucket(bucket);
        let doing = format!("Setting the public access block of the bucket {bucket:?}");
        let put = put.public_access_block_configuration(configuration).send().await;
        put.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn remove(&self, at: &Session, bucket: &str, _prior: &Json) -> Result<(), Failure> {
        let doing = format!("Removing the public access block of the bucket {bucket:?}");
        let delete = at.s3().write.delete_public_access_block().bucket(bucket).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }
}
