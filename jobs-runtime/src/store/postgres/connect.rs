//! Where the server is, and how to get there: hosts, encryption, deadlines.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Notification};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Result;
use super::url::{Parts, SslMode};
use crate::env::Rng;

/// A server that can be connected to.
pub(super) struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// How long one call or one attempt to connect may take.
    pub(super) deadline: Duration,
    /// The server's name for people.
    pub(super) place: Arc<str>,
    pub(super) rng: Rng,
}

impl Target {
    pub(super) fn new(parts: &Parts, deadline: Duration, place: Arc<str>) -> std::result::Result<Self, StoreError> {
        let mut config = parts.config.clone();
        let tls = match parts.ssl {
            SslMode::Disable => None,
            SslMode::Prefer | SslMode::Require => Some(unverified()?),
            SslMode::VerifyFull => Some(verified(parts)?),
        };
        config.ssl_mode(match parts.ssl {
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            SslMode::Require | SslMode::VerifyFull => DriverMode::Require,
        });
        let tls = tls.map(MakeRustlsConnect::new);
        Ok(Self { config, tls, deadline, place, rng: Rng::from_system() })
    }

    /// A new connection whose notifications go to `hear`, and the task that drives it until it ends.
    pub(super) async fn connect(&self, hear: impl Fn(&Notification) + 'static) -> Result<(Client, JoinHandle<()>)> {
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            return Ok((client, drive(connection, hear)));
        }
        let (client, connection) = self.config.connect(NoTls).await?;
        Ok((client, drive(connection, hear)))
    }
}

fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, hear: impl Fn(&Notification) + 'static) -> JoinHandle<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    tokio::task::spawn_local(async move {
        // Whoever uses the connection hears of its end by the answer to his call.
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message {
                hear(&notification);
            }
        }
    })
}

fn unusable(message: impl std::fmt::Display) -> StoreError {
    StoreError::Unusable(format!("TLS: {message}"))
}

fn verified(parts: &Parts) -> std::result::Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    match &parts.root {
        Some(path) => {
            let shown = path.display();
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(format!("{shown}: {error}")))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unusable(format!("{shown}: {error}")))?;
                roots.add(certificate).map_err(|error| unusable(format!("{shown}: {error}")))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(unusable("no trusted certificates were found; name a file of them by `sslrootcert` in the URL"));
    }
    Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
}

fn builder() -> std::result::Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, StoreError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)
}

fn unverified() -> std::result::Result<ClientConfig, StoreError> {
    let verifier = Arc::new(AnyCertificate(ring::default_provider()));
    Ok(builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes any certificate, as `sslmode=prefer` and `require` say: they keep listeners out, not impostors.
#[derive(Debug)]
struct AnyCertificate(CryptoProvider);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
