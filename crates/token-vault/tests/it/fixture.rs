//! Keys, places and tokens to try things with.

use assent_domain::ids::{AccountId, UserId};
use assent_token_vault::{Binding, KeyDirectory, KeyRing, SealedFacts, TokenRecord, Vault as _};
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const TOKEN: &str = "1.AXoA-a-refresh-token";
pub(crate) const CLIENT: &str = "a55e0000-0000-4000-8000-00000000c1d1";

pub(crate) fn account(text: &str) -> AccountId {
    text.parse().unwrap()
}

pub(crate) fn user(text: &str) -> UserId {
    text.parse().unwrap()
}

pub(crate) fn ana() -> Binding {
    Binding {
        account: account("acme"),
        user: user("auth0|ana"),
        tenant_id: Uuid::from_u128(1),
        object_id: Uuid::from_u128(2),
        client_id: CLIENT.to_owned(),
    }
}

pub(crate) fn facts(sequence: u64) -> SealedFacts {
    SealedFacts {
        sequence,
        epoch: Some(1),
        stored_at: "2026-11-28T10:00:00Z".parse().unwrap(),
    }
}

/// A directory with one key.
pub(crate) async fn ring() -> (TempDir, KeyDirectory, KeyRing) {
    let home = tempfile::tempdir().unwrap();
    let directory = KeyDirectory::new(home.path().join("keys"));
    directory.add().unwrap();
    let ring = KeyRing::load(directory.clone()).await.unwrap();
    (home, directory, ring)
}

pub(crate) async fn sealed(ring: &KeyRing, token: &str, binding: &Binding) -> TokenRecord {
    let key = ring.public_key().await;
    key.seal(&SecretString::from(token), binding, facts(7))
        .unwrap()
}
