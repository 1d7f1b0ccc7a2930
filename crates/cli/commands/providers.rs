//! `providers`: which providers configuration and state need.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::config::Module;
use tenantctl_core::diag::Diagnostics;

use super::states;
use crate::args::{ProvidersCommand, ProvidersSchema, ProvidersWhat};
use crate::error::Exit;
use crate::render::json_schema;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &ProvidersCommand) -> Result<Exit, Diagnostics> {
    match &args.what {
        None => {}
        Some(ProvidersWhat::Schema(args)) => return schema(session, args),
        Some(ProvidersWhat::Lock(_) | ProvidersWhat::Mirror(_)) => {
            session.output.line("There is nothing to do: all providers are part of this program.");
            return Ok(Exit::Success);
        }
    }
    let platform = session.look(&args.config)?;
    let (root, blueprint) = platform.modules();
    let mut tree = Needs::of(".", root);
    tree.children.extend(blueprint.map(|module| Needs::of("blueprint", module)));
    let in_state = in_state(session)?;
    if args.json {
        session.output.json(&json!({
            "format_version": "1.0",
            "configuration": tree.json(),
            "state": in_state,
        }));
        return Ok(Exit::Success);
    }
    let mut text = String::from("\nProviders required by configuration:\n.\n");
    tree.write(&mut text, "");
    if !in_state.is_empty() {
        text.push_str("\nProviders required by state:\n\n");
        in_state.iter().for_each(|name| text.push_str(&format!("    provider[{name}]\n")));
    }
    session.output.line(&text);
    Ok(Exit::Success)
}

/// What the providers take that some module needs.
fn schema(session: &Session, args: &ProvidersSchema) -> Result<Exit, Diagnostics> {
    let (platform, registry, problems) = session.read(&args.config);
    let platform = match platform {
        Some(platform) if !problems.has_errors() => platform,
        _ => return Err(problems.sorted()),
    };
    let (root, blueprint) = platform.modules();
    let mut names = BTreeSet::new();
    for module in [root].into_iter().chain(blueprint) {
        Needs::of(".", module).names(&mut names);
    }
    let needed = names.iter().filter_map(|name| Some((name.as_str(), registry.get(name)?)));
    session.output.json(&json_schema::schemas(needed));
    Ok(Exit::Success)
}

/// Names of providers that have objects in some state. A look leaves no trace,
/// so no store is made for it.
fn in_state(session: &Session) -> Result<BTreeSet<String>, Diagnostics> {
    if !session.state_dir().exists() {
        return Ok(BTreeSet::new());
    }
    let states = states::load(session, &[])?;
    let records = states.iter().flat_map(|state| state.resources.values());
    Ok(records.map(|record| record.provider.to_string()).collect())
}

/// What a module and those that it calls need.
struct Needs {
    /// Where the module is called.
    name: String,
    providers: Vec<(String, Option<String>)>,
    children: Vec<Needs>,
}

impl Needs {
    fn of(name: &str, module: &Arc<Module>) -> Needs {
        let version = |name: &str| {
            let of_name = |(other, _): &&(Arc<str>, _)| **other == *name;
            module.required_providers.iter().find(of_name).and_then(|(_, version)| version.clone())
        };
        let configured = module.providers.iter().map(|block| block.name.name.to_string());
        let required = module.required_providers.iter().map(|(name, _)| name.to_string());
        let used = module.resources.iter().map(|resource| resource.provider.to_string());
        let names: BTreeSet<String> = configured.chain(required).chain(used).collect();
        let called = |call: &tenantctl_core::config::ModuleCall| {
            Needs::of(&format!("module.{}", call.name.name), &call.module)
        };
        Needs {
            name: name.to_owned(),
            providers: names.into_iter().map(|name| (name.clone(), version(&name))).collect(),
            children: module.calls.iter().map(called).collect(),
        }
    }

    /// Adds the names of all of them.
    fn names(&self, names: &mut BTreeSet<String>) {
        names.extend(self.providers.iter().map(|(name, _)| name.clone()));
        self.children.iter().for_each(|child| child.names(names));
    }

    /// What stands below the module's name.
    fn write(&self, text: &mut String, indent: &str) {
        let number = self.providers.len() + self.children.len();
        let branch =
            |at: usize| if at + 1 == number { ("└── ", "    ") } else { ("├── ", "│   ") };
        for (at, (name, version)) in self.providers.iter().enumerate() {
            let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            text.push_str(&format!("{indent}{}provider[{name}]{version}\n", branch(at).0));
        }
        for (at, child) in self.children.iter().enumerate() {
            let (arm, below) = branch(self.providers.len() + at);
            text.push_str(&format!("{indent}{arm}{}\n", child.name));
            child.write(text, &format!("{indent}{below}"));
        }
    }

    fn json(&self) -> Json {
        let provider = |(name, version): &(String, Option<String>)| json!({ "name": name, "version_constraint": version });
        json!({
            "module": self.name,
            "providers": self.providers.iter().map(provider).collect::<Vec<_>>(),
            "modules": self.children.iter().map(Needs::json).collect::<Vec<_>>(),
        })
    }
}
