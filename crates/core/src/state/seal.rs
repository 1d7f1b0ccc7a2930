//! Encryption of what must not be readable on disk.
//!
//! Guarantees: a sealed value says which key sealed it, so a wrong key and
//! damage are different errors; sealing the same value twice gives different
//! text; the key shows in no Debug output.
//!
//! Must not: decide what is sensitive. The value codec tags it
//! (`{"$sensitive": x}`), this turns the tag into `{"$sealed": "<base64>"}`
//! and back. JSON written to disk goes through [`Sealer::to_json`] or
//! [`Sealer::seal_json`].

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, OsRng, Payload};
use chacha20poly1305::{AeadCore, KeyInit, XChaCha20Poly1305, XNonce};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::store::StateError;

const OPEN_TAG: &str = "$sensitive";
const SEALED_TAG: &str = "$sealed";
/// As the tags look in JSON text; a quote within a string would be escaped, so
/// text without these has nothing to do.
const OPEN_TEXT: &str = "\"$sensitive\"";
const SEALED_TEXT: &str = "\"$sealed\"";

const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
const NONCE_LEN: usize = 24;
/// Keeps a sealed value from passing as a sealed file, and the reverse.
const VALUE_CONTEXT: &[u8] = b"tenantctl value 1\0";
const BYTES_CONTEXT: &[u8] = b"tenantctl bytes 1\0";

/// Seals and opens with one key.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    id: [u8; KEY_ID_LEN],
    hash_key: [u8; KEY_LEN],
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &format_args!("(hidden), id {}", self.key_id())).finish()
    }
}

impl Sealer {
    /// With this key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hmac(key, b"tenantctl key id")[..KEY_ID_LEN]);
        Sealer {
            cipher: XChaCha20Poly1305::new(key.into()),
            id,
            hash_key: hmac(key, b"tenantctl keyed hash"),
        }
    }

    /// Reads the key file, or makes one with a random key. True when it was
    /// made now. Processes that make it at once all get the same key.
    ///
    /// # Errors
    /// [`StateError::Sealed`] for a file that is no key or that others can
    /// read; otherwise the file system's.
    pub fn load_or_create(path: &Path) -> Result<(Sealer, bool), StateError> {
        match read_key(path)? {
            Some(key) => Ok((Sealer::new(&key), false)),
            None => {
                let made = create_key(path)?;
                let key = read_key(path)?
                    .ok_or_else(|| StateError::Sealed(format!("key file {} vanished", path.display())))?;
                Ok((Sealer::new(&key), made))
            }
        }
    }

    /// Names the key without telling it.
    pub fn key_id(&self) -> String {
        hex(&self.id)
    }

    /// Seals every sensitive value in JSON of the tagged form, at any depth.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn seal_json(&self, mut json: Json) -> Result<Json, StateError> {
        rewrite(&mut json, OPEN_TAG, &|inner| {
            let sealed = self.seal(inner.to_string().as_bytes(), VALUE_CONTEXT)?;
            Ok(json!({ SEALED_TAG: BASE64.encode(sealed) }))
        })?;
        Ok(json)
    }

    /// Opens every sealed value again.
    ///
    /// # Errors
    /// [`StateError::Sealed`] for another key, [`StateError::Corrupt`] for damage.
    pub fn unseal_json(&self, mut json: Json) -> Result<Json, StateError> {
        let damaged = || StateError::Corrupt("a sealed value is damaged".into());
        rewrite(&mut json, SEALED_TAG, &|inner| {
            let text = inner.as_str().ok_or_else(damaged)?;
            let plain = self.unseal(&BASE64.decode(text).map_err(|_| damaged())?, VALUE_CONTEXT)?;
            let value: Json = serde_json::from_slice(&plain).map_err(|_| damaged())?;
            Ok(json!({ OPEN_TAG: value }))
        })?;
        Ok(json)
    }

    /// Anything as JSON text with its sensitive values sealed.
    ///
    /// # Errors
    /// [`StateError::Refused`] for what must not be stored (ephemeral values).
    pub fn to_json<T: Serialize>(&self, value: &T) -> Result<String, StateError> {
        let refused = |e: serde_json::Error| StateError::Refused(format!("cannot be stored: {e}"));
        let text = serde_json::to_string(value).map_err(refused)?;
        if !text.contains(OPEN_TEXT) {
            return Ok(text);
        }
        let json = serde_json::from_str(&text).map_err(refused)?;
        Ok(self.seal_json(json)?.to_string())
    }

    /// The reverse of [`Sealer::to_json`].
    ///
    /// # Errors
    /// As [`Sealer::unseal_json`]; [`StateError::Corrupt`] for text that is
    /// not JSON of that type.
    pub fn from_json<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, StateError> {
        let corrupt = |e: &dyn fmt::Display| StateError::Corrupt(e.to_string());
        let text = std::str::from_utf8(text).map_err(|e| corrupt(&e))?;
        if !text.contains(SEALED_TEXT) {
            return serde_json::from_str(text).map_err(|e| corrupt(&e));
        }
        let json = serde_json::from_str(text).map_err(|e| corrupt(&e))?;
        serde_json::from_value(self.unseal_json(json)?).map_err(|e| corrupt(&e))
    }

    /// Seals a whole file. It opens only with the same `context` (what the
    /// file is and belongs to), so it cannot stand in for another.
    ///
    /// # Errors
    /// When it is too large for the cipher.
    pub fn seal_bytes(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, StateError> {
        self.seal(plain, &[BYTES_CONTEXT, context].concat())
    }

    /// Opens what [`Sealer::seal_bytes`] made.
    ///
    /// # Errors
    /// [`StateError::Sealed`] for another key, [`StateError::Corrupt`] for
    /// damage or another context.
    pub fn unseal_bytes(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, StateError> {
        self.unseal(sealed, &[BYTES_CONTEXT, context].concat())
    }

    /// Stands for a secret where only equality matters. Cannot be found by
    /// guessing without the key.
    pub fn keyed_hash(&self, data: &[u8]) -> String {
        hex(&hmac(&self.hash_key, data))
    }

    fn seal(&self, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, StateError> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let sealed = self
            .cipher
            .encrypt(&nonce, Payload { msg: plain, aad })
            .map_err(|_| StateError::Refused("a value is too large to be sealed".into()))?;
        Ok([&self.id[..], &nonce[..], &sealed[..]].concat())
    }

    fn unseal(&self, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, StateError> {
        let Some((id, rest)) = sealed.split_at_checked(KEY_ID_LEN) else {
            return Err(StateError::Corrupt("a sealed value is cut short".into()));
        };
        if id != self.id {
            let (found, own) = (hex(id), self.key_id());
            return Err(StateError::Sealed(format!(
                "a value was sealed with the key {found}, and the key at hand is {own}"
            )));
        }
        let Some((nonce, msg)) = rest.split_at_checked(NONCE_LEN) else {
            return Err(StateError::Corrupt("a sealed value is cut short".into()));
        };
        self.cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg, aad })
            .map_err(|_| StateError::Corrupt("a sealed value is damaged".into()))
    }
}

