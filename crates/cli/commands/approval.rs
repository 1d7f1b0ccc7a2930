//! Asking before something is done that cannot be taken back.

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::plan::{Plan, PlanMode};

use crate::render;
use crate::session::Session;

/// How often a stop request is looked for while the user thinks.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether the user wants these plans done.
///
/// # Errors
/// When nobody can be asked.
pub(super) async fn ask(session: &Session, plans: &[Plan], may_ask: bool) -> Result<bool, Diagnostics> {
    let hint = "Pass -auto-approve, or make the plan with -out=FILE and apply that file.";
    if !may_ask {
        return Err(nobody(hint));
    }
    confirm(session, question(plans), &scope(plans), hint).await
}

fn nobody(hint: &str) -> Diagnostics {
    let detail = "Nobody can be asked whether these actions may be performed: there is no terminal and no answer in standard input, or asking is turned off.";
    Diagnostic::error("Approval needed", detail).hint(hint).into()
}

/// Whether the user says yes, at the terminal or through a pipe.
///
/// # Errors
/// When nobody can be asked; `hint` says how to do without.
pub(super) async fn confirm(
    session: &Session,
    question: &str,
    scope: &str,
    hint: &str,
) -> Result<bool, Diagnostics> {
    if session.settings.no_input {
        return Err(nobody(hint));
    }
    let theme = session.output.theme();
    session.output.text(&format!(
        "\n{}\n  {scope}\n  Only 'yes' will be accepted to approve.\n\n  {} ",
        theme.bold(question),
        theme.bold("Enter a value:"),
    ));
    let answer = read_line(session).await;
    session.output.line("");
    match answer {
        None if !session.cancel.is_draining() && !std::io::stdin().is_terminal() => Err(nobody(hint)),
        answer => Ok(answer.is_some_and(|line| line.trim() == "yes")),
    }
}

fn question(plans: &[Plan]) -> &'static str {
    match plans.first().map(|plan| plan.mode) {
        Some(PlanMode::Destroy) => "Do you really want to destroy all of this?",
        Some(PlanMode::RefreshOnly) => "Do you want to record this in the state?",
        _ => "Do you want to perform these actions?",
    }
}

fn scope(plans: &[Plan]) -> String {
    match plans {
        [single] => {
            format!("This concerns {} of workspace {}.", render::plan::size(single), single.workspace)
        }
        several => format!("This concerns {}, as shown above.", render::summary::tenants(several)),
    }
}

/// A line from whoever is there; `None` at the end or when a stop is requested.
/// The thread that waits for it dies with the process.
async fn read_line(session: &Session) -> Option<String> {
    let (send, mut answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let _ = send.send(read.is_ok_and(|bytes| bytes > 0).then_some(line));
    });
    loop {
        tokio::select! {
            line = &mut answer => return line.ok().flatten(),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        if session.cancel.is_draining() {
            return None;
        }
    }
}
