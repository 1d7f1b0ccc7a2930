use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules of core, each with those it may import; `crates/core/src/lib.rs`
/// tells what they are. A module stands below all that it may import.
const LAYERS: [(&str, &[&str]); 20] = [
    ("value", &[]),
    ("timeouts", &[]),
    ("addr", &[]),
    ("cancel", &[]),
    ("diag", &["value"]),
    ("expr", &["addr", "diag", "value"]),
    ("provider", &["addr", "diag", "timeouts", "value"]),
    ("state", &["addr", "timeouts", "value"]),
    ("syntax", &["addr", "diag", "expr", "value"]),
    ("fmt", &["expr", "syntax"]),
    ("modules", &["diag", "expr", "syntax"]),
    ("config", &["addr", "diag", "expr", "fmt", "modules", "provider", "syntax", "value"]),
    ("graph", &["addr", "config", "diag", "expr"]),
    ("retry", &["cancel", "provider"]),
    ("refresh", &["cancel", "diag", "provider", "retry", "state", "value"]),
    (
        "plan",
        &[
            "addr", "config", "diag", "expr", "fmt", "graph", "provider", "refresh", "state", "syntax",
            "value",
        ],
    ),
    ("event", &["addr", "diag", "plan", "state"]),
    (
        "apply",
        &[
            "addr", "cancel", "diag", "event", "expr", "fmt", "plan", "provider", "refresh", "retry",
            "state", "syntax", "value",
        ],
    ),
    (
        "ops",
        &[
            "addr", "apply", "cancel", "config", "diag", "event", "fmt", "graph", "modules", "plan",
            "provider", "refresh", "retry", "state", "syntax", "timeouts", "value",
        ],
    ),
    (
        "testing",
        &[
            "addr", "cancel", "config", "diag", "event", "expr", "fmt", "graph", "modules", "ops", "plan",
            "provider", "state", "syntax", "value",
        ],
    ),
];

/// What core leaves to its callers: environment, clock, terminal, process.
const OUTSIDE: [&str; 13] = [
    "std::env",
    "env::var",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "print!(",
    "println!(",
    "eprint!(",
    "eprintln!(",
    "process::exit",
    "io::stdin",
    "io::stdout",
];

/// Where an import comes from; they stand in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Std,
    External,
    Local,
}