/// Replaces every object whose only key is `tag` by what `f` makes of its content.
fn rewrite(
    json: &mut Json,
    tag: &str,
    f: &dyn Fn(Json) -> Result<Json, StateError>,
) -> Result<(), StateError> {
    match json {
        Json::Array(items) => items.iter_mut().try_for_each(|item| rewrite(item, tag, f)),
        Json::Object(object) if object.len() == 1 && object.contains_key(tag) => {
            let inner = object.remove(tag).unwrap_or_default();
            *json = f(inner)?;
            Ok(())
        }
        Json::Object(object) => object.values_mut().try_for_each(|value| rewrite(value, tag, f)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Ok(()),
    }
}

/// HMAC-SHA-256 (RFC 2104); a key of 32 bytes is shorter than a block.
fn hmac(key: &[u8; KEY_LEN], data: &[u8]) -> [u8; 32] {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(data).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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

/// Writes a new key beside the place and links it there, which fails when
/// another process was first: nobody ever sees half a key.
fn create_key(path: &Path) -> Result<bool, StateError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(failed("create the directory of", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent.join(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let made = write_private(&draft, &hex(&XChaCha20Poly1305::generate_key(&mut OsRng)))
        .and_then(|()| fs::hard_link(&draft, path));
    // What is left of a draft is harmless.
    let _ = fs::remove_file(&draft);
    match made {
        Ok(()) => {
            File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed("keep", path))?;
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

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    #[test]
    fn seals_at_any_depth_and_opens_again() {
        let open = json!({"a": [{"b": {"$sensitive": {"$list": ["string", ["canary"]]}}}], "$$sensitive": 1});
        let sealed = sealer().seal_json(open.clone()).expect("seals");
        assert!(!sealed.to_string().contains("canary"));
        assert_eq!(sealer().unseal_json(sealed).expect("opens"), open);
    }

    #[test]
    fn a_wrong_key_is_told_from_damage() {
        let sealed = sealer().seal_bytes(b"x", b"file").expect("seals");
        assert!(matches!(Sealer::new(&[8; 32]).unseal_bytes(&sealed, b"file"), Err(StateError::Sealed(_))));
        assert!(matches!(sealer().unseal_bytes(&sealed, b"other"), Err(StateError::Corrupt(_))));
        for at in KEY_ID_LEN..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(matches!(sealer().unseal_bytes(&damaged, b"file"), Err(StateError::Corrupt(_))));
        }
        assert!(sealer().unseal_bytes(&sealed[..5], b"file").is_err());
    }

    #[test]
    fn hash_follows_rfc_4231_and_debug_hides_the_key() {
        // Test case 1 of RFC 4231: its key of 20 bytes is zero-padded anyway.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex(&hmac(&key, b"Hi There")), expected);
        assert_ne!(sealer().keyed_hash(b"x"), Sealer::new(&[8; 32]).keyed_hash(b"x"));
        assert!(!format!("{:?}", sealer()).contains("07070707"));
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
