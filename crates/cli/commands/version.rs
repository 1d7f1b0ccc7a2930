//! `version`.

use serde_json::json;

use crate::args::VersionCommand;
use crate::error::Exit;
use crate::providers;
use crate::render::VERSION;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &VersionCommand) -> Exit {
    if args.json {
        let registry = providers::real(&session.settings);
        let providers: Vec<&str> = registry.iter().map(|provider| provider.name()).collect();
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        session.output.json(&json!({
            "format_version": "1.0",
            "tenantctl_version": VERSION,
            "platform": format!("{os}_{arch}"),
            "providers": providers,
        }));
    } else {
        session.output.line(&format!("tenantctl {VERSION}"));
    }
    Exit::Success
}
