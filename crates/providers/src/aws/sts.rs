//! Who calls, and where: `aws_caller_identity` and `aws_region`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::Block;

use super::resource::{Called, Data};
use super::schema::{given, located};
use super::session::Session;

/// All data sources.
pub(super) fn data() -> Vec<Box<dyn Data>> {
    vec![Box::new(CallerIdentity), Box::new(CurrentRegion)]
}

struct CallerIdentity;

#[async_trait]
impl Data for CallerIdentity {
    fn kind(&self) -> &'static str {
        "aws_caller_identity"
    }

    fn block(&self) -> Block {
        located(
            [
                ("id", given("Number of the account.")),
                ("account_id", given("Number of the account.")),
                ("arn", given("ARN of the caller.")),
                ("user_id", given("Id of the caller.")),
            ],
            [],
        )
    }

    async fn read(&self, at: &Session, _config: &Json) -> Called<Json> {
        let identity = at.identity().await?;
        Ok(json!({
            "id": identity.account, "account_id": identity.account, "arn": identity.arn,
            "user_id": identity.user, "region": at.region(),
        }))
    }
}

struct CurrentRegion;

#[async_trait]
impl Data for CurrentRegion {
    fn kind(&self) -> &'static str {
        "aws_region"
    }

    fn block(&self) -> Block {
        located([("id", given("Name of the region.")), ("name", given("Name of the region."))], [])
    }

    async fn read(&self, at: &Session, _config: &Json) -> Called<Json> {
        Ok(json!({ "id": at.region(), "name": at.region(), "region": at.region() }))
    }
}
