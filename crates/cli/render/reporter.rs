//! Who tells the user what happens: text for people here, JSON lines in
//! [`super::stream`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tenantctl_core::diag::{Diagnostic, SourceMap};
use tenantctl_core::event::{Event, EventSink};
use tenantctl_core::ops::{Applied, Outcome};
use tenantctl_core::plan::{Plan, PlanMode};

use super::progress::Progress;
use super::{Style, count, diagnostics, fleet, plan, summary};
use crate::output::Output;

/// Tells what happens in a run of `plan` or `apply`.
pub(crate) trait Reporter: EventSink {
    /// Problems; one that was told before is not told again.
    fn diagnostics(&self, all: Vec<Diagnostic>);
    /// So many workspaces are about to be planned.
    fn planning(&self, workspaces: usize, fleet: bool);
    /// The plans that came of it.
    fn plans(&self, plans: &[Plan], fleet: bool);
    /// They are about to be applied.
    fn applying(&self, plans: &[Plan], fleet: bool);
    /// What came of that.
    fn applied(&self, outcomes: &[Outcome<Applied>], mode: PlanMode, fleet: bool);
    /// A second has passed.
    fn tick(&self);
    /// A line of no account to programs.
    fn note(&self, words: &str);
}

/// Remembers which problems were told.
#[derive(Default)]
pub(super) struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Those that were not.
    pub(super) fn fresh(&self, all: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |d: &Diagnostic| {
            format!("{:?}|{}|{}|{:?}|{:?}", d.severity, d.summary, d.detail, d.span, d.address)
        };
        all.into_iter().filter(|d| told.insert(key(d))).collect()
    }
}

/// Text for people.
pub(crate) struct Human {
    output: Output,
    sources: Arc<SourceMap>,
    show_sensitive: bool,
    compact_warnings: bool,
    /// Nothing is told of how it goes on.
    concise: bool,
    told: Told,
    progress: Progress,
}

impl Human {
    /// Writes there.
    pub(crate) fn new(
        output: Output,
        sources: Arc<SourceMap>,
        show_sensitive: bool,
        compact_warnings: bool,
        concise: bool,
    ) -> Self {
        let progress = Progress::new(output.clone());
        Human { output, sources, show_sensitive, compact_warnings, concise, told: Told::default(), progress }
    }

    fn style(&self) -> Style {
        Style { theme: self.output.theme(), show_sensitive: self.show_sensitive }
    }
}

impl EventSink for Human {
    fn send(&self, event: Event) {
        match event {
            Event::Diagnostic(diagnostic) => self.diagnostics(vec![diagnostic]),
            _ if self.concise => {}
            other => self.progress.event(&other),
        }
    }
}

impl Reporter for Human {
    fn diagnostics(&self, all: Vec<Diagnostic>) {
        let fresh = self.told.fresh(all);
        let theme = self.output.error_theme();
        self.output.error_text(&diagnostics::render(&fresh, &self.sources, theme, self.compact_warnings));
    }

    fn planning(&self, workspaces: usize, fleet: bool) {
        let what = if fleet { count(workspaces, "tenant") } else { "the configuration".into() };
        self.output.status(&format!("Planning {what}..."));
        self.progress.planning(workspaces, fleet);
    }

    fn plans(&self, plans: &[Plan], in_fleet: bool) {
        self.progress.end();
        let style = self.style();
        self.output.text(&match plans {
            [single] if !in_fleet => plan::page(single, style),
            several => fleet::page(several, style),
        });
    }

    fn applying(&self, plans: &[Plan], fleet: bool) {
        self.output.line("");
        self.progress.applying(plans, fleet);
    }

    fn applied(&self, outcomes: &[Outcome<Applied>], mode: PlanMode, fleet: bool) {
        self.progress.end();
        let problems = outcomes.iter().flat_map(|o| o.diagnostics.iter().cloned()).collect();
        self.diagnostics(problems);
        self.output.text(&summary::applied(outcomes, mode, fleet, self.output.theme()));
        if let ([Outcome { result: Some(applied), .. }], false, PlanMode::Normal) = (outcomes, fleet, mode)
            && !applied.outputs.is_empty()
        {
            self.output
                .text(&format!("\nOutputs:\n\n{}", super::state::outputs(&applied.outputs, self.style())));
        }
    }

    fn tick(&self) {
        self.progress.tick();
    }

    fn note(&self, words: &str) {
        self.output.line(words);
    }
}
