//! Creations of DNS records as Route 53 takes them: only where there is none.
//!
//! moto looks for another record among all that come after it as well, and only
//! when it has made the same one before.

use http::Response;
use http::request::Parts;
use hyper::body::Bytes;

use crate::error::{Context, Result};

/// The one record that a request creates: its name and type.
pub(crate) fn created(head: &Parts, body: &Bytes) -> Option<(String, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let is_one = head.uri.path().trim_end_matches('/').ends_with("/rrset")
        && text.matches("<Change>").count() == 1
        && text.contains("<Action>CREATE</Action>")
        // Of these there are many with one name.
        && !text.contains("<SetIdentifier>");
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    is_one.then(|| part("Name").zip(part("Type"))).flatten()
}

/// The path that lists a record, if it is there, before all others.
pub(crate) fn listing(head: &Parts, name: &str, kind: &str) -> String {
    let path = head.uri.path().trim_end_matches('/');
    format!("{path}?name={name}&type={kind}&maxitems=1")
}

/// Whether a list begins with a record.
pub(crate) fn is_first(list: &Bytes, name: &str, kind: &str) -> bool {
    let text: String = String::from_utf8_lossy(list).split_whitespace().collect();
    let name = name.trim_end_matches('.').to_lowercase();
    [name.clone(), name.replace('*', "\\052")].iter().any(|name| {
        text.to_lowercase().contains(&format!("<name>{name}.</name><type>{}<", kind.to_lowercase()))
    })
}

/// What sets a record that is known not to be there.
pub(crate) fn setting(body: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(body);
    text.replace("<Action>CREATE</Action>", "<Action>UPSERT</Action>").into()
}

/// What is said when it is there.
pub(crate) fn refusal(name: &str, kind: &str, request: &str) -> Result<Response<Bytes>> {
    let said =
        format!("Tried to create resource record set [name='{name}', type='{kind}'] but it already exists");
    let body = format!(
        "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type>\
         <Code>InvalidChangeBatch</Code><Message>[{said}]</Message></Error><RequestId>{request}</RequestId>\
         </ErrorResponse>"
    );
    let response = Response::builder().status(400).header("content-type", "text/xml");
    response.header("x-amzn-requestid", request).body(body.into()).context("a malformed answer")
}
