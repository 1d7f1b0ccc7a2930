//! Who may talk to whom in examples/saas-hybrid: all pairs of pods, as the
//! network policies that the example makes say, and what each rule is for.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value as Json;

use super::netpol::{Labels, Network, Peer, Pod, Port, tcp, udp};
use crate::common::Place;
use crate::hybrid::by_gateway;
use crate::hybrid::fleet::EXAMPLE;

/// Instances that share a cluster.
const CUSTOMERS: [&str; 3] =
    ["shop-acme--production-eu", "shop-globex--production-eu", "shop-initech--production-eu"];

/// Ports that something listens on somewhere.
const PORTS: [Port; 9] =
    [udp(53), tcp(53), tcp(80), tcp(443), tcp(5432), tcp(8000), tcp(8080), tcp(9090), tcp(9127)];
const METRICS: Port = tcp(9187);

/// Keys and values of labels.
type Pairs = &'static [(&'static str, &'static str)];
/// From, to, port.
type Way = (&'static str, &'static str, Port);

/// Pods of a customer, and labels that tell them apart.
const OWN: [(&str, Pairs); 6] = [
    ("web", &[("app.kubernetes.io/name", "web")]),
    ("pooler", &[("cnpg.io/poolerName", "db-pooler"), ("cnpg.io/cluster", "db")]),
    ("database", &[("cnpg.io/cluster", "db"), ("cnpg.io/podRole", "instance")]),
    ("replica", &[("cnpg.io/cluster", "db"), ("cnpg.io/podRole", "instance")]),
    ("initdb", &[("cnpg.io/cluster", "db"), ("cnpg.io/jobRole", "initdb")]),
    ("job", &[("app", "job")]),
];

/// Pods of the platform.
const PLATFORM: [(&str, &str, Pairs); 9] = [
    ("kube-system", "dns", &[("k8s-app", "kube-dns")]),
    ("kube-system", "metrics-server", &[("k8s-app", "metrics-server")]),
    ("ingress-nginx", "ingress", &[("app.kubernetes.io/name", "ingress-nginx")]),
    ("gateway", "gateway", &[("gateway.networking.k8s.io/gateway-name", "shared")]),
    ("gateway", "other-gateway", &[("gateway.networking.k8s.io/gateway-name", "other")]),
    ("monitoring", "prometheus", &[("app.kubernetes.io/name", "prometheus")]),
    ("monitoring", "grafana", &[("app.kubernetes.io/name", "grafana")]),
    ("cnpg-system", "operator", &[("app.kubernetes.io/name", "cloudnative-pg")]),
    ("default", "stranger", &[]),
];

/// By what requests come in: a customer's Ingress, or a route of the Gateway.
const ENTRANCES: [&str; 2] = ["ingress", "gateway"];

/// What is no pod.
const OUTSIDE: [(&str, Ipv4Addr); 4] = [
    ("internet", Ipv4Addr::new(203, 0, 113, 9)),
    ("api-server", Ipv4Addr::new(10, 0, 0, 1)),
    ("node", Ipv4Addr::new(10, 240, 0, 4)),
    ("metadata", Ipv4Addr::new(169, 254, 169, 254)),
];

/// Instances of the database, and the jobs that make them.
const DATABASES: [&str; 3] = ["database", "replica", "initdb"];

