//! Small roots, right and wrong: what OpenTofu plans and applies, this program
//! does, with the same outputs; what it refuses, this one refuses.
//!
//! Tests of roots end the same way, run by run.
//!
//! `roots/*.txt` and `runs/*.txt` have them, between lines of `=====`. A line `@@ PATH` begins
//! another file than `main.tf`, a line `-----` the next step, whose files take
//! the place of those before; what stands behind it are options of its apply.
//! Where an apply fails or is about a part only, what conditions came to is
//! compared too; after one that does not, whether the next plan has something
//! to do. A line `!! ARGUMENTS`, with `<<< INPUT` or without, is a command that
//! is run after the step: how it ends is compared, and what it prints where that
//! is data and not words. A root after `===== REASON` is meant to be judged
//! otherwise here, and must be.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;
use tenantctl_core::value::exact;

use super::folder;
use super::modules::without_ids;
use super::place::{Place, text};

/// How many of each program run at a time.
const AT_ONCE: usize = 2;

/// One root, and why it is judged otherwise here.
struct Root {
    text: String,
    reason: String,
}

fn roots(of: &str) -> Vec<Root> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join(of))
        .expect("roots")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let mut roots = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of roots");
        let mut root = Root { text: String::new(), reason: String::new() };
        for line in text.lines() {
            match line.strip_prefix("=====") {
                Some(reason) => {
                    let next = Root { text: String::new(), reason: reason.trim().to_owned() };
                    roots.push(std::mem::replace(&mut root, next));
                }
                None => root.text = format!("{}{line}\n", root.text),
            }
        }
        roots.push(root);
    }
    roots.retain(|root| !root.text.trim().is_empty());
    roots
}

/// A step of a root.
#[derive(Default)]
struct Step<'a> {
    /// Options of its apply.
    options: Vec<&'a str>,
    files: String,
    /// What is run after it.
    commands: Vec<&'a str>,
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps = vec![Step::default()];
    for line in text.lines() {
        let Some(step) = steps.last_mut() else { continue };
        if let Some(options) = line.strip_prefix("-----") {
            steps.push(Step { options: options.split_whitespace().collect(), ..Step::default() });
        } else if let Some(command) = line.strip_prefix("!! ") {
            step.commands.push(command);
        } else {
            step.files = format!("{}{line}\n", step.files);
        }
    }
    steps
}

/// Puts the files of a root into a directory.
fn write(dir: &Path, text: &str) {
    let mut path = dir.join("main.tf");
    let mut content = String::new();
    // A step without files leaves those there are.
    let end = (!text.is_empty()).then_some("@@ ");
    for line in text.lines().chain(end) {
        match line.strip_prefix("@@ ") {
            Some(next) => {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
                std::fs::write(&path, std::mem::take(&mut content)).expect("a file");
                path = dir.join(next);
            }
            None => content = format!("{content}{line}\n"),
        }
    }
}

/// A program in a place of its own, with a root.
struct Tool<'a> {
    program: &'a Path,
    is_ours: bool,
    place: Place,
}

impl<'a> Tool<'a> {
    fn new(program: &'a Path, is_ours: bool) -> Self {
        Tool { program, is_ours, place: Place::new() }
    }

    /// What it prints, and whether it ends well.
    fn run(&self, args: &[&str]) -> (String, bool) {
        let (text, complaints, is_good) = self.place.run(self.program, args);
        if is_good { (text, true) } else { (text + &complaints, false) }
    }

    fn good(&self, args: &[&str]) -> Result<String, String> {
        let (text, is_good) = self.run(args);
        if is_good { Ok(text) } else { Err(text) }
    }

    /// Whether data stands in a check of the root's first file.
    fn reads_in_checks(&self) -> bool {
        let text = std::fs::read_to_string(self.place.root().join("main.tf")).unwrap_or_default();
        format!("\n{text}").split("\ncheck ").skip(1).any(|check| check.contains("\n  data "))
    }

    /// How a command ends, and its data.
    fn answer(&self, command: &str) -> Json {
        let (args, input) = command.split_once("<<<").unwrap_or((command, ""));
        let args: Vec<&str> = args.split_whitespace().collect();
        let output = self.place.feed(self.program, &args, format!("{}\n", input.trim()));
        let is_data = ["console", "fmt", "graph", "output", "providers", "state"].contains(&args[0]);
        let data = if is_data { without_ids(&text(&output.stdout)) } else { String::new() };
        serde_json::json!([command, output.status.code(), data.trim_end()])
    }

    fn ready(&self) -> Result<(), String> {
        if self.is_ours { Ok(()) } else { self.good(&["init", "-input=false"]).map(drop) }
    }
}

