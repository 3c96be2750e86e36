//! The keys of the host application: rotated, replaced, away.

use std::time::Duration;

use assent_service_kit::config::HttpUrl;
use assent_service_kit::{BearerError, BearerVerifier, Health, Runtime};
use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::json;

use crate::issuer::{AUDIENCE, ISSUER, Published, Signer, claims, unsigned};

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let (old, new) = (Signer::ed25519(), Signer::es256());
    let published = Published::start(vec![old.jwk("old")]).await;
    let verifier = published.verifier();
    let (old_token, new_token) = (old.token("old", &claims()), new.token("new", &claims()));
    assert!(verifier.verify(&old_token).await.is_ok());
    published.set(&[new.jwk("new")]);
    assert!(verifier.verify(&new_token).await.is_ok());
    assert!(matches!(
        verifier.verify(&old_token).await,
        Err(BearerError::UnknownKey)
    ));
    assert_eq!(published.fetched(), 3);
}

/// Who was verified before is let in again, and so is nobody else: not with another signature under the same words, and not
/// when the key is gone.
#[tokio::test]
async fn what_was_verified_once_vouches_for_nothing_else() {
    let (signer, other) = (Signer::es256(), Signer::ed25519());
    let published = Published::start(vec![signer.jwk("a")]).await;
    let verifier = published.verifier();
    let token = signer.token("a", &claims());
    let first = verifier.verify(&token).await.unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap(), first);

    let (words, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = words.split_once('.').unwrap();
    let mut grown = claims();
    grown["sub"] = "ben".into();
    let grown = unsigned(&json!({}), &grown);
    let (_, grown) = grown.split_once('.').unwrap();
    let mut flipped = signature.to_owned();
    flipped.replace_range(..1, if signature.starts_with('A') { "B" } else { "A" });
    for forged in [
        format!("{words}.{flipped}"),
        format!("{header}.{grown}.{signature}"),
        words.to_owned(),
        format!("{words}."),
        format!("{token}x"),
    ] {
        assert!(verifier.verify(&forged).await.is_err(), "{forged}");
    }

    // The key is gone, which is noticed with the first token of another one.
    published.set(&[other.jwk("b")]);
    let theirs = other.token("b", &claims());
    assert!(verifier.verify(&theirs).await.is_ok());
    assert!(matches!(
        verifier.verify(&token).await,
        Err(BearerError::UnknownKey)
    ));
    // Published again, it is verified anew.
    published.set(&[signer.jwk("a"), other.jwk("b")]);
    assert!(verifier.verify(&other.token("c", &claims())).await.is_err());
    assert_eq!(verifier.verify(&token).await.unwrap(), first);
}

