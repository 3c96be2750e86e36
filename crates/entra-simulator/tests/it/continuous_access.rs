//! Claims challenges, and tokens that live long because they can be revoked.

use assent_entra_simulator::story;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, number};

const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;

async fn anas_tokens(fixture: &Fixture, claims: &str) -> Value {
    let scope = "openid profile offline_access User.Read";
    let changes = [("scope", scope), ("claims", claims)];
    let url = fixture.authorize_url("contoso.example", &changes);
    let code = fixture.browse(&url, story::ANA, "accept").await.code();
    let (status, tokens) = fixture
        .redeem_with("contoso.example", &code, &[("claims", claims)])
        .await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    tokens
}

async fn revoke(fixture: &Fixture) {
    let ana = format!("/tenants/contoso.example/users/{}", story::ANA);
    let change = json!({ "revoke_sessions": true });
    fixture.set(Method::PATCH, &ana, change).await;
}

#[tokio::test]
async fn a_capable_client_gets_long_tokens_and_is_challenged_when_something_happens() {
    let fixture = Fixture::new().await;
    let tokens = anas_tokens(&fixture, CAPABLE).await;
    assert_eq!(tokens["expires_in"], 28 * 3_600 - 1);
    let token = tokens["access_token"].as_str().unwrap();
    let me = |token: &str| {
        fixture
            .http
            .get(fixture.url("/v1.0/me"))
            .bearer_auth(token)
            .send()
    };
    assert_eq!(me(token).await.unwrap().status(), StatusCode::OK);
    // The withdrawal of a consent is nothing that Microsoft evaluates.
    fixture.set(Method::DELETE, "/grants", json!({})).await;
    assert_eq!(me(token).await.unwrap().status(), StatusCode::OK);
    revoke(&fixture).await;
    let refused = me(token).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        challenge.contains("error=\"insufficient_claims\""),
        "{challenge}"
    );
    let claims = challenge
        .split("claims=\"")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    let claims: Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["access_token"]["nbf"]["essential"], true);
    // Sent along as it came, it is taken; the refresh token is from before, too.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let (_, body) = fixture
        .refresh(
            "contoso.example",
            refresh,
            &[("claims", &claims.to_string())],
        )
        .await;
    assert_eq!(number(&body), 50_173);
}

#[tokio::test]
async fn other_clients_tokens_live_for_an_hour_whatever_happens() {
    let fixture = Fixture::new().await;
    let tokens = anas_tokens(&fixture, "").await;
    assert_eq!(tokens["expires_in"], 3_599);
    revoke(&fixture).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        fixture.graph(Method::GET, "me", token).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn claims_have_to_be_an_object() {
    let fixture = Fixture::new().await;
    for claims in ["cp1", "[]"] {
        let url = fixture.authorize_url("contoso.example", &[("claims", claims)]);
        let told = fixture
            .browse(&url, story::ANA, "accept")
            .await
            .parameters();
        assert_eq!(told["error"], "invalid_request");
        assert!(told["error_description"].starts_with("AADSTS90023: "));
    }
}
