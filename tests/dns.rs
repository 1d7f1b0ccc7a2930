use std::process::Command;

use tenantctl_test_servers::{NameServer, Toll, is_change};

use crate::common::{Place, Said, said};

const PLATFORM: &str = r#"
variable "dns_key" {
  type      = string
  sensitive = true
}

platform "shop" {
  blueprint = "./blueprint"
  settings  = { dns_port = PORT, dns_key = var.dns_key }
}

tier "starter" {
  isolation = "namespace"
}

tenant "acme" {
  tier     = "starter"
  settings = { addresses = ["192.0.2.10", "192.0.2.11"] }
}

tenant "globex" {
  tier     = "starter"
  settings = { addresses = ["192.0.2.20"] }
}
"#;

const BLUEPRINT: &str = r#"
variable "tenant" {
  type = object({ name = string })
}

variable "addresses" {
  type = set(string)
}

variable "dns_port" {
  type = number
}

variable "dns_key" {
  type      = string
  sensitive = true
}

provider "dns" {
  update {
    server        = "127.0.0.1"
    port          = var.dns_port
    key_name      = "tenants."
    key_algorithm = "hmac-sha256"
    key_secret    = var.dns_key
    timeout       = "60s"
  }
}

resource "dns_a_record_set" "web" {
  zone      = "example.test."
  name      = var.tenant.name
  addresses = var.addresses
  ttl       = 60
}

resource "dns_cname_record" "www" {
  zone  = dns_a_record_set.web.zone
  name  = "www.${var.tenant.name}"
  cname = dns_a_record_set.web.id
}

resource "dns_txt_record_set" "proof" {
  zone = "example.test."
  name = "_proof.${var.tenant.name}"
  txt  = ["tenant=${var.tenant.name}"]
}
"#;

/// A platform whose tenants have names on a server.
struct Shop {
    place: Place,
    server: NameServer,
}

impl Shop {
    fn open() -> Self {
        let (place, server) = (Place::new(), NameServer::start());
        place.write("shop", "main.hcl", &PLATFORM.replace("PORT", &server.port().to_string()));
        place.write("shop", "blueprint/main.tf", BLUEPRINT);
        Shop { place, server }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command("shop", args);
        command.env("TF_VAR_dns_key", self.server.secret());
        command
    }

    /// Runs it; what it says never has the key.
    fn run(&self, args: &[&str]) -> Said {
        let said = said(self.command(args).output().expect("the binary runs"));
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(!all.contains(self.server.secret()), "{args:?} shows the key:\n{all}");
        said
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    fn plans(&self, code: i32, words: &str) {
        let said = self.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, code, "{}\n{}", said.stdout, said.stderr);
        assert!(said.stdout.contains(words), "{}", said.stdout);
    }

    fn records(&self, name: &str) -> Vec<String> {
        self.server.records(&format!("{name}.example.test."))
    }

    /// Nothing that was written holds the key.
    fn keeps_the_key_secret(&self) {
        let secret = self.server.secret().as_bytes();
        for (path, bytes) in self.place.files() {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{} holds the key", path.display());
        }
    }
}

