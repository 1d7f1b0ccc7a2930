//! A proxy before a real API server takes one token at a time.

use std::sync::{Arc, Mutex};

use tenantctl_test_servers::{Cluster, Fate, Proxy};

use crate::common::{Place, Said, said};

struct Rotating {
    place: Place,
    proxy: Proxy,
    good: Arc<Mutex<String>>,
}

impl Rotating {
    /// A ConfigMap of this name in the namespace `default`.
    fn new(name: &str) -> Self {
        let good = Arc::new(Mutex::new("token-one".to_owned()));
        let taken = Arc::clone(&good);
        let proxy = Cluster::shared().proxy_by(move |asked| match asked.token == *taken.lock().unwrap() {
            true => Fate::Pass,
            false => Fate::Refuse { code: 401, retry_after: None },
        });
        let place = Place::new();
        let root = format!(
            r#"
variable "token" {{
  type      = string
  sensitive = true
}}

resource "kubernetes_manifest" "settings" {{
  cluster  = {{ endpoint = "{}", token = var.token }}
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "{name}", namespace = "default" }}
  }}
}}
"#,
            proxy.endpoint()
        );
        place.write("root", "main.tf", &root);
        Rotating { place, proxy, good }
    }

    fn run(&self, token: &str, args: &[&str]) -> Said {
        let mut command = self.place.command("root", args);
        said(command.env("TF_VAR_token", token).output().expect("the binary runs"))
    }

    fn ok(&self, token: &str, args: &[&str]) -> Said {
        let said = self.run(token, args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    /// From now on this token is the one that is taken.
    fn rotate(&self, token: &str) {
        token.clone_into(&mut self.good.lock().unwrap());
    }
}

#[test]
fn what_the_configuration_says_now_goes_before_what_was_recorded() {
    let all = Rotating::new("rotated");
    all.ok("token-one", &["apply", "-auto-approve"]);
    all.rotate("token-two");
    let said = all.ok("token-two", &["plan", "-detailed-exitcode"]);
    assert!(said.stdout.contains("No changes"), "rotated credentials are no change: {}", said.stdout);
    // The old ones are tried once for each run, until the new ones are recorded.
    let refused = || all.proxy.asked().iter().filter(|asked| asked.fate != Fate::Pass).count();
    let before = refused();
    all.ok("token-two", &["apply", "-auto-approve"]);
    assert!(refused() > before);
    let before = refused();
    all.ok("token-two", &["plan", "-detailed-exitcode"]);
    assert_eq!(refused(), before, "the new ones are recorded");
    // A destroy needs them as well.
    all.rotate("token-three");
    all.ok("token-three", &["destroy", "-auto-approve"]);
    assert!(!Cluster::shared().kubectl(&["get", "configmap", "rotated"]).status.success());
}

#[test]
fn credentials_that_nobody_takes_are_told_as_ever() {
    let all = Rotating::new("refused");
    all.ok("token-one", &["apply", "-auto-approve"]);
    all.rotate("token-two");
    for (token, args) in [("token-one", ["plan", "-no-color"]), ("token-none", ["plan", "-no-color"])] {
        let said = all.run(token, &args);
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(said.stderr.contains("Not authenticated"), "{}", said.stderr);
    }
    // Without its block there is nothing else to go by than what was recorded.
    all.place.write("root", "main.tf", "");
    let said = all.run("token-two", &["destroy", "-auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("Not authenticated"), "{}", said.stderr);
    all.rotate("token-one");
    all.ok("token-one", &["destroy", "-auto-approve"]);
}

/// Whoever writes a token into the configuration, or hands it on without saying
/// that it is one, does not find it anywhere else.
#[test]
fn a_token_is_kept_sealed_however_it_was_given() {
    const CANARY: &str = "canary-token-7d1e";
    let all = Rotating::new("sealed");
    all.place.edit("root", "main.tf", "  sensitive = true\n", "");
    all.rotate(CANARY);
    let mut said = vec![all.ok(CANARY, &["plan", "-out=saved"])];
    let not_there = |said: &[Said]| {
        for said in said {
            assert!(!said.stdout.contains(CANARY) && !said.stderr.contains(CANARY), "{}", said.stdout);
        }
        for (path, bytes) in all.place.files() {
            let shows = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
            assert!(!shows, "the token is in {}", path.display());
        }
    };
    not_there(&said);
    said.push(all.ok(CANARY, &["apply", "-auto-approve"]));
    said.push(all.ok(CANARY, &["show"]));
    said.push(all.ok(CANARY, &["show", "-json"]));
    said.push(all.ok(CANARY, &["plan", "-detailed-exitcode"]));
    said.push(all.ok(CANARY, &["destroy", "-auto-approve"]));
    not_there(&said);
}
