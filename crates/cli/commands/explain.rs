//! `explain`: where each setting of a tenant comes from, and what it overrode.

use serde_json::{Value as Json, json};
use tenantctl_core::config::{Explained, Layer, Origin, Seated};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::value::Marks;

use crate::args::ExplainCommand;
use crate::error::Exit;
use crate::render::{Table, json_value};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &ExplainCommand) -> Result<Exit, Diagnostics> {
    let platform = session.look(&args.config)?;
    let mut places = Vec::new();
    let environments = match &args.environment {
        Some(name) => vec![Some(name.clone())],
        None => platform
            .seated()
            .iter()
            .filter(|seated| *seated.tenant == *args.tenant)
            .map(|seated| seated.environment.as_ref().map(ToString::to_string))
            .collect(),
    };
    // A tenant that there is not has no environments; asking for it says so.
    let asked = if environments.is_empty() { vec![None] } else { environments };
    for environment in asked {
        let (seated, all) = platform.explain(&args.tenant, environment.as_deref())?;
        let meant = |explained: &Explained| args.setting.as_ref().is_none_or(|path| explained.is_in(path));
        if !all.iter().any(meant) {
            let path = args.setting.as_deref().unwrap_or_default();
            let problem =
                Diagnostic::error("Unknown setting", format!("{:?} has no setting {path:?}.", args.tenant));
            return Err(problem.suggest(path, all.iter().map(|explained| &*explained.path)).into());
        }
        places.push((seated, all.into_iter().filter(meant).collect::<Vec<_>>()));
    }
    if args.json {
        let instances: Vec<Json> =
            places.iter().map(|(seated, all)| document(session, seated, all)).collect();
        session.output.json(&json!({ "format_version": "1.0", "instances": instances }));
    } else {
        for (i, (seated, all)) in places.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n" };
            session.output.text(&format!("{gap}{}", text(session, seated, all)));
        }
    }
    Ok(Exit::Success)
}

fn text(session: &Session, seated: &Seated, all: &[Explained]) -> String {
    let mut table = Table::new(&["setting", "value", "set by", "at"]);
    for explained in all {
        let mut name = explained.path.clone();
        for (i, origin) in std::iter::once(&explained.origin).chain(&explained.overrode).enumerate() {
            if i > 0 {
                name = "  overrides".into();
            }
            let value = shown(origin, explained.sensitive);
            let place = session.sources.place(origin.span).unwrap_or_default();
            table.row([std::mem::take(&mut name), value, origin.layer.to_string(), place]);
        }
    }
    let title = format!("{} ({}, {})", seated.workspace, seated.tier, seated.isolation);
    format!("{}\n{}", session.output.theme().bold(&title), table.render(2))
}

/// The value on one line.
fn shown(origin: &Origin, sensitive: bool) -> String {
    let value = if sensitive { origin.value.clone().sensitive() } else { origin.value.clone() };
    if !value.is_known() {
        return "(of the platform)".into();
    }
    if value.is_null() {
        let is_default = origin.layer == Layer::Blueprint;
        return if is_default { "null" } else { "null (taken away)" }.into();
    }
    if value.deep_marks().contains(Marks::SENSITIVE) {
        return "(sensitive value)".into();
    }
    value.to_plain_json().map_or_else(|_| "(of the platform, in part)".into(), |json| json.to_string())
}

fn document(session: &Session, seated: &Seated, all: &[Explained]) -> Json {
    let origin = |origin: &Origin, sensitive: bool| {
        let value = if sensitive { origin.value.clone().sensitive() } else { origin.value.clone() };
        json!({
            "value": json_value::value(&value, false),
            "known": origin.value.is_wholly_known(),
            "layer": origin.layer.to_string(),
            "place": session.sources.place(origin.span),
        })
    };
    let settings: Vec<Json> = all
        .iter()
        .map(|explained| {
            let overrode: Vec<Json> =
                explained.overrode.iter().map(|lower| origin(lower, explained.sensitive)).collect();
            let mut json = origin(&explained.origin, explained.sensitive);
            json["setting"] = json!(explained.path);
            json["overrides"] = json!(overrode);
            json
        })
        .collect();
    json!({
        "workspace": seated.workspace,
        "tenant": seated.tenant,
        "tier": seated.tier,
        "isolation": seated.isolation,
        "environment": seated.environment,
        "settings": settings,
    })
}
