//! A plan of one workspace as text.
//!
//! Guarantees: equal plans give equal text; every change that an apply makes
//! is there, and what does not change is not.
//! Must not: count or decide; [`Plan`] has done both.

use std::fmt::Write as _;

use tenantctl_core::addr::ResourceMode;
use tenantctl_core::plan::{Action, Change, Counts, Drift, OutputChange, Plan, PlanMode, Reason};
use tenantctl_core::state::RecordKey;
use tenantctl_core::value::{Path, Value};

use super::headline;
use super::parallel::by_parts;
use super::scalar::SENSITIVE;
use super::text::{count, wrap};
use super::value_diff::ValueDiff;
use super::{Mark, Style};

/// The order of the legend.
const ACTIONS: [Action; 8] = [
    Action::Create,
    Action::Update,
    Action::Delete,
    Action::DeleteThenCreate,
    Action::CreateThenDelete,
    Action::ForgetThenCreate,
    Action::Read,
    Action::Forget,
];

/// So many changes are written into one piece of text.
const PIECE: usize = 64;

/// Whether there is anything for an apply to do or to record.
pub(crate) fn is_empty(plan: &Plan) -> bool {
    let records = plan.mode == PlanMode::RefreshOnly && !plan.drift.is_empty();
    !(plan.has_changes() || records)
}

/// Whether there is nothing to say: nothing is done, and nothing waits.
pub(super) fn is_silent(plan: &Plan) -> bool {
    is_empty(plan) && plan.deferred.is_empty()
}

/// The whole page for a single workspace.
pub(crate) fn page(plan: &Plan, style: Style) -> String {
    let drift = drift(plan, style);
    if is_silent(plan) {
        return drift + &nothing(plan.mode, style);
    }
    let mut pieces = vec![drift, legend(std::slice::from_ref(plan), style)];
    actions(&mut pieces, plan, style);
    pieces.concat()
}

/// The symbols that are used.
pub(super) fn legend(plans: &[Plan], style: Style) -> String {
    let used = |action: &Action| {
        plans.iter().flat_map(|p| &p.changes).any(|c| c.action == *action && !c.is_looking())
    };
    let symbols: Vec<String> = ACTIONS
        .iter()
        .filter(|action| used(action))
        .map(|action| {
            format!("{} {}\n", style.theme.mark(headline::mark(*action), 4), headline::legend(*action))
        })
        .collect();
    if symbols.is_empty() {
        return String::new();
    }
    format!("\nSymbols of actions:\n{}", symbols.concat())
}

/// Drift, changes, outputs and the summary line of one workspace.
pub(super) fn body(plan: &Plan, style: Style) -> String {
    let mut pieces = vec![drift(plan, style)];
    actions(&mut pieces, plan, style);
    pieces.concat()
}

/// In pieces: a long text that grows is copied again and again.
fn actions(pieces: &mut Vec<String>, plan: &Plan, style: Style) {
    let mut changes: Vec<&Change> = plan.changes.iter().filter(|c| c.acts()).collect();
    // Who looks for an object looks for its address.
    changes.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if !changes.is_empty() {
        pieces.push("\ntenantctl will perform the following actions:\n".into());
        let piece = |part: &[&Change]| part.iter().map(|change| one(change, style)).collect::<String>();
        let write = |part: &[&Change]| part.chunks(PIECE).map(piece).collect::<Vec<_>>();
        pieces.extend(by_parts(&changes, write).into_iter().flatten());
    }
    pieces.push(deferred(plan, style));
    if !changes.is_empty() || !plan.deferred.is_empty() {
        let waiting = match plan.deferred.len() {
            0 => String::new(),
            waiting => format!(" {} for another apply.", waits(waiting)),
        };
        let counts = numbers(plan.counts());
        pieces.push(format!("\n{} {counts}.{waiting}\n", style.theme.bold("Plan:")));
    }
    pieces.push(outputs(plan, style));
}

fn waits(number: usize) -> String {
    format!("{} {}", count(number, "resource"), if number == 1 { "waits" } else { "wait" })
}

/// What is left to a later plan.
fn deferred(plan: &Plan, style: Style) -> String {
    if plan.deferred.is_empty() {
        return String::new();
    }
    let mut text = "\nThese wait for what only an apply brings:\n\n".to_owned();
    for one in &plan.deferred {
        let address = style.theme.bold(&one.address);
        let what = if one.waits_for.is_empty() { "its inputs".into() } else { one.waits_for.join(", ") };
        let _ = writeln!(text, "  # {address} deferred: waits for {what}");
    }
    text
}

/// `1 to add, 0 to change, 2 to destroy`, and what else there is.
pub(super) fn numbers(counts: Counts) -> String {
    let Counts { add, change, destroy, import, forget } = counts;
    let imported = if import > 0 { format!("{import} to import, ") } else { String::new() };
    let forgotten = if forget > 0 { format!(", {forget} to forget") } else { String::new() };
    format!("{imported}{add} to add, {change} to change, {destroy} to destroy{forgotten}")
}

/// That there is nothing to do.
pub(super) fn nothing(mode: PlanMode, style: Style) -> String {
    let words = match mode {
        PlanMode::Normal => "What exists matches the configuration.",
        PlanMode::Destroy => "There is nothing to destroy.",
        PlanMode::RefreshOnly => "The state matches what exists.",
    };
    format!("\n{} {words}\n", style.theme.good("No changes."))
}

