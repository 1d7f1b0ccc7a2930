//! What a server shows to be trusted.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certs::Pair;
use crate::error::{Context, Result};

/// Takes connections with a certificate.
pub(super) fn acceptor(pair: &Pair) -> Result<TlsAcceptor> {
    let certificate =
        CertificateDer::from_pem_slice(pair.certificate.as_bytes()).context("the certificate is no PEM")?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).context("the key is no PEM")?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .context("no version of TLS")?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .context("the certificate cannot be used")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
