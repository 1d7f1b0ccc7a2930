//! `console`: expressions, one after another, against configuration and state.
//!
//! From a terminal with a prompt, history and completion; from anything else
//! line by line, where the first mistake ends it.
//!
//! Must not: change anything, or call a provider.

use std::io::{BufRead as _, IsTerminal as _};

use tenantctl_core::config::Instance;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::expr::{Expr, ExprKind};
use tenantctl_core::graph::Graph;
use tenantctl_core::ops;
use tenantctl_core::plan::Inspection;
use tenantctl_core::state::WorkspaceState;
use tenantctl_core::syntax;
use tenantctl_core::syntax::lexer::{TokenKind, tokens};

use super::{prompt, states};
use crate::args::ConsoleCommand;
use crate::error::Exit;
use crate::render::notation;
use crate::session::{Session, now};

const HELP: &str = "\
Type an expression and press Enter to see what it comes to: var.region,
length(local.names), or the address of a resource, as it is in the state.
An expression goes on over several lines while a bracket is open, or after
a backslash at the end of a line. type(EXPRESSION) shows a type.

Type exit, or press Control-D, to leave.";

/// Runs the command.
pub(super) fn run(session: &Session, args: &ConsoleCommand) -> Result<Exit, Diagnostics> {
    let (platform, registry, problems) = session.read_any(&args.config);
    let platform = match platform {
        Some(platform) if !problems.has_errors() => platform,
        _ => return Err(problems.sorted()),
    };
    session.report(problems.sorted());
    let instance = platform.inspected(args.tenant.as_deref(), args.environment.as_deref())?;
    let graph = Graph::build(&instance.module)?;
    let mut state = state_of(session, &instance)?;
    ops::complete(&registry, &mut state);
    let timestamp = now();
    let inspection = Inspection::new(&graph, &instance, &registry, &state, &timestamp);
    session.report(inspection.diagnostics().iter().cloned());
    let console = Console { session, inspection };
    if std::io::stdin().is_terminal() {
        prompt::run(&console)?;
        return Ok(Exit::Success);
    }
    console.piped()
}

/// The state of an instance; an empty one when there is none yet. A console
/// leaves no trace, so no store is made for it.
fn state_of(session: &Session, instance: &Instance) -> Result<WorkspaceState, Diagnostics> {
    let empty = || WorkspaceState::empty(instance.workspace.clone());
    if !session.state_dir().exists() {
        return Ok(empty());
    }
    let sealer = session.sealer()?;
    let store = session.store(&sealer)?;
    let found = states::read(&*store, std::slice::from_ref(&instance.workspace))?;
    Ok(found.into_iter().next().unwrap_or_else(empty))
}

/// What an input came to.
pub(super) enum Answer {
    /// Text to be shown.
    Text(String),
    /// The end is asked for.
    Exit,
}

/// An instance to ask.
pub(super) struct Console<'a> {
    pub(super) session: &'a Session,
    pub(super) inspection: Inspection<'a>,
}

impl Console<'_> {
    fn piped(&self) -> Result<Exit, Diagnostics> {
        let mut input = Input::default();
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|error| {
                Diagnostic::error("Unreadable input", format!("Standard input cannot be read: {error}."))
            })?;
            let Some(whole) = input.take(&line) else { continue };
            match self.answer(&whole)? {
                Answer::Text(text) => self.session.output.line(&text),
                Answer::Exit => break,
            }
        }
        Ok(Exit::Success)
    }

    /// Evaluates one input.
    pub(super) fn answer(&self, input: &str) -> Result<Answer, Diagnostics> {
        match input.trim() {
            "" => return Ok(Answer::Text(String::new())),
            "help" => return Ok(Answer::Text(HELP.to_owned())),
            "exit" => return Ok(Answer::Exit),
            _ => {}
        }
        let file = self.session.sources.add("<console-input>", input);
        let mut problems = Diagnostics::new();
        let Some(expr) = syntax::parse_expression(file, input, &mut problems) else {
            return Err(problems.sorted());
        };
        if problems.has_errors() {
            return Err(problems.sorted());
        }
        if let Some(inner) = asked_type(&expr) {
            return Ok(Answer::Text(notation::ty(&self.inspection.evaluate(inner)?.ty())));
        }
        Ok(Answer::Text(notation::value(&self.inspection.evaluate(&expr)?)))
    }
}

/// The expression whose type is asked for with `type(…)`, which only a console
/// has.
fn asked_type(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call(call) if &*call.name == "type" && !call.expand => match call.args.as_slice() {
            [inner] => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// Lines that are still open.
#[derive(Default)]
pub(super) struct Input {
    lines: Vec<String>,
}

impl Input {
    /// Takes a line; the whole input, when that ends it.
    pub(super) fn take(&mut self, line: &str) -> Option<String> {
        let line = line.trim();
        let goes_on = line.ends_with('\\') && !line.ends_with("\\\\");
        self.lines.push(line.strip_suffix('\\').filter(|_| goes_on).unwrap_or(line).to_owned());
        let whole = self.lines.join("\n");
        if goes_on || open_brackets(&whole) > 0 {
            return None;
        }
        self.lines.clear();
        Some(whole)
    }

    /// Forgets what is open.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }

    /// Whether a line is awaited that goes on with an expression.
    pub(super) fn is_open(&self) -> bool {
        !self.lines.is_empty()
    }
}

/// How many brackets and heredocs are open at the end.
fn open_brackets(text: &str) -> i32 {
    use TokenKind as K;
    let change = |kind| match kind {
        K::BraceOpen | K::BracketOpen | K::ParenOpen | K::HeredocOpen => 1,
        K::BraceClose | K::BracketClose | K::ParenClose | K::HeredocClose => -1,
        _ => 0,
    };
    tokens(text).iter().map(|token| change(token.kind)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_ends_with_its_last_bracket() {
        let mut input = Input::default();
        assert_eq!(input.take("[1,"), None);
        assert!(input.is_open());
        assert_eq!(input.take("  2]"), Some("[1,\n2]".to_owned()));
        assert_eq!(input.take("1 + \\"), None);
        assert_eq!(input.take("2"), Some("1 + \n2".to_owned()));
        assert_eq!(input.take(r#""[${"("}""#), Some(r#""[${"("}""#.to_owned()));
        assert_eq!(input.take("1)"), Some("1)".to_owned()));
    }
}