/// The ways that are open where requests come in by an `entrance`, each under
/// the name of what needs it: from, to, and the port. All of them are within one customer, or between it and the
/// platform or the outside; whatever is not here is closed.
fn ways(entrance: &'static str) -> Vec<(&'static str, Vec<Way>)> {
    let all = || OWN.iter().map(|(name, _)| *name);
    let from_all = |to, port| all().map(|from| (from, to, port)).collect::<Vec<_>>();
    let to_databases = |from, port| DATABASES.map(|to| (from, to, port)).to_vec();
    let among = |port| {
        let pairs = DATABASES.iter().flat_map(|from| DATABASES.iter().map(move |to| (*from, *to, port)));
        pairs.filter(|(from, to, _)| from != to).collect::<Vec<_>>()
    };
    let from_databases = |to, port| DATABASES.map(|from| (from, to, port)).to_vec();
    vec![
        ("names are resolved by UDP", from_all("dns", udp(53))),
        ("names are resolved by TCP", from_all("dns", tcp(53))),
        ("requests reach the application", vec![(entrance, "web", tcp(8080))]),
        ("metrics of the application are read", vec![("prometheus", "web", tcp(9090))]),
        ("the application reaches its pooler", vec![("web", "pooler", tcp(5432))]),
        ("the application reaches integrations", vec![("web", "internet", tcp(443))]),
        ("metrics of the pooler are read", vec![("prometheus", "pooler", tcp(9127))]),
        ("the pooler reaches its database", to_databases("pooler", tcp(5432))),
        ("the pooler reaches the API server", vec![("pooler", "api-server", tcp(443))]),
        ("replicas follow their primary", among(tcp(5432))),
        ("instances see each other", among(tcp(8000))),
        ("the operator reaches PostgreSQL", to_databases("operator", tcp(5432))),
        ("the operator reaches the instance manager", to_databases("operator", tcp(8000))),
        ("metrics of the database are read", to_databases("prometheus", METRICS)),
        ("instances reach the API server", from_databases("api-server", tcp(443))),
        ("backups leave", from_databases("internet", tcp(443))),
    ]
}

/// Where rules stand, and the way that each is there for.
const RULES: [(&str, &str); 22] = [
    ("dns egress[0].ports[0]", "names are resolved by UDP"),
    ("dns egress[0].ports[1]", "names are resolved by TCP"),
    ("web ingress[0].ports[0]", "requests reach the application"),
    ("web ingress[1].ports[0]", "metrics of the application are read"),
    ("web egress[0].ports[0]", "the application reaches its pooler"),
    ("web egress[1].ports[0]", "the application reaches integrations"),
    ("pooler ingress[0].ports[0]", "the application reaches its pooler"),
    ("pooler ingress[1].ports[0]", "metrics of the pooler are read"),
    ("pooler egress[0].ports[0]", "the pooler reaches its database"),
    ("pooler egress[1].ports[0]", "the pooler reaches the API server"),
    ("database ingress[0].ports[0]", "the pooler reaches its database"),
    ("database ingress[1].ports[0]", "replicas follow their primary"),
    ("database ingress[1].ports[1]", "instances see each other"),
    ("database ingress[2].ports[0]", "the operator reaches PostgreSQL"),
    ("database ingress[2].ports[1]", "the operator reaches the instance manager"),
    ("database ingress[3].ports[0]", "metrics of the database are read"),
    ("database egress[0].ports[0]", "replicas follow their primary"),
    ("database egress[0].ports[1]", "instances see each other"),
    ("database egress[1].ports[0]", "instances reach the API server"),
    ("database egress[2].ports[0]", "backups leave"),
    ("default-deny", CLOSED),
    ("nothing", ""),
];

/// The check that nothing else is open.
const CLOSED: &str = "all other ways are closed";

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The shared cluster of the example, as its simulated apply left it.
fn network(entrance: &str) -> Network {
    let place = Place::new();
    if entrance == "gateway" {
        by_gateway(&place);
    }
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    let mut network = Network::default();
    let platform = PLATFORM.iter().map(|(namespace, ..)| *namespace);
    for name in platform.chain(CUSTOMERS) {
        let own = [("kubernetes.io/metadata.name", name)];
        network.namespaces.insert(name.to_owned(), labels(&own));
    }
    for state in place.states(EXAMPLE) {
        for record in state.resources.values() {
            let Some(manifest) = record.attributes.get("manifest") else { continue };
            let manifest = manifest.to_plain_json().expect("known");
            let shared = CUSTOMERS.iter().any(|name| manifest["metadata"]["namespace"] == *name);
            if manifest["kind"] == "NetworkPolicy" && shared {
                network.policies.push(manifest);
            }
        }
    }
    assert_eq!(network.policies.len(), 5 * CUSTOMERS.len());
    network
}

