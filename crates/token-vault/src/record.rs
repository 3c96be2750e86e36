//! A sealed refresh token, as it stands in the bucket.

use std::fmt;

use assent_domain::ids::{AccountId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::key_id::KeyId;

/// The version of the record, which says how it is sealed.
const VERSION: u32 = 1;

/// To what a token is bound. What is sealed for one place opens in no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// Whose tenant.
    pub tenant_id: Uuid,
    /// Whose mailbox.
    pub object_id: Uuid,
    /// The application at Microsoft that the token was given to.
    pub client_id: String,
}

impl Binding {
    pub(crate) fn associated_data(&self, key_id: &KeyId) -> Vec<u8> {
        associated_data(
            key_id,
            &self.account,
            &self.user,
            self.tenant_id,
            self.object_id,
            &self.client_id,
        )
    }
}

/// What is noted beside a token when it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFacts {
    /// Where in the log the consent stands that the token came with: whoever judges the token has to know that much.
    pub sequence: u64,
    /// The company's epoch in which that consent counts, where it is known by now: the token is of no use in another.
    pub epoch: Option<u64>,
    /// When it came, which is when Microsoft last said yes.
    pub stored_at: Timestamp,
}

/// A sealed refresh token, and what has to be known to use it. What is public here can be changed without the key; all but
/// the times, the mark and the places in the log is bound to the token, which no longer opens then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    version: u32,
    key_id: KeyId,
    /// Whose tenant.
    pub tenant_id: Uuid,
    /// Whose mailbox.
    pub object_id: Uuid,
    /// The application at Microsoft that the token was given to.
    pub client_id: String,
    /// Where in the log the consent stands that the token came with.
    pub sequence: u64,
    /// The company's epoch in which that consent counts. Absent in a record of a release that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The last event of the user and of the company when Microsoft last said yes to it; 0 where it has not been used yet.
    /// What was consented to after that may not have reached all of Microsoft.
    #[serde(default)]
    pub confirmed: u64,
    /// When it came.
    pub stored_at: Timestamp,
    /// When Microsoft last said yes to it.
    pub verified_at: Timestamp,
    /// Microsoft wants the user to sign in again before it can be used.
    #[serde(default)]
    pub reauthentication_required: bool,
    enc: Sealed,
    ciphertext: Sealed,
}

/// Text that only the key's owner can make something of. Nobody else needs to see it, either.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed")
    }
}

/// Why a record does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key that it was sealed to is not there.
    #[error("the token is sealed to the key {0}, which is not there")]
    UnknownKey(KeyId),
    /// It was sealed for another place, or was changed, or is not whole.
    #[error("the sealed token is not in the place it was sealed for, or was changed")]
    NotItsPlace,
    /// It can't be read at all.
    #[error("the sealed token is damaged")]
    Damaged,
    /// Another release has sealed it, in a way that this one does not know.
    #[error("the token is sealed in a way that this release does not know (version {0})")]
    OtherVersion(u32),
    /// What keeps the keys does not answer.
    #[error("the keys are out of reach: {0}")]
    OutOfReach(String),
}

impl TokenRecord {
    pub(crate) fn new(
        key_id: KeyId,
        binding: &Binding,
        facts: SealedFacts,
        enc: String,
        ciphertext: String,
    ) -> Self {
        Self {
            version: VERSION,
            key_id,
            tenant_id: binding.tenant_id,
            object_id: binding.object_id,
            client_id: binding.client_id.clone(),
            sequence: facts.sequence,
            epoch: facts.epoch,
            confirmed: 0,
            stored_at: facts.stored_at,
            verified_at: facts.stored_at,
            reauthentication_required: false,
            enc: Sealed(enc),
            ciphertext: Sealed(ciphertext),
        }
    }

    /// The key that opens it.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// To what it claims to be bound, where it was found in this user's place.
    pub fn binding(&self, account: &AccountId, user: &UserId) -> Binding {
        Binding {
            account: account.clone(),
            user: user.clone(),
            tenant_id: self.tenant_id,
            object_id: self.object_id,
            client_id: self.client_id.clone(),
        }
    }

    /// What is sealed, if it can be read: the encapsulated key, and the token.
    pub(crate) fn sealed(&self) -> Result<(Vec<u8>, Vec<u8>), OpenError> {
        if self.version != VERSION {
            return Err(OpenError::OtherVersion(self.version));
        }
        let bytes = |text: &Sealed| {
            let bytes = URL_SAFE_NO_PAD.decode(&text.0);
            bytes.map_err(|_| OpenError::Damaged)
        };
        Ok((bytes(&self.enc)?, bytes(&self.ciphertext)?))
    }
}

/// An array of JSON: nothing in one place can be taken for something in the next.
fn associated_data(
    key_id: &KeyId,
    account: &AccountId,
    user: &UserId,
    tenant_id: Uuid,
    object_id: Uuid,
    client_id: &str,
) -> Vec<u8> {
    let parts = serde_json::json!([
        VERSION,
        key_id,
        account.as_str(),
        user.as_str(),
        tenant_id,
        object_id,
        client_id
    ]);
    parts.to_string().into_bytes()
}
