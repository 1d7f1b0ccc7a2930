//! Text in other encodings, and compressed text.
//!
//! Guarantees: text that an encoding cannot hold is refused, not replaced;
//! what is unpacked is bounded.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Returns, check_size, failure, fault, param, quoting, text};
use super::{FunctionContext, LIMIT};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64gunzip", &[param("source", Str)], Returns::String, gunzip),
    Function::new("base64gzip", &[param("str", Str)], Returns::String, gzip),
    Function::new(
        "textdecodebase64",
        &[param("source", Str), param("encoding", Str)],
        Returns::String,
        decode,
    ),
    Function::new(
        "textencodebase64",
        &[param("string", Str), param("encoding", Str)],
        Returns::String,
        encode,
    ),
];

fn gzip(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    // The operating system is left open, so that the bytes are the same anywhere.
    let mut packer = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::default());
    let packed = packer.write_all(text(args, 0).as_bytes()).and_then(|()| packer.finish());
    let packed = packed.map_err(|error| failure(format!("it cannot be compressed: {error}")))?;
    Ok(STANDARD.encode(packed).into())
}

fn gunzip(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let packed = STANDARD.decode(text(args, 0)).map_err(|_| fault(0, "is not valid Base64"))?;
    let mut unpacked = Vec::new();
    let most = u64::try_from(LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed.as_slice())
        .take(most)
        .read_to_end(&mut unpacked)
        .map_err(|_| fault(0, "what it encodes is not compressed with gzip"))?;
    check_size(Some(unpacked.len()))?;
    let unpacked = String::from_utf8(unpacked);
    unpacked.map(Value::from).map_err(|_| fault(0, "what it holds is not valid UTF-8"))
}

/// The encodings that text can be in.
enum Charset {
    Ascii,
    Latin1,
    /// With the bytes of each unit in this order, and a mark of it in front.
    Utf16 {
        big: bool,
        mark: bool,
    },
    Other(&'static Encoding),
}

/// Names that the web takes, but that nobody registered, or of encodings that
/// Terraform does not have.
const OF_THE_WEB: &[&str] = &[
    "ascii",
    "big5-hkscs",
    "chinese",
    "cn-big5",
    "csgb2312",
    "csiso58gb231280",
    "csisolatin9",
    "csksc56011987",
    "csunicode",
    "dos-874",
    "gb2312",
    "gb_2312",
    "gb_2312-80",
    "iso-10646-ucs-2",
    "iso-8859-11",
    "iso-ir-149",
    "iso-ir-58",
    "koi",
    "koi8",
    "koi8-ru",
    "koi8_r",
    "korean",
    "l9",
    "latin-1",
    "logical",
    "ms932",
    "replacement",
    "shift-jis",
    "sjis",
    "sun_eu_greek",
    "tis-620",
    "ucs-2",
    "utf8",
    "visual",
    "windows-31j",
    "windows-949",
];
/// How more such names begin.
const OF_THE_WEB_BEGIN: &[&str] = &["cp125", "iso88", "ks_c_", "ksc", "unicode", "x-"];

/// Finds an encoding by its registered name.
fn charset(args: &[Value]) -> Result<Charset, Fault> {
    let name = text(args, 1);
    let unknown = || quoting(1, format!("there is no encoding {name:?}"), "is no encoding's name");
    let lower = name.to_ascii_lowercase();
    if OF_THE_WEB.contains(&&*lower) || OF_THE_WEB_BEGIN.iter().any(|begin| lower.starts_with(begin)) {
        return Err(unknown());
    }
    Ok(match &*lower {
        "us-ascii" | "csascii" | "iso646-us" | "ansi_x3.4-1968" | "us" | "cp367" | "ibm367" => Charset::Ascii,
        "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "latin1" | "l1" | "ibm819" | "cp819" => {
            Charset::Latin1
        }
        "utf-16" => Charset::Utf16 { big: true, mark: true },
        "utf-16be" => Charset::Utf16 { big: true, mark: false },
        "utf-16le" => Charset::Utf16 { big: false, mark: false },
        _ => Charset::Other(Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(unknown)?),
    })
}

fn encode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let given = text(args, 0);
    check_size(given.len().checked_mul(4))?;
    let single = |limit: u32| -> Option<Vec<u8>> {
        given.chars().map(|c| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) < limit)).collect()
    };
    let bytes = match charset(args)? {
        Charset::Ascii => single(0x80),
        Charset::Latin1 => single(0x100),
        Charset::Utf16 { big, mark } => {
            let mark = mark.then_some(0xfeff);
            let order = if big { u16::to_be_bytes } else { u16::to_le_bytes };
            Some(mark.into_iter().chain(given.encode_utf16()).flat_map(order).collect())
        }
        Charset::Other(encoding) => {
            let (bytes, _, replaced) = encoding.encode(given);
            (!replaced).then(|| bytes.into_owned())
        }
    };
    let bytes = bytes.ok_or_else(|| fault(0, "has characters that the encoding cannot represent"))?;
    Ok(STANDARD.encode(bytes).into())
}

fn decode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let charset = charset(args)?;
    let bytes = STANDARD.decode(text(args, 0)).map_err(|_| fault(0, "is not valid Base64"))?;
    let decoded = match charset {
        Charset::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Latin1 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf16 { big, mark } => utf16(&bytes, big, mark),
        Charset::Other(encoding) => encoding
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .map(std::borrow::Cow::into_owned),
    };
    decoded.map(Value::from).ok_or_else(|| fault(0, "has bytes that the encoding does not define"))
}

fn utf16(bytes: &[u8], mut big: bool, mark: bool) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut pairs = pairs;
    if mark && let Some((first, others)) = pairs.split_first() {
        (big, pairs) = match first {
            [0xfe, 0xff] => (true, others),
            [0xff, 0xfe] => (false, others),
            _ => (big, pairs),
        };
    }
    let order = if big { u16::from_be_bytes } else { u16::from_le_bytes };
    char::decode_utf16(pairs.iter().map(|pair| order(*pair))).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, run};

    #[test]
    fn cases() {
        check(&[
            ("textencodebase64", json!(["hé", "ISO-8859-1"]), Ok(json!("aOk="))),
            ("textencodebase64", json!(["a", "UTF-16"]), Ok(json!("/v8AYQ=="))),
            ("textencodebase64", json!(["日", "Shift_JIS"]), Ok(json!("k/o="))),
            ("textencodebase64", json!(["日", "windows-1252"]), Err("cannot represent")),
            ("textencodebase64", json!(["a", "nosuch"]), Err("no encoding \"nosuch\"")),
            ("textdecodebase64", json!(["aABpAA==", "UTF-16LE"]), Ok(json!("hi"))),
            ("textdecodebase64", json!(["//5oAA==", "UTF-16"]), Ok(json!("h"))),
            ("textdecodebase64", json!(["/w==", "UTF-8"]), Err("does not define")),
            ("textdecodebase64", json!(["aGk", "UTF-8"]), Err("not valid Base64")),
            ("base64gunzip", json!(["aGVsbG8="]), Err("gzip")),
            ("base64gunzip", json!(["!"]), Err("not valid Base64")),
            ("base64gzip", json!([null]), Err("null")),
        ]);
        let packed = run("base64gzip", &json!(["hello"])).expect("packed");
        assert_eq!(run("base64gunzip", &json!([packed.as_str()])).expect("unpacked").as_str(), Some("hello"));
    }
}
