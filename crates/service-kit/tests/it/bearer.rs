//! Tokens good and bad, against keys published over a real socket.

use assent_service_kit::{BearerError, Caller};
use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, Published, Signer, claims, hs256, now, unsigned};

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
