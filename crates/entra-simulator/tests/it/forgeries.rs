//! ID tokens that are wrong in one way, in an otherwise good answer of the token endpoint.

use assent_entra_simulator::story;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

/// The claims, if whoever looks at key, algorithm, signature, audience, issuer and times is satisfied.
async fn verified(stage: &Stage, token: &str) -> Option<Value> {
    let (_, keys) = stage.get_json("/organizations/discovery/v2.0/keys").await;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[story::ASSENT_CLIENT_ID.to_string()]);
    validation.set_issuer(&[stage.url(&format!("/{}/v2.0", story::CONTOSO))]);
    validation.validate_nbf = true;
    let key = keys.find(&decode_header(token).ok()?.kid?)?;
    let key = DecodingKey::from_jwk(key).unwrap();
    Some(decode::<Value>(token, &key, &validation).ok()?.claims)
}

async fn id_token(stage: &Stage) -> String {
    let tokens = stage
        .tokens("contoso.example", story::ANA, "openid profile Mail.Read")
        .await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

async fn forge(stage: &Stage, forgery: &str) {
    let fault = json!({ "endpoint": "token", "forge": forgery });
    stage.set(Method::POST, "/faults", fault).await;
}

#[tokio::test]
async fn the_next_answer_carries_a_forged_id_token() {
    let stage = Stage::new().await;
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
        forge(&stage, forgery).await;
        let token = id_token(&stage).await;
        assert_eq!(verified(&stage, &token).await, None, "{forgery}");
        let token = id_token(&stage).await;
        assert!(verified(&stage, &token).await.is_some(), "after {forgery}");
    }
}

#[tokio::test]
async fn some_forgeries_take_a_verifier_that_knows_more() {
    let stage = Stage::new().await;
    forge(&stage, "wrong_nonce").await;
    let claims = verified(&stage, &id_token(&stage).await).await.unwrap();
    assert_ne!(claims["nonce"], "the-nonce");
    forge(&stage, "wrong_tenant").await;
    let claims = verified(&stage, &id_token(&stage).await).await.unwrap();
    assert_ne!(claims["tid"], story::CONTOSO.to_string());
    // Signed by a key whose own issuer is another.
    forge(&stage, "consumer_key").await;
    let claims = verified(&stage, &id_token(&stage).await).await.unwrap();
    assert_eq!(claims["nonce"], "the-nonce");
}
