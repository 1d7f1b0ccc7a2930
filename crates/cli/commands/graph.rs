//! `graph`: what depends on what, over blocks.

use tenantctl_core::diag::Diagnostics;
use tenantctl_core::graph::Graph;

use crate::args::GraphCommand;
use crate::error::Exit;
use crate::render::graph;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &GraphCommand) -> Result<Exit, Diagnostics> {
    let platform = session.look(&args.config)?;
    let (root, blueprint) = platform.modules();
    // A platform's shared resources only when they are asked for: what is
    // looked for is mostly what a tenant consists of.
    let module = blueprint.filter(|_| !args.platform).unwrap_or(root);
    let drawing = graph::Drawing::new(&Graph::build(module)?, args.contents);
    if args.json {
        session.output.json(&drawing.json());
    } else {
        session.output.text(&drawing.dot());
    }
    Ok(Exit::Success)
}
