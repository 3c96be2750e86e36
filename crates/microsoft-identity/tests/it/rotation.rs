//! Signing keys of the simulator's, rotated under load, and while it is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use assent_entra_simulator::story;
use assent_microsoft_identity::{Entra, ExpectedNonce, IdTokenError, IdTokenExpectation};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::wire::skip;

const ROTATIONS: u64 = 5;

/// Rotates five times while tokens are minted and verified without a pause, and says how many were.
async fn rotate_under_load(forget_old: bool) -> (Arc<Fixture>, u64) {
    let fixture = Arc::new(Fixture::new().await);
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    let verified = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    // A token whose key was forgotten between its minting and its verification is rightly refused. So forgetting waits
    // for those that are under way.
    let under_way = Arc::new(RwLock::new(()));
    let logins: Vec<_> = (0..8)
        .map(|_| {
            let (fixture, verified) = (Arc::clone(&fixture), Arc::clone(&verified));
            let (over, under_way) = (Arc::clone(&over), Arc::clone(&under_way));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let _under_way = if forget_old {
                        Some(under_way.read().await)
                    } else {
                        None
                    };
                    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
                    verified.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..ROTATIONS {
        let none_under_way = if forget_old {
            Some(under_way.write().await)
        } else {
            None
        };
        fixture
            .control("keys/rotate", json!({"forget_old": forget_old}))
            .await;
        drop(none_under_way);
        // The new key is in use before the next one comes.
        fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    for login in logins {
        login.await.unwrap();
    }
    let verified = verified.load(Ordering::Relaxed);
    (fixture, verified)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_in_a_row_fail_nobody() {
    for forget_old in [false, true] {
        let (fixture, verified) = rotate_under_load(forget_old).await;
        assert!(verified >= ROTATIONS, "{verified}");
        assert_eq!(fixture.calls("jwks").await, Some(1 + ROTATIONS));
    }
}

/// The beginning of a token, which is all that is read before its key is looked for.
fn naming(key: &str) -> String {
    let header = json!({"alg": "RS256", "kid": key}).to_string();
    format!("{}.e30.", URL_SAFE_NO_PAD.encode(header))
}

async fn look_for(entra: &Entra, key: &str) -> IdTokenError {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::CheckedElsewhere,
        tenant: None,
        personal_accounts: false,
    };
    entra
        .verify_id_token(&naming(key), &[], expectation)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn keys_are_replaced_after_a_day_without_holding_anybody_up() {
    let fixture = Fixture::new().await;
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    let day = Duration::from_hours(24);
    skip(day).await;
    skip(Duration::from_secs(1)).await;
    // A token with a known key is verified at once; the fetch goes on behind it.
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    while fixture.calls("jwks").await != Some(2) {
        tokio::task::yield_now().await;
    }
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(fixture.calls("jwks").await, Some(2));
}

#[tokio::test]
async fn while_microsoft_is_down_known_keys_serve_and_unknown_ones_are_not_judged() {
    let fixture = Fixture::new().await;
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    let down = json!({"endpoint": "jwks", "status": 500, "count": 100});
    fixture.control("faults", down).await;
    skip(Duration::from_hours(25)).await;
    for _ in 0..20 {
        fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
        let error = look_for(&fixture.entra, &Uuid::new_v4().to_string()).await;
        assert!(
            matches!(error, IdTokenError::KeysUnavailable(_)),
            "{error:?}"
        );
    }
}
