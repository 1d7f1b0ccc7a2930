//! Record sets on any server that takes dynamic updates (RFC 2136).
//!
//! The resource types and arguments are those of Terraform's `dns` provider:
//!
//! ```hcl
//! provider "dns" {
//!   update {
//!     server        = "ns1.example.com"
//!     key_name      = "tenants."
//!     key_algorithm = "hmac-sha256"
//!     key_secret    = var.dns_key
//!   }
//! }
//!
//! resource "dns_a_record_set" "web" {
//!   zone      = "example.com."
//!   name      = "acme"
//!   addresses = ["192.0.2.7"]
//!   ttl       = 300
//! }
//! ```
//!
//! `dns_a_record_set`, `dns_aaaa_record_set`, `dns_cname_record`,
//! `dns_ns_record_set`, `dns_txt_record_set`; as data sources the first two,
//! which look a host up as this machine does. Imported by the whole name:
//! `acme.example.com.`.
//!
//! Unlike Terraform's, messages travel over TCP unless `transport` says
//! otherwise, keys are of HMAC-SHA-2 only, there is no GSS-TSIG, and nothing is
//! taken from the environment. And each record set has a mark of ownership
//! beside it (module `mark`), so that no two systems write to one name:
//!
//! - A set that is there and has no mark, or another's, is not touched by a
//!   creation; it has to be imported.
//! - A creation whose answer was lost knows its set by the mark, and takes it.
//! - What belongs to another workspace is neither changed nor removed.
//!
//! Guarantees: each change is one message that the server takes wholly or not
//! at all, and only while what was planned from is still so; keys stay out of
//! messages and are sealed where they are kept; what differs only in writing is
//! no change.
//! Must not: read the environment, or retry (over UDP a lost datagram is sent
//! again, the very same). A set that a wildcard answers for is none.

mod client;
mod connection;
mod error;
mod look;
mod mark;
mod message;
mod names;
mod records;
mod schema;
mod validate;
mod write;

use async_trait::async_trait;
use tenantctl_core::provider::{
    AttributeError, ErrorClass, Outcome, Path, PlanRequest, PlanResponse, Provider, ProviderError,
    ProviderSchema, ReadObject, ReadOutcome, Target, Type, Value,
};

use schema::{DEFAULT_TTL, Kind};

/// The provider.
pub struct Dns {
    schema: ProviderSchema,
}

impl Dns {
    /// A provider; connections are opened when needed, one for each call.
    pub fn new() -> Self {
        Dns { schema: schema::schema() }
    }
}

impl Default for Dns {
    fn default() -> Self {
        Self::new()
    }
}

fn known(kind: &str) -> Result<&'static Kind, ProviderError> {
    schema::kind(kind).ok_or_else(|| {
        let detail = format!("There is no resource type {kind}.");
        ProviderError::new(ErrorClass::Invalid, "Unknown resource type", detail)
    })
}

#[async_trait]
impl Provider for Dns {
    fn name(&self) -> &str {
        "dns"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        match schema::kind(kind) {
            // The data sources have the names of resource types.
            Some(kind) if config.get("zone").is_some() => validate::validate(kind, config),
            _ => Vec::new(),
        }
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        connection::settle(provider_config, config)
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        let kind = schema::kind(kind)?;
        let place = ["zone", "name"].map(|part| planned.get(part));
        if !place.iter().flatten().all(Value::is_known) {
            return None;
        }
        let (_, name) = records::place(planned).ok()?;
        Some(format!("{} {}", kind.record, name.to_lowercase().to_ascii()))
    }

    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        use hickory_proto::rr::RecordType::{A, AAAA, CNAME};
        // Whoever has the name's addresses has its visitors.
        let leads = schema::kind(kind).is_some_and(|kind| matches!(kind.record, A | AAAA | CNAME));
        let name = self.identity(kind, planned).filter(|_| leads);
        let name = name.as_ref().and_then(|name| name.split_once(' '));
        name.map(|(_, name)| format!("host {}", name.trim_end_matches('.'))).into_iter().collect()
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let get = |value: &Value, name: &str| value.get(name).unwrap_or(Value::NULL);
        let config = request.config;
        let ttl = get(config, "ttl");
        let ttl = if ttl.is_null() { DEFAULT_TTL.into() } else { ttl };
        let planned = records::with(request.proposed, [("ttl", ttl), ("id", id(config))]);
        let Some(prior) = request.prior else {
            return Ok(PlanResponse { planned, requires_replace: Vec::new() });
        };
        let moved = |part: &'static str| -> Option<Path> {
            let (before, after) = (get(prior, part), get(config, part));
            let same = after.is_known() && meaning(&before) == meaning(&after);
            (!same).then(|| Path::root().attribute(part))
        };
        Ok(PlanResponse {
            planned,
            requires_replace: ["zone", "name"].into_iter().filter_map(moved).collect(),
        })
    }

    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        match known(kind) {
            Ok(kind) => look::read(kind, connection, objects).await,
            Err(error) => objects.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
        }
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        write::find(known(target.kind)?, &target, planned).await
    }

    async fn create(
        &self,
        target: Target<'_>,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        write::create(known(target.kind)?, &target, planned).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        write::update(known(target.kind)?, &target, prior, planned).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        write::delete(known(target.kind)?, &target, prior).await
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let kind = known(target.kind)?;
        look::import(kind, &self.schema.resources[kind.name], &target, id).await
    }

    async fn read_data(
        &self,
        kind: &str,
        _connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        look::lookup(known(kind)?, config).await
    }
}

/// The whole name as the configuration writes it; unknown while a part is.
fn id(config: &Value) -> Value {
    let [zone, name] = ["zone", "name"].map(|part| config.get(part).unwrap_or(Value::NULL));
    let marks = zone.marks().union(name.marks());
    if !zone.is_known() || !name.is_known() {
        return Value::unknown(Type::String).with_marks(marks);
    }
    let zone = zone.as_str().unwrap_or_default();
    let whole = match name.as_str().filter(|name| !name.is_empty()) {
        Some(name) if zone == "." => format!("{name}."),
        Some(name) => format!("{name}.{zone}"),
        None => zone.to_owned(),
    };
    Value::from(whole).with_marks(marks)
}

/// What a zone or a name says, apart from its writing.
fn meaning(part: &Value) -> String {
    part.as_str().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