#[test]
fn two_tenants_get_names_keep_them_and_leave_nothing() {
    let shop = Shop::open();
    shop.ok(&["plan", "-out=saved.plan"]);
    shop.keeps_the_key_secret();
    shop.ok(&["apply", "saved.plan"]);
    assert_eq!(shop.records("acme"), ["60 A 192.0.2.10", "60 A 192.0.2.11"]);
    assert_eq!(shop.records("www.globex"), ["3600 CNAME globex.example.test."]);
    assert_eq!(shop.records("_proof.acme"), ["3600 TXT \"tenant=acme\""]);
    let mark = shop.records("acme._a._tenantctl");
    assert!(mark[0].contains("tenantctl/1 workspace=acme token="), "{mark:?}");
    shop.plans(0, "No changes.");

    // Somebody else edits the zone: one set is changed, one is gone.
    shop.server
        .edit(NameServer::ZONE, &["unset acme A 192.0.2.11", "set acme 60 A 192.0.2.66", "unset www.globex"]);
    let drift = shop.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(drift.code, 2, "{}\n{}", drift.stdout, drift.stderr);
    assert!(drift.stdout.contains("192.0.2.66"), "{}", drift.stdout);
    assert!(drift.stdout.contains("1 to add, 1 to change, 0 to destroy"), "{}", drift.stdout);
    shop.ok(&["apply", "-auto-approve"]);
    assert_eq!(shop.records("acme"), ["60 A 192.0.2.10", "60 A 192.0.2.11"]);
    assert_eq!(shop.records("www.globex"), ["3600 CNAME globex.example.test."]);
    shop.plans(0, "No changes.");

    // Changed between plan and apply: refused, and nothing is overwritten.
    shop.place.edit("shop", "main.hcl", "192.0.2.20", "192.0.2.21");
    shop.ok(&["plan", "-out=later.plan"]);
    shop.server.edit(NameServer::ZONE, &["set globex 60 A 192.0.2.77"]);
    let refused = shop.run(&["apply", "later.plan"]);
    assert_eq!(refused.code, 1, "{}\n{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("Record set has changed"), "{}", refused.stderr);
    assert_eq!(shop.records("globex"), ["60 A 192.0.2.20", "60 A 192.0.2.77"]);
    shop.ok(&["apply", "-auto-approve"]);
    assert_eq!(shop.records("globex"), ["60 A 192.0.2.21"]);

    shop.ok(&["destroy", "-auto-approve"]);
    assert_eq!(shop.server.names(NameServer::ZONE), Vec::<String>::new());
    shop.keeps_the_key_secret();
}

#[test]
fn a_strangers_name_is_refused_and_imported() {
    let shop = Shop::open();
    shop.server.edit(NameServer::ZONE, &["set acme 60 A 192.0.2.99"]);
    let refused = shop.run(&["apply", "-auto-approve"]);
    assert_eq!(refused.code, 1, "{}\n{}", refused.stdout, refused.stderr);
    for words in ["Record set already exists", "A acme.example.test.", "acme.example.test."] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert_eq!(shop.records("acme"), ["60 A 192.0.2.99"]);
    assert!(!shop.records("globex").is_empty(), "the other tenant has its name");
    shop.ok(&["import", "-tenant=acme", "dns_a_record_set.web", "acme.example.test."]);
    shop.ok(&["apply", "-auto-approve"]);
    assert_eq!(shop.records("acme"), ["60 A 192.0.2.10", "60 A 192.0.2.11"]);
    shop.plans(0, "No changes.");
}

#[test]
fn lost_answers_leave_nothing_behind() {
    let shop = Shop::open();
    // The answer to every second change is lost.
    let mut changes = 0;
    let relay = shop.server.relay(move |message| {
        changes += usize::from(is_change(message));
        if is_change(message) && changes % 2 == 1 { Toll::LoseAnswer } else { Toll::Pass }
    });
    let (there, relayed) = (shop.server.port().to_string(), relay.port().to_string());
    shop.place.edit("shop", "main.hcl", &there, &relayed);
    shop.ok(&["apply", "-auto-approve"]);
    shop.plans(0, "No changes.");
    for _ in 0..10 {
        // A removal with a lost answer is an error, and is looked at again.
        if shop.run(&["destroy", "-auto-approve"]).code == 0 {
            break;
        }
    }
    assert_eq!(shop.server.names(NameServer::ZONE), Vec::<String>::new());
}

#[test]
fn a_wrong_key_is_told_and_not_shown() {
    let shop = Shop::open();
    let canary = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ=";
    let mut command = shop.command(&["apply", "-auto-approve"]);
    let said = said(command.env("TF_VAR_dns_key", canary).output().expect("the binary runs"));
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("Key not accepted") && said.stderr.contains("BADSIG"), "{}", said.stderr);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains(canary));
    for (path, bytes) in shop.place.files() {
        let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!found, "{} holds the key", path.display());
    }
    assert_eq!(shop.server.names(NameServer::ZONE), Vec::<String>::new());
}

#[test]
fn names_are_rehearsed_without_a_server() {
    let place = Place::new();
    let simulated = PLATFORM.replace("PORT", "1");
    place.write("shop", "main.hcl", &format!("tenantctl {{\n  simulate = [\"dns\"]\n}}\n{simulated}"));
    place.write("shop", "blueprint/main.tf", BLUEPRINT);
    let run = |args: &[&str]| {
        let mut command = place.command("shop", args);
        said(command.env("TF_VAR_dns_key", "c2ltdWxhdGVk").output().expect("the binary runs"))
    };
    let applied = run(&["apply", "-auto-approve"]);
    assert_eq!(applied.code, 0, "{}\n{}", applied.stdout, applied.stderr);
    assert!(applied.stdout.contains("6 added, 0 changed, 0 destroyed"), "{}", applied.stdout);
    assert_eq!(run(&["plan", "-detailed-exitcode"]).code, 0);
    assert_eq!(run(&["destroy", "-auto-approve"]).code, 0);
}
