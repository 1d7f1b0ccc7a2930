//! The provider `terraform`: resource types that need no service.
//!
//! `terraform_remote_state` reads the outputs of another configuration from its
//! state file. `terraform_data` keeps a value in state and replaces itself when
//! `triggers_replace` changes, with Terraform's semantics; an ephemeral
//! `terraform_data` gives its input for the run only.
//!
//! Guarantees: planning shares the configuration's values and copies none; the
//! id follows from the creation's token, so that a creation redone after a
//! crash gives the same object.
//! Must not: touch anything outside the process but the state files it reads.

mod remote_state;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Opened, Outcome, Path, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Type, Value,
};
use uuid::Uuid;

const DATA: &str = "terraform_data";

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(|| ProviderSchema {
    resources: [(DATA, ResourceSchema { version: 0, block: data_block() })].into(),
    data_sources: [(remote_state::KIND, ResourceSchema { version: 0, block: remote_state::block() })].into(),
    ephemeral: [(DATA, ResourceSchema { version: 0, block: ephemeral_block() })].into(),
    ..ProviderSchema::default()
});

fn data_block() -> Block {
    let attributes = [
        ("id", Attribute::computed(Type::String).describe("A UUID made on creation.")),
        ("input", Attribute::optional(Type::Dynamic).describe("A value to keep in state.")),
        ("output", Attribute::computed(Type::Dynamic).describe("The value of input after apply.")),
        (
            "triggers_replace",
            Attribute::optional(Type::Dynamic)
                .force_new()
                .describe("A change of this value makes a new object."),
        ),
    ];
    Block::new(attributes, [])
}

fn ephemeral_block() -> Block {
    let attributes = [
        ("input", Attribute::optional(Type::Dynamic).describe("A value that is not to be stored.")),
        ("output", Attribute::computed(Type::Dynamic).describe("The value of input, ephemeral.")),
    ];
    Block::new(attributes, [])
}

/// The provider `terraform`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Builtin;

impl Builtin {
    /// The provider; all instances are alike.
    pub fn new() -> Self {
        Builtin
    }
}

fn attribute(object: &Value, name: &str) -> Value {
    object.get(name).unwrap_or(Value::NULL)
}

/// The object that a configuration comes to; `output` is what `input` is,
/// unknown parts and marks included.
fn data(config: &Value, id: Value) -> Value {
    let input = attribute(config, "input");
    object([id, input.clone(), input, attribute(config, "triggers_replace")])
}

/// What an object is planned to be: as in Terraform, `output` is known only once
/// the object has its `input`.
fn planned(config: &Value, id: Value, prior: Option<&Value>) -> Value {
    let input = attribute(config, "input");
    let output = match prior {
        Some(prior) if attribute(prior, "input") == input => attribute(prior, "output"),
        _ if input.is_null() => input.clone(),
        _ => Value::unknown(input.ty()).with_marks(input.deep_marks()),
    };
    object([id, input, output, attribute(config, "triggers_replace")])
}

/// An object of these attributes, in the order of their names, which all
/// objects share.
fn object(attributes: [Value; 4]) -> Value {
    static NAMES: LazyLock<[Arc<str>; 4]> =
        LazyLock::new(|| ["id", "input", "output", "triggers_replace"].map(Into::into));
    Value::object(NAMES.iter().cloned().zip(attributes))
}

fn unknown_type(kind: &str) -> String {
    format!("The provider terraform has no resource type {kind}.")
}

fn check_kind(kind: &str) -> Result<(), ProviderError> {
    if kind == DATA {
        return Ok(());
    }
    Err(ProviderError::new(ErrorClass::Invalid, "Unknown resource type", unknown_type(kind)))
}

#[async_trait]
impl Provider for Builtin {
    fn name(&self) -> &str {
        "terraform"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        if kind == remote_state::KIND { remote_state::validate(config) } else { Vec::new() }
    }

