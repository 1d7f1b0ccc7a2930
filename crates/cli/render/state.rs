//! State and output values as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantctl_core::addr::ResourceMode;
use tenantctl_core::state::{ResourceRecord, WorkspaceState};
use tenantctl_core::value::Value;

use super::text::printable;
use super::value_diff::ValueDiff;
use super::{Style, notation};

/// All objects and outputs of a workspace.
pub(crate) fn workspace(state: &WorkspaceState, style: Style) -> String {
    let mut parts: Vec<String> = state.resources.values().map(|record| object(record, style)).collect();
    if !state.outputs.is_empty() {
        let mut diff = ValueDiff::new(style, &[]);
        // Unmarked lines are made for a column of symbols, which there is none of.
        state.outputs.iter().for_each(|(name, value)| diff.plain(0, name, value));
        let text = diff.into_text();
        let lines = text.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)));
        parts.push(format!("Outputs:\n\n{}", lines.collect::<String>()));
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

/// Outputs, one below the other, in the notation of the console.
pub(crate) fn outputs(outputs: &BTreeMap<Arc<str>, Value>, style: Style) -> String {
    outputs.iter().map(|(name, value)| format!("{name} = {}", output(value, style))).collect()
}

/// One output; no text of it can act on the terminal.
pub(crate) fn output(value: &Value, style: Style) -> String {
    let text = match style.show_sensitive {
        true => notation::value(&value.clone().unmark_deep()),
        false if value.is_sensitive() => "<sensitive>".into(),
        false => notation::value(value),
    };
    text.split('\n').map(|line| printable(line.trim_end_matches('\r')) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_output_acts_on_the_terminal_or_shows_a_secret() {
        for (value, expected) in [
            (Value::from("a\r\nb\u{1b}[2J"), "<<EOT\na\nb\\u001b[2J\nEOT\n"),
            (Value::from("x").sensitive(), "<sensitive>\n"),
            (Value::tuple([Value::from("x").sensitive()]), "[\n  (sensitive value),\n]\n"),
        ] {
            assert_eq!(output(&value, Style::default()), expected);
        }
        let all = Style { show_sensitive: true, ..Style::default() };
        assert_eq!(output(&Value::tuple([Value::from("x").sensitive()]), all), "[\n  \"x\",\n]\n");
    }
}
