//! The machine-readable run: one JSON object a line, as Terraform's, with the
//! workspace in each that is about one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value as Json, json};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostic, Severity, SourceMap};
use tenantctl_core::event::{Event, EventSink, Provisioning};
use tenantctl_core::ops::{Applied, Outcome};
use tenantctl_core::plan::{Action, Change, Counts, Plan, PlanMode, Reason, StepAction};
use tenantctl_core::state::RecordKey;

use super::clock::{Clock, Running};
use super::progress::{is_shown, words};
use super::reporter::{Reporter, Told};
use super::{VERSION, elapsed, json_diagnostic, json_plan, json_value};
use crate::output::Output;

/// The version of the stream's format: Terraform's.
const UI: &str = "1.2";

/// Writes the stream.
pub(crate) struct Stream {
    output: Output,
    sources: Arc<SourceMap>,
    show_sensitive: bool,
    told: Told,
    clock: Mutex<Clock>,
}

struct Line<'l> {
    kind: &'l str,
    message: String,
    workspace: Option<&'l WorkspaceName>,
}

impl Stream {
    /// Writes there, the version first.
    pub(crate) fn new(output: Output, sources: Arc<SourceMap>, show_sensitive: bool) -> Self {
        let stream =
            Stream { output, sources, show_sensitive, told: Told::default(), clock: Mutex::default() };
        let message = format!("tenantctl {VERSION}");
        stream.put(
            &Line { kind: "version", message, workspace: None },
            [("tenantctl", json!(VERSION)), ("ui", json!(UI))],
        );
        stream
    }

    fn put<const N: usize>(&self, line: &Line<'_>, more: [(&str, Json); N]) {
        self.put_at("info", line, more);
    }

    fn put_at<const N: usize>(&self, level: &str, line: &Line<'_>, more: [(&str, Json); N]) {
        let mut json = Map::new();
        json.insert("@level".into(), json!(level));
        json.insert("@message".into(), json!(line.message));
        json.insert("@module".into(), json!("tenantctl.ui"));
        json.insert("@timestamp".into(), json!(timestamp()));
        json.insert("type".into(), json!(line.kind));
        if let Some(workspace) = line.workspace {
            json.insert("workspace".into(), json!(workspace));
        }
        json.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.output.json(&json);
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self, kind: &str, message: String, step: (&WorkspaceName, &RecordKey, StepAction), more: Json) {
        let (workspace, key, action) = step;
        let mut hook = json!({ "resource": resource(key), "action": action_word(action) });
        if let (Some(hook), Json::Object(more)) = (hook.as_object_mut(), more) {
            hook.extend(more);
        }
        let level = if kind == "apply_errored" { "error" } else { "info" };
        self.put_at(level, &Line { kind, message, workspace: Some(workspace) }, [("hook", hook)]);
    }

    fn step(&self, event: &Event) {
        let now = Instant::now();
        match event {
            Event::StepStarted { workspace, key, action } if is_shown(*action) => {
                self.clock().start(running(workspace, key), *action, now);
                let message = format!("{key}: {}", words(*action).0);
                self.hook("apply_start", message, (workspace, key, *action), json!({}));
            }
            Event::StepProgress { workspace, key, message, .. } => {
                self.clock().hear(&running(workspace, key), message);
            }
            Event::StepFinished { workspace, key, action, id } if is_shown(*action) => {
                let took = self.clock().finish(&running(workspace, key), now);
                let message = format!("{key}: {} complete after {}", words(*action).1, elapsed(took));
                let mut more = json!({ "elapsed_seconds": took.as_secs() });
                if let Some(id) = id {
                    more["id_key"] = json!("id");
                    more["id_value"] = json!(id);
                }
                self.hook("apply_complete", message, (workspace, key, *action), more);
            }
            Event::StepFailed { workspace, key, action } => {
                let took = self.clock().finish(&running(workspace, key), now);
                let message = format!("{key}: {} failed after {}", words(*action).1, elapsed(took));
                let more = json!({ "elapsed_seconds": took.as_secs() });
                self.hook("apply_errored", message, (workspace, key, *action), more);
            }
            _ => {}
        }
    }

