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
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, OsRng, Payload};
use chacha20poly1305::{AeadCore, KeyInit, XChaCha20Poly1305, XNonce};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::keys::Key;
use super::store::StateError;
use crate::value::exact;

const OPEN_TAG: &str = "$sensitive";
const SEALED_TAG: &str = "$sealed";
/// As the tags look in JSON text; a quote within a string would be escaped, so
/// text without these has nothing to do.
const OPEN_TEXT: &str = "\"$sensitive\"";
const SEALED_TEXT: &str = "\"$sealed\"";
/// As such values begin where nothing is laid out.
const OPEN_START: &str = "{\"$sensitive\":";
const SEALED_START: &str = "{\"$sealed\":\"";

pub(super) const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
const NONCE_LEN: usize = 24;
/// Keeps a sealed value from passing as a sealed file, and the reverse.
const VALUE_CONTEXT: &[u8] = b"tenantctl value 1\0";
const BYTES_CONTEXT: &[u8] = b"tenantctl bytes 1\0";

/// Seals with one key; opens with that one and with those before it.
pub struct Sealer {
    own: Cipher,
    hash_key: [u8; KEY_LEN],
    earlier: Vec<Cipher>,
}

/// A key as it is used, and its name.
struct Cipher {
    id: [u8; KEY_ID_LEN],
    cipher: XChaCha20Poly1305,
}

impl Cipher {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hmac(key, b"tenantctl key id")[..KEY_ID_LEN]);
        Cipher { id, cipher: XChaCha20Poly1305::new(key.into()) }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &format_args!("(hidden), id {}", self.key_id())).finish()
    }
}

