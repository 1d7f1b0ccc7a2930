//! What NetworkPolicy objects mean: may one peer talk to another?
//!
//! A pure model of `networking.k8s.io/v1`. Both ends must agree: the policies
//! that select the source let the traffic out, those that select the target let
//! it in; a pod that no policy selects for a direction is free in it.
//!
//! Must not: know any cluster. An address outside of the model has no policies.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value as Json;

pub type Labels = BTreeMap<String, String>;

/// A pod, by all that policies can ask of it.
#[derive(Clone, Debug)]
pub struct Pod {
    pub namespace: String,
    pub labels: Labels,
    pub address: Ipv4Addr,
}

/// One end of a conversation.
#[derive(Clone, Debug)]
pub enum Peer {
    Pod(Pod),
    /// Something that is no pod of the cluster.
    Address(Ipv4Addr),
}

/// A port that is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub protocol: &'static str,
    pub number: u16,
}

pub const fn tcp(number: u16) -> Port {
    Port { protocol: "TCP", number }
}

pub const fn udp(number: u16) -> Port {
    Port { protocol: "UDP", number }
}

/// Namespaces and what is allowed between pods in them.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Labels of each namespace.
    pub namespaces: BTreeMap<String, Labels>,
    /// NetworkPolicy objects.
    pub policies: Vec<Json>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Network {
    /// Whether a connection from one to the other, to this port, comes about.
    pub fn allows(&self, from: &Peer, to: &Peer, port: Port) -> bool {
        self.passes(Way::Out, from, to, port) && self.passes(Way::In, to, from, port)
    }

    /// Whether the policies of one end agree.
    fn passes(&self, way: Way, of: &Peer, other: &Peer, port: Port) -> bool {
        let Peer::Pod(pod) = of else { return true };
        let mut isolating = self.policies.iter().filter(|policy| isolates(policy, way, pod)).peekable();
        if isolating.peek().is_none() {
            return true;
        }
        let (rules, peers) = match way {
            Way::In => ("ingress", "from"),
            Way::Out => ("egress", "to"),
        };
        isolating.any(|policy| {
            let all = policy["spec"][rules].as_array().into_iter().flatten();
            all.into_iter().any(|rule| {
                self.is_peer(&rule[peers], &pod.namespace, other) && is_port(&rule["ports"], port)
            })
        })
    }

    /// Without peers, everybody is meant.
    fn is_peer(&self, peers: &Json, own: &str, other: &Peer) -> bool {
        let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else { return true };
        peers.iter().any(|peer| {
            if let Some(block) = peer.get("ipBlock") {
                return in_block(block, other);
            }
            let Peer::Pod(pod) = other else { return false };
            let here = match peer.get("namespaceSelector") {
                None => pod.namespace == own,
                Some(selector) => {
                    self.namespaces.get(&pod.namespace).is_some_and(|labels| selects(selector, labels))
                }
            };
            here && peer.get("podSelector").is_none_or(|selector| selects(selector, &pod.labels))
        })
    }
}

fn isolates(policy: &Json, way: Way, pod: &Pod) -> bool {
    let spec = &policy["spec"];
    let named = |name: &str| spec["policyTypes"].as_array().map(|all| all.iter().any(|one| one == name));
    let meant = match way {
        Way::In => named("Ingress").unwrap_or(true),
        Way::Out => named("Egress").unwrap_or(spec.get("egress").is_some()),
    };
    meant
        && policy["metadata"]["namespace"] == pod.namespace.as_str()
        && selects(&spec["podSelector"], &pod.labels)
}

/// A label selector; an empty one selects everything.
fn selects(selector: &Json, labels: &Labels) -> bool {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let demands = selector["matchExpressions"].as_array().into_iter().flatten();
    equal.into_iter().all(|(key, value)| labels.get(key) == Some(&text(value)))
        && demands.into_iter().all(|demand| {
            let label = labels.get(&text(&demand["key"]));
            let values = demand["values"].as_array().into_iter().flatten();
            let listed = || values.into_iter().any(|value| label == Some(&text(value)));
            match demand["operator"].as_str() {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => label.is_some(),
                Some("DoesNotExist") => label.is_none(),
                _ => panic!("no such operator: {demand}"),
            }
        })
}

