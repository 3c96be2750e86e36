//! Which certificate a NATS server shows.
//!
//! The client library verifies it and tells nothing of it. Whoever has to know when it expires, also once it has, looks at it
//! over a connection of its own, on which nothing is sent but the beginning of TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_nats::ServerAddr;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

use crate::settings::ConnectionSettings;

/// A server introduces itself in one line.
const LONGEST_INFO: u64 = 64 * 1024;

/// Why a server's certificate was not seen.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Nobody answered in time.
    #[error("{0} did not show its certificate in time")]
    TimedOut(String),
    /// The address can't be read, or the connection broke.
    #[error("{address} can't be asked for its certificate")]
    Unreachable {
        /// The address.
        address: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// The certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The address, as it is configured.
    pub address: String,
    /// The certificate in DER; `None` where the server speaks no TLS.
    pub der: Option<Vec<u8>>,
}

/// What a server says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    tls_available: bool,
}

/// Looks at the certificate of each server in the settings, which may be expired or somebody else's: it proves nothing.
pub async fn server_certificates(
    settings: &ConnectionSettings,
    deadline: Duration,
) -> Vec<Result<ServerCertificate, CertificateError>> {
    let mut seen = Vec::new();
    for address in settings.url.split(',').map(str::trim) {
        let looked = tokio::time::timeout(deadline, look(address)).await;
        seen.push(match looked {
            Err(_) => Err(CertificateError::TimedOut(address.to_owned())),
            Ok(Err(source)) => Err(CertificateError::Unreachable {
                address: address.to_owned(),
                source,
            }),
            Ok(Ok(der)) => Ok(ServerCertificate {
                address: address.to_owned(),
                der,
            }),
        });
    }
    seen
}

async fn look(address: &str) -> io::Result<Option<Vec<u8>>> {
    let server: ServerAddr = address.parse()?;
    let stream = TcpStream::connect((server.host(), server.port())).await?;
    let mut greeting = BufReader::new(stream.take(LONGEST_INFO));
    let mut line = String::new();
    greeting.read_line(&mut line).await?;
    let info: Info = line
        .strip_prefix("INFO ")
        .and_then(|info| serde_json::from_str(info.trim()).ok())
        .ok_or_else(|| io::Error::other("it does not speak as a NATS server does"))?;
    if !info.tls_required && !info.tls_available && !server.tls_required() {
        return Ok(None);
    }
    // The server says nothing more before TLS begins, so nothing is left in the buffer.
    let stream = greeting.into_inner().into_inner();
    let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
    let connected = connector()?.connect(name, stream).await?;
    let (_, session) = connected.get_ref();
    let shown = session.peer_certificates().and_then(<[_]>::first);
    Ok(shown.map(|certificate| certificate.to_vec()))
}

fn connector() -> io::Result<TlsConnector> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let anybody = Arc::new(Anybody(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Lets every certificate pass: nothing is believed of whoever shows it, and nothing is told to them.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
