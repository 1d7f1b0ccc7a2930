//! The certificate authority of one stack, and what it signs.
//!
//! All keys are made for the run and kept in its folder. They are ECDSA keys:
//! making one takes no noticeable time, and Kubernetes accepts them for service
//! account tokens too.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::error::{Context, Result};
use crate::x509;

/// The only attribute of the authority's name; client certificates repeat it.
pub(crate) const AUTHORITY: &str = "tenantctl test authority";

/// A certificate and its private key, both PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = named(AUTHORITY);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = new_key()?;
        let certificate = params.self_signed(&key).context("cannot sign the test authority")?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// For the API server, under the names it has from outside and inside.
    pub(crate) fn server(&self) -> Result<Pair> {
        let mut params = named("kube-apiserver");
        let names = ["localhost", "127.0.0.1", "kubernetes.default.svc", "10.96.0.1"];
        params.subject_alt_names = CertificateParams::new(names.map(String::from))
            .context("cannot name the server")?
            .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = new_key()?;
        let certificate =
            params.signed_by(&key, &self.issuer).context("cannot sign the server's certificate")?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// For a client that Kubernetes shall take for `user`, a member of `groups`.
    pub(crate) fn client(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        let key = new_key()?;
        let certificate = x509::client_certificate(self.issuer.key(), AUTHORITY, &key, user, groups)
            .context(format!("cannot sign a certificate for {user}"))?;
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
}

pub(crate) fn new_key() -> Result<KeyPair> {
    KeyPair::generate().context("cannot make a key")
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params
}
