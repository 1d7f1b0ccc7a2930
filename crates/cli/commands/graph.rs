//! `graph`: what depends on what, over blocks or over a plan's steps.

use tenantctl_core::config::{Selected, Selection};
use tenantctl_core::diag::Diagnostics;
use tenantctl_core::graph::Graph;
use tenantctl_core::plan::file;

use crate::args::GraphCommand;
use crate::error::Exit;
use crate::render::graph;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &GraphCommand) -> Result<Exit, Diagnostics> {
    if let Some(path) = &args.plan {
        let plans = file::read(path, &*session.sealer()?)?;
        show(session, args, &graph::Drawing::of_steps(&plans));
        return Ok(Exit::Success);
    }
    let platform = session.look(&args.config)?;
    let (root, blueprint) = platform.modules();
    // A platform's shared resources only when they are asked for: what is
    // looked for is mostly what a tenant consists of.
    let common = blueprint.filter(|_| !args.platform).unwrap_or(root);
    let drawn = match &args.tenant {
        None => Graph::build(common)?,
        Some(tenant) => {
            let Selected { instances, failed } = platform.instances(&Selection::tenant(tenant))?;
            // Wherever it runs, it has the same.
            let wrong = || failed.into_iter().flat_map(|(_, problems)| problems).collect::<Diagnostics>();
            Graph::build(&instances.first().ok_or_else(wrong)?.module)?
        }
    };
    show(session, args, &graph::Drawing::new(&drawn, args.contents));
    Ok(Exit::Success)
}

fn show(session: &Session, args: &GraphCommand, drawing: &graph::Drawing) {
    if args.json {
        session.output.json(&drawing.json());
    } else {
        session.output.text(&drawing.dot());
    }
}
