//! Tokens good and bad, against keys published over a real socket.

use std::time::Duration;

use assent_service_kit::config::HttpUrl;
use assent_service_kit::{BearerError, BearerVerifier, Caller, Health, Runtime};
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
        (without("exp"), "the token's claim exp is missing"),
        (without("iss"), "the token's claim iss is missing"),
        (without("aud"), "the token's claim aud is missing"),
        (without("sub"), "the token's claim sub is missing"),
        (with("sub", "".into()), "the token's claim sub is missing"),
        (
            with("sub", 7.into()),
            "the token's claim sub must be a string",
        ),
        // Milliseconds: it would be good for some fifty thousand years.
        (
            with("exp", (now() * 1000).into()),
            "the token's claim exp must be a time in seconds since 1970",
        ),
        (
            with("account", json!(["acme"])),
            "the token's claim account must be a string",
        ),
        (
            with("jti", 7.into()),
            "the token's claim jti must be a string",
        ),
    ] {
        let error = outcome(refused.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{refused}");
    }
    // What is there in another shape is not said to be missing.
    for (name, shapes, expected) in [
        ("sub", vec![json!(7), json!(["ana"])], "a string"),
        ("iss", vec![json!(7), json!({"a": 1})], "a string"),
        (
            "aud",
            vec![json!(7), json!([AUDIENCE, 7]), json!(true)],
            "a string or a list of strings",
        ),
        (
            "exp",
            vec![json!("soon"), json!("1790000000"), json!([1])],
            "a number",
        ),
        ("nbf", vec![json!("now"), json!([1])], "a number"),
        ("iat", vec![json!("now"), json!(true)], "a number"),
        ("account", vec![json!(7), json!({})], "a string"),
        ("jti", vec![json!([1])], "a string"),
    ] {
        for shape in shapes {
            let error = outcome(with(name, shape.clone())).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the token's claim {name} must be {expected}"),
                "{shape}"
            );
        }
    }
}

#[tokio::test]
async fn lists_of_words_come_in_every_shape_that_libraries_write() {
    let signer = Signer::ed25519();
    let published = Published::start(vec![signer.jwk("a")]).await;
    let verifier = published.verifier();
    let caller = async |name: &str, value: Option<Value>| {
        let mut claims = claims();
        match value {
            Some(value) => claims[name] = value,
            None => drop(claims.as_object_mut().unwrap().remove(name)),
        }
        verifier.verify(&signer.token("a", &claims)).await
    };
    let words = |caller: &Caller, name: &str| match name {
        "roles" => caller.roles.clone(),
        "permissions" => caller.permissions.clone(),
        _ => caller.scopes.clone(),
    };
    for name in ["roles", "permissions", "scope"] {
        for (shape, expected) in [
            (Some(json!("one")), vec!["one"]),
            (Some(json!(["one"])), vec!["one"]),
            (Some(json!(["one", "two"])), vec!["one", "two"]),
            (Some(json!([])), vec![]),
            (Some(Value::Null), vec![]),
            (None, vec![]),
        ] {
            let caller = caller(name, shape.clone()).await.unwrap();
            assert_eq!(words(&caller, name), expected, "{name} {shape:?}");
        }
        for shape in [
            json!(7),
            json!(true),
            json!({"a": "b"}),
            json!(["one", 2]),
            json!([["one"]]),
        ] {
            let error = caller(name, Some(shape.clone())).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the token's claim {name} must be a string or a list of strings"),
                "{shape}"
            );
        }
    }
    // Only a scope is a text of several words; a role may have a space in its name.
    let spaced = caller("scope", Some(json!("one  two"))).await.unwrap();
    assert_eq!(spaced.scopes, ["one", "two"]);
    let spaced = caller("scope", Some(json!(["one two", "three"])))
        .await
        .unwrap();
    assert_eq!(spaced.scopes, ["one", "two", "three"]);
    let spaced = caller("roles", Some(json!("super admin"))).await.unwrap();
    assert_eq!(spaced.roles, ["super admin"]);
}

#[tokio::test]
async fn keys_that_share_an_id_are_told_apart_by_their_algorithm() {
    let signers = [Signer::es256(), Signer::rs256(), Signer::ed25519()];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let keys = order.map(|index| signers[index].jwk("k1"));
        let published = Published::start(keys.to_vec()).await;
        let verifier = published.verifier();
        for signer in &signers {
            let token = signer.token("k1", &claims());
            assert!(verifier.verify(&token).await.is_ok(), "{order:?}");
        }
        assert_eq!(published.fetched(), 1);
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
    assert_eq!(
        refused("x".repeat(9000)).await.to_string(),
        "the token is longer than 8192 bytes"
    );
    for text in ["", "a", "a.b.c", head] {
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
