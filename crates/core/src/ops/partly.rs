//! What `-target` and `-exclude` name: most of it is in some of the instances
//! only, so it is missed where none of them has it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::PlanOptions;
use crate::addr::Selector;
use crate::diag::Diagnostic;

/// Selectors that name something in an instance.
#[derive(Default)]
pub(super) struct Partly(Mutex<HashSet<Selector>>);

impl Partly {
    /// Takes in what names something in one more instance.
    pub(super) fn found<'s>(&self, selectors: impl Iterator<Item = &'s Selector>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for selector in selectors {
            if !all.contains(selector) {
                all.insert(selector.clone());
            }
        }
    }

    /// What to be told of plans of a part.
    pub(super) fn warnings(&self, options: &PlanOptions) -> impl Iterator<Item = Diagnostic> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let partial = || {
            let detail =
                "With -target or -exclude a plan may leave out changes that the configuration asks for.";
            let hint = "This is for exceptional situations, such as recovering from mistakes. Plan without it afterwards.";
            Diagnostic::warning("Partial plan", detail).hint(hint)
        };
        let missed = |selector: &Selector| {
            let detail = format!("There is no {selector} in the configuration or the state.");
            Diagnostic::warning("Nothing has this address", detail)
        };
        let selectors = || options.targets.iter().chain(&options.excludes);
        let missed: Vec<_> = selectors().filter(|selector| !all.contains(selector)).map(missed).collect();
        selectors().next().map(|_| partial()).into_iter().chain(missed)
    }
}
