//! What held, told as it happens, for a table over all providers.
//!
//! With `TENANTCTL_CONFORMANCE` set to the path of a file, each scenario of a
//! type adds a line when it begins and another when it held; `tests/conformance`
//! makes the table of them. Nothing in it is known in advance but the order.

use std::io::Write as _;

use super::trouble::Trouble;

/// A scenario that a type goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    Create,
    Read,
    SecondPlan,
    CreateAgain,
    Find,
    Update,
    DriftSeen,
    DriftRepaired,
    Replace,
    Import,
    Delete,
    Gone,
    /// The whole life, with this happening to each call.
    Troubled(Trouble),
    /// Another process goes on after one that died.
    Killed(&'static str),
}

impl Scenario {
    fn words(self) -> String {
        match self {
            Scenario::Create => "create".into(),
            Scenario::Read => "read".into(),
            Scenario::SecondPlan => "second plan".into(),
            Scenario::CreateAgain => "create again".into(),
            Scenario::Find => "find".into(),
            Scenario::Update => "update".into(),
            Scenario::DriftSeen => "drift seen".into(),
            Scenario::DriftRepaired => "drift repaired".into(),
            Scenario::Replace => "replace".into(),
            Scenario::Import => "import".into(),
            Scenario::Delete => "delete".into(),
            Scenario::Gone => "gone".into(),
            Scenario::Troubled(Trouble::Fails) => "each call fails".into(),
            Scenario::Troubled(Trouble::Throttled) => "each call is throttled".into(),
            Scenario::Troubled(Trouble::Hangs) => "each call hangs".into(),
            Scenario::Troubled(Trouble::AnswerLost) => "each answer is lost".into(),
            Scenario::Killed(during) => format!("killed in {during}"),
        }
    }
}

/// Tells of one type.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) provider: String,
    pub(super) kind: String,
}

impl Report {
    /// Says that a scenario begins; what is given back says that it held, and
    /// is not said when the scenario panics.
    pub(super) fn begin(&self, scenario: Scenario) -> Begun<'_> {
        self.line(scenario, "begun");
        Begun { report: self, scenario }
    }

    fn line(&self, scenario: Scenario, how: &str) {
        let Some(path) = std::env::var_os("TENANTCTL_CONFORMANCE") else { return };
        let line = format!("{}\t{}\t{}\t{how}\n", self.provider, self.kind, scenario.words());
        // One write for each line: many processes add to the file.
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("the table cannot be written: {error}"));
    }
}

/// A scenario under way.
#[must_use]
pub(super) struct Begun<'r> {
    report: &'r Report,
    scenario: Scenario,
}

impl Begun<'_> {
    /// It held.
    pub(super) fn held(self) {
        self.report.line(self.scenario, "held");
    }
}