    fn other(&self, event: &Event) {
        match event {
            Event::RefreshStarted { workspace, objects } => {
                let message = format!("{workspace}: Refreshing state...");
                let line = Line { kind: "refresh_start", message, workspace: Some(workspace) };
                self.put(&line, [("hook", json!({ "objects": objects }))]);
            }
            Event::RefreshFinished { workspace } => {
                let message = format!("{workspace}: Refresh complete");
                let line = Line { kind: "refresh_complete", message, workspace: Some(workspace) };
                self.put(&line, [("hook", json!({}))]);
            }
            Event::Retrying { workspace, key, attempt, wait, error } => {
                let message = format!("{key}: Attempt {attempt} failed: {error}");
                let hook = json!({ "resource": resource(key), "attempt": attempt, "wait_seconds": wait.as_secs_f64() });
                self.put_at(
                    "warn",
                    &Line { kind: "retry", message, workspace: Some(workspace) },
                    [("hook", hook)],
                );
            }
            Event::Provisioner { workspace, key, what } => {
                let (kind, message) = match what {
                    Provisioning::Started => ("provision_start", "Provisioning with 'local-exec'...".into()),
                    Provisioning::Output(line) => ("provision_progress", format!("(local-exec): {line}")),
                    Provisioning::Finished => {
                        ("provision_complete", "(local-exec) Provisioning complete".into())
                    }
                    Provisioning::Failed => ("provision_errored", "(local-exec) Provisioning errored".into()),
                };
                let mut hook = json!({ "resource": resource(key), "provisioner": "local-exec" });
                if let Provisioning::Output(line) = what {
                    hook["output"] = json!(line);
                }
                let message = format!("{key}: {message}");
                self.put(&Line { kind, message, workspace: Some(workspace) }, [("hook", hook)]);
            }
            Event::Recovered { workspace, key, how } => {
                let message = format!("{key}: Left open by the last run: {how}");
                let hook = json!({ "resource": resource(key), "outcome": how });
                self.put(&Line { kind: "recovered", message, workspace: Some(workspace) }, [("hook", hook)]);
            }
            _ => {}
        }
    }

    fn summary(&self, counts: Counts, operation: &str, message: String, workspace: Option<&WorkspaceName>) {
        let Counts { add, change, destroy, import, forget } = counts;
        let changes = json!({ "add": add, "change": change, "import": import, "remove": destroy, "forget": forget, "operation": operation });
        self.put(&Line { kind: "change_summary", message, workspace }, [("changes", changes)]);
    }

    fn plan(&self, plan: &Plan) {
        let workspace = Some(&plan.workspace);
        for drift in &plan.drift {
            let action = if drift.after.is_null() { "delete" } else { "update" };
            let message = format!("{}: Drift detected ({action})", drift.key);
            let mut change = json!({ "resource": resource(&drift.key), "action": action });
            if !drift.by.is_empty() {
                change["changed_by"] = json!(drift.by);
            }
            self.put(&Line { kind: "resource_drift", message, workspace }, [("change", change)]);
        }
        for change in plan.changes.iter().filter(|c| c.acts()) {
            let action = match change.action {
                Action::NoOp if change.importing.is_some() => "import",
                Action::NoOp => "move",
                action => planned_word(action),
            };
            let message = format!("{}: Plan to {action}", change.key);
            let mut json = json!({ "resource": resource(&change.key), "action": action });
            if let Some(reason) = reason(change) {
                json["reason"] = json!(reason);
            }
            if let Some(previous) = &change.previous {
                json["previous_resource"] = resource(&RecordKey::current((**previous).clone()));
            }
            if let Some(id) = &change.importing {
                json["importing"] = json!({ "id": id });
            }
            self.put(&Line { kind: "planned_change", message, workspace }, [("change", json)]);
        }
        for one in &plan.deferred {
            let message = format!("{}: Deferred: waits for {}", one.address, one.waits_for.join(", "));
            let json = json!({ "address": one.address, "reason": one.reason, "waits_for": one.waits_for });
            self.put(&Line { kind: "deferred_change", message, workspace }, [("deferred", json)]);
        }
        let counts = plan.counts();
        self.summary(counts, "plan", format!("Plan: {}.", super::plan::numbers(counts)), workspace);
        let outputs: Map<String, Json> = plan
            .shown_outputs()
            .map(|(name, output)| {
                let mut json = json_value::output(&output.after, output.sensitive, self.show_sensitive);
                json["action"] = json!(json_plan::output_action(output).replace("no-op", "noop"));
                (name.to_string(), json)
            })
            .collect();
        self.outputs(outputs, workspace);
    }

