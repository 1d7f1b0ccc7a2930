//! A real DNS server: Knot DNS, authoritative for zones of its own, which takes
//! updates that are signed with a key.
//!
//! Read and edited from outside by Knot's own control program, so that a test
//! does not believe the client that it tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use std::{env, fmt};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::binaries::set;
use crate::dns_relay::{Relay, Toll};
use crate::error::{Context, Failure, Result};
use crate::lifeline::Lifeline;
use crate::server::{Launch, Server};
use crate::stack::free_port;

/// The lock file of the packages; the release is stated there and nowhere else.
const PACKAGES: &str = include_str!("../dns/packages");
const DEADLINE: Duration = Duration::from_secs(60);
const PORT_TRIES: usize = 5;

/// What every zone begins with. `wild.test.` also answers for names that are
/// not there.
const ZONES: [(&str, &str); 2] =
    [("example.test.", ""), ("wild.test.", "* 60 A 192.0.2.99\n* 60 TXT \"for every name\"\n")];

/// A DNS server for one test.
///
/// It ends when it is dropped, and with the test process however that ends.
///
/// # Panics
///
/// Every method panics, with the reason, when the server does not do its part:
/// a test can do nothing about that.
pub struct NameServer {
    _server: Server,
    _lifeline: Lifeline,
    folder: PathBuf,
    control: PathBuf,
    port: u16,
    secret: String,
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameServer(127.0.0.1:{})", self.port)
    }
}

impl NameServer {
    /// The zone that tests write to.
    pub const ZONE: &str = "example.test.";
    /// A zone with a wildcard.
    pub const WILD: &str = "wild.test.";
    /// The key that may change both zones.
    pub const KEY: &str = "tenants.";
    /// A key that the server knows, with the same secret, and lets change nothing.
    pub const IDLE_KEY: &str = "idle.";
    /// The algorithm of both.
    pub const ALGORITHM: &str = "hmac-sha256";

    /// Starts one, with nothing but their own records in its zones. It takes a
    /// fraction of a second.
    pub fn start() -> Self {
        must(start())
    }

    /// The port on 127.0.0.1, for TCP and UDP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The secret of the keys, in base64; new for each server.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The records of a whole name, as `TTL TYPE CONTENT`, sorted; none when
    /// there is no such name.
    pub fn records(&self, name: &str) -> Vec<String> {
        let zone = zone_of(name);
        let output = must(self.control(&["zone-read", zone, name]));
        lines(&output, name)
    }

    /// The names of a zone that have records, apart from its own, sorted.
    pub fn names(&self, zone: &str) -> Vec<String> {
        let output = must(self.control(&["zone-read", zone]));
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let owners = text.lines().filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned));
        let mut names: Vec<String> =
            owners.filter(|name| name != zone && *name != format!("ns1.{zone}")).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Changes a zone by hand, as one change: lines such as
    /// `set www 60 A 192.0.2.1` and `unset www A`.
    pub fn edit(&self, zone: &str, changes: &[&str]) {
        must(edit(&self.folder, &self.control, zone, changes));
    }

    /// Something that edits as [`edit`](Self::edit) does, for a [`Relay`].
    pub fn editor(&self) -> impl Fn(&str, &[&str]) + Send + 'static {
        let (folder, control) = (self.folder.clone(), self.control.clone());
        move |zone, changes| must(edit(&folder, &control, zone, changes))
    }

    /// A relay before this server, for TCP, that lets `toll` decide what
    /// becomes of each message.
    pub fn relay(&self, toll: impl FnMut(&[u8]) -> Toll + Send + 'static) -> Relay {
        must(Relay::start(self.port, toll))
    }

    fn control(&self, args: &[&str]) -> Result<Output> {
        control(&self.folder, &self.control, args)
    }
}

fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|failure| panic!("{failure}"))
}

fn zone_of(name: &str) -> &'static str {
    let zone = ZONES.iter().map(|(zone, _)| *zone).find(|zone| name.ends_with(zone));
    zone.unwrap_or_else(|| panic!("{name} is in no zone of the server"))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `[zone] owner TTL TYPE CONTENT`, without zone and owner.
fn lines(output: &Output, name: &str) -> Vec<String> {
    let text = said(output);
    if text.contains("no such node in zone found") {
        return Vec::new();
    }
    assert!(output.status.success(), "{name}: {text}");
    let records = text.lines().filter_map(|line| line.split_once("] ")?.1.split_once(' '));
    let mut records: Vec<String> = records.map(|(_, rest)| rest.to_owned()).collect();
    records.sort();
    records
}

fn control(folder: &Path, program: &Path, args: &[&str]) -> Result<Output> {
    Command::new(program)
        .arg("--config")
        .arg(folder.join("knot.conf"))
        .args(args)
        .env_clear()
        .current_dir(folder)
        .output()
        .context(format!("cannot start {}", program.display()))
}

fn edit(folder: &Path, program: &Path, zone: &str, changes: &[&str]) -> Result<()> {
    let run = |args: &[&str]| -> Result<()> {
        let output = control(folder, program, args)?;
        let refused = || Failure::new(format!("knotc {args:?}: {}", said(&output)));
        output.status.success().then_some(()).ok_or_else(refused)
    };
    run(&["zone-begin", zone])?;
    for change in changes {
        let (verb, rest) = change.split_once(' ').unwrap_or((change, ""));
        let mut args = vec![if verb == "set" { "zone-set" } else { "zone-unset" }, zone];
        // The content of a text record is one argument.
        args.extend(rest.splitn(4, ' '));
        run(&args)?;
    }
    run(&["zone-commit", zone])
}

