//! Microsoft's signing keys, fetched through the circuit of the sign-in service.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assent_jwks::{KeyCache, KeySource, signature_keys};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::endpoints::metadata_endpoint;
use crate::tenant::TenantRef;
use crate::transport::{CallError, Service, parse};

const REFRESH_AFTER: Duration = Duration::from_hours(24);

/// Microsoft's published keys.
pub(crate) type SigningKeys = KeyCache<MicrosoftKeys>;

pub(crate) fn signing_keys(sign_in: Service, authority: Url) -> SigningKeys {
    let source = MicrosoftKeys {
        sign_in,
        authority,
        keys_address: OnceLock::new(),
    };
    KeyCache::new(source, REFRESH_AFTER)
}

/// One published key, and the issuer for which it signs.
pub(crate) struct SigningKey {
    pub(crate) decoding: DecodingKey,
    /// May hold the literal `{tenantid}`.
    pub(crate) issuer: String,
}

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("the keys could not be fetched")]
    Call(#[from] CallError),
    #[error("the keys made no sense: {0}")]
    Nonsense(&'static str),
}

pub(crate) struct MicrosoftKeys {
    sign_in: Service,
    authority: Url,
    keys_address: OnceLock<Url>,
}

impl KeySource for MicrosoftKeys {
    type Keys = HashMap<String, Arc<SigningKey>>;
    type Error = KeysError;

    async fn fetch(&self) -> Result<Self::Keys, KeysError> {
        let deadline = self.sign_in.deadline();
        let address = self.address_of_keys(deadline).await?;
        let answer = self.sign_in.get(&address, deadline).await?;
        if answer.status != 200 {
            return Err(KeysError::Nonsense("unexpected status"));
        }
        usable_keys(&answer.body)
    }
}

/// The keys with a name and an issuer: without an issuer a key proves nothing.
fn usable_keys(body: &[u8]) -> Result<HashMap<String, Arc<SigningKey>>, KeysError> {
    let published = signature_keys(body).map_err(|_| KeysError::Nonsense("not a key set"))?;
    let usable = published.into_iter().filter_map(|key| {
        let (id, issuer, decoding) = (key.id?, key.issuer?, key.decoding);
        (key.algorithm == Algorithm::RS256).then(|| (id, Arc::new(SigningKey { decoding, issuer })))
    });
    let usable: HashMap<_, _> = usable.collect();
    if usable.is_empty() {
        return Err(KeysError::Nonsense("no usable key"));
    }
    Ok(usable)
}

impl MicrosoftKeys {
    async fn address_of_keys(&self, deadline: Instant) -> Result<Url, KeysError> {
        if let Some(address) = self.keys_address.get() {
            return Ok(address.clone());
        }
        let metadata = metadata_endpoint(&self.authority, &TenantRef::Organizations);
        let answer = self.sign_in.get(&metadata, deadline).await?;
        let document: Metadata = parse(&answer.body).ok_or(KeysError::Nonsense("no metadata"))?;
        // Keys are trust: they come from the authority itself, wherever the metadata would like to send us.
        if document.jwks_uri.origin() != self.authority.origin() {
            return Err(KeysError::Nonsense("the keys are elsewhere"));
        }
        Ok(self.keys_address.get_or_init(|| document.jwks_uri).clone())
    }
}

#[derive(Deserialize)]
struct Metadata {
    jwks_uri: Url,
}
