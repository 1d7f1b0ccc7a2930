//! `onboard`: writes a tenant's block, or changes the one there is, and has it
//! provisioned if asked.
//!
//! Guarantees: a file is changed only when the configuration is valid with it;
//! the same command again changes nothing.

use std::path::{Path, PathBuf};

use serde_json::json;
use tenantctl_core::config::edit::{self, Change};
use tenantctl_core::config::{Platform, Seated};
use tenantctl_core::diag::{Diagnostic, Diagnostics, FileId, SourceMap};
use tenantctl_core::syntax;
use tenantctl_core::value::Type;

use super::apply::{self, Verb};
use super::tenant_file::{self, Written};
use crate::args::{ApplyCommand, OnboardCommand, PlanArgs, SelectArgs, TakenByApply};
use crate::error::Exit;
use crate::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session, args: &OnboardCommand) -> Result<Exit, Diagnostics> {
    // It may be the first tenant, without whom the configuration is not valid.
    let (platform, _, problems) = session.read(&args.config);
    let Some(platform) = platform.filter(Platform::is_fleet) else {
        let missing = Diagnostic::error(
            "No platform",
            "The configuration has no platform block to onboard a tenant to.",
        );
        return Err(if problems.has_errors() { problems.sorted() } else { missing.into() });
    };
    platform.is_whole(&args.name)?;
    let known = platform.seated().into_iter().find(|seated| *seated.tenant == *args.name);
    let written = match &known {
        Some(seated) => changed(session, args, &platform, seated)?,
        None => begun(session, args, &platform)?,
    };
    tell(session, args, &written);
    if !args.apply {
        return Ok(Exit::Success);
    }
    let command = ApplyCommand {
        file: None,
        auto_approve: args.auto_approve,
        taken: TakenByApply::default(),
        plan: PlanArgs::plain(),
        select: SelectArgs { tenants: vec![args.name.clone()], ..SelectArgs::default() },
        config: args.config.clone(),
        run: args.run.clone(),
    };
    let exit = Box::pin(apply::run(session, &command, Verb::Apply)).await;
    if exit == Exit::Success && !args.run.json {
        tenant_file::outputs(session, &args.name, args.run.show_sensitive)?;
    }
    Ok(exit)
}

fn tell(session: &Session, args: &OnboardCommand, written: &Written) {
    let path = written.path.display();
    let words = match (written.is_new, written.is_changed) {
        (true, _) => "Wrote",
        (false, true) => "Changed",
        (false, false) => "Nothing to change in",
    };
    if args.run.json {
        session.output.json(&json!({
            "format_version": "1.0",
            "type": "onboarded",
            "tenant": args.name,
            "file": path.to_string(),
            "new": written.is_new,
            "changed": written.is_changed,
        }));
        return;
    }
    session.output.line(&format!("{words} {path}."));
    if !args.apply {
        let name = &args.name;
        session.output.line(&format!("To provision {name}, run:\n  tenantctl apply -tenant={name}"));
    }
}

/// A new tenant, in a file of its own.
fn begun(session: &Session, args: &OnboardCommand, platform: &Platform) -> Result<Written, Diagnostics> {
    let Some(tier) = &args.tier else {
        let detail = format!("{:?} is a new tenant, which needs a tier.", args.name);
        return Err(Diagnostic::error("No tier", detail).hint("Name one with -tier.").into());
    };
    let path: PathBuf = match platform.tenant_directory() {
        Some(dir) => dir.join(format!("{}.hcl", args.name)),
        None => session.root.join(format!("tenant-{}.hcl", args.name)),
    };
    let changes = changes(args, platform, tier)?;
    let text = edit::new_tenant(&args.name, &changes)?;
    if path.exists() {
        let detail = format!("There is a file {} already, in which {:?} is not.", path.display(), args.name);
        return Err(Diagnostic::error("File exists", detail).into());
    }
    tenant_file::write(session, &args.config, &args.name, &shown(&path), (None, &text))
}

/// The block of a tenant that there is, in whatever file.
fn changed(
    session: &Session,
    args: &OnboardCommand,
    platform: &Platform,
    seated: &Seated,
) -> Result<Written, Diagnostics> {
    let tier = args.tier.clone().unwrap_or_else(|| seated.tier.to_string());
    let changes = changes(args, platform, &tier)?;
    tenant_file::change(session, &args.config, seated, &changes)
}

fn changes(args: &OnboardCommand, platform: &Platform, tier: &str) -> Result<Vec<Change>, Diagnostics> {
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| edit::quoted(name)).collect();
        format!("[{}]", names.join(", "))
    };
    let mut changes = Vec::new();
    if args.tier.is_some() {
        changes.push(Change::new(["tier"], edit::quoted(tier)));
    }
    if !args.environments.is_empty() {
        changes.push(Change::new(["environments"], list(&args.environments)));
    }
    if !args.compliance.is_empty() {
        changes.push(Change::new(["compliance"], list(&args.compliance)));
    }
    for (name, value) in &args.labels {
        changes.push(Change::new(["labels", name], edit::quoted(value)));
    }
    for (path, value) in &args.settings {
        let value = written(value, platform.setting_type(tier, path).as_ref())?;
        changes.push(Change::new(std::iter::once("settings").chain(path.split('.')), value));
    }
    Ok(changes)
}

/// A value as the configuration language writes it: text, where the setting is
/// text; else an expression, if it is one.
fn written(value: &str, ty: Option<&Type>) -> Result<String, Diagnostic> {
    let mut problems = Diagnostics::new();
    let mut is_expression = || {
        let sources = SourceMap::default();
        let file: FileId = sources.add("<value>", value);
        let parsed = syntax::parse_expression(file, value, &mut problems);
        let mut refers = false;
        parsed.iter().for_each(|expr| expr.for_each_reference(&mut |_, _| refers = true));
        parsed.is_some() && !problems.has_errors() && !refers
    };
    let is_quoted = value.starts_with('"');
    match ty {
        Some(Type::String) if !is_quoted => Ok(edit::quoted(value)),
        _ if is_expression() => Ok(value.to_owned()),
        Some(Type::Number | Type::Bool | Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_)) => {
            let detail = format!("{value:?} is no value that could be written in a configuration.");
            Err(Diagnostic::error("Invalid value", detail)
                .hint("Write it as in a file: -set 'list=[\"a\", \"b\"]'."))
        }
        _ => Ok(edit::quoted(value)),
    }
}

/// As a user would write it: without `./` before it.
fn shown(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}