#[test]
fn imports_stand_in_groups() {
    let mut wrong = Vec::new();
    for file in files(&["crates", "tests"]) {
        let text = read(&file);
        let modules: BTreeSet<&str> = text.lines().filter_map(declared_module).collect();
        for run in runs(&text) {
            for pair in run.windows(2) {
                let (before, after) = (&pair[0], &pair[1]);
                let (first, then) = (origin(&before.path, &modules), origin(&after.path, &modules));
                let problem = match () {
                    () if first > then => format!("{then:?} import after {first:?}"),
                    () if first < then && !after.apart => "no empty line between groups".to_owned(),
                    () => continue,
                };
                wrong.push(format!("{}:{}: {problem}: {}", file.display(), after.line, after.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{} imports out of order:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn modules_of_core_import_only_what_is_below() {
    let known: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (i, (name, below)) in LAYERS.iter().enumerate() {
        for module in *below {
            assert!(known[..i].contains(module), "the table lets {name} import {module}, which is not below");
        }
    }
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files(&["crates/core/src"]) {
        let inside = file.strip_prefix("crates/core/src").unwrap().with_extension("");
        let mut path: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        if path == ["lib"] {
            continue;
        }
        if path.last() == Some(&"mod") {
            path.pop();
        }
        let own = path[0];
        let Some((own, below)) = LAYERS.iter().find(|(name, _)| *name == own) else {
            panic!("{} belongs to no module of the table", file.display());
        };
        seen.insert(*own);
        let to_root = "super::".repeat(path.len());
        for (number, line) in code(&read(&file)) {
            let named = [names_after(&line, "crate::"), names_after(&line, &to_root)].concat();
            for module in named.iter().filter(|name| known.contains(&name.as_str())) {
                if module != own && !below.contains(&module.as_str()) {
                    wrong.push(format!("{}:{number}: {own} imports {module}", file.display()));
                }
            }
            if line.contains("tenantctl_providers") {
                wrong.push(format!("{}:{number}: core imports providers", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the layers:\n{}", wrong.join("\n"));
    assert_eq!(seen, known.into_iter().collect(), "the table and the modules of core differ");
}

#[test]
fn providers_know_of_core_only_what_a_provider_is() {
    let mut wrong = Vec::new();
    for file in files(&["crates/providers/src"]) {
        for (number, line) in code(&read(&file)) {
            let named = names_after(&line, "tenantctl_core::");
            if named.iter().any(|name| name != "provider") {
                wrong.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn core_leaves_environment_clock_and_terminal_to_its_callers() {
    let mut wrong = Vec::new();
    for file in files(&["crates/core/src"]) {
        for (number, line) in code(&read(&file)) {
            for used in OUTSIDE.iter().filter(|words| line.contains(**words)) {
                wrong.push(format!("{}:{number}: {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The readers of this test, on text that has what they must see.
#[test]
fn mistakes_are_seen() {
    let text =
        "use b::c;\nuse std::d;\n\nmod tests {\n    use super::*;\n    use e::{\n        f,\n    };\n}\n";
    let shown: Vec<Vec<(usize, String, bool)>> = runs(text)
        .into_iter()
        .map(|run| run.into_iter().map(|import| (import.line, import.path, import.apart)).collect())
        .collect();
    let import = |line: usize, path: &str| (line, path.to_owned(), false);
    assert_eq!(
        shown,
        [[import(1, "b::c;"), import(2, "std::d;")], [import(5, "super::*;"), import(6, "e::{")]]
    );
    assert!(origin("b::c", &BTreeSet::new()) > origin("std::d", &BTreeSet::new()));
    assert_eq!(origin("b::c", &BTreeSet::from(["b"])), Origin::Local);

    let line = code("let x = crate::plan::Plan; // crate::ops\n/// [`crate::ops`]\n").remove(0).1;
    assert_eq!(names_after(&line, "crate::"), ["plan"]);
    assert_eq!(names_after("use crate::{addr::A, diag};", "crate::"), ["addr", "diag"]);
    assert!(names_after("use super::super::plan;", "super::").is_empty());
}

/// An import statement.
struct Import {
    line: usize,
    path: String,
    /// An empty line stands before it.
    apart: bool,
}

/// Imports that stand together, with nothing but empty lines, attributes and
/// comments between them.
fn runs(text: &str) -> Vec<Vec<Import>> {
    let mut runs: Vec<Vec<Import>> = Vec::new();
    let (mut open, mut apart, mut inside) = (false, false, false);
    for (i, line) in text.lines().enumerate() {
        let words = line.trim();
        if inside {
            inside = !words.ends_with(';');
            continue;
        }
        match imported(words) {
            Some(path) => {
                if !open {
                    runs.push(Vec::new());
                }
                let import = Import { line: i + 1, path: path.to_owned(), apart };
                runs.last_mut().unwrap().push(import);
                (open, apart, inside) = (true, false, !words.ends_with(';'));
            }
            None if words.is_empty() => apart = true,
            None if words.starts_with("#[") || words.starts_with("//") => {}
            None => (open, apart) = (false, false),
        }
    }
    runs
}

/// What a line imports, whoever may use it from here.
fn imported(line: &str) -> Option<&str> {
    let public = line.strip_prefix("pub ").or_else(|| Some(line.strip_prefix("pub(")?.split_once(") ")?.1));
    public.unwrap_or(line).strip_prefix("use ")
}

fn declared_module(line: &str) -> Option<&str> {
    let name = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
    (name.0.is_empty() || name.0.starts_with("pub")).then_some(name.1)
}

fn origin(path: &str, modules: &BTreeSet<&str>) -> Origin {
    let first = path.split([':', ';', ' ']).next().unwrap_or_default();
    match first {
        "std" | "core" | "alloc" => Origin::Std,
        "crate" | "super" | "self" => Origin::Local,
        module if modules.contains(module) => Origin::Local,
        _ => Origin::External,
    }
}

/// The lines of a file without comments, from 1.
fn code(text: &str) -> Vec<(usize, String)> {
    let uncommented = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().enumerate().map(|(i, line)| (i + 1, uncommented(line))).collect()
}

/// The names that follow a prefix in a line, a group's each.
fn names_after(line: &str, prefix: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = &line[..at];
        // Part of a longer name or path.
        if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group.split(',').map(name)),
            None => names.push(name(rest)),
        }
    }
    names.retain(|name| !name.is_empty() && name != "super");
    names
}

/// All source files below these folders, from the workspace's root.
fn files(folders: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path if path.extension().is_some_and(|e| e == "rs") => {
                    files.push(path.strip_prefix(root).unwrap().to_owned());
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a source file")
}
