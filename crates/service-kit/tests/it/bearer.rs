//! Tokens good and bad, against keys published over a real socket.

use assent_service_kit::config::HttpUrl;
use assent_service_kit::{BearerError, BearerVerifier};
use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, Published, Signer, claims, hs256, now, unsigned};

#[tokio::test]
async fn every_accepted_algorithm_proves_its_caller() {
    let signers = [Signer::es256(), Signer::ed25519(), Signer::rs256()];
    let keys = signers
        .iter()
        .map(|signer| signer.jwk(signer.algorithm()))
        .chain([
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}),
            json!({"kty": "of the future"}),
        ]);
    let published = Published::start(keys.collect()).await;
    let verifier = published.verifier();
    for signer in &signers {
        let token = signer.token(signer.algorithm(), &claims());
        let caller = verifier.verify(&token).await.unwrap();
        assert_eq!(caller.subject, "ana");
        assert_eq!(caller.account.as_deref(), Some("acme"));
        assert_eq!(caller.token_id.as_deref(), Some("one"));
        assert!(caller.has_role("super_admin"));
        assert!(caller.has_permission("company_settings:manage"));
        assert!(caller.has_scope("login:decide") && caller.has_scope("permissions:read"));
        assert!(!caller.has_scope("login"));
    }
    assert_eq!(published.fetched(), 1);
}

/// A name is for people to read. One that can't be shown is none, and the token is as good as without.
#[tokio::test]
async fn a_token_may_name_its_user_and_account() {
    let signer = Signer::ed25519();
    let published = Published::start(vec![signer.jwk("a")]).await;
    let verifier = published.verifier();
    let named = async |name: Value| {
        let mut claims = claims();
        claims["name"] = name.clone();
        claims["account_name"] = name;
        let caller = verifier.verify(&signer.token("a", &claims)).await.unwrap();
        assert_eq!(caller.name, caller.account_name);
        caller.name
    };
    let longest = "é".repeat(200);
    for (name, shown) in [
        ("Acme GmbH & Co. <KG>", Some("Acme GmbH & Co. <KG>")),
        (" Acme\r\n\u{0} ", Some("Acme")),
        ("Acme\u{202E} dnuorA", Some("Acme dnuorA")),
        (&longest, Some(longest.as_str())),
        (&format!("{longest}é"), None),
        ("\u{7}\u{2066}", None),
        ("", None),
    ] {
        assert_eq!(named(name.into()).await.as_deref(), shown, "{name:?}");
    }
    for no_text in [json!(null), json!(7), json!(["Acme"]), json!({"a": "b"})] {
        assert_eq!(named(no_text).await, None);
    }
}

#[tokio::test]
async fn claims_are_checked_one_by_one() {
    let signer = Signer::ed25519();
    let published = Published::start(vec![signer.jwk("a")]).await;
    let verifier = published.verifier();
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let outcome = async |claims: Value| verifier.verify(&signer.token("a", &claims)).await;

    assert!(
        outcome(with("exp", (now() - 10).into())).await.is_ok(),
        "within the leeway"
    );
    assert!(
        outcome(with("aud", json!(["other", AUDIENCE])))
            .await
            .is_ok()
    );
    assert!(outcome(without("account")).await.is_ok());
    for (refused, expected) in [
        (with("exp", (now() - 60).into()), "the token has expired"),
        (
            with("nbf", (now() + 60).into()),
            "the token is not valid yet",
        ),
        (
            with("iss", "https://evil.example".into()),
            "the token is of another issuer",
        ),
        (
            with("aud", "other".into()),
            "the token is for another audience",
        ),
        (without("exp"), "the token's claims are not complete"),
        (without("iss"), "the token's claims are not complete"),
        (without("aud"), "the token's claims are not complete"),
        (
            with("sub", "".into()),
            "the token's claims are not complete",
        ),
    ] {
        let error = outcome(refused.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{refused}");
    }
    for refused in [
        without("sub"),
        with("roles", "super_admin".into()),
        with("exp", "soon".into()),
    ] {
        assert!(outcome(refused.clone()).await.is_err(), "{refused}");
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (signer, stranger) = (Signer::rs256(), Signer::rs256());
    let other = Signer::es256();
    let published = Published::start(vec![signer.jwk("a"), other.jwk("b")]).await;
    let verifier = published.verifier();
    let refused = async |token: String| verifier.verify(&token).await.unwrap_err();

    let public = signer.public_der();
    let hs = hs256(&public, &json!({"alg": "HS256", "kid": "a"}), &claims());
    assert!(matches!(refused(hs).await, BearerError::Algorithm));
    for none in ["none", "None", "NONE"] {
        let header = json!({"alg": none, "kid": "a"});
        let token = format!("{}.", unsigned(&header, &claims()));
        assert!(matches!(
            refused(token).await,
            BearerError::Malformed | BearerError::Algorithm
        ));
    }
    assert_eq!(published.fetched(), 0, "nothing is fetched for such tokens");

    assert!(matches!(
        refused(stranger.token("a", &claims())).await,
        BearerError::Signature
    ));
    // Signed with one published key under the name of another.
    assert!(matches!(
        refused(other.token("a", &claims())).await,
        BearerError::Algorithm
    ));
    let rs384 = signer.token_with(&json!({"alg": "RS384", "kid": "a"}), &claims());
    assert!(matches!(refused(rs384).await, BearerError::Algorithm));
    let critical = json!({"alg": "RS256", "kid": "a", "crit": ["x"], "x": 1});
    assert!(matches!(
        refused(signer.token_with(&critical, &claims())).await,
        BearerError::Malformed
    ));
    // Two keys are published, so a token must name its own.
    assert!(matches!(
        refused(signer.token_with(&json!({"alg": "RS256"}), &claims())).await,
        BearerError::UnknownKey
    ));
    let good = signer.token("a", &claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let mut grown = claims();
    grown["sub"] = "ben".into();
    let swapped = unsigned(&json!({"alg": "RS256", "kid": "a"}), &grown);
    assert!(matches!(
        refused(format!("{swapped}.{signature}")).await,
        BearerError::Signature
    ));
    for text in ["", "a", "a.b.c", head, &"x".repeat(9000)] {
        assert!(matches!(
            refused(text.to_owned()).await,
            BearerError::Malformed
        ));
    }
}

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
    assert_eq!(published.fetched(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch() {
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
    // The first keys, and one more look because of the unknown ones.
    assert!(published.fetched() <= 2, "{}", published.fetched());
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
    let unknown = verifier.verify(&signer.token("b", &claims())).await;
    assert!(matches!(unknown, Err(BearerError::UnknownKey)));
    assert!(verifier.authenticate(&headers).await.is_ok());
}

#[tokio::test]
async fn only_one_bearer_header_is_taken() {
    let verifier = Published::start(vec![]).await.verifier();
    for sent in [
        &[][..],
        &["Basic eDp5"],
        &["Bearer"],
        &["Bearer a", "Bearer b"],
    ] {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        let problem = verifier.authenticate(&headers).await.unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (401, "unauthenticated")
        );
    }
}
