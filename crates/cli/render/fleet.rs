//! Plans of many tenants as text: tenants whose changes are alike are shown
//! once.
//!
//! Two tenants are alike when their texts are equal, or become equal once each
//! tenant's own name is written `<tenant>`. That loses nothing: putting a
//! member's name back gives that member's text to the letter.

use std::collections::HashMap;
use std::fmt::Write as _;

use tenantctl_core::plan::Plan;

use super::parallel::by_parts;
use super::plan::{body, is_silent, legend, nothing};
use super::summary;
use super::text::{count, names, wrap};
use super::{Style, Theme};

/// Stands for the tenant's name in a text that several share.
const PLACEHOLDER: &str = "<tenant>";
/// So many different texts are printed; a fleet has more than anybody reads.
const MOST_GROUPS: usize = 30;
/// So many texts are there at a time.
const PORTION: usize = 512;

struct Group<'p> {
    members: Vec<&'p Plan>,
    /// All members have the same text as it stands.
    literal: bool,
}

/// The page for several workspaces.
pub(crate) fn page(plans: &[Plan], style: Style) -> String {
    let changing: Vec<&Plan> = plans.iter().filter(|plan| !is_silent(plan)).collect();
    if changing.is_empty() {
        let mode = plans.first().map(|plan| plan.mode).unwrap_or_default();
        return nothing(mode, style);
    }
    let mut text = legend(plans, style);
    let groups = grouped(&changing, style);
    for group in groups.iter().take(MOST_GROUPS) {
        text.push_str(&heading(group, style.theme));
        text.push_str(&content(group, style));
    }
    if groups.len() > MOST_GROUPS {
        let left: usize = groups.iter().skip(MOST_GROUPS).map(|group| group.members.len()).sum();
        let words = format!(
            "{} with still other changes: not shown here. Choose tenants with -tenant or -tier, \
             or take -out and \"show -json\" for all of them.",
            count(left, "more tenant")
        );
        let _ = writeln!(text, "\n{}", wrap(&words, 78));
    }
    text.push_str(&summary::plans(plans, style.theme));
    text
}

/// A plan's text, and what those that are alike have in common.
struct Text {
    text: String,
    /// Whether it has the placeholder already: such are kept apart from those
    /// that get it.
    is_literal: bool,
    key: String,
}

impl Text {
    fn of(plan: &Plan, style: Style) -> Self {
        let text = body(plan, style);
        let is_literal = text.contains(PLACEHOLDER);
        let key = if is_literal { text.clone() } else { anonymous(&text, name(plan)) };
        Text { text, is_literal, key }
    }
}

fn grouped<'p>(plans: &[&'p Plan], style: Style) -> Vec<Group<'p>> {
    let plain = Style { theme: Theme::default(), ..style };
    let mut places: HashMap<(bool, String), (usize, String)> = HashMap::new();
    let mut groups: Vec<Group<'p>> = Vec::new();
    // By portions, so that few texts are there at a time.
    for plans in plans.chunks(PORTION) {
        let write = |part: &[&Plan]| part.iter().map(|plan| Text::of(plan, plain)).collect::<Vec<_>>();
        let texts = by_parts(plans, write).into_iter().flatten();
        for (plan, Text { text, is_literal, key }) in plans.iter().zip(texts) {
            let key = (is_literal, key);
            match places.get(&key) {
                Some((place, first)) => {
                    let group = &mut groups[*place];
                    group.literal &= *first == text;
                    group.members.push(plan);
                }
                None => {
                    places.insert(key, (groups.len(), text));
                    groups.push(Group { members: vec![plan], literal: true });
                }
            }
        }
    }
    groups
}

fn name(plan: &Plan) -> &str {
    plan.tenant.as_deref().unwrap_or(plan.workspace.as_str())
}

/// The text with each occurrence of the name as a word of its own replaced.
fn anonymous(text: &str, name: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in text.match_indices(name) {
        let inside = text[..at].ends_with(is_part) || text[at + found.len()..].starts_with(is_part);
        if !inside {
            result.push_str(&text[end..at]);
            result.push_str(PLACEHOLDER);
            end = at + found.len();
        }
    }
    result.push_str(&text[end..]);
    result
}

fn heading(group: &Group<'_>, theme: Theme) -> String {
    let mut tiers: Vec<&str> = group.members.iter().filter_map(|plan| plan.tier.as_deref()).collect();
    tiers.sort_unstable();
    tiers.dedup();
    let tiers = tiers.join(", ");
    let title = match group.members.as_slice() {
        [single] if single.tenant.is_none() => format!("Workspace {}", single.workspace),
        [single] if tiers.is_empty() => format!("Tenant {}", single.workspace),
        [single] => format!("Tenant {} ({tiers})", single.workspace),
        several => {
            let number = count(several.len(), "tenant");
            let detail = if tiers.is_empty() { number } else { format!("{number}: {tiers}") };
            let width = 77usize.saturating_sub(detail.len());
            format!("{} ({detail})", names(several.iter().map(|plan| plan.workspace.as_str()), width))
        }
    };
    format!("\n{}\n", theme.bold(&title))
}

fn content(group: &Group<'_>, style: Style) -> String {
    let Some(first) = group.members.first() else { return String::new() };
    let text = body(first, style);
    if group.literal {
        return text;
    }
    let note = format!("{PLACEHOLDER} stands for the name of each.\n");
    format!("{}{}", style.theme.dim(&note), anonymous(&text, name(first)))
}
