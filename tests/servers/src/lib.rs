//! Real servers for tenantctl's tests.
//!
//! A test which says something about Kubernetes says it to a real
//! kube-apiserver, with real admission, field ownership, quotas, garbage
//! collection and namespace deletion:
//!
//! ```no_run
//! # async fn example() {
//! use tenantctl_test_servers::Cluster;
//!
//! let cluster = Cluster::shared();
//! let client = cluster.client().await;
//! # }
//! ```
//!
//! The programs come from `tests/servers/install`, which builds them once from
//! locked sources. There is no container, no kubelet and no scheduler: a loop in
//! this crate puts pods on a node and says that they run (see [`Pods`]). The real
//! CloudNativePG operator can run beside them (see [`Cnpg`]).
//!
//! What says something about DNS says it to a real authoritative server, see
//! [`NameServer`].
//!
//! # Guarantees
//!
//! - Servers listen on loopback only and trust only certificates and tokens
//!   made for this run.
//! - No server and no file outlives the test process, however that process
//!   ends: see [`Cluster`].
//! - Nothing is read from the environment of the developer except where the
//!   programs are: no kubeconfig, no proxy.
//! - What cannot work panics with the reason and, where a server is at fault,
//!   the end of its log. A missing program is never a skipped test.
//!
//! # What is not here
//!
//! Containers: nothing runs inside a pod, so `kubectl exec`, logs, probes and
//! network policies have no effect beyond being stored. Volumes: no claim is
//! ever bound, but for those beside the operator, and none to a disk.

mod access;
mod audit;
mod aws;
mod aws_eks;
mod aws_route53;
mod azure;
mod binaries;
mod certs;
mod cluster;
mod cnpg;
mod dns;
mod dns_relay;
mod error;
mod front;
mod health;
mod kubeconfig;
mod lifeline;
mod node;
mod options;
mod pods;
mod proxy;
mod server;
mod stack;
mod tokens;
mod worker;
mod x509;

pub use audit::{AuditEvent, AuditMark};
pub use aws::Aws;
pub use azure::Azure;
pub use binaries::{gateway_definitions, opentofu};
pub use cluster::Cluster;
pub use cnpg::Cnpg;
pub use dns::NameServer;
pub use dns_relay::{Relay, Toll, is_change};
pub use front::{Front, FrontCall, FrontFate};
pub use options::{Inflight, Options, Pods, User};
pub use pods::PHASE_ANNOTATION;
pub use proxy::{Asked, Fate, Proxy};