    fn is_only_recorded(&self, _kind: &str) -> bool {
        true
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        if request.kind != DATA {
            return Err(AttributeError {
                path: Path::root(),
                summary: "Unknown resource type",
                detail: unknown_type(request.kind),
                hint: None,
            });
        }
        let Some(prior) = request.prior else {
            let planned = planned(request.config, Value::unknown_not_null(Type::String), None);
            return Ok(PlanResponse { planned, requires_replace: Vec::new() });
        };
        let planned = planned(request.config, attribute(prior, "id"), Some(prior));
        let same = attribute(prior, "triggers_replace") == attribute(&planned, "triggers_replace");
        let requires_replace =
            if same { Vec::new() } else { vec![Path::root().attribute("triggers_replace")] };
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
        check_kind(target.kind)?;
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, target.token.as_bytes());
        Ok(Outcome::Done(data(config, id.to_string().into())))
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        _planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        check_kind(target.kind)?;
        Ok(Outcome::Done(data(config, attribute(prior, "id"))))
    }

    async fn delete(&self, target: Target<'_>, _prior: &Value) -> Result<Outcome, ProviderError> {
        check_kind(target.kind)?;
        Ok(Outcome::Done(Value::NULL))
    }

    async fn read_data(
        &self,
        kind: &str,
        _connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        if kind == remote_state::KIND {
            remote_state::read(config)
        } else {
            check_kind(kind).map(|()| Value::NULL)
        }
    }

    /// As in OpenTofu, a `null_resource` becomes a `terraform_data`, its triggers
    /// what replaces it.
    fn moved(&self, from: &str, to: &str) -> Option<fn(&Value) -> Value> {
        (from == "null_resource" && to == DATA).then_some(|object| {
            let triggers = attribute(object, "triggers");
            let triggers = match triggers.as_entries() {
                Some(entries) => {
                    Value::object(entries.iter().map(|(name, value)| (name.clone(), value.clone())))
                        .with_marks(triggers.marks())
                }
                None => Value::NULL,
            };
            Value::object([
                ("id", attribute(object, "id")),
                ("input", Value::NULL),
                ("output", Value::NULL),
                ("triggers_replace", triggers),
            ])
        })
    }

    /// Gives its input: a value of this run only.
    async fn open(&self, kind: &str, _connection: &Value, config: &Value) -> Result<Opened, ProviderError> {
        check_kind(kind)?;
        let input = attribute(config, "input");
        let value = Value::object([("output", input.clone()), ("input", input)]);
        Ok(Opened { value, handle: None, renew_after: None })
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        check_kind(target.kind)?;
        Ok(data(&Value::NULL, id.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::{Case, check};

    fn config(input: Value, triggers: Value) -> Value {
        Value::object([
            ("id", Value::null(Type::String)),
            ("input", input),
            ("output", Value::NULL),
            ("triggers_replace", triggers),
        ])
    }

    fn plan(prior: Option<&Value>, config: &Value) -> PlanResponse {
        Builtin
            .plan(PlanRequest { kind: DATA, prior, config, connection: &Value::NULL, proposed: config })
            .expect("plans")
    }

    #[test]
    fn output_follows_input() {
        let unknown = Value::unknown(Type::String);
        for input in [Value::NULL, "a".into(), unknown, Value::from("s").sensitive()] {
            let planned = plan(None, &config(input.clone(), Value::NULL)).planned;
            let output = planned.get("output").expect("output");
            assert_eq!(output.is_known(), input.is_null(), "{input:?}");
            assert_eq!((output.ty(), output.marks()), (input.ty(), input.marks()));
            assert!(!planned.get("id").expect("id").is_known());
            // What is there already stays known.
            let prior = data(&config(input.clone(), Value::NULL), "the-id".into());
            let planned = plan(Some(&prior), &config(input.clone(), Value::NULL)).planned;
            assert_eq!(planned.get("output"), Some(input));
            assert_eq!(planned.get("id"), Some("the-id".into()));
        }
    }

    #[test]
    fn only_triggers_replace() {
        let prior = data(&config("a".into(), "t".into()), "the-id".into());
        let cases: [(Value, Value, usize); 4] = [
            ("a".into(), "t".into(), 0),
            ("b".into(), "t".into(), 0),
            ("a".into(), "u".into(), 1),
            ("a".into(), Value::unknown(Type::String), 1),
        ];
        for (input, triggers, replaced) in cases {
            let response = plan(Some(&prior), &config(input.clone(), triggers));
            assert_eq!(response.requires_replace.len(), replaced, "{input:?}");
            assert_eq!(response.planned.get("id"), Some("the-id".into()));
        }
    }

    #[tokio::test]
    async fn conforms() {
        let case = Case::new(DATA, Value::object([("input", "a".into())]))
            .changed(Value::object([("input", Value::tuple(["b".into(), 2i64.into()]))]))
            .without_service();
        check(Arc::new(Builtin), vec![case]).await;
    }
}