/// Without ports, all are meant.
fn is_port(ports: &Json, port: Port) -> bool {
    let Some(ports) = ports.as_array().filter(|ports| !ports.is_empty()) else { return true };
    ports.iter().any(|allowed| {
        let protocol = allowed["protocol"].as_str().unwrap_or("TCP");
        let number = |name: &str| allowed.get(name).map(|number| number.as_u64().expect("a port's number"));
        let first = number("port").unwrap_or(0);
        let last = number("endPort").or_else(|| number("port")).unwrap_or(u64::from(u16::MAX));
        protocol == port.protocol && (first..=last).contains(&port.number.into())
    })
}

fn in_block(block: &Json, other: &Peer) -> bool {
    let address = match other {
        Peer::Pod(pod) => pod.address,
        Peer::Address(address) => *address,
    };
    let within = |cidr: &Json| {
        let (network, length) = cidr.as_str().and_then(|cidr| cidr.split_once('/')).expect("a CIDR block");
        let network: Ipv4Addr = network.parse().expect("an address");
        let length: u32 = length.parse().expect("a length");
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        u32::from(network) & mask == u32::from(address) & mask
    };
    within(&block["cidr"]) && !block["except"].as_array().into_iter().flatten().any(within)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn pod(namespace: &str, app: &str) -> Peer {
        Peer::Pod(Pod {
            namespace: namespace.into(),
            labels: labels([("app", app)]),
            address: Ipv4Addr::new(10, 1, 0, 1),
        })
    }

    fn network(policies: &[Json]) -> Network {
        let namespaces = ["a", "b"].map(|name| (name.to_owned(), labels([("name", name)]))).into();
        Network { namespaces, policies: policies.to_vec() }
    }

    fn policy(spec: Json) -> Json {
        json!({"metadata": {"namespace": "a"}, "spec": spec})
    }

    #[test]
    fn nothing_is_isolated_until_it_is_selected() {
        let (web, other, stranger) = (pod("a", "web"), pod("a", "other"), pod("b", "x"));
        assert!(network(&[]).allows(&stranger, &web, tcp(80)));
        let denied = network(&[policy(json!({"podSelector": {"matchLabels": {"app": "web"}}}))]);
        assert!(!denied.allows(&stranger, &web, tcp(80)));
        assert!(denied.allows(&stranger, &other, tcp(80)));
        assert!(denied.allows(&web, &stranger, tcp(80)), "types default to ingress alone");
        let both = network(&[policy(json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))]);
        assert!(!both.allows(&web, &stranger, tcp(80)));
        assert!(both.allows(&stranger, &pod("b", "y"), tcp(80)));
    }

    #[test]
    fn peers_ports_and_blocks() {
        let (web, stranger) = (pod("a", "web"), pod("b", "x"));
        let cases = [
            (json!([{}]), tcp(1), true),
            (json!([{"from": []}]), tcp(1), true),
            (json!([{"from": [{"podSelector": {}}]}]), tcp(1), false),
            (json!([{"from": [{"namespaceSelector": {}}]}]), tcp(1), true),
            (
                json!([{"from": [{"namespaceSelector": {"matchLabels": {"name": "b"}}, "podSelector": {"matchLabels": {"app": "y"}}}]}]),
                tcp(1),
                false,
            ),
            (
                json!([{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "name", "operator": "NotIn", "values": ["b"]}]}}]}]),
                tcp(1),
                false,
            ),
            (json!([{"ports": [{"port": 80}]}]), tcp(80), true),
            (json!([{"ports": [{"port": 80}]}]), udp(80), false),
            (json!([{"ports": [{"port": 80, "endPort": 90, "protocol": "UDP"}]}]), udp(85), true),
            (json!([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]), tcp(1), true),
            (
                json!([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]),
                tcp(1),
                false,
            ),
        ];
        for (ingress, port, expected) in cases {
            let network = network(&[policy(json!({"podSelector": {}, "ingress": ingress}))]);
            assert_eq!(network.allows(&stranger, &web, port), expected, "{ingress}");
        }
    }

    #[test]
    fn policies_add_up() {
        let allow = |port: u16| policy(json!({"podSelector": {}, "ingress": [{"ports": [{"port": port}]}]}));
        let network = network(&[allow(1), allow(2)]);
        let reached = |port| network.allows(&pod("b", "x"), &pod("a", "web"), tcp(port));
        assert_eq!([reached(1), reached(2), reached(3)], [true, true, false]);
    }
}
