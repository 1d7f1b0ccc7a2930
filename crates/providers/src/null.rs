//! The provider `null`: `null_resource`, which older modules have where
//! `terraform_data` does now, as a place for provisioners and triggers.
//!
//! Guarantees: the id follows from the creation's token, so that a creation
//! redone after a crash gives the same object.
//! Must not: touch anything outside the process.

use std::sync::LazyLock;

use async_trait::async_trait;
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Outcome, Path, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Type, Value,
};
use uuid::Uuid;

const RESOURCE: &str = "null_resource";

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| {
    let block = Block::new(
        [
            ("id", Attribute::computed(Type::String).describe("A number made on creation.")),
            (
                "triggers",
                Attribute::optional(Type::map(Type::String))
                    .force_new()
                    .describe("A change of these values makes a new object."),
            ),
        ],
        [],
    );
    ProviderSchema {
        resources: [(RESOURCE, ResourceSchema { version: 0, block })].into(),
        ..ProviderSchema::default()
    }
});

/// The provider `null`; all instances are alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

fn object(config: &Value, id: Value) -> Value {
    Value::object([("id", id), ("triggers", triggers(config))])
}

fn triggers(object: &Value) -> Value {
    object.get("triggers").unwrap_or_else(|| Value::null(Type::map(Type::String)))
}

#[async_trait]
impl Provider for Null {
    fn name(&self) -> &str {
        "null"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn is_only_recorded(&self, _kind: &str) -> bool {
        true
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let Some(prior) = request.prior else {
            let planned = object(request.config, Value::unknown_not_null(Type::String));
            return Ok(PlanResponse { planned, requires_replace: Vec::new() });
        };
        let planned = object(request.config, prior.get("id").unwrap_or(Value::NULL));
        let same = triggers(prior) == triggers(&planned);
        let requires_replace = if same { Vec::new() } else { vec![Path::root().attribute("triggers")] };
        Ok(PlanResponse { planned, requires_replace })
    }

    async fn read(
        &self,
        _kind: &str,
        _connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        objects.iter().map(|object| ReadOutcome::Found(object.prior.clone())).collect()
    }

    async fn find(&self, _target: Target<'_>, _planned: &Value) -> Result<Option<Value>, ProviderError> {
        Ok(None)
    }

    async fn create(
        &self,
        target: Target<'_>,
        config: &Value,
        _planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        // Digits, as those of the provider in Terraform.
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, target.token.as_bytes()).as_u64_pair().0.to_string();
        Ok(Outcome::Done(object(config, id.into())))
    }

    async fn update(
        &self,
        _target: Target<'_>,
        prior: &Value,
        config: &Value,
        _planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(object(config, prior.get("id").unwrap_or(Value::NULL))))
    }

    async fn delete(&self, _target: Target<'_>, _prior: &Value) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(Value::NULL))
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let detail =
            format!("Objects of type {} cannot be imported: there is nothing behind them.", target.kind);
        let _ = id;
        Err(ProviderError::new(ErrorClass::Invalid, "Import not supported", detail))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::{Case, check};

    fn config(value: &str) -> Value {
        Value::object([("triggers", Value::map(Type::String, [("a".into(), value.into())]))])
    }

    #[tokio::test]
    async fn conforms() {
        check(Arc::new(Null), vec![Case::new(RESOURCE, config("b")).without_service()]).await;
    }

    #[test]
    fn triggers_replace() {
        let prior = object(&config("b"), "1".into());
        for (value, replaced) in [("b", 0), ("c", 1)] {
            let config = config(value);
            let request = PlanRequest {
                kind: RESOURCE,
                prior: Some(&prior),
                config: &config,
                proposed: &config,
                connection: &Value::NULL,
            };
            let response = Null.plan(request).expect("plans");
            assert_eq!(response.requires_replace.len(), replaced, "{value}");
            assert_eq!(response.planned.get("id"), Some("1".into()));
        }
    }
}
