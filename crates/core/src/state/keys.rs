//! Where the key comes from: a file, a passphrase, or whatever a caller has
//! that gives its digits.
//!
//! Guarantees: the key shows in no Debug output; nobody ever sees half a key
//! file; a key file that others can read is refused.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore as _;
use serde::{Deserialize, Serialize};

use super::model::FORMAT_VERSION;
use super::seal::{KEY_LEN, hex};
use super::store::StateError;

const SALT_LEN: usize = 16;
/// The second of the choices that RFC 9106 recommends: for where memory is short.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a file may ask for at most.
const MOST_MEMORY_KIB: u32 = 4 << 20;
const MOST_PASSES: u32 = 100;

/// What secrets are sealed with.
pub struct Key([u8; KEY_LEN]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// How a key is made of a passphrase. Nothing in it is secret.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Derivation {
    format_version: u32,
    algorithm: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[cfg(test)]
pub(super) fn schema() -> schemars::Schema {
    schemars::schema_for!(Derivation)
}

impl Key {
    /// These bytes.
    pub fn of(bytes: [u8; KEY_LEN]) -> Self {
        Key(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Of 64 hexadecimal digits.
    pub fn from_digits(text: &str) -> Option<Self> {
        unhex(text.trim()).map(Key)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`StateError::Sealed`] when there is none, it is no key, or others can
    /// read it; otherwise the file system's.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let missing = || StateError::Sealed(format!("there is no key file {}", path.display()));
        read_key(path)?.map(Key).ok_or_else(missing)
    }

    /// Reads the key file, or makes one with a random key. True when it was
    /// made now. Processes that make it at once all get the same key.
    ///
    /// # Errors
    /// [`StateError::Sealed`] for a file that is no key or that others can
    /// read; otherwise the file system's.
    pub fn load_or_create(path: &Path) -> Result<(Self, bool), StateError> {
        match read_key(path)? {
            Some(key) => Ok((Key(key), false)),
            None => {
                let made = create_key(path)?;
                Ok((Key::load(path)?, made))
            }
        }
    }

    /// Made of a passphrase by Argon2id; how, stands in a file (made if there
    /// is none) that goes with the state.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] for a file that is not of that kind; the file
    /// system's.
    pub fn from_passphrase(passphrase: &str, path: &Path) -> Result<Self, StateError> {
        let derivation = match read_derivation(path)? {
            Some(derivation) => derivation,
            None => {
                let text = serde_json::to_string(&Derivation::new()).unwrap_or_default();
                publish(path, &text)?;
                read_derivation(path)?
                    .ok_or_else(|| StateError::Corrupt(format!("{} vanished", path.display())))?
            }
        };
        derivation.key(passphrase).ok_or_else(|| {
            StateError::Corrupt(format!(
                "{} does not say how the key is made of the passphrase; restore it from a copy",
                path.display()
            ))
        })
    }
}

impl Derivation {
    fn new() -> Self {
        Derivation {
            format_version: FORMAT_VERSION,
            algorithm: "argon2id".into(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: hex(&random::<SALT_LEN>()),
        }
    }

    fn key(&self, passphrase: &str) -> Option<Key> {
        let is_known = self.format_version <= FORMAT_VERSION && self.algorithm == "argon2id";
        let is_sane =
            self.memory_kib <= MOST_MEMORY_KIB && self.passes <= MOST_PASSES && self.salt.len() >= 16;
        if !is_known || !is_sane {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_LEN)).ok()?;
        let mut key = [0; KEY_LEN];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(passphrase.as_bytes(), self.salt.as_bytes(), &mut key).ok()?;
        Some(Key(key))
    }
}

fn read_derivation(path: &Path) -> Result<Option<Derivation>, StateError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("read", path)(e)),
    };
    let wrong = |e| StateError::Corrupt(format!("{}: {e}", path.display()));
    serde_json::from_slice(&text).map(Some).map_err(wrong)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

