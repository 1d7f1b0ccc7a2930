//! A graph over blocks, or over the steps of a plan, in the language of Graphviz or as JSON.
//!
//! Guarantees: an edge that others on the way already say is left out; what is
//! written depends on the configuration, or the plan, only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use tenantctl_core::addr::ResourceMode;
use tenantctl_core::graph::{Graph, NodeKind};
use tenantctl_core::plan::{Plan, Step, StepAction};

/// Which blocks are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contents {
    /// Resources and data sources
    #[default]
    Resources,
    /// Variables, local values, outputs and the rest too
    #[value(aliases = ["plan", "plan-refresh-only", "plan-destroy", "apply"])]
    Blocks,
}

/// A graph to be written.
pub(crate) struct Drawing {
    /// What each address is, and the addresses that it needs.
    nodes: BTreeMap<String, Shown>,
}

struct Shown {
    kind: &'static str,
    /// The address inside of its module.
    label: String,
    /// The module's address, empty for the root.
    module: String,
    needs: BTreeSet<String>,
}

impl Drawing {
    pub(crate) fn new(graph: &Graph, contents: Contents) -> Self {
        let is_shown = |at: &usize| {
            contents == Contents::Blocks || matches!(graph.nodes[*at].kind, NodeKind::Resource(_))
        };
        let shown: Vec<usize> = (0..graph.nodes.len()).filter(is_shown).collect();
        let nodes = shown.into_iter().map(|at| {
            let node = &graph.nodes[at];
            let (kind, label) = name(graph, at);
            let needs = if contents == Contents::Blocks { &node.dependencies } else { &node.resources };
            let needs = needs.iter().map(|need| address(graph, *need)).collect();
            (address(graph, at), Shown { kind, label, module: module_address(graph, node.module), needs })
        });
        let mut drawing = Drawing { nodes: nodes.collect() };
        drawing.reduce();
        drawing
    }

    /// The steps of plans, each named by what it does to what.
    pub(crate) fn of_steps(plans: &[Plan]) -> Drawing {
        let mut nodes = BTreeMap::new();
        for plan in plans {
            let module = if plans.len() > 1 { plan.workspace.to_string() } else { String::new() };
            let prefix = if module.is_empty() { String::new() } else { format!("{module}:") };
            let label =
                |step: &Step| format!("{} ({})", plan.changes[step.change as usize].key, word(step.action));
            for step in plan.steps.iter().filter(|step| step.action != StepAction::Join) {
                let needs = before(&plan.steps, step).into_iter();
                let needs = needs.map(|step| format!("{prefix}{}", label(step))).collect();
                let (kind, label, module) = (word(step.action), label(step), module.clone());
                nodes.insert(format!("{prefix}{label}"), Shown { kind, label, module, needs });
            }
        }
        let mut drawing = Drawing { nodes };
        drawing.reduce();
        drawing
    }

    /// Takes out edges to what is reached over others.
    fn reduce(&mut self) {
        let reachable: BTreeMap<String, BTreeSet<String>> =
            self.nodes.keys().map(|name| (name.clone(), self.behind(name))).collect();
        for shown in self.nodes.values_mut() {
            let far: BTreeSet<&String> =
                shown.needs.iter().flat_map(|need| reachable.get(need)).flatten().collect();
            let near = shown.needs.iter().filter(|need| !far.contains(need)).cloned().collect();
            shown.needs = near;
        }
    }

