//! The lines above each object of a plan: what happens to it and why.

use tenantctl_core::addr::InstanceKey;
use tenantctl_core::plan::{Action, Change, Reason};
use tenantctl_core::value::Path;

use super::scalar;
use super::text::wrap;
use super::{Mark, Theme};

/// The symbol of an action.
pub(super) fn mark(action: Action) -> Mark {
    match action {
        Action::NoOp => Mark::Same,
        Action::Create => Mark::Add,
        Action::Read | Action::Open => Mark::Read,
        Action::Update => Mark::Change,
        Action::DeleteThenCreate => Mark::RemoveAdd,
        Action::ForgetThenCreate => Mark::ForgetAdd,
        Action::CreateThenDelete => Mark::AddRemove,
        Action::Delete => Mark::Remove,
        Action::Forget => Mark::Forget,
    }
}

/// What an action is called in the legend.
pub(super) fn legend(action: Action) -> &'static str {
    match action {
        Action::NoOp => "nothing",
        Action::Create => "create",
        Action::Read => "read",
        Action::Open => "open",
        Action::Update => "update in-place",
        Action::DeleteThenCreate => "destroy, then create anew",
        Action::CreateThenDelete => "create anew, then destroy",
        Action::ForgetThenCreate => "forget, then create anew",
        Action::Delete => "destroy",
        Action::Forget => "forget",
    }
}

/// `# ADDRESS will be created`, with the reason below.
pub(super) fn lines(change: &Change, theme: Theme) -> String {
    let shown = match &change.previous {
        Some(previous) if change.action == Action::NoOp && change.importing.is_none() => previous.to_string(),
        _ => change.key.to_string(),
    };
    let mut text = format!("  # {} {}\n", theme.bold(&shown), verdict(change, theme));
    let moved =
        change.previous.as_ref().filter(|_| change.action != Action::NoOp || change.importing.is_some());
    let origins = [
        moved.map(|previous| format!("moved from {previous}")),
        change.importing.as_ref().map(|id| format!("imported from {}", scalar::quote(id))),
    ];
    for reason in origins.into_iter().chain([reason(change)]).flatten() {
        for line in wrap(&format!("({reason})"), 74).lines() {
            text.push_str("  # ");
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn verdict(change: &Change, theme: Theme) -> String {
    let grave = |words: &str| theme.warn(words);
    match (change.action, &change.reason) {
        (Action::NoOp, _) if change.importing.is_some() => "will be imported".into(),
        (Action::NoOp, _) => match change.previous {
            Some(_) => format!("has moved to {}", theme.bold(&change.key.to_string())),
            None => "stays as it is".into(),
        },
        (Action::Create, _) => "will be created".into(),
        (Action::Read, _) => "will be read during apply".into(),
        (Action::Open, _) => "will be opened during apply".into(),
        (Action::Update, _) => "will be updated in-place".into(),
        (Action::Delete, _) => format!("will be {}", grave("destroyed")),
        (Action::Forget, _) => "will no longer be managed; the object stays".into(),
        (_, Some(Reason::Tainted)) => format!("is tainted, so it must be {}", grave("replaced")),
        (_, Some(Reason::ReplaceByRequest)) => format!("will be {}, as requested", grave("replaced")),
        (_, Some(Reason::ReplaceByTriggers)) => format!("will be {}", grave("replaced")),
        (_, _) => format!("must be {}", grave("replaced")),
    }
}

fn reason(change: &Change) -> Option<String> {
    let address = &change.key.address;
    Some(match change.reason.as_ref()? {
        Reason::Tainted => "the last run left it half made".into(),
        Reason::ReplaceByRequest | Reason::Destroying => return None,
        // A new object takes the place of none.
        Reason::ReplaceByTriggers if change.action == Action::Create => return None,
        Reason::ReplaceByTriggers => "because of changes in replace_triggered_by".into(),
        Reason::CannotUpdate(paths) => silent(change, paths)?,
        Reason::NotInConfig => {
            format!("because the configuration has no {}.{}", address.kind, address.name)
        }
        Reason::CountIndex => match &address.key {
            Some(key) => format!("because index {key} is out of range of count"),
            None => "because count is smaller".into(),
        },
        Reason::WrongRepetition => match &address.key {
            Some(InstanceKey::Index(_)) => "because the block has no count".into(),
            Some(InstanceKey::Key(_)) => "because the block has no for_each".into(),
            None => "because the block has count or for_each now".into(),
        },
        Reason::NotEnabled => "because enabled is false".into(),
        Reason::EachKey(key) => format!("because for_each has no key {}", scalar::quote(key)),
        Reason::NoModule => format!("because there is no {}", address.module),
        Reason::Deposed => "left over from an earlier replacement".into(),
        Reason::ConfigUnknown => "its configuration refers to values that are not known yet".into(),
        Reason::DependencyPending => "it depends on something that changes".into(),
        Reason::Kept | Reason::KeptBefore => "because of destroy = false in its lifecycle".into(),
        Reason::CheckNested => "for its check to look at what was done".into(),
        Reason::Removed => "because of a removed block".into(),
        Reason::Missing => "it was there, and somebody removed it".into(),
    })
}

/// Attributes that force a replacement though no line of the difference can
/// say so, since they do not change.
fn silent(change: &Change, paths: &[Path]) -> Option<String> {
    let unchanged: Vec<String> = paths
        .iter()
        .filter(|path| change.before.at_path(path) == change.after.at_path(path))
        .map(ToString::to_string)
        .filter(|path| !path.is_empty())
        .collect();
    (!unchanged.is_empty()).then(|| format!("forced by {}", unchanged.join(", ")))
}