    fn outputs(&self, outputs: Map<String, Json>, workspace: Option<&WorkspaceName>) {
        if !outputs.is_empty() {
            let message = format!("Outputs: {}", outputs.len());
            self.put(&Line { kind: "outputs", message, workspace }, [("outputs", Json::Object(outputs))]);
        }
    }
}

impl EventSink for Stream {
    fn send(&self, event: Event) {
        match event {
            Event::Diagnostic(diagnostic) => self.diagnostics(vec![diagnostic]),
            event => {
                self.step(&event);
                self.other(&event);
            }
        }
    }
}

impl Reporter for Stream {
    fn diagnostics(&self, all: Vec<Diagnostic>) {
        for diagnostic in self.told.fresh(all) {
            let (level, word) = match diagnostic.severity {
                Severity::Error => ("error", "Error"),
                Severity::Warning => ("warn", "Warning"),
            };
            let message = format!("{word}: {}", diagnostic.summary);
            let json = json_diagnostic::diagnostic(&diagnostic, &self.sources);
            let line = Line { kind: "diagnostic", message, workspace: None };
            self.put_at(level, &line, [("diagnostic", json)]);
        }
    }

    fn planning(&self, _: usize, _: bool) {}

    fn plans(&self, plans: &[Plan], fleet: bool) {
        plans.iter().for_each(|plan| self.plan(plan));
        if fleet {
            let total = plans.iter().map(Plan::counts).fold(Counts::default(), std::ops::Add::add);
            let message = format!("Plan: {} in all.", super::plan::numbers(total));
            self.summary(total, "plan", message, None);
        }
    }

    fn applying(&self, _: &[Plan], _: bool) {}

    fn applied(&self, outcomes: &[Outcome<Applied>], mode: PlanMode, fleet: bool) {
        let operation = if mode == PlanMode::Destroy { "destroy" } else { "apply" };
        let mut total = Counts::default();
        for outcome in outcomes {
            self.diagnostics(outcome.diagnostics.iter().cloned().collect());
            let Some(applied) = &outcome.result else { continue };
            total = total + applied.done;
            let verdict = if applied.complete { "complete" } else { "incomplete" };
            let message = format!("{}: {operation} {verdict}", outcome.workspace);
            self.summary(applied.done, operation, message, Some(&outcome.workspace));
            let outputs = applied.outputs.iter();
            let outputs = outputs
                .map(|(name, v)| (name.to_string(), json_value::output(v, false, self.show_sensitive)));
            self.outputs(outputs.collect(), Some(&outcome.workspace));
        }
        if fleet {
            self.summary(total, operation, format!("{operation} of the fleet"), None);
        }
    }

    fn tick(&self) {
        let due = self.clock().due(Instant::now());
        for (step, since, ran) in due {
            let message =
                format!("{}: Still {}... [{} elapsed]", step.key, words(since.action).2, elapsed(ran));
            let mut more = json!({ "elapsed_seconds": ran.as_secs() });
            if !since.message.is_empty() {
                more["status"] = json!(since.message);
            }
            self.hook("apply_progress", message, (&step.workspace, &step.key, since.action), more);
        }
    }

    fn note(&self, _: &str) {}
}

fn running(workspace: &WorkspaceName, key: &RecordKey) -> Running {
    Running { workspace: workspace.clone(), key: key.clone() }
}

/// Now, RFC 3339, to the microsecond.
fn timestamp() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn resource(key: &RecordKey) -> Json {
    let address = &key.address;
    let mut local = address.clone();
    local.module = tenantctl_core::addr::ModulePath::root();
    let provider = address.kind.split('_').next().unwrap_or_default();
    json!({
        "addr": address,
        "module": address.module,
        "resource": local,
        "implied_provider": provider,
        "resource_type": address.kind,
        "resource_name": address.name,
        "resource_key": address.key,
        "deposed": key.deposed,
    })
}