/// A change, after an empty line.
fn one(change: &Change, style: Style) -> String {
    let forcing: &[Path] = match &change.reason {
        Some(Reason::CannotUpdate(paths)) => paths,
        _ => &[],
    };
    let mark = headline::mark(change.action);
    let head = headline::lines(change, style.theme);
    let (before, after) = match change.action {
        Action::Delete => (&change.before, &Value::NULL),
        // What is read or forgotten is shown as it is.
        Action::Read => (&Value::NULL, &change.after),
        Action::Forget => (&change.before, &change.before),
        _ => (&change.before, &change.after),
    };
    let mut diff = ValueDiff::new(style, forcing);
    diff.attributes(6, before, after);
    format!("\n{head}{}", block(mark, &change.key, &diff.into_text(), style))
}

fn block(mark: Mark, key: &RecordKey, inside: &str, style: Style) -> String {
    let word = match key.address.mode {
        ResourceMode::Managed => "resource",
        ResourceMode::Data => "data",
        ResourceMode::Ephemeral => "ephemeral",
    };
    let (kind, name) = (&key.address.kind, &key.address.name);
    let opening = format!("{} {word} \"{kind}\" \"{name}\"", style.theme.mark(mark, 2));
    if inside.is_empty() { format!("{opening} {{}}\n") } else { format!("{opening} {{\n{inside}    }}\n") }
}

/// What others did. With a plan that acts, only what that plan touches is
/// spelled out; the rest is counted.
fn drift(plan: &Plan, style: Style) -> String {
    if plan.drift.is_empty() {
        return String::new();
    }
    let acting: std::collections::HashSet<&RecordKey> =
        plan.changes.iter().filter(|c| c.action != Action::NoOp).map(|c| &c.key).collect();
    let acts_on = |key: &RecordKey| acting.contains(key);
    let (shown, rest): (Vec<&Drift>, Vec<&Drift>) =
        plan.drift.iter().partition(|d| plan.mode == PlanMode::RefreshOnly || acts_on(&d.key));
    let title = style.theme.bold("Note: Objects have changed outside of tenantctl");
    let mut text = format!("\n{title}\n");
    for drift in &shown {
        text.push('\n');
        text.push_str(&one_drift(drift, style));
    }
    let mut words = Vec::new();
    if !rest.is_empty() {
        let more = if shown.is_empty() { "" } else { " more" };
        let number = rest.len();
        let noun = if number == 1 { "object" } else { "objects" };
        words.push(format!(
            "{number}{more} {noun} changed in ways that this plan does not touch; -refresh-only shows them."
        ));
    }
    if plan.mode == PlanMode::RefreshOnly {
        words.push("Applying this records the above in the state. No object is touched.".into());
    }
    if !words.is_empty() {
        let _ = writeln!(text, "\n{}", wrap(&words.join(" "), 78));
    }
    text
}

fn one_drift(drift: &Drift, style: Style) -> String {
    let address = style.theme.bold(&drift.key.to_string());
    let (mark, verb) = if drift.after.is_null() {
        (Mark::Remove, "has been deleted")
    } else {
        (Mark::Change, "has changed")
    };
    if drift.after.is_null() {
        return format!("  # {address} {verb}\n{}", block(mark, &drift.key, "", style));
    }
    let mut diff = ValueDiff::new(style, &[]);
    diff.attributes(6, &drift.before, &drift.after);
    format!("  # {address} {verb}\n{}{}", by(drift), block(mark, &drift.key, &diff.into_text(), style))
}

/// Who changed an object. Not when: tenants whose objects the same program
/// changed are to be shown together.
fn by(drift: &Drift) -> String {
    let mut names: Vec<String> =
        drift.by.iter().map(|author| author.name.escape_debug().to_string()).collect();
    names.dedup();
    if names.is_empty() { String::new() } else { format!("  # (by {})\n", names.join(", ")) }
}

fn outputs(plan: &Plan, style: Style) -> String {
    let changed: Vec<_> = plan.shown_outputs().filter(|(_, o)| output_changes(o)).collect();
    if changed.is_empty() {
        return String::new();
    }
    let width = changed.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut text = "\nChanges to Outputs:\n".to_owned();
    let mut diff = ValueDiff::new(style, &[]);
    for (name, output) in changed {
        let label = format!("{name:width$}");
        if output.sensitive && !style.show_sensitive {
            let mark = output_mark(output);
            let gone = if mark == Mark::Remove { " -> null" } else { "" };
            diff.marked(2, mark, format!("{label} = {SENSITIVE}{gone}"));
        } else {
            diff.named(2, &label, &output.before, &output.after);
        }
    }
    text.push_str(&diff.into_text());
    text
}

fn output_changes(output: &OutputChange) -> bool {
    output.residual.is_some() || output.before != output.after
}

fn output_mark(output: &OutputChange) -> Mark {
    match (output.before.is_null(), output.after.is_null()) {
        (true, _) => Mark::Add,
        (false, true) => Mark::Remove,
        (false, false) => Mark::Change,
    }
}

/// How many objects a plan is about, in words.
pub(crate) fn size(plan: &Plan) -> String {
    count(plan.changes.iter().filter(|change| Change::acts(change)).count(), "object")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
