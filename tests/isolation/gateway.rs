//! A route of the shared Gateway in an Ingress's place, on the real definitions.

use serde_json::{Value as Json, json};

use super::person::{ACME, GLOBEX, INITECH, Person};
use crate::hybrid::fleet::{Change, EU, EXAMPLE, Fleet, OWN};

const HOOLI: &str = "shop-hooli--production-eu";
const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces";

/// What three customers are to come in by, one of each isolation.
fn turn(change: &Change<'_>, is_gateway: bool) {
    let place = &change.place;
    let edit = |file: &str, without: &str, with: &str| {
        let (from, to) = if is_gateway { (without, with) } else { (with, without) };
        place.edit(EXAMPLE, file, from, to);
    };
    let here = "region  = \"eu-west-1\"\n  gateway = ";
    edit("clusters.tf", &format!("{here}local.gateway"), &format!("{here}true"));
    edit("tenants/globex.hcl", "{ log_level", "{ routing = \"gateway\", log_level");
    edit("tenants/hooli.hcl", "    domains ", "    routing = \"gateway\"\n    domains ");
    let initech = "  # Most of its people";
    let eu = "  environment \"production-eu\" {\n    settings = { routing = \"gateway\" }\n  }\n\n";
    edit("tenants/initech.hcl", initech, &format!("{eu}{initech}"));
}

fn is_there(fleet: &Fleet, cluster: &str, namespace: &str, kind: &str) -> bool {
    fleet.cluster(cluster).kubectl(&["get", kind, "web", "-n", namespace, "-o", "name"]).status.success()
}

/// A route takes an Ingress's place for every isolation, is accepted as the
/// Gateway API's own definitions have it, and is nothing to do the second time;
/// customers make routes for their own names on the shared Gateway alone.
#[tokio::test]
async fn routes_take_the_place_of_ingresses_on_real_clusters() {
    let fleet = Fleet::shared();
    let change = fleet.change();
    let customers = [(EU, GLOBEX), (EU, INITECH), (OWN, HOOLI)];
    turn(&change, true);
    change.ok(&["apply", "-auto-approve"]);
    let said = change.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);
    for (cluster, namespace) in customers {
        assert!(is_there(fleet, cluster, namespace, "httproute"), "{namespace}");
        assert!(!is_there(fleet, cluster, namespace, "ingress"), "{namespace}");
    }
    assert!(is_there(fleet, EU, ACME, "ingress"), "who did not ask for it keeps what he has");

    let globex = Person::of("tenant:globex:developers").await;
    let mine = json!(["globex.eu.shop.example.com"]);
    let route = |hosts: &Json, gateway: &str| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "try"},
            "spec": {
                "parentRefs": [{"name": gateway, "namespace": "gateway"}],
                "hostnames": hosts,
                "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
            },
        })
    };
    let routes = format!("{ROUTES}/{GLOBEX}/httproutes");
    let own = globex.try_create(&routes, &route(&mine, "shared")).await;
    own.done("a route of its own").unwrap();
    for (what, object, why) in [
        ("another's name", route(&json!(["acme.eu.shop.example.com"]), "shared"), "not the customer's"),
        ("all names", route(&json!([]), "shared"), "not the customer's"),
        ("another Gateway", route(&mine, "other"), "shared Gateway only"),
    ] {
        globex.try_create(&routes, &object).await.refused(what, why).unwrap();
    }
    let web = format!("{routes}/web?dryRun=All");
    let gone = globex.ask("DELETE", &web, None).await;
    gone.refused("the platform's own route", "belongs to the platform").unwrap();
    let others = globex.try_create(&format!("{ROUTES}/{ACME}/httproutes"), &route(&mine, "shared")).await;
    others.refused("in another's namespace", "cannot create").unwrap();

    turn(&change, false);
    change.ok(&["apply", "-auto-approve"]);
    assert_eq!(change.run(&["plan", "-detailed-exitcode"]).code, 0);
    for (cluster, namespace) in customers {
        assert!(!is_there(fleet, cluster, namespace, "httproute"), "{namespace}");
        assert!(is_there(fleet, cluster, namespace, "ingress"), "{namespace}");
    }
}
