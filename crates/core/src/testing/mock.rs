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
    Attribute, AttributeError, Block, ErrorClass, Opened, Outcome, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, SharedProvider, Target,
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
        self.block_filled(schema, [config, proposed], &self.values, "")
    }

    /// The same for a block at a place inside the object, with values given for
    /// it.
    fn block_filled(
        &self,
        schema: &Block,
        [config, proposed]: [&Value; 2],
        given: &BTreeMap<Arc<str>, Value>,
        place: &str,
    ) -> Result<Value, AttributeError> {
        let is_there = |name: &str| schema.attributes.contains_key(name) || schema.blocks.contains_key(name);
        if let Some(name) = given.keys().find(|name| !is_there(name)) {
            return Err(wrong(format!("There is no attribute or block {place}{name} to be given a value.")));
        }
        let Kind::Object(attributes) = proposed.kind() else { return Ok(proposed.clone()) };
        let mut filled = Entries::default();
        for (name, value) in attributes.iter() {
            let set = config.get(name).filter(|set| !set.is_null());
            let given = given.get(name);
            let value = if let Some(attribute) = schema.attributes.get(&**name) {
                let whole = format!("{place}{name}");
                match given {
                    Some(given) => suitable(&whole, attribute, set.is_some(), given)?,
                    None if attribute.computed
                        && set.is_none()
                        && !value.is_known()
                        && config.is_wholly_known() =>
                    {
                        self.invented(&attribute.ty, &format!("{whole} {config:?}"))
                    }
                    None => value.clone(),
                }
            } else if let Some(nested) = schema.blocks.get(&**name) {
                let set = set.unwrap_or(Value::NULL);
                self.nested(&nested.block, [&set, value], given, &format!("{place}{name}"))?
            } else {
                value.clone()
            };
            filled.insert(name.clone(), value);
        }
        Ok(Value::from(Kind::Object(Arc::new(filled))).with_marks(proposed.marks()))
    }

    /// All blocks of one type.
    fn nested(
        &self,
        schema: &Block,
        [config, proposed]: [&Value; 2],
        given: Option<&Value>,
        place: &str,
    ) -> Result<Value, AttributeError> {
        let values = match given.map(|given| (given, given.as_entries())) {
            None => BTreeMap::new(),
            Some((_, Some(entries))) => entries.iter().map(|(name, v)| (name.clone(), v.clone())).collect(),
            Some((given, None)) => {
                return Err(wrong(format!(
                    "The blocks {place} are given values by an object, not {}.",
                    given.show()
                )));
            }
        };
        let stands = config.as_items().map_or(!config.is_null(), |items| !items.is_empty());
        if given.is_some() && !stands {
            return Err(wrong(format!("There is no block {place} in the configuration to be given values.")));
        }
        let inner = format!("{place}.");
        match (config.kind(), proposed.kind()) {
            (Kind::List(set), Kind::List(made)) => {
                let items = set.items.iter().zip(&made.items).enumerate();
                let items: Result<Vec<Value>, _> = items
                    .map(|(at, (set, made))| {
                        self.block_filled(schema, [set, made], &values, &format!("{place}[{at}]."))
                    })
                    .collect();
                Ok(Value::list(schema.ty(), items?).with_marks(proposed.marks()))
            }
            (Kind::Object(_), Kind::Object(_)) => {
                self.block_filled(schema, [config, proposed], &values, &inner)
            }
            _ => Ok(proposed.clone()),
        }
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
            Type::Object(object) => {
                let attributes = object.attributes.iter();
                let inner = |(name, ty): (&Arc<str>, &Type)| {
                    let value = match object.optional.contains(name) {
                        true => Value::null(ty.clone()),
                        false => self.invented(ty, &format!("{seed}.{name}")),
                    };
                    (name.clone(), value)
                };
                Value::object(attributes.map(inner))
            }
            Type::Tuple(types) => {
                let inner = |(at, ty): (usize, &Type)| self.invented(ty, &format!("{seed}[{at}]"));
                Value::tuple(types.iter().enumerate().map(inner))
            }
            Type::Dynamic => Value::NULL,
        }
    }

    fn block(&self, kind: &str) -> Option<&Block> {
        self.schema().resources.get(kind).map(|schema| &schema.block)
    }
}

fn wrong(detail: String) -> AttributeError {
    AttributeError { path: Path::root(), summary: "Invalid mocked value", detail, hint: None }
}

/// The value that a test gives to an attribute: only what a service would
/// decide is given one.
fn suitable(name: &str, attribute: &Attribute, is_set: bool, given: &Value) -> Result<Value, AttributeError> {
    if !attribute.computed {
        return Err(wrong(format!(
            "{name} is not decided by the service, so that the test gives it no value."
        )));
    }
    if is_set {
        return Err(wrong(format!(
            "{name} is set by the configuration, so that the test gives it no value."
        )));
    }
    if attribute.write_only {
        return Ok(Value::null(attribute.ty.clone()));
    }
    given
        .convert(&attribute.ty)
        .map_err(|error| wrong(format!("The value for {name:?} in the test does not suit it: {error}.")))
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
            // What it invents is made anew each time, whatever there was.
            Some(block) if request.config.is_wholly_known() => {
                let fresh = crate::plan::proposed(block, request.config, None);
                self.filled(block, request.config, &fresh)?
            }
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
            return Ok(Opened { value: config.clone(), handle: None, renew_after: None });
        };
        let proposed = crate::plan::proposed(&schema.block, config, None);
        let filled = self.filled(&schema.block, config, &proposed);
        let value =
            filled.map_err(|error| ProviderError::new(ErrorClass::Invalid, error.summary, error.detail))?;
        Ok(Opened { value, handle: None, renew_after: None })
    }

    async fn read_data(&self, kind: &str, _: &Value, config: &Value) -> Result<Value, ProviderError> {
        let Some(schema) = self.schema().data_sources.get(kind) else { return Ok(config.clone()) };
        let proposed = crate::plan::proposed(&schema.block, config, None);
        self.filled(&schema.block, config, &proposed)
            .map_err(|error| ProviderError::new(ErrorClass::Invalid, error.summary, error.detail))
    }
}