fn unhex(text: &str) -> Option<[u8; KEY_LEN]> {
    let mut key = [0; KEY_LEN];
    if text.len() != KEY_LEN * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}

fn failed(action: &str, path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    move |source| StateError::Io { action: format!("cannot {action} key file {}", path.display()), source }
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_LEN]>, StateError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("open", path)(e)),
    };
    check_private(&file, path)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed("read", path))?;
    let key = unhex(text.trim_end());
    key.map(Some).ok_or_else(|| {
        StateError::Sealed(format!("key file {} does not hold 64 hexadecimal digits", path.display()))
    })
}

#[cfg(unix)]
fn check_private(file: &File, path: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(failed("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(StateError::Sealed(format!(
        "key file {path} may be used by others than its owner (mode {mode:03o}); \
         make it private with: chmod 600 {path}",
        path = path.display()
    )))
}

#[cfg(not(unix))]
fn check_private(_: &File, _: &Path) -> Result<(), StateError> {
    Ok(())
}

fn create_key(path: &Path) -> Result<bool, StateError> {
    publish(path, &hex(&random::<KEY_LEN>()))
}

/// Writes a private file beside the place and links it there, which fails when
/// another process was first: nobody ever sees half of it. True when it was not.
fn publish(path: &Path, text: &str) -> Result<bool, StateError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let made_in: Vec<&Path> = parent.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(parent).map_err(failed("create the directory of", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent.join(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let made = write_private(&draft, text).and_then(|()| fs::hard_link(&draft, path));
    // What is left of a draft is harmless.
    let _ = fs::remove_file(&draft);
    match made {
        Ok(()) => {
            let above =
                made_in.iter().filter_map(|dir| dir.parent()).filter(|dir| !dir.as_os_str().is_empty());
            for dir in std::iter::once(parent).chain(above) {
                File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("keep", path))?;
            }
            Ok(true)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(failed("create", path)(e)),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Sealer;

    #[test]
    fn a_passphrase_gives_one_key_for_one_state() {
        let dir = tempfile::tempdir().expect("directory");
        let (here, there) = (dir.path().join("a/passphrase.json"), dir.path().join("b/passphrase.json"));
        let id = |phrase: &str, path: &Path| {
            Sealer::with_earlier(&Key::from_passphrase(phrase, path).expect("key"), &[]).key_id()
        };
        let first = id("correct horse", &here);
        assert_eq!(id("correct horse", &here), first);
        assert_ne!(id("correct horsf", &here), first);
        assert_ne!(id("correct horse", &there), first, "another salt");
        let text = fs::read_to_string(&here).expect("reads");
        assert!(!text.contains("horse"));
        fs::write(&here, text.replace("65536", "4294967295")).expect("writes");
        assert!(matches!(Key::from_passphrase("x", &here), Err(StateError::Corrupt(_))));
        assert_eq!(format!("{:?}", Key::of([7; 32])), "Key(hidden)");
    }

    #[test]
    fn racing_makers_get_one_key() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("deep/key");
        let made = std::thread::scope(|scope| {
            let run = || {
                let (sealer, made) = Sealer::load_or_create(&path).expect("key");
                (sealer.key_id(), made)
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
            all.into_iter().map(|t| t.join().expect("runs")).collect::<Vec<_>>()
        });
        assert_eq!(made.iter().filter(|(_, made)| *made).count(), 1);
        assert!(made.iter().all(|(id, _)| *id == made[0].0));
        assert_eq!(fs::read_dir(dir.path().join("deep")).expect("lists").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("key");
        Sealer::load_or_create(&path).expect("key");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        mode(0o640);
        let error = Sealer::load_or_create(&path).expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        mode(0o600);
        fs::write(&path, "short").expect("writes");
        assert!(matches!(Sealer::load_or_create(&path), Err(StateError::Sealed(_))));
    }
}
