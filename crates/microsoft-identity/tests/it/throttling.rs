//! `Retry-After` on real answers: waited for where there is time, and told where there is not.

use std::time::{Duration, Instant, SystemTime};

use assent_microsoft_identity::{AccessToken, DiscoveryError, RedeemError};
use serde_json::json;

use crate::wire::{Reaction, Wire, look_up, metadata, patient, redeem, skip};

const ENOUGH: Duration = Duration::from_secs(5);

fn throttled(status: u16, retry_after: &str) -> Reaction {
    Reaction::status(
        status,
        &format!("retry-after: {retry_after}\r\n"),
        &json!({}),
    )
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    for (status, is_date) in [(429, false), (503, false), (429, true)] {
        let soon = SystemTime::now() + Duration::from_secs(2);
        let retry_after = if is_date {
            httpdate::fmt_http_date(soon)
        } else {
            "1".to_owned()
        };
        let first = throttled(status, &retry_after);
        let wire = Wire::start([first, Reaction::Bytes(metadata())]).await;
        let begun = Instant::now();
        let found = look_up(&patient(&wire.url, ENOUGH)).await;
        assert!(found.is_ok(), "{status} {retry_after}: {found:?}");
        assert_eq!(wire.count(), 2);
        // A date has whole seconds only.
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(900), "{waited:?}");
    }
}

#[tokio::test]
async fn a_long_pause_is_told_at_once_and_kept() {
    let wire = Wire::start([throttled(429, "120"), Reaction::Bytes(metadata())]).await;
    let entra = wire.entra();
    let error = look_up(&entra).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable(_)), "{error:?}");
    let told = error.retry_after().unwrap().as_secs_f64();
    assert!((119.0..=120.0).contains(&told), "{told}");

    // Nobody asks before that time, not even for something else.
    skip(Duration::from_mins(1)).await;
    let error = redeem(&entra).await.unwrap_err();
    let told = error.retry_after().unwrap().as_secs_f64();
    assert!((58.0..=60.0).contains(&told), "{told}");
    assert_eq!(wire.count(), 1);
    // Another service is not concerned.
    let elsewhere = entra.tenant_wide_grant(&AccessToken::new("at"), &[]).await;
    assert!(elsewhere.is_err());
    assert_eq!(wire.count(), 2);

    skip(Duration::from_mins(1)).await;
    look_up(&entra).await.unwrap();
    assert_eq!(wire.count(), 3);
}

#[tokio::test]
async fn a_code_is_not_sent_again_after_a_pause() {
    let wire = Wire::start([throttled(429, "1")]).await;
    let error = redeem(&patient(&wire.url, ENOUGH)).await.unwrap_err();
    assert!(matches!(error, RedeemError::Unreachable(_)), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(wire.count(), 1);
}

#[tokio::test]
async fn nobody_can_send_us_away_for_days() {
    for retry_after in [
        "86400",
        "99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let wire = Wire::start([throttled(503, retry_after), Reaction::Bytes(metadata())]).await;
        let entra = wire.entra();
        let told = look_up(&entra)
            .await
            .unwrap_err()
            .retry_after()
            .unwrap()
            .as_secs_f64();
        assert!((299.0..=300.0).contains(&told), "{retry_after}: {told}");
        skip(Duration::from_mins(5)).await;
        look_up(&entra).await.unwrap();
    }
}

#[tokio::test]
async fn nonsense_is_no_pause() {
    for retry_after in ["soon", "-5", "0", "Mon, 01 Jan 2001 00:00:00 GMT"] {
        let wire = Wire::start([throttled(429, retry_after), Reaction::Bytes(metadata())]).await;
        look_up(&wire.entra()).await.unwrap();
        assert_eq!(wire.count(), 2, "{retry_after}");
    }
}
