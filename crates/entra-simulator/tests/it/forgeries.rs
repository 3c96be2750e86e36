//! ID tokens that are wrong in one way, in an otherwise good answer of the token endpoint.

use assent_entra_simulator::story;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::Fixture;

/// The claims, if whoever looks at key, algorithm, signature, audience, issuer and times is satisfied.
async fn verified(fixture: &Fixture, token: &str) -> Option<Value> {
    let (_, keys) = fixture.get_json("/organizations/discovery/v2.0/keys").await;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[story::ASSENT_CLIENT_ID.to_string()]);
    validation.set_issuer(&[fixture.url(&format!("/{}/v2.0", story::CONTOSO))]);
    validation.validate_nbf = true;
    let key = keys.find(&decode_header(token).ok()?.kid?)?;
    let key = DecodingKey::from_jwk(key).unwrap();
    Some(decode::<Value>(token, &key, &validation).ok()?.claims)
}

async fn id_token(fixture: &Fixture) -> String {
    let tokens = fixture
        .tokens("contoso.example", story::ANA, "openid profile Mail.Read")
        .await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

async fn forge(fixture: &Fixture, forgery: &str) {
    let fault = json!({ "endpoint": "token", "forge": forgery });
    fixture.set(Method::POST, "/faults", fault).await;
}

#[tokio::test]
async fn the_next_answer_carries_a_forged_id_token() {
    let fixture = Fixture::new().await;
    for forgery in [
        "wrong_audience",
        "wrong_issuer",
        "expired",
        "not_yet_valid",
        "other_key",
        "unknown_kid",
        "alg_none",
        "hs256_with_public_key",
        "tampered",
    ] {
        forge(&fixture, forgery).await;
        let token = id_token(&fixture).await;
        assert_eq!(verified(&fixture, &token).await, None, "{forgery}");
        let token = id_token(&fixture).await;
        assert!(
            verified(&fixture, &token).await.is_some(),
            "after {forgery}"
        );
    }
}

#[tokio::test]
async fn some_forgeries_take_a_verifier_that_knows_more() {
    let fixture = Fixture::new().await;
    forge(&fixture, "wrong_nonce").await;
    let claims = verified(&fixture, &id_token(&fixture).await).await.unwrap();
    assert_ne!(claims["nonce"], "the-nonce");
    forge(&fixture, "wrong_tenant").await;
    let claims = verified(&fixture, &id_token(&fixture).await).await.unwrap();
    assert_ne!(claims["tid"], story::CONTOSO.to_string());
    // Signed by a key whose own issuer is another.
    forge(&fixture, "consumer_key").await;
    let claims = verified(&fixture, &id_token(&fixture).await).await.unwrap();
    assert_eq!(claims["nonce"], "the-nonce");
}
