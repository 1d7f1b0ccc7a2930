//! The commands, one file each: arguments in, an exit code out.
//!
//! Must not: decide what the engine decides, or format what `render` formats.

mod apply;
mod approval;
mod console;
mod fmt;
mod import;
mod output;
mod plan;
mod planning;
mod prompt;
mod show;
mod state;
mod states;
mod tenants;
mod test;
mod validate;
mod version;

use crate::args::{Cli, Command, StateWhat};
use crate::error::Exit;
use crate::output::Output;
use crate::render;
use crate::session::Session;
use crate::settings::Settings;
use crate::signals;

/// Does what was asked.
pub(crate) async fn run(cli: Cli, settings: Settings, output: Output) -> Exit {
    let session = match Session::new(settings, output.clone(), &cli.global) {
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
        Command::Show(args) => show::run(&session, &args),
        Command::Output(args) => self::output::run(&session, &args),
        Command::Validate(args) => Ok(validate::run(&session, &args)),
        Command::Console(args) => console::run(&session, &args),
        Command::Fmt(args) => Ok(fmt::run(&session, &args)),
        Command::State(args) => match &args.what {
            StateWhat::List(list) => state::list(&session, list),
            StateWhat::Show(show) => state::show(&session, show),
        },
        Command::Tenants(args) => tenants::run(&session, &args),
        Command::Version(args) => Ok(version::run(&session, &args)),
    };
    done.unwrap_or_else(|problems| {
        session.report(problems);
        Exit::Failure
    })
}
