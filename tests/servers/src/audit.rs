//! What the API server was asked: its audit log, parsed.
//!
//! The API server writes a line before it completes the answer (the log's mode
//! is `blocking`), so who has the whole answer finds the line.
//!
//! Only requests of the tests are logged. The controllers, the operator, the API
//! server's calls to itself and the harness are left out by the policy, so that a log of
//! a test is short.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Context, Result};

/// The harness's own user, for readiness and pods.
pub(crate) const HARNESS: &str = "tenantctl-test-servers";
/// The user of kube-controller-manager.
pub(crate) const CONTROLLERS: &str = "system:kube-controller-manager";

/// The user of the CloudNativePG operator, which its roles are bound to.
pub(crate) const OPERATOR: &str = "system:serviceaccount:cnpg-system:cnpg-manager";

/// One answered request.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// As in role rules: `get`, `list`, `watch`, `create`, `update`, `patch`,
    /// `delete`, `deletecollection`; in lower case the HTTP method for paths
    /// that are no resources.
    pub verb: String,
    /// Path and query as sent.
    pub uri: String,
    /// Who logged in.
    pub user: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// What was sent, for requests which send an object. A patch appears as
    /// sent, not as its result. Absent when the request was refused before its
    /// body was read.
    pub body: Option<Value>,
}

impl AuditEvent {
    /// The URI without its query.
    pub fn path(&self) -> &str {
        self.uri.split('?').next().unwrap_or_default()
    }

    /// True for anything but reads.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |pointer| {
            let found = line.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        Some(Self {
            verb: text("/verb"),
            uri: text("/requestURI"),
            user: text("/user/username"),
            user_agent: text("/userAgent"),
            code: u16::try_from(line.pointer("/responseStatus/code")?.as_u64()?).ok()?,
            body: line.pointer("/requestObject").cloned(),
        })
    }
}

/// A place in the audit log: the end of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditMark(u64);

/// What is logged, as the API server reads it; the first rule that fits counts.
pub(crate) fn policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        // One line a request, when it has been answered.
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "users": [HARNESS, CONTROLLERS, OPERATOR, "system:apiserver"]},
            {"level": "Request"},
        ],
    })
}

/// What was logged after `mark`.
pub(crate) fn events(log: &Path, mark: AuditMark) -> Result<Vec<AuditEvent>> {
    // A line that is just being written does not parse; it belongs to a request
    // that has no answer yet.
    Ok(String::from_utf8_lossy(&read(log, mark)?).lines().filter_map(AuditEvent::parse).collect())
}

/// The end of the last whole line.
pub(crate) fn end(log: &Path) -> Result<AuditMark> {
    let text = read(log, AuditMark::default())?;
    let newline = text.iter().rposition(|byte| *byte == b'\n');
    Ok(AuditMark(newline.map_or(0, |place| place as u64 + 1)))
}

fn read(log: &Path, from: AuditMark) -> Result<Vec<u8>> {
    let doing = "cannot read the audit log";
    let mut file = File::open(log).context(doing)?;
    file.seek(SeekFrom::Start(from.0)).context(doing)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).context(doing)?;
    Ok(text)
}
