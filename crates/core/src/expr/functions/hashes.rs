//! Checksums and name-based UUIDs, of text and of files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Param, Returns, param, quoting, text};
use super::files::read;
use crate::value::Value;

const TEXT: &[Param] = &[param("str", Str)];
const PATH: &[Param] = &[param("path", Str)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("md5", TEXT, Returns::String, |args, _| of_text::<Md5>(args, hex)),
    Function::new("sha1", TEXT, Returns::String, |args, _| of_text::<Sha1>(args, hex)),
    Function::new("sha256", TEXT, Returns::String, |args, _| of_text::<Sha256>(args, hex)),
    Function::new("sha512", TEXT, Returns::String, |args, _| of_text::<Sha512>(args, hex)),
    Function::new("base64sha256", TEXT, Returns::String, |args, _| of_text::<Sha256>(args, base64)),
    Function::new("base64sha512", TEXT, Returns::String, |args, _| of_text::<Sha512>(args, base64)),
    Function::new("filemd5", PATH, Returns::String, |args, c| of_file::<Md5>(args, c, hex)),
    Function::new("filesha1", PATH, Returns::String, |args, c| of_file::<Sha1>(args, c, hex)),
    Function::new("filesha256", PATH, Returns::String, |args, c| of_file::<Sha256>(args, c, hex)),
    Function::new("filesha512", PATH, Returns::String, |args, c| of_file::<Sha512>(args, c, hex)),
    Function::new("filebase64sha256", PATH, Returns::String, |args, c| of_file::<Sha256>(args, c, base64)),
    Function::new("filebase64sha512", PATH, Returns::String, |args, c| of_file::<Sha512>(args, c, base64)),
    Function::new("uuidv5", &[param("namespace", Str), param("name", Str)], Returns::String, uuidv5),
];

fn of_text<D: Digest>(args: &[Value], write: fn(&[u8]) -> String) -> Result<Value, Fault> {
    Ok(write(&D::digest(text(args, 0))).into())
}

fn of_file<D: Digest>(
    args: &[Value],
    context: &FunctionContext<'_>,
    write: fn(&[u8]) -> String,
) -> Result<Value, Fault> {
    Ok(write(&D::digest(read(args, context)?)).into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn uuidv5(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let namespace = match text(args, 0) {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other).map_err(|_| {
            let message = format!("{other:?} is neither a UUID nor one of dns, url, oid and x500");
            quoting(0, message, "must be a UUID or one of dns, url, oid and x500")
        })?,
    };
    Ok(Uuid::new_v5(&namespace, text(args, 1).as_bytes()).to_string().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, run};

    #[test]
    fn cases() {
        let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let sha256_base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
        check(&[
            ("md5", json!(["hello"]), Ok(json!("5d41402abc4b2a76b9719d911017c592"))),
            ("md5", json!([[]]), Err("a string is required")),
            ("sha1", json!(["hello"]), Ok(json!("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"))),
            ("sha1", json!([]), Err("missing")),
            ("sha256", json!(["hello"]), Ok(json!(sha256))),
            ("sha256", json!([null]), Err("null")),
            ("base64sha256", json!(["hello"]), Ok(json!(sha256_base64))),
            ("base64sha256", json!([{}]), Err("a string")),
            ("sha512", json!([null]), Err("null")),
            ("base64sha512", json!([null]), Err("null")),
            ("filemd5", json!(["hello.txt"]), Ok(json!("5d41402abc4b2a76b9719d911017c592"))),
            ("filemd5", json!(["none"]), Err("no such file")),
            ("filesha1", json!(["none"]), Err("no such file")),
            ("filesha256", json!(["hello.txt"]), Ok(json!(sha256))),
            ("filesha512", json!(["none"]), Err("no such file")),
            ("filebase64sha256", json!(["hello.txt"]), Ok(json!(sha256_base64))),
            ("filebase64sha512", json!(["none"]), Err("no such file")),
            ("uuidv5", json!(["dns", "www.example.com"]), Ok(json!("2ed6657d-e927-568b-95e1-2665a8aea6a2"))),
            ("uuidv5", json!(["tns", "x"]), Err("neither a UUID")),
        ]);
    }

    #[test]
    fn long_digests_have_their_length() {
        let digest = run("sha512", &json!(["hello"])).expect("sha512");
        assert_eq!(digest.as_str().map(str::len), Some(128));
        assert_eq!(run("filesha512", &json!(["hello.txt"])).expect("filesha512"), digest);
        let digest = run("base64sha512", &json!(["hello"])).expect("base64sha512");
        assert_eq!(run("filebase64sha512", &json!(["hello.txt"])).expect("filebase64sha512"), digest);
    }
}