fn action_word(action: StepAction) -> &'static str {
    match action {
        StepAction::Create => "create",
        StepAction::Update => "update",
        StepAction::Delete => "delete",
        StepAction::Read => "read",
        StepAction::Open => "open",
        StepAction::Forget => "forget",
        StepAction::Depose | StepAction::Check | StepAction::Join => "noop",
    }
}

fn planned_word(action: Action) -> &'static str {
    match action {
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Read => "read",
        Action::Open => "open",
        Action::Update => "update",
        Action::DeleteThenCreate | Action::CreateThenDelete | Action::ForgetThenCreate => "replace",
        Action::Delete => "delete",
        Action::Forget => "forget",
    }
}

fn reason(change: &Change) -> Option<&'static str> {
    Some(match change.reason.as_ref()? {
        Reason::NotInConfig | Reason::Removed if change.previous.is_some() => "delete_because_no_move_target",
        Reason::Tainted => "tainted",
        Reason::ReplaceByRequest => "requested",
        Reason::ReplaceByTriggers => "replace_triggered_by",
        Reason::CannotUpdate(_) => "cannot_update",
        Reason::NotInConfig => "delete_because_no_resource_config",
        Reason::CountIndex => "delete_because_count_index",
        Reason::WrongRepetition => "delete_because_wrong_repetition",
        Reason::NotEnabled => "delete_because_enabled_false",
        Reason::EachKey(_) => "delete_because_each_key",
        Reason::NoModule => "delete_because_no_module",
        Reason::ConfigUnknown => "read_because_config_unknown",
        Reason::DependencyPending => "read_because_dependency_pending",
        Reason::CheckNested => "read_because_check_nested",
        Reason::Destroying
        | Reason::Deposed
        | Reason::Missing
        | Reason::Kept
        | Reason::KeptBefore
        | Reason::Removed => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::testing::{change, key, object, plan};
    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(run: impl FnOnce(&Stream)) -> Vec<Json> {
        let buffer = Buffer::default();
        let output = Output::to(buffer.clone(), std::io::sink());
        run(&Stream::new(output, Arc::default(), false));
        let bytes = buffer.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes)
            .expect("text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    }

    #[test]
    fn a_run_from_version_to_end() {
        let workspace: WorkspaceName = "acme".parse().expect("name");
        let (key, action) = (key("module.m.a_disk.main[0]"), StepAction::Create);
        let after = object([("size", json_value_of(1))]);
        let all = lines(|stream| {
            stream.plans(
                &[plan(
                    "acme",
                    vec![change("a_disk.main", Action::Create, tenantctl_core::value::Value::NULL, after)],
                )],
                true,
            );
            stream.send(Event::StepStarted { workspace: workspace.clone(), key: key.clone(), action });
            stream.send(Event::StepFinished { workspace, key, action, id: Some("d-1".into()) });
            let problem = Diagnostic::error("Broken", "It broke.");
            stream.diagnostics(vec![problem.clone(), problem]);
        });
        let kinds: Vec<&str> = all.iter().filter_map(|line| line["type"].as_str()).collect();
        let expected = [
            "version",
            "planned_change",
            "change_summary",
            "change_summary",
            "apply_start",
            "apply_complete",
            "diagnostic",
        ];
        assert_eq!(kinds, expected);
        assert!(all.iter().all(|line| line["@timestamp"].is_string() && line["@message"].is_string()));
        assert_eq!(all[1]["workspace"], "acme");
        assert_eq!(all[1]["change"]["action"], "create");
        assert_eq!(all[2]["changes"]["add"], 1);
        assert_eq!(all[3]["workspace"], Json::Null);
        let resource = &all[4]["hook"]["resource"];
        assert_eq!(
            (&resource["module"], &resource["resource"]),
            (&json!("module.m"), &json!("a_disk.main[0]"))
        );
        assert_eq!(resource["resource_key"], 0);
        assert_eq!(all[5]["hook"]["id_value"], "d-1");
        assert_eq!(all[6]["@level"], "error");
    }

    fn json_value_of(number: i64) -> tenantctl_core::value::Value {
        number.into()
    }
}
