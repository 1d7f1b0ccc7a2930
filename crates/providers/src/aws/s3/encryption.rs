//! `aws_s3_bucket_server_side_encryption_configuration`.

use async_trait::async_trait;
use aws_sdk_s3::types::{
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Block, Path};

use super::super::error::{Failure, failed};
use super::super::json::Fields as _;
use super::super::problems::Problems;
use super::super::resource::Called;
use super::super::schema::{Aspect, Meaning, Reading, block, flag, located, name, needed, nested, text};
use super::super::session::Session;
use super::part::{Part, incomplete, unless};

pub(super) struct Encryption;

const ALGORITHM: [&str; 3] = ["rule", "apply_server_side_encryption_by_default", "sse_algorithm"];
const KEY: [&str; 3] = ["rule", "apply_server_side_encryption_by_default", "kms_master_key_id"];

#[async_trait]
impl Part for Encryption {
    const KIND: &'static str = "aws_s3_bucket_server_side_encryption_configuration";

    fn block(&self) -> Block {
        let default = block(
            [
                ("sse_algorithm", name("AES256, aws:kms or aws:kms:dsse.")),
                ("kms_master_key_id", text("Id or ARN of the KMS key.")),
            ],
            [],
        );
        let rule = block(
            [("bucket_key_enabled", flag("Use a bucket key, which saves calls to KMS."))],
            [("apply_server_side_encryption_by_default", nested(default))],
        );
        located([], [("rule", needed(rule))])
            .meaning(Meaning::of(Aspect::Encrypted, &ALGORITHM).by(Reading::Presence).or(false))
            .meaningless(&KEY, "any algorithm will do, with a key of one's own or not")
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let Some(rule) = problems.exactly_one(&Path::root().attribute("rule")) else { return };
        let default = rule.attribute("apply_server_side_encryption_by_default");
        if let Some(default) = problems.single(&default) {
            let algorithm = default.attribute("sse_algorithm");
            problems.one_of(&algorithm, &["AES256", "aws:kms", "aws:kms:dsse"]);
            let key = default.attribute("kms_master_key_id");
            if problems.text(&algorithm).as_deref() == Some("AES256") && problems.at(&key).is_some() {
                problems.push(key, "Conflicting arguments", "AES256 takes no KMS key.");
            }
        }
    }

    async fn get(&self, at: &Session, bucket: &str, _prior: &Json) -> Called<Option<Json>> {
        let answer = at.s3().read.get_bucket_encryption().bucket(bucket).send().await;
        let doing = format!("Reading the encryption of the bucket {bucket:?}");
        let answer = unless(&doing, &["ServerSideEncryptionConfigurationNotFoundError"], answer)?;
        let rules = answer.and_then(|a| a.server_side_encryption_configuration).map(|c| c.rules);
        let Some(rules) = rules else { return Ok(None) };
        let rules: Vec<Json> = rules.iter().map(shown).collect();
        Ok(Some(json!({ "rule": rules })))
    }

    async fn put(&self, at: &Session, bucket: &str, planned: &Json) -> Result<(), Failure> {
        let rules = planned.items("rule").iter().map(wanted).collect::<Result<Vec<_>, _>>()?;
        let configuration = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build();
        let put = at.s3().write.put_bucket_encryption().bucket(bucket);
        let put = put.server_side_encryption_configuration(configuration.map_err(incomplete)?);
        let doing = format!("Setting the encryption of the bucket {bucket:?}");
        put.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn remove(&self, at: &Session, bucket: &str, _prior: &Json) -> Result<(), Failure> {
        let doing = format!("Resetting the encryption of the bucket {bucket:?}");
        let delete = at.s3().write.delete_bucket_encryption().bucket(bucket).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }
}

fn shown(rule: &ServerSideEncryptionRule) -> Json {
    let default = rule.apply_server_side_encryption_by_default().map(|default| {
        json!({ "sse_algorithm": default.sse_algorithm().as_str(), "kms_master_key_id": default.kms_master_key_id() })
    });
    json!({
        "bucket_key_enabled": rule.bucket_key_enabled().unwrap_or(false),
        "apply_server_side_encryption_by_default": default.into_iter().collect::<Vec<_>>(),
    })
}

fn wanted(rule: &Json) -> Result<ServerSideEncryptionRule, Failure> {
    let default = rule.block("apply_server_side_encryption_by_default").map(|default| {
        ServerSideEncryptionByDefault::builder()
            .sse_algorithm(default.text("sse_algorithm").into())
            .set_kms_master_key_id(default.given("kms_master_key_id"))
            .build()
            .map_err(incomplete)
    });
    Ok(ServerSideEncryptionRule::builder()
        .set_apply_server_side_encryption_by_default(default.transpose()?)
        .set_bucket_key_enabled(rule.flag("bucket_key_enabled"))
        .build())
}
