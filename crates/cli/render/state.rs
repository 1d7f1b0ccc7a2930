//! State and output values as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantctl_core::addr::ResourceMode;
use tenantctl_core::state::{ResourceRecord, WorkspaceState};
use tenantctl_core::value::Value;

use super::Style;
use super::value_diff::ValueDiff;

/// All objects and outputs of a workspace.
pub(crate) fn workspace(state: &WorkspaceState, style: Style) -> String {
    let mut parts: Vec<String> = state.resources.values().map(|record| object(record, style)).collect();
    if !state.outputs.is_empty() {
        parts.push(format!("Outputs:\n\n{}", outputs(&state.outputs, style)));
    }
    for open in &state.open {
        let verb = format!("{:?}", open.verb).to_lowercase();
        parts.push(format!("# {}: a call to {verb} it was begun and not ended\n", open.record.key));
    }
    if parts.is_empty() { "The state is empty.\n".into() } else { parts.join("\n") }
}

/// One object as a block.
pub(crate) fn object(record: &ResourceRecord, style: Style) -> String {
    let address = &record.key.address;
    let word = match address.mode {
        ResourceMode::Managed => "resource",
        ResourceMode::Data => "data",
        ResourceMode::Ephemeral => "ephemeral",
    };
    let tainted = if record.tainted { " (tainted)" } else { "" };
    let mut diff = ValueDiff::new(style, &[]);
    diff.plain_attributes(2, &record.attributes);
    let title = style.theme.bold(&format!("# {}:{tainted}", record.key));
    format!("{title}\n{word} \"{}\" \"{}\" {{\n{}}}\n", address.kind, address.name, diff.into_text())
}

/// Outputs, one below the other.
pub(crate) fn outputs(outputs: &BTreeMap<Arc<str>, Value>, style: Style) -> String {
    outputs.iter().map(|(name, output)| value(name, output, style)).collect()
}

/// One value, after its name if it has one.
pub(crate) fn value(name: &str, value: &Value, style: Style) -> String {
    let mut diff = ValueDiff::new(style, &[]);
    // Unmarked lines are made for a column of symbols, which there is none of.
    diff.plain(0, name, value);
    diff.into_text().lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect()
}
