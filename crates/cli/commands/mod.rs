//! The commands, one file each: arguments in, an exit code out.
//!
//! Must not: decide what the engine decides, or format what `render` formats.

mod apply;
mod approval;
mod audit;
mod console;
mod drift;
mod explain;
mod fmt;
mod graph;
mod import;
mod init;
mod lock;
mod offboard;
mod onboard;
mod output;
mod plan;
mod planning;
mod prompt;
mod providers;
mod show;
mod state;
mod state_change;
mod state_file;
mod state_past;
mod states;
mod tenant_file;
mod tenants;
mod test;
mod validate;
mod version;
mod workspace;

use std::path::Path;

use tenantctl_core::diag::Diagnostics;

use crate::args::{
    Cli, Command, LockWhat, OutputCommand, ShowCommand, StateList, StateShow, StateWhat, ValidateCommand,
    WorkspaceList, WorkspaceWhat,
};
use crate::error::{self, Exit};
use crate::output::Output;
use crate::render;
use crate::session::Session;
use crate::settings::Settings;
use crate::signals;

/// Does what was asked.
pub(crate) async fn run(cli: Cli, settings: Settings, output: Output) -> Exit {
    let mut session = match Session::new(settings, output.clone(), &cli.global) {
        Ok(session) => session,
        Err(problems) => {
            let all: Vec<_> = problems.into_iter().collect();
            let nowhere = tenantctl_core::diag::SourceMap::default();
            output.error_text(&render::diagnostics::render(&all, &nowhere, output.error_theme(), false));
            return Exit::Failure;
        }
    };
    let done = match cli.command {
        Command::Plan(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(plan::run(&session, &args)).await;
        }
        Command::Apply(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(apply::run(&session, &args, apply::Verb::Apply)).await;
        }
        Command::Destroy(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(apply::run(&session, &args, apply::Verb::Destroy)).await;
        }
        Command::Test(args) => {
            signals::listen(session.cancel.clone(), output);
            Box::pin(test::run(&session, &args)).await
        }
        Command::Import(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(import::run(&session, &args)).await;
        }
        Command::Refresh(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(apply::run(&session, &args, apply::Verb::Refresh)).await;
        }
        Command::Show(args) => {
            let json = ShowCommand { json: true, ..args.clone() };
            shown(&mut session, args.json_into.as_deref(), [&json, &args], show::run)
        }
        Command::Output(args) => {
            let json = OutputCommand { json: true, ..args.clone() };
            shown(&mut session, args.json_into.as_deref(), [&json, &args], self::output::run)
        }
        Command::Init(args) => init::run(&session, &args),
        Command::Get(args) => init::get(&session, &args),
        Command::Graph(args) => graph::run(&session, &args),
        Command::Providers(args) => providers::run(&session, &args),
        Command::Validate(args) => {
            let json = ValidateCommand { json: true, ..args.clone() };
            shown(&mut session, args.json_into.as_deref(), [&json, &args], |session, args| {
                Ok(validate::run(session, args))
            })
        }
        Command::Console(args) => console::run(&session, &args),
        Command::Fmt(args) => Ok(fmt::run(&session, &args)),
        Command::State(args) => of_states(&mut session, &args.what).await,
        Command::Taint(args) => state_change::taint(&session, &args, true).await,
        Command::Untaint(args) => state_change::taint(&session, &args, false).await,
        Command::Lock(args) => match &args.what {
            LockWhat::List(list) => lock::list(&session, list),
            LockWhat::Show(show) => lock::show(&session, show),
        },
        Command::ForceUnlock(args) => lock::force(&session, &args).await,
        Command::Workspace(args) => match &args.what {
            WorkspaceWhat::List(list) => {
                let json = WorkspaceList { json: true, ..list.clone() };
                shown(&mut session, list.json_into.as_deref(), [&json, list], workspace::list)
            }
            WorkspaceWhat::Show(show) => workspace::show(&session, show),
            WorkspaceWhat::Delete(delete) => workspace::delete(&session, delete).await,
        },
        Command::Audit(args) => audit::run(&session, &args),
        Command::Tenants(args) => tenants::run(&session, &args),
        Command::Explain(args) => explain::run(&session, &args),
        Command::Onboard(args) => {
            signals::listen(session.cancel.clone(), output);
            let done = Box::pin(onboard::run(&session, &args)).await;
            return done.unwrap_or_else(|problems| planning::refused(&session, &args.run, problems));
        }
        Command::Offboard(args) => {
            signals::listen(session.cancel.clone(), output);
            let done = Box::pin(offboard::run(&session, &args)).await;
            return done.unwrap_or_else(|problems| planning::refused(&session, &args.run, problems));
        }
        Command::Drift(args) => {
            signals::listen(session.cancel.clone(), output);
            return Box::pin(drift::run(&session, &args)).await;
        }
        Command::Version(args) => Ok(version::run(&session, &args)),
    };
    done.unwrap_or_else(|problems| {
        session.report(problems);
        Exit::Failure
    })
}

/// The commands below `state`.
async fn of_states(session: &mut Session, what: &StateWhat) -> Result<Exit, Diagnostics> {
    match what {
        StateWhat::List(list) => {
            let json = StateList { json: true, ..list.clone() };
            shown(session, list.json_into.as_deref(), [&json, list], state::list)
        }
        StateWhat::Show(show) => {
            let json = StateShow { json: true, ..show.clone() };
            shown(session, show.json_into.as_deref(), [&json, show], state::show)
        }
        StateWhat::Mv(args) => state_change::mv(session, args).await,
        StateWhat::Rm(args) => state_change::rm(session, args).await,
        StateWhat::Pull(args) => state_file::pull(session, args),
        StateWhat::Push(args) => state_file::push(session, args).await,
        StateWhat::Check(args) => state_past::check(session, args),
        StateWhat::History(args) => state_past::history(session, args),
        StateWhat::Restore(args) => state_past::restore(session, args).await,
        StateWhat::Reencrypt(args) => state_past::reencrypt(session, args).await,
    }
}

/// Runs a command that only shows something: by its second arguments, and before
/// that by its first into a file, when one is named. What is wrong is told when it
/// is shown.
fn shown<A>(
    session: &mut Session,
    path: Option<&Path>,
    [into_file, args]: [&A; 2],
    run: impl Fn(&Session, &A) -> Result<Exit, Diagnostics>,
) -> Result<Exit, Diagnostics> {
    if let Some(path) = path {
        let file =
            std::fs::File::create(path).map_err(|problem| error::file("Cannot write", path, &problem))?;
        let output = std::mem::replace(&mut session.output, Output::to(file, std::io::sink()));
        let _ = run(session, into_file);
        session.output = output;
    }
    run(session, args)
}
