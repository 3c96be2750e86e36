//! Everything that can happen on a connection: bounded waits, a named error, and a code that is sent once.

use std::time::Instant;

use assent_microsoft_identity::{DiscoveryError, RedeemError, describe_metrics};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::authority::PATIENCE;
use crate::wire::{Play, Wire, look_up, metadata, patient, redeem, response};

fn unwell() -> Play {
    Play::status(503, "", &json!({}))
}

/// What happens on the wire, the beginning of the error's name, and how often a GET is sent.
fn troubles() -> Vec<(Play, &'static str, usize)> {
    let half = metadata().split_at(150).0.to_owned();
    vec![
        (Play::Bytes("garbage\r\n\r\n".to_owned()), "Unreachable", 3),
        (Play::Reset, "Unreachable", 3),
        (Play::Close, "Unreachable", 3),
        (Play::Bytes(half.clone()), "Unreachable", 3),
        (unwell(), "Unreachable", 3),
        (Play::status(500, "", &json!("oh no")), "Unreachable", 3),
        (Play::Hang(String::new()), "TimedOut", 1),
        (Play::Hang(half), "TimedOut", 1),
        (Play::Late(3 * PATIENCE, metadata()), "TimedOut", 1),
        (Play::Endless, "Nonsense", 1),
        (
            Play::Bytes(response(200, "", &json!("<html>"))),
            "Nonsense",
            1,
        ),
        (
            Play::Bytes(response(302, "location: /\r\n", &json!({}))),
            "Nonsense",
            1,
        ),
    ]
}

#[tokio::test]
async fn a_get_is_repeated_where_that_may_help_and_always_ends_in_time() {
    for (play, name, sent) in troubles() {
        let wire = Wire::start([play.clone()]).await;
        let begun = Instant::now();
        let error = look_up(&wire.entra()).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(name),
            "{play:?}: {error:?}"
        );
        assert_eq!(wire.count(), sent, "{play:?}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{play:?}");
        assert_eq!(error.retry_after(), None, "{play:?}");
    }
}

#[tokio::test]
async fn a_code_is_sent_once_whatever_happens_then() {
    for (play, name, _) in troubles() {
        let wire = Wire::start([play.clone()]).await;
        let begun = Instant::now();
        let error = redeem(&wire.entra()).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(name),
            "{play:?}: {error:?}"
        );
        assert_eq!(wire.count(), 1, "{play:?}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{play:?}");
    }
}

#[tokio::test]
async fn two_bad_answers_and_a_good_one_make_a_good_one() {
    for bad in [unwell(), Play::Reset, Play::status(429, "", &json!({}))] {
        let wire = Wire::start([bad.clone(), bad.clone(), Play::Bytes(metadata())]).await;
        assert!(look_up(&wire.entra()).await.is_ok(), "{bad:?}");
        assert_eq!(wire.count(), 3, "{bad:?}");
    }
}

#[tokio::test]
async fn what_never_left_may_be_sent_again_even_a_code() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    describe_metrics();
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let entra = patient(&nowhere.parse().unwrap(), PATIENCE);
    let error = redeem(&entra).await.unwrap_err();
    assert!(matches!(error, RedeemError::Unreachable(_)), "{error:?}");
    let error = look_up(&entra).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreachable(_)), "{error:?}");

    let shown = recorder.handle().render();
    // Three attempts, and two more until the circuit opens.
    for line in [
        "assent_microsoft_requests_total{service=\"sign_in\",outcome=\"unreachable\"} 5",
        "assent_microsoft_requests_total{service=\"sign_in\",outcome=\"circuit_open\"} 1",
        "assent_microsoft_retries_total{service=\"sign_in\"} 3",
        "assent_microsoft_circuit_open{service=\"sign_in\"} 1",
        "assent_microsoft_request_duration_seconds_count{service=\"sign_in\"} 5",
        "# HELP assent_microsoft_circuit_open 1 while",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let wire = Wire::start([Play::Late(PATIENCE * 2 / 3, metadata())]).await;
    assert!(look_up(&wire.entra()).await.is_ok());
    assert_eq!(wire.count(), 1);
}