/// Everybody there is: whose they are, their name, and where they are.
fn everybody() -> Vec<(&'static str, &'static str, Peer)> {
    let mut all = Vec::new();
    let mut add = |namespace: &'static str, name: &'static str, pairs: &[(&str, &str)]| {
        let number = u8::try_from(all.len()).expect("few pods");
        let address = Ipv4Addr::new(10, 1, 0, number);
        let (labels, owner) = (labels(pairs), if CUSTOMERS.contains(&namespace) { namespace } else { "" });
        let pod = Pod { namespace: namespace.to_owned(), labels, address };
        all.push((owner, name, Peer::Pod(pod)));
    };
    for namespace in CUSTOMERS {
        OWN.iter().for_each(|(name, pairs)| add(namespace, name, pairs));
    }
    PLATFORM.iter().for_each(|(namespace, name, pairs)| add(namespace, name, pairs));
    all.extend(OUTSIDE.map(|(name, address)| ("", name, Peer::Address(address))));
    all
}

/// The checks that a network does not pass.
fn failing(network: &Network, entrance: &'static str) -> BTreeSet<&'static str> {
    let ways = ways(entrance);
    let everybody = everybody();
    let mut failing = BTreeSet::new();
    for (owner, name, from) in &everybody {
        for (other, to_name, to) in &everybody {
            // What the platform does with itself is no customer's concern.
            let concerned = !owner.is_empty() || !other.is_empty();
            if !concerned || (owner, name) == (other, to_name) {
                continue;
            }
            for port in PORTS.into_iter().chain([METRICS]) {
                let among_customers = !owner.is_empty() && !other.is_empty() && owner != other;
                let way = ways.iter().find(|(_, open)| open.contains(&(*name, *to_name, port)));
                let way = way.filter(|_| !among_customers);
                if network.allows(from, to, port) != way.is_some() {
                    failing.insert(way.map_or(CLOSED, |(needed_by, _)| *needed_by));
                }
            }
        }
    }
    failing
}

/// The network with one rule less in the policies of all customers; a rule
/// without ports left would allow them all, so it goes, too.
fn without(network: &Network, rule: &str) -> Network {
    let mut network = network.clone();
    let (name, place) = rule.split_once(' ').unwrap_or((rule, ""));
    let found = |policy: &Json| policy["metadata"]["name"] == name;
    if place.is_empty() {
        network.policies.retain(|policy| !found(policy));
        return network;
    }
    let (direction, rest) = place.split_once('[').expect("a rule's place");
    let (rule, port) = rest.split_once("].ports[").expect("a port's place");
    let number = |text: &str| text.trim_end_matches(']').parse::<usize>().expect("a number");
    for policy in network.policies.iter_mut().filter(|policy| found(policy)) {
        let rules = policy["spec"][direction].as_array_mut().expect("rules");
        let ports = rules[number(rule)]["ports"].as_array_mut().expect("ports");
        ports.remove(number(port));
        if ports.is_empty() {
            rules.remove(number(rule));
        }
    }
    network
}

/// Every port of every rule that the policies have.
fn rules_of(network: &Network) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for policy in &network.policies {
        let name = policy["metadata"]["name"].as_str().expect("a name");
        for direction in ["ingress", "egress"] {
            let rules = policy["spec"][direction].as_array().into_iter().flatten();
            for (i, rule) in rules.enumerate() {
                let ports = rule["ports"].as_array().expect("no rule is open to all ports").len();
                all.extend((0..ports).map(|j| format!("{name} {direction}[{i}].ports[{j}]")));
            }
        }
    }
    all
}

#[test]
fn the_ways_that_are_needed_are_open_and_all_others_are_closed() {
    for entrance in ENTRANCES {
        assert_eq!(failing(&network(entrance), entrance), BTreeSet::new(), "{entrance}");
    }
}

#[test]
fn every_rule_is_needed_by_one_way_and_by_no_other() {
    let listed: BTreeSet<String> =
        RULES.iter().map(|(rule, _)| (*rule).to_owned()).filter(|rule| rule.contains(' ')).collect();
    for entrance in ENTRANCES {
        let network = network(entrance);
        assert_eq!(rules_of(&network), listed, "RULES lists each rule that there is");
        for (rule, way) in RULES {
            let expected: BTreeSet<&str> = Some(way).filter(|way| !way.is_empty()).into_iter().collect();
            assert_eq!(failing(&without(&network, rule), entrance), expected, "{entrance}, without {rule}");
        }
    }
}
