//! Ways to log in without a secret: as a machine, as the command-line tool is,
//! by the token of a workload. Each is used by the binary, against the stand-in.

use std::os::unix::fs::PermissionsExt as _;

use tenantctl_test_servers::{Azure, Front};

use crate::common::{Place, Said, said};

const ROOT: &str = r#"
resource "azurerm_resource_group" "this" {
  for_each = toset(["a", "b", "c"])
  name     = "login-${each.key}"
  location = "westeurope"
}
"#;

struct Bench {
    azure: Azure,
    front: Front,
    place: Place,
}

impl Bench {
    fn new() -> Self {
        let azure = Azure::start();
        let (front, place) = (azure.plain_front(), Place::new());
        place.write("root", "main.tf", ROOT);
        place.write("tools", "ca.pem", azure.authority());
        Bench { azure, front, place }
    }

    /// Puts a program on the path.
    fn tool(&self, name: &str, text: &str) {
        self.place.write("tools", name, text);
        let path = self.place.example("tools").join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn run(&self, args: &[&str], surroundings: &[(&str, &str)]) -> Said {
        let tools = self.place.example("tools");
        let mut command = self.place.command("root", args);
        command
            .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
            .env("ARM_SUBSCRIPTION_ID", Azure::SUBSCRIPTION)
            .env("ARM_TENANT_ID", Azure::TENANT)
            .env("ARM_METADATA_HOSTNAME", self.front.host())
            .env("SSL_CERT_FILE", tools.join("ca.pem"))
            .envs(surroundings.iter().copied());
        said(command.output().expect("the binary runs"))
    }

    /// Leads from nothing to nothing, and no token is left behind.
    fn comes_and_goes(&self, surroundings: &[(&str, &str)]) {
        for args in [["apply", "-auto-approve"], ["plan", "-detailed-exitcode"], ["destroy", "-auto-approve"]]
        {
            let said = self.run(&args, surroundings);
            assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
            assert!(!said.stdout.contains(Azure::TOKEN) && !said.stderr.contains(Azure::TOKEN));
        }
        for (path, bytes) in self.place.files() {
            let is_tool = path.starts_with(self.place.example("tools"));
            let text = String::from_utf8_lossy(&bytes);
            assert!(is_tool || !text.contains(Azure::TOKEN), "a token is in {}", path.display());
        }
        assert_eq!(self.azure.listing(), Vec::<String>::new());
    }

    fn logins(&self) -> usize {
        self.front.asked().iter().filter(|call| call.service == "login").count()
    }
}

#[test]
fn as_the_machine() {
    let bench = Bench::new();
    let endpoint = format!("https://{}/msi/token", bench.front.host());
    bench.comes_and_goes(&[
        ("ARM_USE_MSI", "true"),
        ("ARM_USE_CLI", "false"),
        ("IDENTITY_ENDPOINT", &endpoint),
        ("IDENTITY_HEADER", Azure::MACHINE),
    ]);
    assert_eq!(bench.logins(), 3, "one for each run");
}

#[test]
fn by_the_token_of_a_workload() {
    let bench = Bench::new();
    bench.place.write("tools", "token", "trusted-token");
    let path = bench.place.example("tools").join("token").display().to_string();
    bench.comes_and_goes(&[
        ("AZURE_FEDERATED_TOKEN_FILE", &path),
        ("AZURE_CLIENT_ID", Azure::CLIENT),
        ("ARM_USE_CLI", "false"),
    ]);
    assert_eq!(bench.logins(), 3, "one for each run");
}

/// The tool is slow and keeps nothing itself: it is run once for all.
#[test]
fn as_the_command_line_tool_is() {
    let bench = Bench::new();
    let (token, audience) = (Azure::TOKEN, Azure::MANAGER);
    let calls = bench.place.example("tools").join("calls");
    bench.tool(
        "az",
        &format!(
            "#!/bin/sh\necho \"$*\" >> {}\n\
             echo '{{\"accessToken\": \"{token}by-tool~{audience}\", \"expires_on\": 4102444800, \"tokenType\": \"Bearer\"}}'\n",
            calls.display()
        ),
    );
    bench.comes_and_goes(&[]);
    let calls = std::fs::read_to_string(calls).expect("it was called");
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 3, "one for each run: {calls:?}");
    let wanted =
        format!("account get-access-token -o json --scope {audience}/.default --tenant {}", Azure::TENANT);
    assert!(calls.iter().all(|call| call.starts_with(&wanted)), "{calls:?}");
    assert_eq!(bench.logins(), 0);
}

/// Each way that is set up is tried, and one error says of each what is wrong.
#[test]
fn who_cannot_log_in_hears_what_was_tried() {
    let bench = Bench::new();
    bench.tool("az", "#!/bin/sh\necho 'ERROR: Please run az login to setup account.' >&2\nexit 1\n");
    let endpoint = format!("https://{}/msi/token", bench.front.host());
    let said = bench.run(
        &["apply", "-auto-approve"],
        &[
            ("ARM_CLIENT_ID", Azure::CLIENT),
            ("ARM_CLIENT_SECRET", "canary-wrong-secret"),
            ("ARM_OIDC_TOKEN_FILE_PATH", "/nowhere/token"),
            ("ARM_USE_MSI", "true"),
            ("IDENTITY_ENDPOINT", &endpoint),
            ("IDENTITY_HEADER", "of another machine"),
        ],
    );
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["client secret: ", "workload identity: ", "managed identity: ", "Azure CLI: ", "az login"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!said.stderr.contains("canary"), "{}", said.stderr);
    assert_eq!(said.stderr.matches("AADSTS7000215").count(), 1, "it is said once: {}", said.stderr);
}
