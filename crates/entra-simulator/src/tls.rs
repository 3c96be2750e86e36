//! TLS under any name: an authority of our own that is thrown away, and one certificate that it signs.
//!
//! Both are made at start. The keys stay in memory: the authority's is dropped as soon as it has signed, the server's
//! lives as long as the server.

mod listener;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use thiserror::Error;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use url::{Host, Url};

pub(crate) use listener::TlsListener;

/// Long enough for a demonstration that is left running, and short enough to be worth nothing later.
const LIFETIME_DAYS: i64 = 30;

/// Why TLS cannot be served.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    #[error("no certificate could be made")]
    Certificate(#[source] rcgen::Error),
    #[error("the certificate cannot be served")]
    Config(#[source] rustls::Error),
}

/// What TLS is served with, and whom clients have to trust for it.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: String,
}

impl Identity {
    /// An authority and a certificate for this machine, for the address we listen on, and for the host of the public
    /// address.
    pub(crate) fn generate(listen: IpAddr, public_url: Option<&Url>) -> Result<Self, TlsError> {
        let authority = authority().map_err(TlsError::Certificate)?;
        let key = KeyPair::generate().map_err(TlsError::Certificate)?;
        let certificate = server_parameters(&names(listen, public_url))
            .and_then(|parameters| parameters.signed_by(&key, &authority))
            .map_err(TlsError::Certificate)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|config| {
                    config
                        .with_no_client_auth()
                        .with_single_cert(vec![certificate.der().clone()], key)
                })
                .map_err(TlsError::Config)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            ca_pem: authority.pem(),
        })
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut parameters = named("Entra simulator, throw-away authority")?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

fn server_parameters(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = named("Entra simulator")?;
    parameters.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers, such as Python's since 3.13, insist on it.
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn named(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
    let midnight = |date: Date| {
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    parameters.not_before = midnight(today.saturating_sub(1.day()));
    parameters.not_after = midnight(today.saturating_add(LIFETIME_DAYS.days()));
    Ok(parameters)
}

/// What clients may call us.
fn names(listen: IpAddr, public_url: Option<&Url>) -> Vec<String> {
    let addresses = [
        Ipv4Addr::LOCALHOST.into(),
        Ipv6Addr::LOCALHOST.into(),
        listen,
    ];
    let mut names = BTreeSet::from(addresses.map(|address: IpAddr| address.to_string()));
    names.insert("localhost".to_owned());
    names.extend(public_url.and_then(Url::host).map(|host| match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }));
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_names_this_machine_and_the_public_host_once_each() {
        let public_url = Url::parse("https://login.microsoftonline.com/").unwrap();
        let names = names(Ipv4Addr::LOCALHOST.into(), Some(&public_url));
        assert_eq!(
            names,
            ["127.0.0.1", "::1", "localhost", "login.microsoftonline.com"]
        );
    }
}
