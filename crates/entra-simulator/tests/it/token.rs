//! The token endpoint.

use assent_entra_simulator::story;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{CALLBACK, Fixture, VERIFIER, number, words};

async fn code(fixture: &Fixture, tenant: &str) -> String {
    fixture
        .browse(&fixture.authorize_url(tenant, &[]), story::ANA, "accept")
        .await
        .code()
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid profile offline_access Mail.Read",
        )
        .await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3599);
    assert_eq!(words(&tokens["scope"]), ["Mail.Read", "openid", "profile"]);
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string());
    let tokens = fixture
        .tokens("contoso.example", story::BEN, "Mail.Read")
        .await;
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
}

#[tokio::test]
async fn who_and_where_from_takes_the_profile_scope() {
    let fixture = Fixture::new().await;
    for (scope, told) in [
        ("openid Mail.Read", false),
        ("openid profile Mail.Read", true),
    ] {
        let tokens = fixture.tokens("contoso.example", story::ANA, scope).await;
        let claims = tokens["id_token"]
            .as_str()
            .unwrap()
            .split('.')
            .nth(1)
            .unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        for name in ["tid", "oid", "name", "preferred_username"] {
            assert_eq!(claims.get(name).is_some(), told, "{name} with {scope}");
        }
        assert!(claims["sub"].is_string());
    }
}

#[tokio::test]
async fn an_id_token_verifies_against_the_published_keys() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens("organizations", story::OLGA, "openid profile Mail.Read")
        .await;
    let token = tokens["id_token"].as_str().unwrap();
    let (_, keys) = fixture.get_json("/organizations/discovery/v2.0/keys").await;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let key = keys
        .find(&decode_header(token).unwrap().kid.unwrap())
        .unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[story::ASSENT_CLIENT_ID.to_string()]);
    validation.set_issuer(&[fixture.url(&format!("/{}/v2.0", story::CONTOSO))]);
    validation.validate_nbf = true;
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation)
        .unwrap()
        .claims;
    assert_eq!(claims["tid"], story::CONTOSO.to_string());
    assert_eq!(claims["oid"], story::OLGA.to_string());
    assert_eq!(claims["nonce"], "the-nonce");
    assert_eq!(claims["preferred_username"], "olga@contoso.example");
    let roles = claims["wids"].as_array().unwrap();
    assert!(roles.contains(&json!("62e90394-69f5-4237-9190-012177145e10")));
    assert!(roles.contains(&json!("b79fbf4d-3ef9-4689-8143-76b194e85509")));
    assert_ne!(claims["sub"], claims["oid"]);
}