/// What a program makes of a root: its outputs, and whether it says anything
/// against it.
fn applied(tool: &Tool<'_>, options: &[&str]) -> Result<Json, String> {
    tool.ready()?;
    let (said, is_good) = tool.run(&[&["apply", "-auto-approve", "-input=false"], options].concat());
    let all: &[&str] = if tool.is_ours { &["-show-sensitive"] } else { &[] };
    let read = |words: &[&str]| exact::parse(&tool.good(&[words, all].concat())?).map_err(|e| e.to_string());
    let mut outputs: Json = read(&["output", "-json"])?;
    for output in outputs.as_object_mut().expect("an object").values_mut() {
        // A state keeps what outputs are, not what is said of them.
        output.as_object_mut().expect("an output").remove("deprecated");
    }
    // A refusal of the whole leaves nothing to be compared.
    if !is_good && outputs == serde_json::json!({}) {
        return Err(said);
    }
    let checks = match is_good && options.is_empty() {
        true => Vec::new(),
        false => outcomes(&read(&["show", "-json"])?["checks"]),
    };
    // Reading data of a check's own is a change for OpenTofu, in every plan.
    let is_asked = is_good && !tool.reads_in_checks();
    let next = is_asked.then(|| tool.answer("plan -input=false -detailed-exitcode"));
    Ok(serde_json::json!([is_good, outputs, checks, next]))
}

/// What conditions came to, in the order of their addresses.
fn outcomes(checks: &Json) -> Vec<String> {
    let each = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let one = |json: &Json| format!("{} {}", json["address"]["to_display"], json["status"]);
    let all = each(checks);
    let instances = all.iter().flat_map(|check| each(&check["instances"]));
    let mut words: Vec<String> = all.iter().map(one).chain(instances.map(|json| one(&json))).collect();
    words.sort();
    words
}

/// What came of the tests of a root: each run and its status; an error when
/// there are none.
fn tested(tool: &Tool<'_>, _: &[&str]) -> Result<Json, String> {
    tool.ready()?;
    let (text, is_good) = tool.run(&["test", "-json"]);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let is_end = |run: &Json| run["progress"].as_str().is_none_or(|progress| progress == "complete");
    let runs: Vec<Json> = lines
        .map(|line| line["test_run"].clone())
        .filter(|run| run.is_object() && is_end(run))
        .map(|run| serde_json::json!([run["path"], run["run"], run["status"]]))
        .collect();
    if runs.is_empty() { Err(text) } else { Ok(serde_json::json!([is_good, runs])) }
}

/// What a step came to, and the answers to its commands.
type Outcome = (Result<Json, String>, Vec<Json>);

/// Whether two outcomes are the same, whatever the words of a refusal.
fn are_alike(one: &Outcome, other: &Outcome) -> bool {
    let is_judged_alike = one.0.is_err() && other.0.is_err() || one.0 == other.0;
    is_judged_alike && one.1 == other.1
}

/// Compares what both make of all roots of a folder.
fn compare(of: &str, at_least: usize, judge: fn(&Tool<'_>, &[&str]) -> Result<Json, String>) {
    let roots = roots(of);
    assert!(roots.len() >= at_least, "only {}", roots.len());
    let theirs = tenantctl_test_servers::opentofu();
    let ours = Path::new(env!("CARGO_BIN_EXE_tenantctl"));
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(Root { text, reason }) = roots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (their_tool, our_tool) = (Tool::new(&theirs, false), Tool::new(ours, true));
                    let each = |tool: &Tool<'_>| -> Vec<Outcome> {
                        let one = |step: Step<'_>| {
                            write(&tool.place.root(), &step.files);
                            let judged = judge(tool, &step.options);
                            (judged, step.commands.into_iter().map(|command| tool.answer(command)).collect())
                        };
                        steps(text).into_iter().map(one).collect()
                    };
                    let (theirs, ours) = (each(&their_tool), each(&our_tool));
                    let differing: String = theirs
                        .iter()
                        .zip(&ours)
                        .filter(|(theirs, ours)| !are_alike(theirs, ours))
                        .map(|(theirs, ours)| format!("\n  OpenTofu:  {theirs:?}\n  tenantctl: {ours:?}"))
                        .collect();
                    if differing.is_empty() != reason.is_empty() {
                        let words = format!("{text}  why: {reason:?}{differing}");
                        wrong.lock().expect("not poisoned").push(words);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("not poisoned");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), roots.len(), wrong.join("\n"));
}

#[test]
fn roots_are_taken_and_refused_as_by_opentofu() {
    compare("roots", 300, applied);
}

#[test]
fn tests_of_roots_end_as_in_opentofu() {
    compare("runs", 40, tested);
}
