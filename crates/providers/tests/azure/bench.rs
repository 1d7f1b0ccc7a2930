//! A provider with a subscription, and its calls as the engine makes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tenantctl_providers::azure::{Azure as Provided, Options};
use tenantctl_providers::conformance::{Fault, Service};
use tenantctl_test_servers::{Azure, Front, FrontCall, FrontFate};

use crate::common;

pub(super) const REGION: &str = "westeurope";
/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A provider, and how it reaches the subscription.
pub(super) type Bench = common::Bench<Provided>;

impl Bench {
    /// At which nothing goes wrong.
    pub(super) fn new() -> Self {
        Self::with(|_| FrontFate::Pass)
    }

    /// At which chosen requests meet their fate.
    pub(super) fn with(judge: impl FnMut(&FrontCall) -> FrontFate + Send + 'static) -> Self {
        Self::at(Azure::shared().front(judge), provider_block)
    }

    /// With a `provider` block of its own.
    pub(super) fn at(front: Front, block: impl Fn(&str) -> Json) -> Self {
        let block = block(front.host());
        Self::of(Provided::new(options(Azure::shared(), LIMIT)), front, &block)
    }

    /// At another stand-in than the shared one.
    pub(super) fn on(azure: &Azure, judge: impl FnMut(&FrontCall) -> FrontFate + Send + 'static) -> Self {
        let front = azure.front(judge);
        let block = provider_block(front.host());
        Self::of(Provided::new(options(azure, LIMIT)), front, &block)
    }
}

pub(super) fn options(azure: &Azure, call_timeout: Duration) -> Options {
    Options {
        call_timeout: Some(call_timeout),
        longest_wait: Some(Duration::from_millis(5)),
        authorities: Some(azure.authority().as_bytes().to_vec()),
        ..Options::default()
    }
}

/// The subscription by a front of its own, which does as it is told. What leads
/// to a login is left in peace: it is remembered whether it failed.
pub(super) fn service(fault: &Fault) -> Service {
    let (judge, patience) = (fault.clone(), fault.patience());
    let front = Azure::shared().front(move |call| match call.service.as_str() {
        "login" | "metadata" => FrontFate::Pass,
        _ => common::fate(judge.strike(&call.name(), call.is_write()), (503, "ServiceUnavailable")),
    });
    let block = Value::from_plain_json(&provider_block(front.host()));
    Service::new(move || Arc::new(Provided::new(options(Azure::shared(), patience))))
        .provider_config(block)
        .keeping(front)
}

/// The `provider` block of a subscription at a host.
pub(super) fn provider_block(host: &str) -> Json {
    json!({
        "subscription_id": Azure::SUBSCRIPTION, "tenant_id": Azure::TENANT, "client_id": Azure::CLIENT,
        "client_secret": Azure::SECRET, "use_cli": false, "metadata_host": host,
        "default_tags": [{"tags": {"team": "platform"}}],
    })
}