#[tokio::test]
async fn a_code_is_good_once() {
    let fixture = Fixture::new().await;
    let code = code(&fixture, "contoso.example").await;
    assert_eq!(
        fixture.redeem("contoso.example", &code).await.0,
        StatusCode::OK
    );
    let (status, body) = fixture.redeem("contoso.example", &code).await;
    assert_eq!((status, number(&body)), (StatusCode::BAD_REQUEST, 54_005));
    assert_eq!(body["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let fixture = Fixture::new().await;
    let code = code(&fixture, "contoso.example").await;
    fixture
        .set(Method::POST, "/clock", json!({ "advance_seconds": 601 }))
        .await;
    let (_, body) = fixture.redeem("contoso.example", &code).await;
    assert_eq!(
        (body["error"].as_str().unwrap(), number(&body)),
        ("invalid_grant", 70_008)
    );
}

#[tokio::test]
async fn a_code_is_held_to_what_it_was_asked_with() {
    let fixture = Fixture::new().await;
    let code = code(&fixture, "contoso.example").await;
    let wrong = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";
    for (changes, error, expected) in [
        (("code", "nonsense"), "invalid_grant", 70_000),
        (("code", ""), "invalid_request", 900_144),
        (
            ("redirect_uri", "https://app.example/other"),
            "invalid_client",
            500_112,
        ),
        (("redirect_uri", ""), "invalid_request", 900_144),
        (("code_verifier", wrong), "invalid_grant", 501_481),
        (("code_verifier", ""), "invalid_grant", 501_481),
    ] {
        let (_, body) = fixture
            .redeem_with("contoso.example", &code, &[changes])
            .await;
        assert_eq!(
            (body["error"].as_str().unwrap(), number(&body)),
            (error, expected),
            "{changes:?}"
        );
    }
    for tenant in ["organizations", "adatum.example"] {
        let (_, body) = fixture.redeem(tenant, &code).await;
        assert_eq!(number(&body), 700_005);
    }
    let host = story::HOST_CLIENT_ID.to_string();
    let stolen = [
        ("client_id", host.as_str()),
        ("client_secret", story::HOST_CLIENT_SECRET),
    ];
    assert_eq!(
        number(
            &fixture
                .redeem_with("contoso.example", &code, &stolen)
                .await
                .1
        ),
        70_000
    );
    // None of that used the code up; and a domain and its GUID are the same tenant.
    assert_eq!(
        fixture.redeem(&story::CONTOSO.to_string(), &code).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_refresh_token_is_renewed_and_the_old_one_stays_good() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid offline_access Mail.Read",
        )
        .await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let (status, renewed) = fixture.refresh("contoso.example", first, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(renewed["refresh_token"], first);
    assert_eq!(words(&renewed["scope"]), ["Mail.Read", "openid"]);
    assert_eq!(
        fixture
            .refresh("organizations", first, &[("scope", "Mail.Read")])
            .await
            .0,
        StatusCode::OK
    );
    let (_, body) = fixture.refresh("adatum.example", first, &[]).await;
    assert_eq!(
        (body["error"].as_str().unwrap(), number(&body)),
        ("invalid_grant", 50_020)
    );
    let (_, body) = fixture.refresh("contoso.example", "nonsense", &[]).await;
    assert_eq!(body["error"], "invalid_grant");
    fixture
        .set(
            Method::POST,
            "/clock",
            json!({ "advance_seconds": 91 * 24 * 3600 }),
        )
        .await;
    assert_eq!(
        number(&fixture.refresh("contoso.example", first, &[]).await.1),
        700_082
    );
}

#[tokio::test]
async fn a_grant_that_is_gone_is_told_by_a_refresh() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid offline_access Mail.Read Contacts.Read",
        )
        .await;
    let token = tokens["refresh_token"].as_str().unwrap();
    fixture
        .set(Method::DELETE, "/grants?tenant=contoso.example", json!({}))
        .await;
    let (status, body) = fixture.refresh("contoso.example", token, &[]).await;
    assert_eq!((status, number(&body)), (StatusCode::BAD_REQUEST, 65_001));
    assert_eq!(
        (body["error"].as_str(), body["suberror"].as_str()),
        (Some("invalid_grant"), Some("consent_required"))
    );
    // Half of it comes back.
    let half = json!({
        "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID, "scopes": ["Mail.Read"], "user": story::ANA,
    });
    fixture.set(Method::POST, "/grants", half).await;
    let (_, body) = fixture.refresh("contoso.example", token, &[]).await;
    assert_eq!(words(&body["scope"]), ["Mail.Read", "openid"]);
    let (_, body) = fixture
        .refresh("contoso.example", token, &[("scope", "Contacts.Read")])
        .await;
    assert_eq!(number(&body), 65_001);
}

#[tokio::test]
async fn session_and_user_events_are_not_withdrawals() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid offline_access Mail.Read",
        )
        .await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let ana = format!("/tenants/contoso.example/users/{}", story::ANA);
    fixture
        .set(Method::PATCH, &ana, json!({ "enabled": false }))
        .await;
    assert_eq!(
        number(&fixture.refresh("contoso.example", token, &[]).await.1),
        50_057
    );
    fixture
        .set(
            Method::PATCH,
            &ana,
            json!({ "enabled": true, "revoke_sessions": true }),
        )
        .await;
    let (_, body) = fixture.refresh("contoso.example", token, &[]).await;
    assert_eq!(
        (number(&body), body["suberror"].as_str()),
        (50_173, Some("bad_token"))
    );
    fixture.set(Method::DELETE, &ana, json!({})).await;
    assert_eq!(
        number(&fixture.refresh("contoso.example", token, &[]).await.1),
        50_034
    );
}

#[tokio::test]
async fn a_tenant_can_remove_or_disable_the_application() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid offline_access Mail.Read",
        )
        .await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let path = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    for (state, expected) in [("disabled", 7_000_112), ("absent", 700_016)] {
        fixture
            .set(Method::PUT, &path, json!({ "service_principal": state }))
            .await;
        let (_, body) = fixture.refresh("contoso.example", token, &[]).await;
        assert_eq!(
            (body["error"].as_str().unwrap(), number(&body)),
            ("unauthorized_client", expected)
        );
    }
}