    /// All that a node needs, directly or not.
    fn behind(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            for need in self.nodes.get(name).iter().flat_map(|shown| &shown.needs) {
                if found.insert(need.clone()) {
                    open.push(need);
                }
            }
        }
        found
    }

    /// In the language of Graphviz.
    pub(crate) fn dot(&self) -> String {
        let mut text = String::from(
            "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n",
        );
        let mut modules: BTreeMap<&str, Vec<(&String, &Shown)>> = BTreeMap::new();
        for (address, shown) in &self.nodes {
            modules.entry(&shown.module).or_default().push((address, shown));
        }
        for (module, nodes) in modules {
            let indent = if module.is_empty() { "  " } else { "    " };
            if !module.is_empty() {
                let _ = writeln!(text, "  subgraph \"cluster_{module}\" {{\n    label = \"{module}\";");
            }
            for (address, shown) in nodes {
                let (address, label) = (quoted(address), quoted(&shown.label));
                let _ = writeln!(text, "{indent}{address} [label = {label}];");
            }
            if !module.is_empty() {
                text.push_str("  }\n");
            }
        }
        for (address, shown) in &self.nodes {
            for need in &shown.needs {
                let _ = writeln!(text, "  {} -> {};", quoted(address), quoted(need));
            }
        }
        text.push_str("}\n");
        text
    }

    /// As data.
    pub(crate) fn json(&self) -> Json {
        let node = |(address, shown): (&String, &Shown)| json!({ "address": address, "kind": shown.kind, "module": shown.module });
        let edges = self.nodes.iter().flat_map(|(address, shown)| {
            shown.needs.iter().map(move |need| json!({ "from": address, "to": need }))
        });
        json!({
            "format_version": "1.0",
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "edges": edges.collect::<Vec<_>>(),
        })
    }
}

/// Text in quotes, as Graphviz reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The steps that one waits for; what only joins others is seen through.
fn before<'p>(steps: &'p [Step], step: &Step) -> Vec<&'p Step> {
    let mut found = Vec::new();
    let mut open: Vec<u32> = step.after.clone();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &steps[id as usize] {
            join if join.action == StepAction::Join => open.extend(&join.after),
            other => found.push(other),
        }
    }
    found
}

fn word(action: StepAction) -> &'static str {
    match action {
        StepAction::Create => "create",
        StepAction::Update => "update",
        StepAction::Delete => "delete",
        StepAction::Depose => "depose",
        StepAction::Forget => "forget",
        StepAction::Read => "read",
        StepAction::Open => "open",
        StepAction::Check => "check",
        StepAction::Join => "join",
    }
}

fn address(graph: &Graph, at: usize) -> String {
    let (module, label) = (module_address(graph, graph.nodes[at].module), name(graph, at).1);
    if module.is_empty() { label } else { format!("{module}.{label}") }
}

fn module_address(graph: &Graph, module: usize) -> String {
    let mut steps = Vec::new();
    let mut at = module;
    while let Some((caller, call)) = graph.modules[at].parent {
        steps.push(format!("module.{}", graph.modules[caller].module.calls[call].name.name));
        at = caller;
    }
    steps.reverse();
    steps.join(".")
}

/// What a block is, and its address inside its module.
fn name(graph: &Graph, at: usize) -> (&'static str, String) {
    let node = &graph.nodes[at];
    let module = &graph.modules[node.module].module;
    match node.kind {
        NodeKind::Variable(i) => ("variable", format!("var.{}", module.variables[i].name.name)),
        NodeKind::Validation(i) => {
            ("validation", format!("var.{} (validation)", module.variables[i].name.name))
        }
        NodeKind::Local(i) => ("local", format!("local.{}", module.locals[i].0.name)),
        NodeKind::Output(i) => ("output", format!("output.{}", module.outputs[i].name.name)),
        NodeKind::Call(i) => ("module", format!("module.{}", module.calls[i].name.name)),
        NodeKind::Check(i) => ("check", format!("check.{}", module.checks[i].name.name)),
        NodeKind::Import(i) => ("import", format!("import.{}", module.imports[i].to)),
        NodeKind::Provider(i) => ("provider", format!("provider.{}", module.providers[i].reference())),
        NodeKind::Resource(i) => {
            let resource = &module.resources[i];
            match resource.mode {
                ResourceMode::Managed => ("resource", format!("{}.{}", resource.kind, resource.name)),
                ResourceMode::Data => ("data", format!("data.{}.{}", resource.kind, resource.name)),
                ResourceMode::Ephemeral => {
                    ("ephemeral", format!("ephemeral.{}.{}", resource.kind, resource.name))
                }
            }
        }
    }
}
