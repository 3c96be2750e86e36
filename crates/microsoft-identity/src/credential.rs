//! Proving at the token endpoint that we are the registered application, also while a credential is being exchanged
//! for another.

mod assertion;
mod certificate;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::health::{
    CertificateStatus, CertificateValidity, CredentialPlace, CredentialStatus, HealthReporter,
};
use crate::metrics;
use crate::settings::{ClientCredential, Credentials, SettingsError};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// All our credentials, read and tried once.
pub(crate) struct OurCredentials {
    /// None, one or two.
    list: Vec<Credential>,
    /// The one to begin with: which Microsoft accepted last.
    preferred: AtomicUsize,
    health: HealthReporter,
}

pub(crate) struct Credential {
    place: CredentialPlace,
    auth: ClientAuth,
}

enum ClientAuth {
    Secret(SecretString),
    Certificate {
        key: EncodingKey,
        thumbprint: String,
        expires: SystemTime,
    },
}

impl OurCredentials {
    pub(crate) fn prepare(
        credentials: Credentials,
        health: HealthReporter,
    ) -> Result<Self, SettingsError> {
        let given = match credentials {
            Credentials::None => Vec::new(),
            Credentials::One(only) => vec![only],
            Credentials::Rotating { first, second } => vec![first, second],
        };
        let mut list = Vec::new();
        let mut certificates = Vec::new();
        for (place, credential) in [CredentialPlace::First, CredentialPlace::Second]
            .into_iter()
            .zip(given)
        {
            let (credential, certificate) = Credential::prepare(place, credential)?;
            list.push(credential);
            certificates.extend(certificate);
        }
        for certificate in &certificates {
            warn_unless_valid(certificate, SystemTime::now());
        }
        let status = if list.is_empty() {
            CredentialStatus::NotConfigured
        } else {
            CredentialStatus::NotTriedYet
        };
        health.report_configured(status, certificates);
        let prepared = Self {
            list,
            preferred: AtomicUsize::new(0),
            health,
        };
        prepared.set_metrics();
        Ok(prepared)
    }

    /// The credentials in the order in which to try them.
    pub(crate) fn by_preference(&self) -> impl Iterator<Item = &Credential> {
        let preferred = self.preferred.load(Ordering::Relaxed).min(self.list.len());
        let (later, sooner) = self.list.split_at(preferred);
        sooner.iter().chain(later)
    }

    /// Microsoft believed this one; the others were tried before and refused, with these numbers.
    pub(crate) fn note_accepted(&self, credential: &Credential, refused: &[u32]) {
        self.set_metrics();
        let was = self.preferred.load(Ordering::Relaxed);
        let is = credential.place.index();
        // What was under way while another request learnt better is old news.
        if was != is && refused.is_empty() {
            return;
        }
        self.preferred.store(is, Ordering::Relaxed);
        let status = match credential.place {
            CredentialPlace::First => CredentialStatus::Accepted,
            CredentialPlace::Second => CredentialStatus::SecondUsed,
        };
        if !self.health.report_credential(status) {
            return;
        }
        match credential.place {
            CredentialPlace::First => tracing::info!("Microsoft accepts our credential"),
            CredentialPlace::Second => tracing::warn!(
                operator_alarm = "microsoft_credential_refused",
                codes = ?refused,
                "Microsoft refuses our first credential; the second is used from now on"
            ),
        }
    }

    /// Microsoft believed none of them.
    pub(crate) fn note_refused(&self, mut codes: Vec<u32>) {
        self.set_metrics();
        codes.sort_unstable();
        codes.dedup();
        let status = CredentialStatus::Refused { codes };
        if self.health.report_credential(status.clone()) {
            tracing::error!(operator_alarm = "microsoft_credential_refused", "{status}");
        }
    }

    /// Sets the gauges again and again, because a recorder may be installed later than we are made.
    fn set_metrics(&self) {
        for credential in &self.list {
            if let ClientAuth::Certificate { expires, .. } = &credential.auth {
                metrics::set_certificate_expiry(credential.place, *expires);
            }
        }
    }
}

fn warn_unless_valid(certificate: &CertificateStatus, now: SystemTime) {
    let validity = certificate.validity(now);
    if validity != CertificateValidity::Valid {
        tracing::warn!(
            operator_alarm = "microsoft_certificate",
            credential = certificate.credential.as_str(),
            "{validity}"
        );
    }
}

impl Credential {
    fn prepare(
        place: CredentialPlace,
        credential: ClientCredential,
    ) -> Result<(Self, Option<CertificateStatus>), SettingsError> {
        let (auth, certificate) = match credential {
            ClientCredential::Secret(secret) => (ClientAuth::Secret(secret), None),
            ClientCredential::Certificate {
                key_pem,
                certificate_pem,
            } => {
                let read = certificate::parse(&key_pem, &certificate_pem)
                    .map_err(|problem| SettingsError::Credential { place, problem })?;
                let auth = ClientAuth::Certificate {
                    key: read.key,
                    thumbprint: read.thumbprint,
                    expires: read.not_after,
                };
                let status = CertificateStatus {
                    credential: place,
                    not_before: read.not_before,
                    not_after: read.not_after,
                };
                (auth, Some(status))
            }
        };
        Ok((Self { place, auth }, certificate))
    }

    /// What a token request carries as our authentication. It names the very endpoint that it is sent to.
    pub(crate) fn parameters(
        &self,
        client_id: &str,
        token_endpoint: &Url,
        now: u64,
    ) -> Result<Vec<(&'static str, String)>, jsonwebtoken::errors::Error> {
        Ok(match &self.auth {
            ClientAuth::Secret(secret) => {
                vec![("client_secret", secret.expose_secret().to_owned())]
            }
            ClientAuth::Certificate {
                key, thumbprint, ..
            } => {
                let audience = token_endpoint.as_str();
                let assertion = assertion::sign(key, thumbprint, client_id, audience, now)?;
                vec![
                    ("client_assertion_type", ASSERTION_TYPE.to_owned()),
                    ("client_assertion", assertion),
                ]
            }
        })
    }

    pub(crate) fn place(&self) -> CredentialPlace {
        self.place
    }
}

impl fmt::Debug for OurCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.auth {
            ClientAuth::Secret(_) => f.write_str("Secret(..)"),
            ClientAuth::Certificate { .. } => f.write_str("Certificate(..)"),
        }
    }
}
