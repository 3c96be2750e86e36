use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::*;

/// Checks a token the way a service does, against the keys published over HTTP.
async fn check(host: &HostApplication, token: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let keys: JwkSet = reqwest::get(host.jwks_url())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[host.issuer()]);
    jsonwebtoken::decode::<Value>(token, &key, &rules).map(|token| token.claims)
}

#[tokio::test]
async fn its_tokens_are_good() {
    let host = HostApplication::start().await.unwrap();
    let token = host
        .token_for("u-1", "a-1")
        .super_admin()
        .permission("company_settings:manage")
        .sign();

    let claims = check(&host, &token).await.unwrap();

    assert_eq!(claims["sub"], "u-1");
    assert_eq!(claims["account"], "a-1");
    assert_eq!(claims["roles"], json!(["super_admin"]));
    assert_eq!(claims["permissions"], json!(["company_settings:manage"]));
}

#[tokio::test]
async fn a_services_token_names_its_scopes() {
    let host = HostApplication::start().await.unwrap();

    let claims = check(
        &host,
        &host.service_token(&["login:decide", "permissions:read"]),
    )
    .await
    .unwrap();

    assert_eq!(claims["scope"], "login:decide permissions:read");
}

#[tokio::test]
async fn bad_tokens_are_bad() {
    let host = HostApplication::start().await.unwrap();
    let token = || host.token_for("u-1", "a-1");

    for bad in [
        token().expired(),
        token().signed_by_another_key(),
        token().audience("another"),
        token().issuer("https://another.example"),
        token().without("exp"),
    ] {
        assert!(check(&host, &bad.sign()).await.is_err());
    }
    assert!(
        check(&host, &token().expires_in(Duration::from_secs(30)).sign())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn browsers_are_taken_back() {
    let host = HostApplication::start().await.unwrap();

    let page = reqwest::get(format!("{}/settings?flow=1", host.origin()))
        .await
        .unwrap();

    assert!(page.text().await.unwrap().contains("/settings?flow=1"));
}
