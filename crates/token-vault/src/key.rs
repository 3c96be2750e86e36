//! The keys: one to seal with, which anybody may have, and one to open with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::error::{KeyError, SealError};
use crate::key_id::KeyId;
use crate::pem::{self, KEY_BYTES};
use crate::record::{Binding, OpenError, SealedFacts, TokenRecord};

/// Keeps what is sealed here from opening as anything else that is sealed with the same key.
const INFO: &[u8] = b"assent refresh token";
/// No refresh token is longer: a sealed one has to fit into a message of NATS, together with a flow.
const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// What seals.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: <X25519HkdfSha256 as hpke::Kem>::PublicKey,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM (`openssl pkey -pubout`).
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        Self::of(&pem::read_public(text)?)
    }

    fn of(bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        let key = <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(bytes);
        let id = KeyId::of(bytes);
        let key = key.map_err(|_| KeyError::Weak)?;
        // A point of small order is found out where it is used.
        let trial = hpke::setup_sender::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            INFO,
        );
        trial.map(drop).map_err(|_| KeyError::Weak)?;
        Ok(Self { id, key })
    }

    /// Which key it is.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        pem::write_public(&self.key.to_bytes().into())
    }

    /// Seals a refresh token that Microsoft has just given, for its place.
    pub fn seal(
        &self,
        token: &SecretString,
        binding: &Binding,
        facts: SealedFacts,
    ) -> Result<TokenRecord, SealError> {
        let token = token.expose_secret().as_bytes();
        if token.is_empty() || MAX_TOKEN_BYTES < token.len() {
            return Err(SealError::Length);
        }
        let associated = binding.associated_data(&self.id);
        let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &self.key,
            INFO,
            token,
            &associated,
        );
        let (encapsulated, ciphertext) = sealed.map_err(|_| SealError::Key)?;
        Ok(TokenRecord::new(
            self.id.clone(),
            binding,
            facts,
            URL_SAFE_NO_PAD.encode(encapsulated.to_bytes()),
            URL_SAFE_NO_PAD.encode(ciphertext),
        ))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id).finish()
    }
}

/// What opens. Zeroed when dropped.
pub struct PrivateKey {
    public: PublicKey,
    key: <X25519HkdfSha256 as hpke::Kem>::PrivateKey,
}

impl PrivateKey {
    /// A new key, from the system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let (key, _) = X25519HkdfSha256::gen_keypair();
        Self::of(key)
    }

    /// Reads a PKCS#8 key in PEM (`openssl genpkey -algorithm x25519`).
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        let bytes = pem::read_private(text)?;
        let key = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(bytes.as_slice());
        Self::of(key.map_err(|_| KeyError::OtherKind)?)
    }

    fn of(key: <X25519HkdfSha256 as hpke::Kem>::PrivateKey) -> Result<Self, KeyError> {
        let public = X25519HkdfSha256::sk_to_pk(&key);
        Ok(Self {
            public: PublicKey::of(&public.to_bytes().into())?,
            key,
        })
    }

    /// The key to seal with for this one.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(<[u8; KEY_BYTES]>::from(self.key.to_bytes()));
        pem::write_private(&bytes)
    }

    /// Opens what was sealed to this key for this place.
    pub(crate) fn open(
        &self,
        record: &TokenRecord,
        associated: &[u8],
    ) -> Result<SecretString, OpenError> {
        let (encapsulated, ciphertext) = record.sealed()?;
        let encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&encapsulated);
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.key,
            &encapsulated.map_err(|_| OpenError::Damaged)?,
            INFO,
            &ciphertext,
            associated,
        );
        let token = Zeroizing::new(opened.map_err(|_| OpenError::NotItsPlace)?);
        // A copy of exactly its length: none is left behind where a string shrinks.
        let token = std::str::from_utf8(&token).map_err(|_| OpenError::Damaged)?;
        Ok(SecretString::new(Box::from(token)))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public.id).finish()
    }
}
