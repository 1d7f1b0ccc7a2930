//! Which key seals secrets: of a command, of a passphrase, or of a file, in
//! this order; and which earlier one opens what is still sealed with it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::state::{Key, StateError};

use crate::error;
use crate::session::Session;
use crate::settings::Passphrase;

/// How a passphrase becomes a key, beside the state that it is for.
const PASSPHRASE_FILE: &str = "passphrase.json";

/// The keys of a run.
pub(crate) struct Keys {
    pub(crate) key: Key,
    pub(crate) earlier: Vec<Key>,
    /// The file, when the key was made now.
    pub(crate) made: Option<PathBuf>,
}

/// Reads the keys that the settings name, or makes one.
///
/// # Errors
/// When there is none and none can be made.
pub(crate) fn load(session: &Session) -> Result<Keys, Diagnostics> {
    let settings = &session.settings;
    let state = |e: StateError| Diagnostics::from(error::state(&e));
    let of_phrase = |phrase: &Passphrase| {
        Key::from_passphrase(&phrase.0, &session.state_dir().join(PASSPHRASE_FILE)).map_err(state)
    };
    let mut earlier = Vec::new();
    if let Some(path) = &settings.earlier_key_file {
        earlier.push(Key::load(path).map_err(state)?);
    }
    if let Some(phrase) = &settings.earlier_passphrase {
        earlier.push(of_phrase(phrase)?);
    }
    if let Some(command) = &settings.key_command {
        return Ok(Keys { key: of_command(command)?, earlier, made: None });
    }
    if let Some(phrase) = &settings.passphrase {
        return Ok(Keys { key: of_phrase(phrase)?, earlier, made: None });
    }
    let path = settings.key_file.as_ref().ok_or_else(|| {
        Diagnostic::error("No place for the key", "There is no home directory to keep the state's key in.")
            .hint("Set TENANTCTL_KEY_FILE to a file, or TENANTCTL_PASSPHRASE or TENANTCTL_KEY_COMMAND.")
    })?;
    let (key, made) = Key::load_or_create(path).map_err(state)?;
    Ok(Keys { key, earlier, made: made.then(|| path.clone()) })
}

/// The key that a command prints. What it prints is never shown.
fn of_command(command: &str) -> Result<Key, Diagnostics> {
    let refused = |why: String| {
        Diagnostics::from(Diagnostic::error("No key", why).hint(
            "TENANTCTL_KEY_COMMAND must print 64 hexadecimal digits to standard output and exit with 0.",
        ))
    };
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let run =
        Command::new(shell).arg(flag).arg(command).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done = run.map_err(|e| refused(format!("The command for the key cannot be run: {e}.")))?;
    if !done.status.success() {
        return Err(refused(format!("The command for the key failed: {}.", done.status)));
    }
    let text = String::from_utf8(done.stdout).unwrap_or_default();
    Key::from_digits(&text).ok_or_else(|| refused("What the command for the key printed is no key.".into()))
}