impl Sealer {
    /// With this key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        Sealer { own: Cipher::new(key), hash_key: hmac(key, b"tenantctl keyed hash"), earlier: Vec::new() }
    }

    /// With this key; opens what these earlier ones have sealed, too.
    pub fn with_earlier(key: &Key, earlier: &[Key]) -> Self {
        let earlier = earlier.iter().map(|key| Cipher::new(key.bytes())).collect();
        Sealer { earlier, ..Sealer::new(key.bytes()) }
    }

    /// With the key of a file, which is made with a random key when there is
    /// none. True when it was made now.
    ///
    /// # Errors
    /// As [`Key::load_or_create`].
    pub fn load_or_create(path: &Path) -> Result<(Sealer, bool), StateError> {
        let (key, made) = Key::load_or_create(path)?;
        Ok((Sealer::with_earlier(&key, &[]), made))
    }

    /// Names the key without telling it.
    pub fn key_id(&self) -> String {
        hex(&self.own.id)
    }

    /// Seals every sensitive value in JSON of the tagged form, at any depth.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn seal_json(&self, mut json: Json) -> Result<Json, StateError> {
        rewrite(&mut json, OPEN_TAG, &|inner| {
            let sealed = self.seal(exact::text(inner.to_string()).as_bytes(), VALUE_CONTEXT)?;
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
            let text = std::str::from_utf8(&plain).map_err(|_| damaged())?;
            let value = exact::parse(text).map_err(|_| damaged())?;
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
        if let Some(sealed) = self.sealed(&text)? {
            return Ok(sealed);
        }
        let json = serde_json::from_str(&text).map_err(refused)?;
        Ok(self.seal_json(json)?.to_string())
    }

    /// A text with its sensitive values sealed; `None` where not every tag is
    /// that of a value. A text is written once then and not twice.
    fn sealed(&self, text: &str) -> Result<Option<String>, StateError> {
        let mut sealed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, open)) = rest.split_once(OPEN_START) {
            let mut values = serde_json::Deserializer::from_str(open).into_iter::<&RawValue>();
            let Some(Ok(value)) = values.next() else { return Ok(None) };
            let Some(after) = open.get(values.byte_offset()..).and_then(|after| after.strip_prefix('}'))
            else {
                return Ok(None);
            };
            if before.contains(OPEN_TEXT) {
                return Ok(None);
            }
            let value = BASE64.encode(self.seal(value.get().as_bytes(), VALUE_CONTEXT)?);
            sealed.extend([before, SEALED_START, &value, "\"}"]);
            rest = after;
        }
        let is_whole = !rest.contains(OPEN_TEXT);
        sealed.push_str(rest);
        Ok(is_whole.then_some(sealed))
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
        if let Some(opened) = self.opened(text)? {
            return serde_json::from_str(&opened).map_err(|e| corrupt(&e));
        }
        let json = serde_json::from_str(text).map_err(|e| corrupt(&e))?;
        serde_json::from_value(self.unseal_json(json)?).map_err(|e| corrupt(&e))
    }

    /// A text with its sealed values open; `None` where one does not stand as
    /// [`Sealer::to_json`] writes it. A text is read once then and not twice.
    fn opened(&self, text: &str) -> Result<Option<String>, StateError> {
        let mut opened = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, sealed)) = rest.split_once(SEALED_START) {
            let Some((sealed, after)) = sealed.split_once("\"}") else { return Ok(None) };
            if before.contains(SEALED_TEXT) {
                return Ok(None);
            }
            // A quote, too, is none of its characters: what follows is the end.
            let Ok(sealed) = BASE64.decode(sealed) else { return Ok(None) };
            let plain = self.unseal(&sealed, VALUE_CONTEXT)?;
            let Ok(plain) = std::str::from_utf8(&plain) else { return Ok(None) };
            opened.extend([before, "{", OPEN_TEXT, ":", plain, "}"]);
            rest = after;
        }
        let is_whole = !rest.contains(SEALED_TEXT);
        opened.push_str(rest);
        Ok(is_whole.then_some(opened))
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
            .own
            .cipher
            .encrypt(&nonce, Payload { msg: plain, aad })
            .map_err(|_| StateError::Refused("a value is too large to be sealed".into()))?;
        Ok([&self.own.id[..], &nonce[..], &sealed[..]].concat())
    }

    fn unseal(&self, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, StateError> {
        let Some((id, rest)) = sealed.split_at_checked(KEY_ID_LEN) else {
            return Err(StateError::Corrupt("a sealed value is cut short".into()));
        };
        let mut keys = std::iter::once(&self.own).chain(&self.earlier);
        let Some(Cipher { cipher, .. }) = keys.find(|key| key.id == id) else {
            let (found, own) = (hex(id), self.key_id());
            return Err(StateError::Sealed(format!(
                "a value was sealed with the key {found}, and the key at hand is {own}"
            )));
        };
        let Some((nonce, msg)) = rest.split_at_checked(NONCE_LEN) else {
            return Err(StateError::Corrupt("a sealed value is cut short".into()));
        };
        cipher
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

pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
    fn what_is_sealed_opens_however_it_is_laid_out() {
        let secret = |content: Json| json!({ "$sensitive": content });
        for open in [
            json!([secret(json!("a \"}\" b")), {"x": secret(json!({"y": [1, 2.5, "{\"$sealed\":\"QQ==\"}"]}))}]),
            json!({"$sealed": "with another", "z": secret(json!(1))}),
            json!([secret(secret(json!(["d", secret(json!("e"))]))), {"$sensitives": 1}]),
            json!([{"a": 1, "$sealed": "with another"}, secret(json!("b"))]),
            json!(["{\"$sealed\":\"QQ==\"}", secret(json!("c"))]),
        ] {
            let sealed = sealer().to_json(&open).expect("seals");
            let laid_out = serde_json::to_string_pretty(&sealer().seal_json(open.clone()).expect("seals"));
            for text in [sealed, laid_out.expect("JSON")] {
                assert!(!text.contains(OPEN_TEXT), "{text}");
                assert_eq!(sealer().from_json::<Json>(text.as_bytes()).expect("opens"), open, "{text}");
                assert!(matches!(
                    Sealer::new(&[8; 32]).from_json::<Json>(text.as_bytes()),
                    Err(StateError::Sealed(_))
                ));
            }
        }
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
    fn an_earlier_key_opens_and_seals_nothing() {
        let (old, new) = (Key::of([1; 32]), Key::of([2; 32]));
        let sealed = Sealer::with_earlier(&old, &[]).seal_bytes(b"x", b"file").expect("seals");
        let both = Sealer::with_earlier(&new, &[old]);
        assert_eq!(both.unseal_bytes(&sealed, b"file").expect("opens"), b"x");
        let anew = both.seal_bytes(b"x", b"file").expect("seals");
        assert_eq!(Sealer::with_earlier(&new, &[]).unseal_bytes(&anew, b"file").expect("opens"), b"x");
        assert!(matches!(Sealer::new(&[1; 32]).unseal_bytes(&anew, b"file"), Err(StateError::Sealed(_))));
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
}
