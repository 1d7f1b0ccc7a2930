//! Kubeconfig files, complete in themselves: a test may copy the text anywhere.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certs::Pair;
use crate::error::{Context, Result};

/// How a kubeconfig logs in.
pub(crate) enum Login<'a> {
    Token(&'a str),
    Certificate(&'a Pair),
}

/// Writes a kubeconfig with the one context `test`. The text is JSON, which is
/// YAML.
pub(crate) fn write(file: &Path, endpoint: &str, ca_pem: &str, login: &Login<'_>) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {
            "server": endpoint,
            "certificate-authority-data": STANDARD.encode(ca_pem),
        }}],
        "users": [{"name": "test", "user": user(login)}],
    });
    fs::write(file, format!("{config:#}\n")).context(format!("cannot write {}", file.display()))
}

fn user(login: &Login<'_>) -> Value {
    match login {
        Login::Token(token) => json!({ "token": token }),
        Login::Certificate(pair) => json!({
            "client-certificate-data": STANDARD.encode(&pair.certificate),
            "client-key-data": STANDARD.encode(&pair.key),
        }),
    }
}
