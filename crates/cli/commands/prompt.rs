//! The console at a terminal: a prompt, a history for the session, completion.

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::expr::functions;

use super::console::{Answer, Console, Input};

/// Asks until the end is asked for. A mistake is shown and forgotten.
///
/// # Errors
/// When the terminal cannot be read.
pub(super) fn run(console: &Console<'_>) -> Result<(), Diagnostics> {
    // Kept in memory only: what is typed here may be a secret.
    let history = MemHistory::new();
    let mut editor = Editor::with_history(Config::default(), history).map_err(|e| unreadable(&e))?;
    editor.set_helper(Some(Names::of(console)));
    let mut input = Input::default();
    loop {
        let line = match editor.readline(if input.is_open() { ". " } else { "> " }) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) if input.is_open() => {
                input.clear();
                continue;
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(unreadable(&error)),
        };
        let Some(whole) = input.take(&line) else { continue };
        if !whole.trim().is_empty() {
            editor.add_history_entry(whole.replace('\n', " ")).map_err(|e| unreadable(&e))?;
        }
        match console.answer(&whole) {
            Ok(Answer::Text(text)) => console.session.output.line(&text),
            Ok(Answer::Exit) => return Ok(()),
            Err(problems) => console.session.report(problems),
        }
    }
}

fn unreadable(error: &ReadlineError) -> Diagnostics {
    Diagnostic::error("Unreadable input", format!("The terminal cannot be read: {error}.")).into()
}

/// Completes names of the module and of functions.
struct Names(Vec<String>);

impl Names {
    fn of(console: &Console<'_>) -> Self {
        let calls = functions::names().map(|name| format!("{name}("));
        let mut names: Vec<String> = console.inspection.names().into_iter().chain(calls).collect();
        names.sort();
        Names(names)
    }

    /// Where the name before the cursor begins, and what it may become.
    fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let start = line
            .rfind(|c| !inside(c))
            .map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8));
        let word = &line[start..];
        let fits = self.0.iter().filter(|name| !word.is_empty() && name.starts_with(word));
        (start, fits.cloned().collect())
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        let names = Names(vec!["join(".into(), "local.jobs".into(), "var.é".into()]);
        assert_eq!(names.candidates("[é, jo"), (5, vec!["join(".to_owned()]));
        assert_eq!(names.candidates("1+local."), (2, vec!["local.jobs".to_owned()]));
        assert_eq!(names.candidates("var.x "), (6, Vec::new()));
    }
}
