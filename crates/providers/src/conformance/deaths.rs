//! Lives in which the process dies at one of its writes, and another takes up
//! what it finds: one life for each write and each way to die at it.

use super::case::Case;
use super::report::Scenario;
use super::run::{Died, Lived, Run};
use super::service::Service;
use super::shapes::complete;
use super::trouble::{Death, Fault};

/// Writes that one life can come to.
const MOST: usize = 100;

/// All lives of a case.
pub(super) async fn all(case: Case, service: &impl Fn(&Fault) -> Service, number: usize) {
    for death in Death::ALL {
        for nth in 1..=MOST {
            let fault = Fault::death(death, nth);
            let name = format!("{number}-{death:?}-{nth}");
            let run = Run::new(case.clone(), service(&fault), fault, &name, false);
            if !Box::pin(run.die_once()).await {
                break;
            }
            assert!(nth < MOST, "{}: it writes for ever", case.kind);
        }
    }
}

/// What nobody dies in any more.
fn alive<T>(lived: Lived<T>) -> T {
    lived.unwrap_or_else(|_| panic!("the process dies twice"))
}

impl Run {
    /// Whether the process died: a life with fewer writes goes by.
    async fn die_once(mut self) -> bool {
        let report = self.report.clone();
        let mut died = None;
        let (kind, config) = (self.case.kind.clone(), self.config.clone());
        let planned = self.plan_creation(&config);
        let mut last = match self.create(&config, &planned).await {
            Ok(created) => created,
            Err(Died { created }) => {
                died = Some(report.begin(Scenario::Killed("create")));
                self.rise();
                let found = alive(self.find(&planned).await);
                assert!(found.is_some() || !created, "{kind}: what was made is lost");
                let whole = match found {
                    Some(found) => alive(self.completed(&config, found).await),
                    None => alive(self.create(&config, &planned).await),
                };
                alive(self.settled(&config, &whole).await);
                whole
            }
        };
        if let Some(changed) = self.case.changed.clone() {
            let changed = complete(&self.block, &changed);
            let (planned, _) = self.plan(Some(&last), &changed);
            last = match self.update(&last, &changed, &planned).await {
                Ok(changed) => changed,
                Err(_) => {
                    died = Some(report.begin(Scenario::Killed("update")));
                    self.rise();
                    let found = alive(self.read(&last).await);
                    let found = found.unwrap_or_else(|| panic!("{kind}: gone by a killed update"));
                    let whole = alive(self.completed(&changed, found).await);
                    alive(self.settled(&changed, &whole).await);
                    whole
                }
            };
        }
        if self.delete(&last).await.is_err() {
            died = Some(report.begin(Scenario::Killed("delete")));
            self.rise();
            // Whether it is gone by now is nobody's promise.
            alive(self.read(&last).await);
            alive(self.delete(&last).await);
        }
        let has_died = died.is_some();
        self.rise();
        assert!(alive(self.find(&planned).await).is_none(), "{kind}: found after delete");
        if self.case.service {
            assert!(alive(self.read(&last).await).is_none(), "{kind}: read after delete");
        }
        if let Some(died) = died {
            died.held();
        }
        has_died
    }
}
