//! Signing keys over the network: rotation, made-up names, outages.

use std::time::Instant;

use assent_microsoft_identity::{
    Entra, ExpectedNonce, IdTokenError, IdTokenExpectation, VerifiedIdentity,
};
use serde_json::json;

use crate::authority::{Answer, Authority, CLIENT, Key, PATIENCE, PERSON};

const KEYS: &str = "/organizations/discovery/v2.0/keys";

async fn verify(entra: &Entra, token: &str) -> Result<VerifiedIdentity, IdTokenError> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly("n1"),
        tenant: None,
        personal_accounts: false,
    };
    entra.verify_id_token(token, &[CLIENT], expectation).await
}

#[tokio::test]
async fn a_rotated_key_is_learnt_and_made_up_ones_are_not_chased() {
    let authority = Authority::start().await;
    let (old, new, stranger) = (Key::new("old"), Key::new("new"), Key::new("made-up"));
    authority.publish(&[&old]);
    let entra = authority.client(None);
    assert_eq!(
        verify(&entra, &authority.id_token(&old))
            .await
            .unwrap()
            .object_id,
        PERSON
    );
    assert_eq!(authority.requests(KEYS).len(), 1);

    authority.publish(&[&new]);
    assert!(verify(&entra, &authority.id_token(&new)).await.is_ok());
    assert_eq!(authority.requests(KEYS).len(), 2);
    assert!(matches!(
        verify(&entra, &authority.id_token(&old)).await,
        Err(IdTokenError::UnknownKey)
    ));

    let forged = authority.id_token(&stranger);
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (entra, forged) = (entra.clone(), forged.clone());
            tokio::spawn(async move { verify(&entra, &forged).await })
        })
        .collect();
    for attempt in attempts {
        assert!(matches!(
            attempt.await.unwrap(),
            Err(IdTokenError::UnknownKey)
        ));
    }
    // One for the old key, which is gone, and one for all who brought the made-up one.
    assert_eq!(authority.requests(KEYS).len(), 4);
}

#[tokio::test]
async fn without_keys_nothing_is_believed() {
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.at(KEYS, Answer::Silence);
    let entra = authority.client(None);
    let begun = Instant::now();
    let result = verify(&entra, &authority.id_token(&key)).await;
    assert!(
        matches!(result, Err(IdTokenError::KeysUnavailable(_))),
        "{result:?}"
    );
    assert!(begun.elapsed() < 2 * PATIENCE);
}

#[tokio::test]
async fn keys_from_elsewhere_are_not_fetched() {
    let (authority, elsewhere) = (Authority::start().await, Authority::start().await);
    let key = Key::new("k1");
    elsewhere.publish(&[&key]);
    let address = elsewhere.url.join(KEYS).unwrap();
    authority.at(
        "/organizations/v2.0/.well-known/openid-configuration",
        Answer::Json(200, json!({"jwks_uri": address})),
    );
    let result = verify(&authority.client(None), &authority.id_token(&key)).await;
    assert!(
        matches!(result, Err(IdTokenError::KeysUnavailable(_))),
        "{result:?}"
    );
    assert!(elsewhere.requests(KEYS).is_empty());
}
