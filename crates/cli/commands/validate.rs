//! `validate`: problems of the configuration and of its test files, without
//! state or services.

use tenantctl_core::{ops, testing};

use crate::args::ValidateCommand;
use crate::error::Exit;
use crate::render::json_diagnostic;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &ValidateCommand) -> Exit {
    let (platform, registry, mut problems) = session.read_any(&args.config);
    match &platform {
        Some(platform) if !problems.has_errors() => problems.extend(ops::validate(&registry, platform)),
        _ => problems = ops::validate_more(&registry, platform.as_ref(), problems),
    }
    if !args.no_tests {
        match testing::discover(&session.root, &args.test_directory, &[]) {
            Ok(paths) => {
                for path in paths {
                    testing::read(&path, &session.sources, &registry, &mut problems);
                }
            }
            Err(found) => problems.extend(found),
        }
    }
    let problems = problems.sorted();
    let valid = !problems.has_errors();
    if args.json {
        session.output.json(&json_diagnostic::report(&problems, &session.sources));
    } else {
        session.report(problems);
        if valid {
            let good = session.output.theme().good("Success!");
            session.output.line(&format!("{good} The configuration is valid."));
        }
    }
    if valid { Exit::Success } else { Exit::Failure }
}
