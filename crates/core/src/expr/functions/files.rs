//! Functions over files and paths.
//!
//! Guarantees: relative paths start from the root directory, as they do in
//! Terraform run there; `path.module` leads on from it.
//! Must not: read anything but through [`super::FileAccess`].

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Param, Returns, check_size, failure, fault, param, quoting, text};
use crate::value::{Type, Value};

const PATH: &[Param] = &[param("path", Str)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abspath", PATH, Returns::String, abspath),
    Function::new("basename", PATH, Returns::String, |args, _| Ok(basename(text(args, 0)).into())),
    Function::new("dirname", PATH, Returns::String, |args, _| Ok(dirname(text(args, 0)).into())),
    Function::new("file", PATH, Returns::String, file),
    Function::new("filebase64", PATH, Returns::String, |args, context| {
        Ok(STANDARD.encode(read(args, context)?).into())
    }),
    Function::new("fileexists", PATH, Returns::Bool, |args, context| {
        let exists = context.files.exists(&resolve(text(args, 0), context));
        Ok(exists.map_err(|why| quoting(0, why, "is not an ordinary file"))?.into())
    }),
    Function::new(
        "fileset",
        &[param("path", Str), param("pattern", Str)],
        Returns::Of(|_| Type::set(Type::String)),
        fileset,
    ),
    Function::new("pathexpand", PATH, Returns::String, pathexpand),
];

fn resolve(path: &str, context: &FunctionContext<'_>) -> PathBuf {
    context.root_dir.join(path)
}

/// The content of the file that the first argument names.
pub(super) fn read(args: &[Value], context: &FunctionContext<'_>) -> Result<Vec<u8>, Fault> {
    let path = text(args, 0);
    let content = context
        .files
        .read(&resolve(path, context))
        .map_err(|why| quoting(0, format!("cannot read {path:?}: {why}"), "the file cannot be read"))?;
    check_size(Some(content.len()))?;
    Ok(content)
}

fn file(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    String::from_utf8(read(args, context)?)
        .map(Value::from)
        .map_err(|_| fault(0, "the file is not valid UTF-8; use filebase64 to read it as Base64"))
}

fn fileset(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let dir = resolve(text(args, 0), context);
    let found = context
        .files
        .glob(&dir, text(args, 1))
        .map_err(|why| quoting(1, why, "the files cannot be listed"))?;
    Ok(Value::set(Type::String, found.into_iter().map(Value::from).collect()))
}

fn abspath(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let path = context
        .files
        .absolute(&resolve(text(args, 0), context))
        .map_err(|why| quoting(0, why, "has no absolute path"))?;
    Ok(clean(&path.to_string_lossy()).into())
}

/// A leading `~` is the user's home.
fn pathexpand(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let path = text(args, 0);
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = context.files.home().ok_or_else(|| failure("there is no home directory"))?;
            Ok(clean(&format!("{}{rest}", home.display())).into())
        }
        Some(_) => Err(fault(0, "must not name another user's home")),
        None => Ok(path.into()),
    }
}

/// The last part of a path; `.` for none, `/` for the root.
fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" if path.is_empty() => ".",
        "" => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// All but the last part.
fn dirname(path: &str) -> String {
    clean(path.rfind('/').map_or("", |end| &path[..=end]))
}

/// A path without `.`, `..` and doubled separators.
fn clean(dir: &str) -> String {
    let rooted = dir.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".into(),
        (false, rest) => rest,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;

    #[test]
    fn cases() {
        check(&[
            ("abspath", json!(["a/../b"]), Ok(json!("/root/b"))),
            ("abspath", json!([null]), Err("null")),
            ("pathexpand", json!(["~/x"]), Ok(json!("/home/me/x"))),
            ("pathexpand", json!(["a~"]), Ok(json!("a~"))),
            ("pathexpand", json!(["~you/x"]), Err("another user's")),
            ("basename", json!(["a/b.txt"]), Ok(json!("b.txt"))),
            ("basename", json!(["a/b/"]), Ok(json!("b"))),
            ("basename", json!([""]), Ok(json!("."))),
            ("basename", json!(["//"]), Ok(json!("/"))),
            ("basename", json!([null]), Err("null")),
            ("dirname", json!(["a/b.txt"]), Ok(json!("a"))),
            ("dirname", json!(["b.txt"]), Ok(json!("."))),
            ("dirname", json!(["/a//x/../b/c"]), Ok(json!("/a/b"))),
            ("dirname", json!(["../../x"]), Ok(json!("../.."))),
            ("dirname", json!(["/x"]), Ok(json!("/"))),
            ("dirname", json!([[]]), Err("a string")),
            ("file", json!(["hello.txt"]), Ok(json!("hello"))),
            ("file", json!(["raw.bin"]), Err("not valid UTF-8")),
            ("file", json!(["none"]), Err("cannot read \"none\": no such file")),
            ("filebase64", json!(["raw.bin"]), Ok(json!("/wA="))),
            ("filebase64", json!(["none"]), Err("no such file")),
            ("fileexists", json!(["hello.txt"]), Ok(json!(true))),
            ("fileexists", json!(["none"]), Ok(json!(false))),
            ("fileexists", json!([null]), Err("null")),
            ("fileset", json!(["", "*.txt"]), Ok(json!(["hello.txt"]))),
            ("fileset", json!(["", "["]), Err("malformed")),
        ]);
    }
}
