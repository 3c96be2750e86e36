//! Signing keys of the simulator's, rotated under load and asked for by names that nobody has.

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

use crate::stage::Stage;
use crate::wire::skip;

const ROTATIONS: u64 = 5;

/// Rotates five times while tokens are minted and verified without a pause, and says how many were.
async fn rotate_under_load(forget_old: bool) -> (Arc<Stage>, u64) {
    let stage = Arc::new(Stage::new().await);
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    let verified = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    // A token whose key was forgotten between its minting and its verification is rightly refused. So forgetting waits
    // for those that are under way.
    let under_way = Arc::new(RwLock::new(()));
    let logins: Vec<_> = (0..8)
        .map(|_| {
            let (stage, verified) = (Arc::clone(&stage), Arc::clone(&verified));
            let (over, under_way) = (Arc::clone(&over), Arc::clone(&under_way));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let _under_way = if forget_old {
                        Some(under_way.read().await)
                    } else {
                        None
                    };
                    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
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
        stage
            .control("keys/rotate", json!({"forget_old": forget_old}))
            .await;
        drop(none_under_way);
        // The new key is in use before the next one comes.
        stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    for login in logins {
        login.await.unwrap();
    }
    let verified = verified.load(Ordering::Relaxed);
    (stage, verified)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_in_a_row_fail_nobody() {
    for forget_old in [false, true] {
        let (stage, verified) = rotate_under_load(forget_old).await;
        assert!(verified >= ROTATIONS, "{verified}");
        assert_eq!(stage.calls("jwks").await, Some(1 + ROTATIONS));
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

async fn is_unknown(entra: &Entra, key: &str) {
    let error = look_for(entra, key).await;
    assert!(matches!(error, IdTokenError::UnknownKey), "{error:?}");
}

fn made_up() -> String {
    Uuid::new_v4().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_who_make_up_keys_at_once_cost_next_to_nothing() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    let attempts: Vec<_> = (0..2000)
        .map(|_| {
            let entra = stage.entra.clone();
            tokio::spawn(async move { is_unknown(&entra, &made_up()).await })
        })
        .collect();
    for attempt in attempts {
        attempt.await.unwrap();
    }
    let fetches = stage.calls("jwks").await.unwrap() - 1;
    assert!((1..=5).contains(&fetches), "{fetches}");
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
}

#[tokio::test]
async fn one_after_the_other_they_cost_the_budget_and_no_more() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    for _ in 0..100 {
        is_unknown(&stage.entra, &made_up()).await;
    }
    assert_eq!(stage.calls("jwks").await, Some(1 + 5));
    // Whoever has a genuine new key waits for seconds, not for the attack to be over.
    stage.control("keys/rotate", json!({})).await;
    let error = stage.verify(&json!({}), story::CONTOSO).await.unwrap_err();
    assert!(matches!(error, IdTokenError::UnknownKey), "{error:?}");
    skip(Duration::from_secs(5)).await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(stage.calls("jwks").await, Some(1 + 6));
}

#[tokio::test]
async fn the_same_unknown_key_is_looked_for_once_in_ten_seconds() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    for (fetches, _) in (2..).zip(0..3) {
        for _ in 0..10 {
            is_unknown(&stage.entra, "made up").await;
        }
        assert_eq!(stage.calls("jwks").await, Some(fetches));
        skip(Duration::from_secs(10)).await;
    }
}

#[tokio::test]
async fn keys_are_replaced_after_a_day_without_holding_anybody_up() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    let day = Duration::from_hours(24);
    skip(day).await;
    skip(Duration::from_secs(1)).await;
    // A token with a known key is verified at once; the fetch goes on behind it.
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    while stage.calls("jwks").await != Some(2) {
        tokio::task::yield_now().await;
    }
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(stage.calls("jwks").await, Some(2));
}

#[tokio::test]
async fn while_microsoft_is_down_known_keys_serve_and_unknown_ones_are_not_judged() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    let down = json!({"endpoint": "jwks", "status": 500, "count": 100});
    stage.control("faults", down).await;
    skip(Duration::from_hours(25)).await;
    for _ in 0..20 {
        stage.verify(&json!({}), story::CONTOSO).await.unwrap();
        let error = look_for(&stage.entra, &made_up()).await;
        assert!(
            matches!(error, IdTokenError::KeysUnavailable(_)),
            "{error:?}"
        );
    }
}
