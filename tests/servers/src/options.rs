//! What a private stack can do differently from the shared one.

/// How to start a [`Cluster`](crate::Cluster).
#[derive(Clone, Debug)]
pub struct Options {
    /// Let the API server refuse requests above these numbers with status 429.
    /// Members of `system:masters` are exempt, so use another user.
    pub max_inflight: Option<Inflight>,
    /// Arguments added after the harness's own; kube-apiserver lets the last
    /// one win.
    pub apiserver_args: Vec<String>,
    /// What happens to pods that carry no annotation of their own.
    pub pods: Pods,
    /// Who can log in with a [`token`](crate::Cluster::token). The API server
    /// reads its token file only when it starts, hence the list; client
    /// certificates need no preparation.
    pub users: Vec<User>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_inflight: None,
            apiserver_args: Vec::new(),
            pods: Pods::Run,
            users: vec![
                User::new("alice", &["tenant-a"]),
                User::new("bob", &["tenant-b"]),
                User::new("carol", &[]),
            ],
        }
    }
}

/// Limits on requests in flight. Priority and fairness is switched off with
/// them, since it would queue where the point is to refuse.
#[derive(Clone, Copy, Debug)]
pub struct Inflight {
    /// Requests which only read.
    pub reading: u32,
    /// Requests which change something.
    pub mutating: u32,
}

/// What stands in for scheduler and kubelet. A single pod can ask for something
/// else by [`PHASE_ANNOTATION`](crate::PHASE_ANNOTATION), on the shared stack too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pods {
    /// Pods are put on `node-1`, become Ready (or Succeeded when their restart
    /// policy is not Always) and go away when deleted.
    Run,
    /// Pods stay Pending and unscheduled, as in a cluster that is full.
    LeavePending,
    /// No node, nobody looks at pods: the test plays the kubelet.
    Off,
}

/// A user with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name that role bindings refer to.
    pub name: String,
    /// The groups that role bindings refer to.
    pub groups: Vec<String>,
}

impl User {
    /// A user by name and groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
    }

    pub(crate) fn is(&self, name: &str, groups: &[&str]) -> bool {
        self.name == name && self.groups.iter().map(String::as_str).eq(groups.iter().copied())
    }
}
