//! A client certificate with any number of organizations.
//!
//! Kubernetes reads a user's groups from repeated organization attributes, and
//! rcgen keeps one attribute of a kind. So the subject, and with it the whole
//! certificate, is written here. Only what a Kubernetes client certificate
//! needs is written: version 3, ECDSA with SHA-256, one extension.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag, construct_der};

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const ORGANIZATION: &[u64] = &[2, 5, 4, 10];
const ECDSA_WITH_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const CLIENT_AUTHENTICATION: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 2];

/// UTCTime, in universal class.
const UTC_TIME: u8 = 0x17;
/// The years a UTCTime can name end with 2049.
const NOT_BEFORE: &str = "200101000000Z";
const NOT_AFTER: &str = "491231235959Z";

/// Signs, with the key of the authority named `issuer`, the certificate of
/// `user` for the public half of `key`. Both keys must be for P-256.
pub(crate) fn client_certificate(
    authority: &KeyPair,
    issuer: &str,
    key: &KeyPair,
    user: &str,
    groups: &[&str],
) -> Result<String, rcgen::Error> {
    let signed_part = construct_der(|writer| write_signed_part(writer, issuer, key, user, groups));
    let signature = authority.sign(&signed_part)?;
    Ok(pem(&construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_der(&signed_part);
            write_algorithm(writer.next());
            writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
        });
    })))
}

fn write_signed_part(writer: DERWriter<'_>, issuer: &str, key: &KeyPair, user: &str, groups: &[&str]) {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    const VERSION_3: u8 = 2;

    writer.write_sequence(|writer| {
        writer.next().write_tagged(Tag::context(0), |writer| writer.write_u8(VERSION_3));
        writer.next().write_u64(SERIAL.fetch_add(1, Ordering::Relaxed));
        write_algorithm(writer.next());
        write_name(writer.next(), issuer, &[]);
        writer.next().write_sequence(|writer| {
            write_time(writer.next(), NOT_BEFORE);
            write_time(writer.next(), NOT_AFTER);
        });
        write_name(writer.next(), user, groups);
        writer.next().write_der(&key.subject_public_key_info());
        writer.next().write_tagged(Tag::context(3), write_extensions);
    });
}

fn write_name(writer: DERWriter<'_>, common_name: &str, organizations: &[&str]) {
    writer.write_sequence(|writer| {
        for organization in organizations {
            write_attribute(writer.next(), ORGANIZATION, organization);
        }
        write_attribute(writer.next(), COMMON_NAME, common_name);
    });
}

fn write_attribute(writer: DERWriter<'_>, kind: &[u64], value: &str) {
    writer.write_set(|writer| {
        writer.next().write_sequence(|writer| {
            writer.next().write_oid(&ObjectIdentifier::from_slice(kind));
            writer.next().write_utf8_string(value);
        });
    });
}

fn write_algorithm(writer: DERWriter<'_>) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&ObjectIdentifier::from_slice(ECDSA_WITH_SHA256));
    });
}

fn write_extensions(writer: DERWriter<'_>) {
    let usage = construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_oid(&ObjectIdentifier::from_slice(CLIENT_AUTHENTICATION));
        });
    });
    writer.write_sequence(|writer| {
        writer.next().write_sequence(|writer| {
            writer.next().write_oid(&ObjectIdentifier::from_slice(EXTENDED_KEY_USAGE));
            writer.next().write_bytes(&usage);
        });
    });
}

fn write_time(writer: DERWriter<'_>, time: &str) {
    let mut der = vec![UTC_TIME, 13];
    der.extend_from_slice(time.as_bytes());
    writer.write_der(&der);
}

fn pem(der: &[u8]) -> String {
    const LINE: usize = 64;
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
