use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tenantctl_test_servers::{Asked, Cluster, Fate, Proxy};

use crate::common::{Place, Said, said};

const NAMESPACE: &str = "kubernetes_manifest.namespace";
const SETTINGS: &str = "kubernetes_manifest.settings";

/// A root directory with a namespace of its own and a ConfigMap in it.
struct Root {
    place: Place,
    name: &'static str,
}

impl Root {
    fn new(name: &'static str) -> Self {
        Self::with(name, "", "")
    }

    /// With more in the two resources.
    fn with(name: &'static str, in_namespace: &str, in_settings: &str) -> Self {
        let text = format!(
            r#"resource "kubernetes_manifest" "namespace" {{
  manifest = {{ apiVersion = "v1", kind = "Namespace", metadata = {{ name = "{name}" }} }}
  {in_namespace}
}}

resource "kubernetes_manifest" "settings" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "settings", namespace = kubernetes_manifest.namespace.object.metadata.name }}
    data       = {{ level = "info" }}
  }}
  {in_settings}
}}
"#
        );
        let place = Place::new();
        place.write(name, "main.tf", &text);
        Root { place, name }
    }

    fn run(&self, kubeconfig: &Path, args: &[&str]) -> Said {
        let mut command = self.place.command(self.name, args);
        said(command.env("KUBECONFIG", kubeconfig).output().expect("the binary runs"))
    }

    /// Runs what must fail, and gives what it says on one line.
    fn refused(&self, kubeconfig: &Path, args: &[&str], expected: &[&str]) -> String {
        let said = self.run(kubeconfig, args);
        let all = format!("{}\n{}", said.stdout, said.stderr);
        assert_eq!(said.code, 1, "{args:?}\n{all}");
        assert!(!all.contains("panicked"), "{all}");
        let frame = |word: &&str| !["|", "="].contains(word);
        let words: Vec<&str> = said.stderr.split_whitespace().filter(frame).collect();
        let words = words.join(" ");
        for part in expected {
            assert!(words.contains(part), "{args:?} does not say {part:?}:\n{all}");
        }
        assert!(words.contains("help:"), "{args:?} does not say what to do:\n{all}");
        words
    }

    /// One plain apply settles everything.
    fn finishes(&self, kubeconfig: &Path) {
        let said = self.run(kubeconfig, &["apply", "-auto-approve"]);
        assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
        self.is_settled(kubeconfig);
    }

    fn is_settled(&self, kubeconfig: &Path) {
        let said = self.run(kubeconfig, &["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);
        assert_eq!(self.recorded(), [NAMESPACE, SETTINGS]);
        assert_eq!(self.live("jsonpath={.data.level}"), "info");
    }

    /// Addresses in state.
    fn recorded(&self) -> Vec<String> {
        let said = self.place.ok(self.name, &["state", "list"]);
        said.stdout.lines().map(str::to_owned).collect()
    }

    /// The ConfigMap as the server has it.
    fn live(&self, output: &str) -> String {
        kubectl(&["get", "configmap", "settings", "-n", self.name, "-o", output])
    }

    fn uid(&self) -> String {
        self.live("jsonpath={.metadata.uid}")
    }
}

fn admin() -> &'static Path {
    Cluster::shared().kubeconfig()
}

