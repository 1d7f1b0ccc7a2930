use std::sync::LazyLock;

use async_trait::async_trait;
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Outcome, Path, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Type, Value,
};

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| {
    let attributes = [
        ("id", Attribute::computed(Type::String)),
        ("name", Attribute::required(Type::String).force_new()),
        ("size", Attribute::optional(Type::Number)),
        ("refs", Attribute::optional(Type::String)),
    ];
    let block = Block::new(attributes, []);
    ProviderSchema {
        resources: [("box_thing", ResourceSchema { version: 0, block })].into(),
        ..ProviderSchema::default()
    }
});

/// A provider to be simulated. Its service gives objects their `id`: making
/// one twice leaves two.
pub(crate) struct Boxes;

fn absent<T>() -> Result<T, ProviderError> {
    Err(ProviderError::new(ErrorClass::Invalid, "Called", "There is no such service."))
}

#[async_trait]
impl Provider for Boxes {
    fn name(&self) -> &str {
        "box"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let renamed = request.prior.is_some_and(|prior| prior.get("name") != request.config.get("name"));
        let requires_replace = if renamed { vec![Path::root().attribute("name")] } else { Vec::new() };
        Ok(PlanResponse { planned: request.proposed.clone(), requires_replace })
    }

    async fn read(&self, _: &str, _: &Value, _: &str, _: &[ReadObject<'_>]) -> Vec<ReadOutcome> {
        Vec::new()
    }

    async fn find(&self, _: Target<'_>, _: &Value) -> Result<Option<Value>, ProviderError> {
        absent()
    }

    async fn create(&self, _: Target<'_>, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        absent()
    }

    async fn update(&self, _: Target<'_>, _: &Value, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        absent()
    }

    async fn delete(&self, _: Target<'_>, _: &Value) -> Result<Outcome, ProviderError> {
        absent()
    }
}
