//! The circuit breaker on real connections.

use std::time::{Duration, Instant};

use assent_microsoft_identity::{CircuitState, Entra, ErrorClass, MicrosoftHealth, RedeemError};
use serde_json::json;

use crate::authority::PATIENCE;
use crate::wire::{Reaction, Wire, look_up, metadata, redeem, skip};

fn unwell() -> Reaction {
    Reaction::status(500, "", &json!({}))
}

/// Fails until nobody is asked any more.
async fn opened(reaction: Reaction) -> (Wire, Entra) {
    let wire = Wire::start([reaction]).await;
    let entra = wire.entra();
    for _ in 0..5 {
        redeem(&entra).await.unwrap_err();
    }
    assert_eq!(wire.count(), 5);
    assert_eq!(entra.health().borrow().sign_in, CircuitState::Open);
    (wire, entra)
}

/// Nothing is sent, and the error says for how long.
async fn refused(wire: &Wire, entra: &Entra) -> Duration {
    let (sent, begun) = (wire.count(), Instant::now());
    let error = look_up(entra).await.unwrap_err();
    let told = error.retry_after().unwrap();
    let same = redeem(entra).await.unwrap_err().retry_after().unwrap();
    assert!(told.abs_diff(same) < Duration::from_secs(1));
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert_eq!(wire.count(), sent);
    told
}

#[tokio::test]
async fn five_failures_open_it_and_one_good_answer_closes_it() {
    let (wire, entra) = opened(unwell()).await;
    let mut health = entra.health();
    let told = refused(&wire, &entra).await;
    assert!(
        told <= Duration::from_secs(5) && told > Duration::from_secs(4),
        "{told:?}"
    );
    assert_eq!(health.borrow_and_update().graph, CircuitState::Closed);

    wire.set_reactions([Reaction::Bytes(metadata())]);
    skip(told).await;
    look_up(&entra).await.unwrap();
    assert_eq!(wire.count(), 6);
    assert!(health.has_changed().unwrap());
    assert_eq!(health.borrow_and_update().sign_in, CircuitState::Closed);
    look_up(&entra).await.unwrap();
}

#[tokio::test]
async fn the_pause_doubles_up_to_a_minute() {
    let (wire, entra) = opened(Reaction::Reset).await;
    for (sent, seconds) in (5..).zip([5, 10, 20, 40, 60, 60]) {
        assert_eq!(wire.count(), sent);
        let told = refused(&wire, &entra).await;
        let expected = Duration::from_secs(seconds);
        assert!(
            told <= expected && told + Duration::from_secs(2) > expected,
            "{told:?}"
        );
        skip(told).await;
        // One probe, which is not repeated.
        look_up(&entra).await.unwrap_err();
    }
}

#[tokio::test]
async fn one_probe_at_a_time() {
    let (wire, entra) = opened(unwell()).await;
    let mut health = entra.health();
    skip(Duration::from_secs(5)).await;
    wire.set_reactions([
        Reaction::Late(PATIENCE / 2, metadata()),
        Reaction::Bytes(metadata()),
    ]);
    let probe = tokio::spawn({
        let entra = entra.clone();
        async move { look_up(&entra).await }
    });
    let trying = |now: &MicrosoftHealth| now.sign_in == CircuitState::HalfOpen;
    health.wait_for(trying).await.unwrap();
    for _ in 0..50 {
        let told = look_up(&entra).await.unwrap_err().retry_after();
        assert_eq!(told, Some(Duration::from_secs(1)));
    }
    probe.await.unwrap().unwrap();
    assert_eq!(wire.count(), 6);
    look_up(&entra).await.unwrap();
}

#[tokio::test]
async fn a_probe_that_nobody_waits_for_is_none() {
    let (wire, entra) = opened(unwell()).await;
    skip(Duration::from_secs(5)).await;
    wire.set_reactions([Reaction::Hang(String::new()), Reaction::Bytes(metadata())]);
    let given_up = tokio::time::timeout(PATIENCE / 10, redeem(&entra)).await;
    assert!(given_up.is_err());
    look_up(&entra).await.unwrap();
}

#[tokio::test]
async fn silence_opens_it_too() {
    let wire = Wire::start([Reaction::Hang(String::new())]).await;
    let entra = wire.entra();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let entra = entra.clone();
            tokio::spawn(async move { look_up(&entra).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap_err();
    }
    refused(&wire, &entra).await;
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let refusals = [
        (
            400,
            json!({"error": "invalid_grant", "error_codes": [54005]}),
            ErrorClass::AlreadyRedeemed,
        ),
        (
            401,
            json!({"error": "invalid_client", "error_codes": [7_000_215]}),
            ErrorClass::OurFault,
        ),
        (
            429,
            json!({"error": "temporarily_unavailable"}),
            ErrorClass::TryAgain,
        ),
        (
            503,
            json!({"error": "temporarily_unavailable"}),
            ErrorClass::TryAgain,
        ),
        (500, json!({"error": "server_error"}), ErrorClass::TryAgain),
    ];
    let wire = Wire::start([]).await;
    let entra = wire.entra();
    for (status, body, class) in refusals {
        wire.set_reactions([Reaction::status(status, "", &body)]);
        for _ in 0..6 {
            let error = redeem(&entra).await.unwrap_err();
            assert!(
                matches!(&error, RedeemError::Refused(no) if no.class == class),
                "{body}: {error:?}"
            );
        }
    }
    // Nor is a tenant that does not exist, an answer that is too long, or one that makes no sense.
    for reaction in [
        Reaction::status(400, "", &json!({})),
        Reaction::Endless,
        Reaction::status(200, "", &json!([])),
    ] {
        wire.set_reactions([reaction]);
        for _ in 0..6 {
            look_up(&entra).await.unwrap_err();
        }
    }
    assert_eq!(entra.health().borrow().sign_in, CircuitState::Closed);
}