fn kubectl(args: &[&str]) -> String {
    let output = Cluster::shared().kubectl(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The administrator's kubeconfig with one part changed.
fn kubeconfig(root: &Root, part: &str, value: &str) -> PathBuf {
    let mut config: Json = serde_json::from_str(&std::fs::read_to_string(admin()).unwrap()).unwrap();
    *config.pointer_mut(part).expect("the part") = value.into();
    let path = root.place.example(root.name).join("changed.kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

const SERVER: &str = "/clusters/0/cluster/server";

/// Where nobody listens.
fn closed() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("https://{port}")
}

/// The requests that change the ConfigMap.
fn changes(proxy: &Proxy) -> Vec<Asked> {
    let is_change = |asked: &Asked| is_change(&asked.method, &asked.path);
    proxy.asked().into_iter().filter(is_change).collect()
}

fn is_change(method: &str, path: &str) -> bool {
    method == "PATCH" && path.ends_with("/configmaps/settings")
}

fn fates(asked: &[Asked]) -> Vec<Fate> {
    asked.iter().map(|asked| asked.fate).collect()
}

#[test]
fn who_lacks_a_right_keeps_what_was_done() {
    let root = Root::new("refused-forbidden");
    let dora = Cluster::shared().kubeconfig_for("dora", &["refused"]);
    kubectl(&["create", "clusterrole", "refused", "--verb=*", "--resource=namespaces"]);
    kubectl(&["create", "clusterrolebinding", "refused", "--clusterrole=refused", "--user=dora"]);
    allowed("namespaces", "default");

    let expected =
        ["Not allowed", "\"dora\"", "configmaps", "default:kubernetes_manifest.settings", "main.tf:6"];
    root.refused(&dora, &["apply", "-auto-approve"], &expected);
    assert_eq!(root.recorded(), [NAMESPACE]);
    let uid = || kubectl(&["get", "namespace", root.name, "-o", "jsonpath={.metadata.uid}"]);
    let before = uid();

    kubectl(&["create", "rolebinding", "dora", "-n", root.name, "--clusterrole=admin", "--user=dora"]);
    allowed("configmaps", root.name);
    root.finishes(&dora);
    assert_eq!(uid(), before);
}

/// Waits until what was bound to dora counts, which takes the server a moment.
fn allowed(resource: &str, namespace: &str) {
    let start = Instant::now();
    let ask = ["auth", "can-i", "create", resource, "-n", namespace, "--as=dora"];
    while !Cluster::shared().kubectl(&ask).status.success() {
        assert!(start.elapsed() < Duration::from_secs(60), "dora is not let in");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_field_of_another_manager_is_named_and_left() {
    let root = Root::new("refused-conflict");
    root.finishes(admin());
    let uid = root.uid();
    let by_somebody = |kind: &str, patch: &str| {
        let manager = "--field-manager=somebody";
        kubectl(&["patch", "cm", "settings", "-n", root.name, manager, kind, "-p", patch]);
    };
    by_somebody("--type=merge", r#"{"data":{"level":"loud"}}"#);

    let expected = [
        "Field owned by another manager",
        "data.level is owned by somebody",
        "default:kubernetes_manifest.settings",
        "manifest.data.level",
        "main.tf:6",
        "force_conflicts",
    ];
    root.refused(admin(), &["apply", "-auto-approve"], &expected);
    assert_eq!(root.live("jsonpath={.data.level}"), "loud");
    assert_eq!(root.recorded(), [NAMESPACE, SETTINGS]);

    by_somebody("--type=json", r#"[{"op":"remove","path":"/data/level"}]"#);
    root.finishes(admin());
    assert_eq!(root.uid(), uid);
}

#[test]
fn wrong_credentials_lose_nothing() {
    let root = Root::new("refused-credentials");
    let wrong = kubeconfig(&root, "/users/0/user/token", "hunter2secret");
    let expected = ["Not authenticated", "default:kubernetes_manifest.namespace", "main.tf:1"];
    let words = root.refused(&wrong, &["apply", "-auto-approve"], &expected);
    assert!(!words.contains("hunter2secret"), "{words}");
    assert!(root.recorded().is_empty());
    root.finishes(admin());

    // And when there is something to lose.
    let expected = ["Not authenticated", NAMESPACE, SETTINGS];
    root.refused(&wrong, &["apply", "-auto-approve"], &expected);
    root.refused(&wrong, &["destroy", "-auto-approve"], &expected);
    root.is_settled(admin());
}

#[test]
fn a_cluster_that_is_away_is_never_an_empty_one() {
    let root = Root::new("refused-refresh");
    root.finishes(admin());
    let uid = root.uid();
    let away = kubeconfig(&root, SERVER, &closed());
    for command in [&["plan"][..], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]] {
        root.refused(&away, command, &["Cluster not reachable", NAMESPACE, SETTINGS]);
    }
    root.is_settled(admin());
    assert_eq!(root.uid(), uid);
}

#[test]
fn one_of_two_clusters_away_during_apply() {
    let root = Root::with("refused-away", "", "cluster = { config_path = \"changed.kubeconfig\" }");
    kubeconfig(&root, SERVER, &closed());
    let expected = ["Cluster not reachable", "default:kubernetes_manifest.settings", "main.tf:6"];
    root.refused(admin(), &["apply", "-auto-approve"], &expected);
    assert_eq!(root.recorded(), [NAMESPACE]);

    kubeconfig(&root, SERVER, Cluster::shared().endpoint());
    root.finishes(admin());
}

#[test]
fn a_namespace_that_hangs_says_what_holds_it() {
    let root = Root::with("refused-hanging", "timeouts {\n    delete = \"15s\"\n  }", "");
    root.finishes(admin());
    kubectl(&["create", "configmap", "held", "-n", root.name]);
    let finalizers = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        kubectl(&["patch", "configmap", "held", "-n", root.name, "--type=merge", "-p", &patch]);
    };
    finalizers(r#"["tenantctl.example/hold"]"#);

    let expected = [
        "Deletion timed out",
        "Namespace \"refused-hanging\"",
        "ConfigMap \"held\" waits for finalizer tenantctl.example/hold",
        "default:kubernetes_manifest.namespace",
    ];
    root.refused(admin(), &["destroy", "-auto-approve"], &expected);
    assert_eq!(root.recorded(), [NAMESPACE], "what is gone is gone, what hangs is kept");

    finalizers("null");
    let said = root.run(admin(), &["destroy", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(root.recorded().is_empty());
}

#[test]
fn too_many_requests_are_sent_again_when_the_server_says() {
    let root = Root::new("refused-throttled");
    let mut left = 2;
    let proxy = Cluster::shared().proxy(move |method, path| {
        if is_change(method, path) && left > 0 {
            left -= 1;
            return Fate::Refuse { code: 429, retry_after: Some(2) };
        }
        Fate::Pass
    });
    root.finishes(proxy.kubeconfig());
    let asked = changes(&proxy);
    let refused = Fate::Refuse { code: 429, retry_after: Some(2) };
    assert_eq!(fates(&asked), [refused, refused, Fate::Pass]);
    // Longer than the pauses that would be made unasked.
    for pair in asked.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(2), "{asked:?}");
    }
}

/// Reading is tried again as writing is, before there is a plan.
#[test]
fn a_busy_server_is_waited_for_while_planning() {
    let root = Root::new("refused-busy");
    root.finishes(admin());
    let mut left = 4;
    let proxy = Cluster::shared().proxy(move |method, path| {
        if method == "GET" && path.contains("configmaps") && left > 0 {
            left -= 1;
            return match left % 2 {
                0 => Fate::Refuse { code: 429, retry_after: Some(1) },
                _ => Fate::Refuse { code: 503, retry_after: None },
            };
        }
        Fate::Pass
    });
    root.is_settled(proxy.kubeconfig());
    let refused = proxy.asked().into_iter().filter(|asked| asked.fate != Fate::Pass).count();
    assert_eq!(refused, 4);
}

#[test]
fn credentials_that_expire_in_mid_run_lose_nothing() {
    let root = Root::new("refused-expired");
    let healed = Arc::new(AtomicBool::new(false));
    let heals = Arc::clone(&healed);
    let mut made = false;
    let proxy = Cluster::shared().proxy(move |method, _| {
        let expired = made && !heals.load(Ordering::SeqCst);
        made |= method == "PATCH";
        if expired { Fate::Refuse { code: 401, retry_after: None } } else { Fate::Pass }
    });
    let expected = ["Not authenticated", SETTINGS];
    root.refused(proxy.kubeconfig(), &["apply", "-auto-approve"], &expected);
    assert_eq!(root.recorded(), [NAMESPACE]);
    root.refused(proxy.kubeconfig(), &["plan"], &["Not authenticated", NAMESPACE]);
    healed.store(true, Ordering::SeqCst);
    root.finishes(proxy.kubeconfig());
}

#[test]
fn a_server_that_always_fails_is_given_up() {
    let root = Root::new("refused-broken");
    let healed = Arc::new(AtomicBool::new(false));
    let heals = Arc::clone(&healed);
    let broken = Fate::Refuse { code: 500, retry_after: None };
    let proxy = Cluster::shared().proxy(move |method, path| {
        if is_change(method, path) && !heals.load(Ordering::SeqCst) { broken } else { Fate::Pass }
    });
    let expected = ["Server error", "500", "default:kubernetes_manifest.settings", "main.tf:6"];
    root.refused(proxy.kubeconfig(), &["apply", "-auto-approve"], &expected);
    // It may have been done, so it was looked for, and tried once more.
    assert_eq!(fates(&changes(&proxy)), [broken, broken]);
    assert_eq!(root.recorded(), [NAMESPACE]);

    healed.store(true, Ordering::SeqCst);
    root.finishes(proxy.kubeconfig());
    assert_eq!(fates(&changes(&proxy)), [broken, broken, Fate::Pass]);
}

#[test]
fn an_answer_that_is_lost_or_cut_is_looked_up() {
    for (name, fate) in [("refused-lost", Fate::LoseAnswer), ("refused-cut", Fate::CutAnswer)] {
        let root = Root::new(name);
        let mut broken = false;
        let proxy = Cluster::shared().proxy(move |method, path| {
            let breaks = is_change(method, path) && !std::mem::replace(&mut broken, true);
            if breaks { fate } else { Fate::Pass }
        });
        root.finishes(proxy.kubeconfig());
        assert_eq!(fates(&changes(&proxy)), [fate], "made once");
    }
}

/// What is read in part is read again.
#[test]
fn a_list_that_is_cut_is_read_again() {
    let root = Root::new("refused-cut-list");
    let direct = Cluster::shared().proxy(|_, _| Fate::Pass);
    root.finishes(direct.kubeconfig());
    let mut cut = 0;
    let proxy = Cluster::shared().proxy(move |method, path| {
        if method == "GET" && path.contains("configmaps") && cut < 2 {
            cut += 1;
            return Fate::CutAnswer;
        }
        Fate::Pass
    });
    root.finishes(proxy.kubeconfig());
    let cut = proxy.asked().into_iter().filter(|asked| asked.fate == Fate::CutAnswer).count();
    assert_eq!(cut, 2);
    assert!(changes(&proxy).is_empty(), "nothing was changed");
}

#[test]
fn what_an_apply_made_without_knowing_is_adopted_by_the_next() {
    let root = Root::new("refused-adopted");
    let healed = Arc::new(AtomicBool::new(false));
    let heals = Arc::clone(&healed);
    let mut lost = false;
    let proxy = Cluster::shared().proxy(move |method, path| {
        if is_change(method, path) && !lost {
            lost = true;
            return Fate::LoseAnswer;
        }
        // Nor can it be looked up.
        if lost && !heals.load(Ordering::SeqCst) {
            return Fate::Refuse { code: 403, retry_after: None };
        }
        Fate::Pass
    });
    let expected = ["default:kubernetes_manifest.settings", "main.tf:6"];
    root.refused(proxy.kubeconfig(), &["apply", "-auto-approve"], &expected);
    assert_eq!(root.recorded(), [NAMESPACE]);
    let uid = root.uid();

    // As long as that is so, nothing is guessed.
    root.refused(proxy.kubeconfig(), &["apply", "-auto-approve"], &["Not allowed", SETTINGS]);

    healed.store(true, Ordering::SeqCst);
    root.finishes(proxy.kubeconfig());
    assert_eq!(root.uid(), uid);
    assert_eq!(fates(&changes(&proxy)), [Fate::LoseAnswer], "made once");
}
