//! What every provider must do: one suite for all of them.
//!
//! Each case takes an object through its life: plan, create, read, plan again,
//! find, create again, import, update, drift and its repair, delete, find. The
//! same life is led with something happening to each call, and taken up by
//! another process after one that died at any of its writes. The suite panics
//! with the step that went wrong, for it runs in tests only.
//!
//! Guarantees: values shown on failure hide what is sensitive; long operations
//! are polled to their end; calls are repeated as the engine repeats them.
//! Must not: know any one provider.

mod case;
mod deaths;
mod life;
mod report;
mod run;
mod service;
mod shapes;
mod trouble;

use futures::StreamExt as _;
use tenantctl_core::provider::SharedProvider;

pub use case::Case;
pub use service::{Faulty, Service};
pub use trouble::{Fault, Trouble};

use report::Scenario;
use run::Run;

/// Lives that are led at once, where each is of an object by itself.
const AT_ONCE: usize = 16;

/// Takes every case through the suite.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check(provider: SharedProvider, cases: Vec<Case>) {
    for (i, case) in cases.into_iter().enumerate() {
        let provider = provider.clone();
        let service = Service::new(move || provider.clone()).provider_config(case.provider_config.clone());
        plain(service, case, i).await;
    }
}

/// The same, by a way to the service for each of them.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check_in(service: impl Fn(&Fault) -> Service, cases: Vec<Case>) {
    for (i, case) in cases.into_iter().enumerate() {
        plain(service(&Fault::none()), case, i).await;
    }
}

async fn plain(service: Service, case: Case, number: usize) {
    let run = Run::new(case, service, Fault::none(), &format!("plain-{number}"), true);
    Box::pin(run.life()).await;
}

/// The same with something that happens to each call, the first time that it
/// is made in a step; whoever makes the way to the service has it ask the
/// [`Fault`]. Cases are to be of objects that no other run makes.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check_through(trouble: Trouble, service: impl Fn(&Fault) -> Service, cases: Vec<Case>) {
    let lives = cases.into_iter().enumerate().map(|(i, case)| {
        let fault = Fault::each(trouble);
        let run = Run::new(case, service(&fault), fault, &format!("{}-{i}", trouble.name()), false);
        async move {
            let begun = run.report.begin(Scenario::Troubled(trouble));
            Box::pin(run.life()).await;
            begun.held();
        }
    });
    futures::stream::iter(lives).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Processes that die, and others that go on: before each write is done, once
/// it is done and not answered, and with the answer.
///
/// # Panics
/// When the provider does not do what it must.
pub async fn check_killed(service: impl Fn(&Fault) -> Service, cases: Vec<Case>) {
    let service = &service;
    let cases = cases.into_iter().enumerate();
    let deaths = cases.map(|(i, case)| Box::pin(deaths::all(case, service, i)));
    futures::stream::iter(deaths).buffer_unordered(AT_ONCE).collect::<()>().await;
}