fn start() -> Result<NameServer> {
    let home = programs()?;
    let folder = tempfile::Builder::new()
        .prefix("tenantctl-test-dns-")
        // The key is in it.
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .context("cannot make a folder")?
        // The lifeline removes it, since a destructor may not run.
        .keep();
    let lifeline = Lifeline::new(&folder)?;
    let mut bytes = [0; 32];
    getrandom(&mut bytes, GetRandomFlags::empty()).context("no random numbers")?;
    let secret = STANDARD.encode(bytes);
    fs::create_dir(folder.join("db")).context("cannot make a folder")?;
    for (zone, more) in ZONES {
        let text = format!(
            "$ORIGIN {zone}\n@ 3600 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 3600 NS ns1\nns1 3600 A 127.0.0.1\n{more}"
        );
        fs::write(folder.join(format!("{zone}zone")), text).context("cannot write a zone")?;
    }
    let program = home.join("knotc");
    let mut lost = Failure::new("no port was tried");
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        fs::write(folder.join("knot.conf"), configuration(&folder, port, &secret))
            .context("cannot write knot.conf")?;
        let launch = Launch {
            name: "knotd",
            program: home.join("knotd"),
            args: vec!["--config".into(), folder.join("knot.conf").display().to_string()],
            env: Vec::new(),
            folder: folder.clone(),
            group: lifeline.group(),
        };
        let mut server = Server::start(launch)?;
        // Zones are loaded before it says that it runs.
        let ready = || {
            let asked = control(&folder, &program, &["zone-read", "wild.test.", "wild.test.", "SOA"]);
            asked.is_ok_and(|output| output.status.success())
        };
        match server.wait_until(DEADLINE, ready) {
            Ok(()) => {
                return Ok(NameServer {
                    _server: server,
                    _lifeline: lifeline,
                    folder,
                    control: program,
                    port,
                    secret,
                });
            }
            Err(failure @ Failure::PortTaken(_)) => lost = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}

fn configuration(folder: &Path, port: u16, secret: &str) -> String {
    let folder = folder.display();
    let (key, idle, algorithm) = (NameServer::KEY, NameServer::IDLE_KEY, NameServer::ALGORITHM);
    let zones: String = ZONES
        .iter()
        .map(|(zone, _)| {
            format!("  - domain: {zone}\n    storage: {folder}\n    file: {zone}zone\n    acl: change\n")
        })
        .collect();
    format!(
        "server:\n  rundir: {folder}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n  storage: {folder}/db\n\
         key:\n  - id: {key}\n    algorithm: {algorithm}\n    secret: {secret}\n  - id: {idle}\n    algorithm: {algorithm}\n    secret: {secret}\n\
         acl:\n  - id: change\n    key: {key}\n    action: update\n\
         zone:\n{zones}"
    )
}

/// The folder with knotd and knotc.
fn programs() -> Result<PathBuf> {
    let named = env::var_os("TENANTCTL_TEST_KNOT").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let cached = release().and_then(|release| set("knot", release));
    let folders: Vec<PathBuf> =
        named.into_iter().chain(cached).chain(env::split_paths(&path)).chain(usual).collect();
    let has = |folder: &&PathBuf| ["knotd", "knotc"].iter().all(|program| folder.join(program).is_file());
    folders.iter().find(has).cloned().ok_or_else(|| missing(&folders))
}

fn missing(folders: &[PathBuf]) -> Failure {
    let looked: Vec<_> = folders.iter().map(|folder| format!("\n  {}", folder.display())).collect();
    Failure::new(format!(
        "Knot DNS is not installed. Get it once, from the top of the repository, with:\n\n    \
         tests/servers/dns/install\n\nor install it with the package manager of this system. \
         Looked in TENANTCTL_TEST_KNOT, the cache folder and PATH:{}",
        looked.concat()
    ))
}

/// The release that the lock file names.
fn release() -> Option<&'static str> {
    let version = PACKAGES.lines().find_map(|line| line.strip_prefix("knot "))?;
    version.split(['-', ' ']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_the_lock_file() {
        let release = release().expect("the lock file names it");
        assert!(release.starts_with(|c: char| c.is_ascii_digit()), "{release}");
        assert!(missing(&[]).to_string().contains("    tests/servers/dns/install\n"));
    }

    #[test]
    fn zones_are_edited_and_read() {
        let server = NameServer::start();
        assert_eq!(server.names(NameServer::ZONE), Vec::<String>::new());
        server.edit(
            NameServer::ZONE,
            &["set www 60 A 192.0.2.2", "set www 60 A 192.0.2.1", "set t 5 TXT \"a b\""],
        );
        assert_eq!(server.records("www.example.test."), ["60 A 192.0.2.1", "60 A 192.0.2.2"]);
        assert_eq!(server.records("t.example.test."), ["5 TXT \"a b\""]);
        server.edit(NameServer::ZONE, &["unset www A 192.0.2.1", "unset t"]);
        assert_eq!(server.records("www.example.test."), ["60 A 192.0.2.2"]);
        assert_eq!(server.names(NameServer::ZONE), ["www.example.test."]);
    }
}
