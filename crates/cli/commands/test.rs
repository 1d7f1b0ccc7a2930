//! `test`: the test files of a configuration, run one after another.
//!
//! States, and simulated objects, are kept in a directory that goes with the
//! process: a test touches nothing of what a configuration has applied.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::event::Silent;
use tenantctl_core::ops::{self, Engine, ValueOption};
use tenantctl_core::state::{LocalStore, Sealer, StateStore};
use tenantctl_core::testing::{self, FileReport, Status, Suite, TestFile};

use crate::args::{ConfigArgs, TestCommand};
use crate::error::{self, Exit};
use crate::output::Output;
use crate::providers::{self, Simulation};
use crate::render::test;
use crate::render::test_json::Lines;
use crate::session::{self, Session};

/// Runs the command.
pub(super) async fn run(session: &Session, args: &TestCommand) -> Result<Exit, Diagnostics> {
    let mut outputs: Vec<Output> = args.json.then(|| session.output.clone()).into_iter().collect();
    if let Some(path) = &args.json_into {
        let file = std::fs::File::create(path).map_err(|e| error::file("Cannot write", path, &e))?;
        outputs.push(Output::to(file, std::io::sink()));
    }
    let details = || args.verbose.then(|| providers::real(&session.settings));
    let new = |output| Lines::new(output, Arc::clone(&session.sources), details());
    let lines: Vec<Lines> = outputs.into_iter().map(new).collect();
    match all(session, args, &lines).await {
        Ok(exit) => Ok(exit),
        Err(problems) => {
            lines.iter().for_each(|lines| lines.diagnostics(&problems, None));
            if args.json { Ok(Exit::Failure) } else { Err(problems) }
        }
    }
}

/// Runs all files. Who reads `lines` is told there, people unless it is they who
/// asked for lines.
async fn all(session: &Session, args: &TestCommand, lines: &[Lines]) -> Result<Exit, Diagnostics> {
    let paths = testing::discover(&session.root, &args.test_directory, &args.filter)?;
    let (mut problems, registry) = (Diagnostics::new(), providers::real(&session.settings));
    let files: Vec<TestFile> =
        paths.iter().map(|path| testing::read(path, &session.sources, &registry, &mut problems)).collect();
    if problems.has_errors() {
        return Err(problems.sorted());
    }
    let place = tempfile::tempdir().map_err(|e| error::file("Cannot make", Path::new("a directory"), &e))?;
    let suite = suite(session, args, place.path())?;
    lines.iter().for_each(|lines| lines.found(&files));
    let mut reports = Vec::with_capacity(files.len());
    for file in &files {
        session.output.status(&format!("Running {}", file.path.display()));
        let report = Box::pin(testing::run(&suite, file)).await;
        lines.iter().for_each(|lines| lines.file(&report));
        if !args.json {
            show(session, args, &report);
        }
        reports.push(report);
    }
    if let Some(path) = &args.junit_xml {
        let xml = test::junit(&reports, &session.sources);
        std::fs::write(path, xml).map_err(|e| error::file("Cannot write", path, &e))?;
    }
    if reports.iter().any(|report| !report.leftovers.is_empty()) {
        let problem = kept(&place.keep()).into();
        lines.iter().for_each(|lines| lines.diagnostics(&problem, None));
        if !args.json {
            session.report(problem);
        }
    }
    lines.iter().for_each(|lines| lines.summary(&reports));
    if !args.json {
        session.output.line(&format!("\n{}", test::summary(&reports, session.output.theme())));
    }
    let good = reports.iter().all(|report| report.status() <= Status::Pass) && !session.cancel.is_draining();
    Ok(if good { Exit::Success } else { Exit::Failure })
}

/// Where the states of what is left are, which are its only record.
fn kept(place: &Path) -> Diagnostic {
    let place = place.display();
    let detail = format!("The states of all that this run made are kept in {place}, a directory for each.");
    Diagnostic::warning("States kept", detail).hint(format!(
        "To remove what is left: TENANTCTL_KEY_FILE={place}/key tenantctl -state-dir={place}/1 destroy"
    ))
}

/// Shows what came of a file, each run's problems below its line.
fn show(session: &Session, args: &TestCommand, report: &FileReport) {
    let theme = session.output.theme();
    session.output.line(&test::file(report, theme));
    for run in &report.runs {
        session.output.line(&test::run(run, theme));
        if let Some(result) = run.result.as_ref().filter(|_| args.verbose) {
            session.output.text(&test::result(result, session.style(false)));
        }
        session.report(run.diagnostics.iter().cloned());
    }
    session.report(report.cleanup.iter().cloned());
    session.report(test::leftovers(report));
}

/// The configuration with the values that stand beside its tests, which count
/// more than others.
fn with_values(session: &Session, args: &TestCommand) -> ConfigArgs {
    let mut config = args.config.clone();
    let beside = session.root.join(&args.test_directory);
    if beside.canonicalize().ok() != session.root.canonicalize().ok() {
        config.values.0.extend(ops::automatic_values(&beside).into_iter().map(ValueOption::File));
    }
    config
}

/// The configuration under test, with providers and stores of its own.
fn suite(session: &Session, args: &TestCommand, place: &Path) -> Result<Suite, Diagnostics> {
    let (platform, registry, problems) = session.read(&with_values(session, args));
    let platform = match platform {
        Some(platform) if !problems.has_errors() => platform,
        _ => return Err(problems.sorted()),
    };
    session.report(problems.sorted());
    let platform = Arc::new(platform.rooted(args.tenant.as_deref())?);
    let sealer = Arc::new(Sealer::load_or_create(&place.join("key")).map_err(|e| error::state(&e))?.0);
    let names: Vec<String> = args.config.simulate.iter().chain(platform.simulate()).cloned().collect();
    let fault_script = args.config.fault_script.as_deref();
    let dir = place.join("simulated");
    let simulation = Simulation { dir, sealer: &sealer, fault_script, kubeconfig: None };
    let registry = providers::simulate(registry, &names, &simulation)?;
    let parallelism = session::parallelism(args.parallelism, false);
    let engine = session.engine("test", registry, &sealer, Arc::new(Silent), parallelism)?;
    let (place, made) = (place.to_path_buf(), AtomicUsize::new(0));
    let stores = Box::new(move || {
        let dir = place.join(made.fetch_add(1, Ordering::Relaxed).to_string());
        let store = LocalStore::open(&dir, Arc::clone(&sealer)).map_err(|e| error::state(&e))?;
        Ok::<_, Diagnostics>(Arc::new(store) as Arc<dyn StateStore>)
    });
    // What has no store of its own yet must not come to the configuration's.
    let engine = Engine { store: stores()?, ..engine };
    Ok(Suite { engine, platform, stores })
}