#[tokio::test]
async fn an_application_gets_a_token_of_its_own_where_it_is_installed() {
    let fixture = Fixture::new().await;
    let call = async |tenant: &str, scope: &str| {
        fixture
            .token(
                tenant,
                &[("grant_type", "client_credentials"), ("scope", scope)],
            )
            .await
    };
    let default = "https://graph.microsoft.com/.default";
    assert_eq!(number(&call("contoso.example", default).await.1), 700_016);
    let path = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    fixture
        .set(
            Method::PUT,
            &path,
            json!({ "service_principal": "present" }),
        )
        .await;
    let (status, body) = call("contoso.example", default).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["access_token"].is_string() && body.get("refresh_token").is_none());
    assert_eq!(
        number(
            &call("contoso.example", "https://graph.microsoft.com/Mail.Read")
                .await
                .1
        ),
        1_002_012
    );
    assert_eq!(number(&call("contoso.example", "").await.1), 900_144);
    assert_eq!(number(&call("organizations", default).await.1), 50_059);
}

#[tokio::test]
async fn mistakes_in_the_form_are_told() {
    let fixture = Fixture::new().await;
    for (tenant, form, error, expected) in [
        (
            "contoso.example",
            &[("code", "x")][..],
            "invalid_request",
            900_144,
        ),
        (
            "contoso.example",
            &[("grant_type", "password")],
            "unsupported_grant_type",
            70_003,
        ),
        (
            "nowhere.example",
            &[("grant_type", "refresh_token")],
            "invalid_request",
            90_002,
        ),
        (
            "northwind-gov.example",
            &[("grant_type", "refresh_token")],
            "invalid_request",
            900_382,
        ),
        (
            "contoso.example",
            &[("grant_type", "a"), ("grant_type", "b")],
            "invalid_request",
            9_000_411,
        ),
    ] {
        let (status, body) = fixture.token(tenant, form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            (body["error"].as_str().unwrap(), number(&body)),
            (error, expected)
        );
    }
    let url = fixture.url("/contoso.example/oauth2/v2.0/token");
    let response = fixture
        .http
        .post(url)
        .json(&json!({ "grant_type": "refresh_token" }))
        .send()
        .await
        .unwrap();
    assert_eq!(number(&response.json().await.unwrap()), 900_144);
}

#[tokio::test]
async fn options_change_how_scopes_are_written_and_which() {
    let fixture = Fixture::new().await;
    fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Send")
        .await;
    let options = json!({ "scope_names": "full", "token_scopes": "requested" });
    fixture.set(Method::PATCH, "/options", options).await;
    let tokens = fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Read")
        .await;
    assert_eq!(
        words(&tokens["scope"]),
        ["https://graph.microsoft.com/Mail.Read", "openid"]
    );
    fixture
        .set(
            Method::PATCH,
            "/options",
            json!({ "scope_names": "short", "token_scopes": "all_granted" }),
        )
        .await;
    let tokens = fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Read")
        .await;
    assert_eq!(
        words(&tokens["scope"]),
        ["Mail.Read", "Mail.Send", "openid"]
    );
}

#[tokio::test]
async fn the_host_application_signs_people_in_as_well() {
    let fixture = Fixture::new().await;
    let host = story::HOST_CLIENT_ID.to_string();
    let changes = [
        ("client_id", host.as_str()),
        ("scope", "openid profile email"),
    ];
    let url = fixture.authorize_url("organizations", &changes);
    let code = fixture.browse(&url, story::BEN, "accept").await.code();
    let form = [
        ("client_id", host.as_str()),
        ("client_secret", story::HOST_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let (status, tokens) = fixture.post_token("organizations", &form).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let claims =
        jsonwebtoken::dangerous::insecure_decode::<Value>(tokens["id_token"].as_str().unwrap())
            .unwrap()
            .claims;
    assert_eq!(
        (claims["aud"].as_str(), claims["email"].as_str()),
        (Some(host.as_str()), Some("ben@contoso.example"))
    );
    assert_eq!(
        claims["wids"],
        json!(["b79fbf4d-3ef9-4689-8143-76b194e85509"])
    );
}
