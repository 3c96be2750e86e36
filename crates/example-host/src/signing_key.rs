//! The key that signs our tokens, and how it is published for Assent to check them.

use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// An ES256 key. Its name (`kid`) is its thumbprint (RFC 7638), so a new key has a new name without anybody choosing one.
pub(crate) struct SigningKey {
    private: EncodingKey,
    public: Jwk,
    name: String,
}

impl SigningKey {
    /// Generates a key. Tokens signed with an earlier one are worth nothing from then on.
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        Self::new(EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref()))
    }

    /// Reads a key from a PEM file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let pem = std::fs::read(path)
            .with_context(|| format!("cannot read {shown} (HOST_SIGNING_KEY_FILE)"))?;
        EncodingKey::from_ec_pem(&pem)
            .map_err(anyhow::Error::from)
            .and_then(Self::new)
            .with_context(|| format!("{shown} (HOST_SIGNING_KEY_FILE) is no PKCS#8 key on P-256"))
    }

    fn new(private: EncodingKey) -> anyhow::Result<Self> {
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        let name = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(name.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            private,
            public,
            name,
        })
    }

    /// The key set that `/.well-known/jwks.json` answers. To change the key, publish both for as long as tokens of the old one live.
    pub(crate) fn published(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.public.clone()],
        }
    }

    /// Signs a token with these claims.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let header = Header {
            kid: Some(self.name.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, claims, &self.private)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn a_key_from_a_file_is_published_under_its_thumbprint() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = BASE64_STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        let directory = std::env::temp_dir();
        let path = directory.join(format!("hirely-key-{}.pem", uuid::Uuid::new_v4()));
        std::fs::write(&path, pem).unwrap();

        let read = (SigningKey::read(&path), SigningKey::read(&path));
        std::fs::remove_file(&path).unwrap();

        let (first, second) = (read.0.unwrap(), read.1.unwrap());
        assert_eq!(first.name, second.name);
        assert!(first.published().find(&first.name).is_some());
    }

    #[test]
    fn a_file_without_a_key_is_refused_by_name() {
        let refused = SigningKey::read(Path::new("/dev/null")).err().unwrap();

        assert!(refused.to_string().contains("HOST_SIGNING_KEY_FILE"));
    }

    #[test]
    fn every_key_has_a_name_of_its_own() {
        let (one, other) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );

        assert_ne!(one.name, other.name);
    }
}
