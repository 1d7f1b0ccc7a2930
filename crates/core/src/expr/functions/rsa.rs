//! `rsadecrypt`: text that was encrypted for a private key.
//!
//! Keys are taken as PKCS #1, PKCS #8 and OpenSSH write them, unencrypted.
//! Guarantees: no error quotes key or text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, Pkcs1v15Encrypt, RsaPrivateKey};

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Returns, failure, fault, param, text};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "rsadecrypt",
    &[param("ciphertext", Str), param("privatekey", Str)],
    Returns::String,
    decrypt,
)];

/// Larger keys take long, and nobody has them.
const MOST_BITS: usize = 16 * 1024;

fn decrypt(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let sealed = STANDARD.decode(text(args, 0)).map_err(|_| fault(0, "the text is not in base64"))?;
    let key = private_key(text(args, 1)).map_err(|why| fault(1, why))?;
    if key.n().bits() > MOST_BITS {
        return Err(fault(1, "the key is too large"));
    }
    let plain = key
        .decrypt(Pkcs1v15Encrypt, &sealed)
        .map_err(|_| failure("The text cannot be decrypted: it was not encrypted for this key."))?;
    let plain = String::from_utf8(plain).map_err(|_| failure("What was encrypted is not text in UTF-8."))?;
    Ok(plain.into())
}

/// The key in a PEM file.
fn private_key(pem: &str) -> Result<RsaPrivateKey, &'static str> {
    const ENCRYPTED: &str = "the key is protected by a passphrase, which cannot be asked for";
    // What stands before the key is not looked at.
    let begin = pem.find("-----BEGIN ").ok_or("there is no private key in PEM format")?;
    let pem = pem[begin..].trim_end();
    let label = pem.trim_start_matches("-----BEGIN ").split("-----").next().unwrap_or_default();
    let broken = "the key is broken or not one of RSA";
    match label {
        "RSA PRIVATE KEY" if pem.contains("ENCRYPTED") => Err(ENCRYPTED),
        "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_pem(pem).map_err(|_| broken),
        "PRIVATE KEY" => RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| broken),
        "ENCRYPTED PRIVATE KEY" => Err(ENCRYPTED),
        "OPENSSH PRIVATE KEY" => {
            let lines = pem.lines().skip(1).take_while(|line| !line.starts_with("-----"));
            let blob = STANDARD.decode(lines.collect::<String>()).map_err(|_| broken)?;
            let mut blob = Blob(blob.strip_prefix(b"openssh-key-v1\0").ok_or(broken)?);
            match blob.openssh() {
                Some(Ok(key)) => Ok(key),
                Some(Err(())) => Err(ENCRYPTED),
                None => Err(broken),
            }
        }
        _ => Err("the key is of a kind that is not known"),
    }
}

/// What is left of a key in OpenSSH's own notation.
struct Blob<'b>(&'b [u8]);

impl<'b> Blob<'b> {
    /// The one key in it; an error when it is encrypted.
    fn openssh(&mut self) -> Option<Result<RsaPrivateKey, ()>> {
        let (cipher, _kdf, _options) = (self.string()?, self.string()?, self.string()?);
        if cipher != b"none" {
            return Some(Err(()));
        }
        if self.number()? != 1 {
            return None;
        }
        let _public = self.string()?;
        let mut inner = Blob(self.string()?);
        if inner.number()? != inner.number()? || inner.string()? != b"ssh-rsa" {
            return None;
        }
        let mut integer = || Some(BigUint::from_bytes_be(inner.string()?));
        let (n, e, d) = (integer()?, integer()?, integer()?);
        let (_, p, q) = (integer()?, integer()?, integer()?);
        let key = RsaPrivateKey::from_components(n, e, d, vec![p, q]).ok()?;
        Some(Ok(key))
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;

    #[test]
    fn what_is_no_key_is_refused() {
        let armoured =
            |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        check(&[
            ("rsadecrypt", json!(["?", "x"]), Err("not in base64")),
            ("rsadecrypt", json!(["", "x"]), Err("no private key in PEM")),
            ("rsadecrypt", json!(["", armoured("RSA PRIVATE KEY", "AAAA")]), Err("broken or not one of RSA")),
            (
                "rsadecrypt",
                json!(["", armoured("OPENSSH PRIVATE KEY", "AAAA")]),
                Err("broken or not one of RSA"),
            ),
            // A length beyond the end.
            (
                "rsadecrypt",
                json!(["", armoured("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEA/////w==")]),
                Err("broken or not one of RSA"),
            ),
            ("rsadecrypt", json!(["", armoured("ENCRYPTED PRIVATE KEY", "AAAA")]), Err("passphrase")),
            ("rsadecrypt", json!(["", armoured("EC PRIVATE KEY", "AAAA")]), Err("a kind that is not known")),
            ("rsadecrypt", json!([null, ""]), Err("null")),
        ]);
    }
}
