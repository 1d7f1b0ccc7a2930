//! A provider with an account, and its calls as the engine makes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tenantctl_providers::aws::{Aws as Provided, Options};
use tenantctl_providers::conformance::{Fault, Service};
use tenantctl_test_servers::{Aws, FrontCall, FrontFate};

use crate::common;

pub(super) const REGION: &str = "eu-west-1";

/// A provider, and how it reaches the account.
pub(super) type Bench = common::Bench<Provided>;

impl Bench {
    /// At which nothing goes wrong.
    pub(super) fn new() -> Self {
        Self::with(|_| FrontFate::Pass)
    }

    /// At which chosen requests meet their fate.
    pub(super) fn with(judge: impl FnMut(&FrontCall) -> FrontFate + Send + 'static) -> Self {
        let front = Aws::shared().front(judge);
        let block = provider_block(front.endpoint());
        Self::of(provider(Duration::from_secs(20)), front, &block)
    }
}

fn provider(call_timeout: Duration) -> Provided {
    Provided::new(Options {
        call_timeout: Some(call_timeout),
        longest_wait: Some(Duration::from_millis(5)),
        ..Options::default()
    })
}

/// The account by a front of its own, which does as it is told.
pub(super) fn service(fault: &Fault) -> Service {
    let (judge, patience) = (fault.clone(), fault.patience());
    let front = Aws::shared()
        .front(move |call| common::fate(judge.strike(&call.name(), call.is_write()), (500, "InternalError")));
    let block = Value::from_plain_json(&provider_block(front.endpoint()));
    Service::new(move || Arc::new(provider(patience))).provider_config(block).keeping(front)
}

/// The `provider` block of an account at an address.
pub(super) fn provider_block(endpoint: &str) -> Json {
    json!({
        "region": REGION, "access_key": "AKIAEXAMPLE", "secret_key": "example", "s3_use_path_style": true,
        "endpoints": [{"s3": endpoint, "eks": endpoint, "iam": endpoint, "route53": endpoint, "sts": endpoint}],
        "default_tags": [{"tags": {"team": "platform"}}],
    })
}
