//! `tenantctl`: the command line.
//!
//! Parses, calls [`tenantctl_core::ops`], renders, and turns what came of it
//! into an exit code. What a command decides is in the engine; what it looks
//! like is in [`render`]; what the environment says is in [`settings`].
//!
//! Must not: decide anything about plans or state.

mod args;
mod commands;
mod error;
mod examples;
mod keys;
mod output;
mod providers;
mod render;
mod session;
mod settings;
mod signals;

use std::process::ExitCode;

use crate::error::Exit;
use crate::output::Output;
use crate::settings::Settings;

/// Planning is mostly small allocations, which this one does in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(refusal) => return refused(&refusal).into(),
    };
    let settings = Settings::from_environment();
    #[cfg(feature = "failpoints")]
    settings.arm_failpoints();
    let output = Output::terminal(cli.global.no_color || settings.no_color);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => {
            output.error_text(&format!("error: the runtime cannot be started: {problem}\n"));
            return Exit::Failure.into();
        }
    };
    let exit = runtime.block_on(commands::run(cli, settings, output.clone()));
    // A call that is still in flight after the second Ctrl-C is not waited for.
    runtime.shutdown_background();
    output.flush();
    exit.into()
}

/// Help and version are no errors; clap's own code for usage errors would be
/// taken for "there are changes".
fn refused(refusal: &clap::Error) -> Exit {
    let shown = refusal.print();
    if let Some(words) = args::instead(refusal) {
        Output::terminal(false).error_text(&format!("\n{words}\n"));
    }
    if refusal.use_stderr() || shown.is_err() { Exit::Failure } else { Exit::Success }
}