/// Some issuers have one name for whatever their key is, or none.
#[tokio::test]
async fn a_key_that_was_replaced_under_its_name_is_found_at_once() {
    for header in [
        json!({"alg": "EdDSA", "kid": "main"}),
        json!({"alg": "EdDSA"}),
    ] {
        let (old, new) = (Signer::ed25519(), Signer::ed25519());
        let published = Published::start(vec![old.jwk("main")]).await;
        let verifier = published.verifier();
        let (old_token, new_token) = (
            old.token_with(&header, &claims()),
            new.token_with(&header, &claims()),
        );
        assert!(verifier.verify(&old_token).await.is_ok());
        published.set(&[new.jwk("main")]);
        assert!(verifier.verify(&new_token).await.is_ok(), "{header}");
        // What the old one signed is worth nothing any more, and asked about no oftener for it.
        for _ in 0..3 {
            assert!(matches!(
                verifier.verify(&old_token).await,
                Err(BearerError::Signature)
            ));
        }
        assert_eq!(published.fetched(), 2);
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_a_few_fetches() {
    let signer = Signer::ed25519();
    let published = Published::start(vec![signer.jwk("a")]).await;
    let verifier = published.verifier();
    let flood = (0..500).map(|number| {
        let token = signer.token(&format!("invented-{number}"), &claims());
        let verifier = verifier.clone();
        tokio::spawn(async move { verifier.verify(&token).await })
    });
    for attempt in flood.collect::<Vec<_>>() {
        assert!(matches!(
            attempt.await.unwrap(),
            Err(BearerError::UnknownKey)
        ));
    }
    assert!(verifier.verify(&signer.token("a", &claims())).await.is_ok());
    // The first keys, and at the most five more looks because of the unknown ones.
    assert!(published.fetched() <= 6, "{}", published.fetched());
}

#[tokio::test]
async fn keys_may_be_served_from_a_file_that_some_editor_wrote() {
    let signer = Signer::ed25519();
    let text = format!("\u{feff}{}\r\n", json!({"keys": [signer.jwk("a")]}));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/jwks", axum::routing::get(move || async { text }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let url = HttpUrl::parse(&format!("http://{address}/jwks")).unwrap();
    let verifier = BearerVerifier::new(ISSUER, &url, AUDIENCE).unwrap();
    assert!(verifier.verify(&signer.token("a", &claims())).await.is_ok());
}

#[tokio::test]
async fn without_keys_the_answer_is_try_again() {
    let signer = Signer::ed25519();
    let token = signer.token("a", &claims());
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
    );

    let nobody = HttpUrl::parse("http://127.0.0.1:1/jwks").unwrap();
    let verifier = BearerVerifier::new(ISSUER, &nobody, AUDIENCE).unwrap();
    let problem = verifier.authenticate(&headers).await.unwrap_err();
    assert_eq!(problem.code(), "host_keys_unavailable");
    assert_eq!(problem.status(), 503);

    let published = Published::start(vec![]).await;
    for nonsense in [
        None,
        Some(json!("x")),
        Some(json!({"keys": "x".repeat(300_000)})),
    ] {
        published.answer(nonsense);
        let problem = published
            .verifier()
            .authenticate(&headers)
            .await
            .unwrap_err();
        assert_eq!(problem.code(), "host_keys_unavailable");
    }

    // Keys once fetched go on serving while the issuer is away.
    published.set(&[signer.jwk("a")]);
    let verifier = published.verifier();
    assert!(verifier.authenticate(&headers).await.is_ok());
    published.answer(None);
    // It may be the issuer's new key: that can't be said now.
    let unknown = verifier.verify(&signer.token("b", &claims())).await;
    assert!(matches!(unknown, Err(BearerError::KeysUnavailable(_))));
    let forged = Signer::ed25519().token("a", &claims());
    assert!(matches!(
        verifier.verify(&forged).await,
        Err(BearerError::Signature)
    ));
    assert!(verifier.authenticate(&headers).await.is_ok());
}

#[tokio::test]
async fn readiness_says_when_the_keys_cannot_be_had() {
    let published = Published::start(vec![]).await;
    published.answer(None);
    let (health, runtime) = (Health::new(), Runtime::new());
    published.verifier().watch_keys(&health, &runtime);
    let said = async |wanted: fn(&str) -> bool| {
        while !wanted(
            health
                .troubles()
                .get("host_keys")
                .map_or("", String::as_str),
        ) {
            tokio::task::yield_now().await;
        }
    };
    let said = async |wanted| {
        let in_time = tokio::time::timeout(Duration::from_secs(20), said(wanted));
        assert!(in_time.await.is_ok(), "{:?}", health.troubles());
    };
    said(|trouble| {
        trouble.starts_with("ASSENT_HOST_JWKS_URL: ") && trouble.ends_with("no token is accepted")
    })
    .await;
    // Whatever needs no token goes on.
    assert!(health.is_ready());
    published.set(&[Signer::ed25519().jwk("a")]);
    said(str::is_empty).await;
    runtime.request_shutdown();
    runtime.tasks_ended().await;
}
