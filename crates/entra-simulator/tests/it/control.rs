//! The control API.

use assent_entra_simulator::story;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, number};

#[tokio::test]
async fn tenants_people_and_applications_can_be_added() {
    let fixture = Fixture::new().await;
    let tenant = json!({
        "name": "Tailspin", "domain": "tailspin.example", "policy": "legacy",
        "users": [{ "name": "Tia", "upn": "tia@tailspin.example", "roles": ["privileged_role_administrator"] }],
    });
    let tenant = fixture.set(Method::POST, "/tenants", tenant).await;
    let user = json!({ "name": "Tom", "upn": "tom@tailspin.example", "mailbox": "not_enabled" });
    let user = fixture
        .set(Method::POST, "/tenants/tailspin.example/users", user)
        .await;
    assert_eq!(user["mailbox"], "not_enabled");
    let application = json!({ "name": "Other", "redirect_uris": ["https://app.example/callback"] });
    let application = fixture
        .set(Method::POST, "/applications", application)
        .await;
    assert!(
        application["secrets"][0]
            .as_str()
            .unwrap()
            .starts_with("simulator-only-")
    );
    let client_id = application["client_id"].as_str().unwrap();
    let url = fixture.authorize_url("tailspin.example", &[("client_id", client_id)]);
    let person = user["id"].as_str().unwrap().parse().unwrap();
    fixture.browse(&url, person, "accept").await.code();
    let users = fixture
        .set(Method::GET, "/tenants/tailspin.example/users", json!({}))
        .await;
    assert_eq!(users["users"].as_array().unwrap().len(), 2);
    let tenants = fixture.set(Method::GET, "/tenants", json!({})).await;
    assert!(
        tenants["tenants"]
            .as_array()
            .unwrap()
            .iter()
            .any(|known| known["id"] == tenant["id"])
    );
    let applications = fixture.set(Method::GET, "/applications", json!({})).await;
    assert_eq!(applications["applications"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nonsense_is_refused_with_a_message() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("contoso.example", &[]);
    for (path, body, status) in [
        (
            "/tenants",
            json!({ "name": "x", "domain": "contoso.example" }),
            400,
        ),
        (
            "/tenants",
            json!({ "name": "x", "domain": "x.example", "cloud": "mars" }),
            400,
        ),
        (
            "/tenants",
            json!({ "name": "x", "domain": "x.example", "colour": "red" }),
            400,
        ),
        (
            "/tenants/contoso.example/users",
            json!({ "name": "x", "upn": "x", "roles": ["king"] }),
            400,
        ),
        (
            "/tenants/nowhere.example/users",
            json!({ "name": "x", "upn": "x" }),
            404,
        ),
        (
            "/applications",
            json!({ "name": "x", "redirect_uris": ["http://far.example/"] }),
            400,
        ),
        (
            "/applications",
            json!({ "name": "x", "certificates": ["!"] }),
            400,
        ),
        (
            "/applications",
            json!({ "name": "x", "delegated_permissions": ["Everything"] }),
            400,
        ),
        ("/faults", json!({ "endpoint": "authorize" }), 400),
        ("/faults", json!({ "endpoint": "token", "status": 7 }), 400),
        (
            "/browse",
            json!({ "url": "https://elsewhere.example/", "as": story::ANA, "answer": "accept" }),
            400,
        ),
        (
            "/browse",
            json!({ "url": fixture.url("/"), "as": story::ANA, "answer": "accept" }),
            400,
        ),
        (
            "/browse",
            json!({ "url": url, "as": story::ANA, "answer": "return" }),
            400,
        ),
    ] {
        let (answered, body) = fixture.control(Method::POST, path, body).await;
        assert_eq!(answered.as_u16(), status, "{path}: {body}");
        assert!(body["message"].is_string());
    }
}

#[tokio::test]
async fn endpoints_fail_as_often_as_told() {
    let fixture = Fixture::new().await;
    let fault = json!({
        "endpoint": "token", "count": 2, "status": 429, "body": { "error": "temporarily_unavailable" },
        "headers": { "retry-after": "7" },
    });
    fixture.set(Method::POST, "/faults", fault).await;
    fixture
        .set(
            Method::POST,
            "/faults",
            json!({ "endpoint": "jwks", "delay_ms": 1 }),
        )
        .await;
    for _ in 0..2 {
        let response = fixture
            .http
            .post(fixture.url("/contoso.example/oauth2/v2.0/token"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(
            response.json::<Value>().await.unwrap()["error"],
            "temporarily_unavailable"
        );
    }
    let (_, body) = fixture.token("contoso.example", &[]).await;
    assert_eq!(number(&body), 900_144);
    assert_eq!(
        fixture
            .get_json("/contoso.example/discovery/v2.0/keys")
            .await
            .0,
        StatusCode::OK
    );
    for endpoint in ["metadata", "graph"] {
        fixture
            .set(
                Method::POST,
                "/faults",
                json!({ "endpoint": endpoint, "status": 503 }),
            )
            .await;
    }
    let path = "/contoso.example/v2.0/.well-known/openid-configuration";
    assert_eq!(
        fixture.get_json(path).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(fixture.get_json(path).await.0, StatusCode::OK);
    fixture.set(Method::DELETE, "/faults", json!({})).await;
    assert_eq!(
        fixture.set(Method::GET, "/faults", json!({})).await["faults"],
        json!([])
    );
    let calls = fixture.set(Method::GET, "/calls", json!({})).await;
    assert_eq!(
        (
            calls["token"].as_u64(),
            calls["metadata"].as_u64(),
            calls["jwks"].as_u64()
        ),
        (Some(3), Some(2), Some(1))
    );
}

#[tokio::test]
async fn only_a_good_token_verifies() {
    let fixture = Fixture::new().await;
    let (_, keys) = fixture.get_json("/organizations/discovery/v2.0/keys").await;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[story::HOST_CLIENT_ID.to_string()]);
    validation.set_issuer(&[fixture.url(&format!("/{}/v2.0", story::CONTOSO))]);
    validation.validate_nbf = true;
    let verified = async |forge: Option<&str>| -> Option<Value> {
        let mut order = json!({
            "tenant": "contoso.example", "user": story::ANA, "client_id": story::HOST_CLIENT_ID, "nonce": "n",
            "claims": { "name": null, "extra": 1 },
        });
        if let Some(forge) = forge {
            order["forge"] = json!(forge);
        }
        let answer = fixture.set(Method::POST, "/id-token", order).await;
        let token = answer["id_token"].as_str().unwrap().to_owned();
        let key = keys.find(&decode_header(&token).ok()?.kid?)?;
        Some(
            decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &validation)
                .ok()?
                .claims,
        )
    };
    let claims = verified(None).await.unwrap();
    assert_eq!(
        (
            claims["nonce"].as_str(),
            claims["extra"].as_i64(),
            claims.get("name")
        ),
        (Some("n"), Some(1), None)
    );
    for forge in [
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
        assert!(verified(Some(forge)).await.is_none(), "{forge}");
    }
    // These take a verifier that knows more than signatures.
    assert_ne!(verified(Some("wrong_nonce")).await.unwrap()["nonce"], "n");
    assert_ne!(
        verified(Some("wrong_tenant")).await.unwrap()["tid"],
        story::CONTOSO.to_string()
    );
    assert!(verified(Some("consumer_key")).await.is_some());
}

#[tokio::test]
async fn grants_are_given_listed_and_taken() {
    let fixture = Fixture::new().await;
    for user in [Value::Null, json!(story::ANA), json!(story::BEN)] {
        let grant = json!({
            "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID, "scopes": ["mail.read"], "user": user,
        });
        fixture.set(Method::POST, "/grants", grant).await;
    }
    let count = async |filter: &str| {
        let grants = fixture
            .set(Method::GET, &format!("/grants?{filter}"), json!({}))
            .await;
        grants["grants"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("consent_type=AllPrincipals").await, 1);
    assert_eq!(count("tenant=adatum.example").await, 0);
    let path = format!("/grants?user={}", story::ANA);
    assert_eq!(
        fixture.set(Method::DELETE, &path, json!({})).await["removed"],
        1
    );
    let grants = fixture.set(Method::GET, "/grants", json!({})).await;
    let path = format!("/grants/{}", grants["grants"][0]["id"].as_str().unwrap());
    fixture.set(Method::DELETE, &path, json!({})).await;
    assert_eq!(count("").await, 1);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let fixture = Fixture::new().await;
    let code = fixture
        .browse(
            &fixture.authorize_url("contoso.example", &[]),
            story::ANA,
            "accept",
        )
        .await
        .code();
    fixture.set(Method::POST, "/reset", json!({})).await;
    assert_eq!(
        number(&fixture.redeem("contoso.example", &code).await.1),
        70_000
    );
    assert_eq!(
        fixture.set(Method::GET, "/grants", json!({})).await["grants"],
        json!([])
    );
    fixture
        .set(Method::POST, "/reset", json!({ "seed": "empty" }))
        .await;
    assert_eq!(
        fixture.set(Method::GET, "/tenants", json!({})).await["tenants"],
        json!([])
    );
    let own = json!({ "tenants": [{ "name": "One", "domain": "one.example" }], "applications": [{ "name": "App", "installed_in": ["one.example"] }] });
    fixture
        .set(Method::POST, "/reset", json!({ "seed": own }))
        .await;
    assert_eq!(
        fixture.set(Method::GET, "/tenants", json!({})).await["tenants"][0]["name"],
        "One"
    );
    fixture
        .set(Method::POST, "/reset", json!({ "seed": "story" }))
        .await;
    fixture
        .browse(
            &fixture.authorize_url("contoso.example", &[]),
            story::ANA,
            "accept",
        )
        .await
        .code();
}
