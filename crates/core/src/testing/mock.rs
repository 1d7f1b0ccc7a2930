//! A provider in place of another: the same types, but no service behind them.
//! What a service would decide is invented.
//!
//! Guarantees: what is invented follows from the block's address and its
//! configuration, so that plan and apply invent the same.
//! Must not: call the provider it stands for, except for its schema and the
//! checks of configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::provider::{
    AttributeError, Block, ErrorClass, Opened, Outcome, PlanRequest, PlanResponse, Provider, ProviderError,
    ProviderSchema, ReadObject, ReadOutcome, SharedProvider, Target,
};
use crate::value::{Entries, Kind, Path, Type, Value};

/// How long invented text is, as OpenTofu's.
const LENGTH: usize = 12;
/// What it consists of.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// What stands in for one block's provider.
pub(super) struct Mock {
    pub name: String,
    pub inner: SharedProvider,
    /// Values of what a service would decide, in place of invented ones.
    pub values: BTreeMap<Arc<str>, Value>,
}

impl Mock {
    /// The object with everything filled in that a service decides.
    fn filled(&self, schema: &Block, config: &Value, proposed: &Value) -> Result<Value, AttributeError> {
        let Kind::Object(attributes) = proposed.kind() else { return Ok(proposed.clone()) };
        let mut filled = Entries::default();
        for (name, value) in attributes.iter() {
            let decided = schema.attributes.get(&**name).filter(|attribute| attribute.computed);
            let Some(attribute) = decided.filter(|_| config.get(name).is_none_or(|v| v.is_null())) else {
                filled.insert(name.clone(), value.clone());
                continue;
            };
            let value = match self.values.get(name) {
                Some(given) => given.convert(&attribute.ty).map_err(|error| AttributeError {
                    path: Path::root(),
                    summary: "Wrong type of a mocked value",
                    detail: format!("The value for {name:?} in the test does not suit it: {error}."),
                    hint: None,
                })?,
                None if !value.is_known() && config.is_wholly_known() => {
                    self.invented(&attribute.ty, &format!("{name} {config:?}"))
                }
                None => value.clone(),
            };
            filled.insert(name.clone(), value);
        }
        Ok(Value::from(Kind::Object(Arc::new(filled))).with_marks(proposed.marks()))
    }

    fn invented(&self, ty: &Type, seed: &str) -> Value {
        match ty {
            Type::String => {
                let digest = Sha256::digest(format!("{}\n{seed}", self.name));
                let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
                digest.iter().take(LENGTH).map(letter).collect::<String>().into()
            }
            Type::Number => 0_i64.into(),
            Type::Bool => false.into(),
            Type::List(element) => Value::list((**element).clone(), Vec::new()),
            Type::Set(element) => Value::set((**element).clone(), Vec::new()),
            Type::Map(element) => Value::map((**element).clone(), Vec::new()),
            Type::Object(_) | Type::Tuple(_) | Type::Dynamic => Value::null(ty.clone()),
        }
    }

    fn block(&self, kind: &str) -> Option<&Block> {
        self.schema().resources.get(kind).map(|schema| &schema.block)
    }
}

#[async_trait]
impl Provider for Mock {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        self.inner.validate(kind, config)
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let planned = match self.block(request.kind) {
            Some(block) => self.filled(block, request.config, request.proposed)?,
            None => request.proposed.clone(),
        };
        Ok(PlanResponse { planned, requires_replace: Vec::new() })
    }

    async fn read(&self, _: &str, _: &Value, _: &str, objects: &[ReadObject<'_>]) -> Vec<ReadOutcome> {
        objects.iter().map(|object| ReadOutcome::Found(object.prior.clone())).collect()
    }

    async fn find(&self, _: Target<'_>, _: &Value) -> Result<Option<Value>, ProviderError> {
        Ok(None)
    }

    async fn create(&self, _: Target<'_>, _: &Value, planned: &Value) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(planned.clone()))
    }

    async fn update(
        &self,
        _: Target<'_>,
        _: &Value,
        _: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(planned.clone()))
    }

    async fn delete(&self, _: Target<'_>, _: &Value) -> Result<Outcome, ProviderError> {
        Ok(Outcome::Done(Value::NULL))
    }

    async fn open(&self, kind: &str, _: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let Some(schema) = self.schema().ephemeral.get(kind) else {
            return Ok(Opened { value: config.clone(), handle: None });
        };
        let proposed = crate::plan::proposed(&schema.block, config, None);
        let filled = self.filled(&schema.block, config, &proposed);
        let value =
            filled.map_err(|error| ProviderError::new(ErrorClass::Invalid, error.summary, error.detail))?;
        Ok(Opened { value, handle: None })
    }

    async fn read_data(&self, kind: &str, _: &Value, config: &Value) -> Result<Value, ProviderError> {
        let Some(schema) = self.schema().data_sources.get(kind) else { return Ok(config.clone()) };
        let proposed = crate::plan::proposed(&schema.block, config, None);
        self.filled(&schema.block, config, &proposed)
            .map_err(|error| ProviderError::new(ErrorClass::Invalid, error.summary, error.detail))
    }
}
