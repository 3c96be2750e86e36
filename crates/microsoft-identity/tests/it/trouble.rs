//! Everything that can happen on a connection: bounded waits, a named error, and a code that is sent once.

use std::time::Instant;

use assent_microsoft_identity::{DiscoveryError, RedeemError};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::authority::PATIENCE;
use crate::wire::{Reaction, Wire, look_up, metadata, patient, redeem, response};

fn unwell() -> Reaction {
    Reaction::status(503, "", &json!({}))
}

/// What happens on the wire, the beginning of the error's name, and how often a GET is sent.
fn troubles() -> Vec<(Reaction, &'static str, usize)> {
    let half = metadata().split_at(150).0.to_owned();
    vec![
        (
            Reaction::Bytes("garbage\r\n\r\n".to_owned()),
            "Unreachable",
            3,
        ),
        (Reaction::Reset, "Unreachable", 3),
        (Reaction::Close, "Unreachable", 3),
        (Reaction::Bytes(half.clone()), "Unreachable", 3),
        (unwell(), "Unreachable", 3),
        (Reaction::status(500, "", &json!("oh no")), "Unreachable", 3),
        (Reaction::Hang(String::new()), "TimedOut", 1),
        (Reaction::Hang(half), "TimedOut", 1),
        (Reaction::Late(3 * PATIENCE, metadata()), "TimedOut", 1),
        (Reaction::Endless, "Nonsense", 1),
        (
            Reaction::Bytes(response(200, "", &json!("<html>"))),
            "Nonsense",
            1,
        ),
        (
            Reaction::Bytes(response(302, "location: /\r\n", &json!({}))),
            "Nonsense",
            1,
        ),
    ]
}

#[tokio::test]
async fn a_get_is_repeated_where_that_may_help_and_always_ends_in_time() {
    for (reaction, name, sent) in troubles() {
        let wire = Wire::start([reaction.clone()]).await;
        let begun = Instant::now();
        let error = look_up(&wire.entra()).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(name),
            "{reaction:?}: {error:?}"
        );
        assert_eq!(wire.count(), sent, "{reaction:?}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{reaction:?}");
        assert_eq!(error.retry_after(), None, "{reaction:?}");
    }
}

#[tokio::test]
async fn a_code_is_sent_once_whatever_happens_then() {
    for (reaction, name, _) in troubles() {
        let wire = Wire::start([reaction.clone()]).await;
        let begun = Instant::now();
        let error = redeem(&wire.entra()).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(name),
            "{reaction:?}: {error:?}"
        );
        assert_eq!(wire.count(), 1, "{reaction:?}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{reaction:?}");
    }
}

#[tokio::test]
async fn two_bad_answers_and_a_good_one_make_a_good_one() {
    for bad in [
        unwell(),
        Reaction::Reset,
        Reaction::status(429, "", &json!({})),
    ] {
        let wire = Wire::start([bad.clone(), bad.clone(), Reaction::Bytes(metadata())]).await;
        assert!(look_up(&wire.entra()).await.is_ok(), "{bad:?}");
        assert_eq!(wire.count(), 3, "{bad:?}");
    }
}

#[tokio::test]
async fn what_never_left_may_be_sent_again_even_a_code() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    assent_metrics::begin("consent-gateway");
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
        "assent_microsoft_requests_total{api=\"sign_in\",outcome=\"unreachable\"} 5",
        "assent_microsoft_requests_total{api=\"sign_in\",outcome=\"circuit_open\"} 1",
        "assent_microsoft_retries_total{api=\"sign_in\"} 3",
        "assent_microsoft_circuit_open{api=\"sign_in\"} 1",
        "assent_microsoft_request_duration_seconds_count{api=\"sign_in\"} 5",
        "# HELP assent_microsoft_circuit_open 1 while",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let wire = Wire::start([Reaction::Late(PATIENCE * 2 / 3, metadata())]).await;
    assert!(look_up(&wire.entra()).await.is_ok());
    assert_eq!(wire.count(), 1);
}
