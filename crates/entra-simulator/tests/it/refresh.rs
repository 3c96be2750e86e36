//! Refresh tokens: what they survive, and what ends them.

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::fixture::{Fixture, number, words};

const SCOPE: &str = "openid profile offline_access Mail.Read Calendars.Read Contacts.Read";

async fn refresh_token(fixture: &Fixture, person: uuid::Uuid) -> String {
    let tokens = fixture.tokens("contoso.example", person, SCOPE).await;
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

/// Error, sub-error and number of a refresh that has to be refused.
async fn refusal(fixture: &Fixture, token: &str, scope: &str) -> (String, Option<String>, u64) {
    let (status, body) = fixture
        .refresh("contoso.example", token, &[("scope", scope)])
        .await;
    assert_ne!(status, StatusCode::OK, "{body}");
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    (text("error").unwrap(), text("suberror"), number(&body))
}

fn withdrawn() -> (String, Option<String>, u64) {
    let text = str::to_owned;
    (
        text("invalid_grant"),
        Some(text("consent_required")),
        65_001,
    )
}

fn ana() -> String {
    format!("/tenants/contoso.example/users/{}", story::ANA)
}

#[tokio::test]
async fn two_who_refresh_at_once_both_have_working_tokens() {
    let fixture = Fixture::new().await;
    let first = refresh_token(&fixture, story::ANA).await;
    let both = [
        fixture.refresh("contoso.example", &first, &[]).await,
        fixture.refresh("contoso.example", &first, &[]).await,
    ];
    let [one, other] = both.map(|(status, body)| {
        assert_eq!(status, StatusCode::OK);
        body["refresh_token"].as_str().unwrap().to_owned()
    });
    assert_ne!(one, other);
    for token in [&first, &one, &other] {
        let (status, _) = fixture.refresh("contoso.example", token, &[]).await;
        assert_eq!(status, StatusCode::OK);
    }
}

#[tokio::test]
async fn each_descendant_lives_for_ninety_days_of_its_own() {
    let fixture = Fixture::new().await;
    let first = refresh_token(&fixture, story::ANA).await;
    let days = async |days: u32| {
        let seconds = json!({ "advance_seconds": days * 24 * 3_600 });
        fixture.set(Method::POST, "/clock", seconds).await;
    };
    days(60).await;
    let (_, renewed) = fixture.refresh("contoso.example", &first, &[]).await;
    let second = renewed["refresh_token"].as_str().unwrap();
    days(31).await;
    assert_eq!(
        refusal(&fixture, &first, "").await,
        (
            "invalid_grant".to_owned(),
            Some("bad_token".to_owned()),
            700_082
        )
    );
    let (status, _) = fixture.refresh("contoso.example", second, &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_subset_is_asked_for_and_all_that_was_granted_is_told() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    let scope = "https://graph.microsoft.com/Calendars.Read";
    let (_, body) = fixture
        .refresh("contoso.example", &token, &[("scope", scope)])
        .await;
    assert!(words(&body["scope"]).contains(&"Mail.Read"));
    fixture
        .set(
            Method::PATCH,
            "/options",
            json!({ "token_scopes": "requested" }),
        )
        .await;
    let (_, body) = fixture
        .refresh("contoso.example", &token, &[("scope", scope)])
        .await;
    assert!(!words(&body["scope"]).contains(&"Mail.Read"));
    // Never granted is as good as withdrawn.
    assert_eq!(refusal(&fixture, &token, "Mail.Send").await, withdrawn());
}

#[tokio::test]
async fn an_administrator_takes_one_permission_or_all() {
    let fixture = Fixture::new().await;
    let scopes = json!([
        "Mail.Read",
        "Calendars.Read",
        "Contacts.Read",
        "offline_access",
        "openid"
    ]);
    let grant = json!({
        "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID, "scopes": scopes,
    });
    let grant = fixture.set(Method::POST, "/grants", grant).await;
    let token = refresh_token(&fixture, story::ANA).await;
    let bens = refresh_token(&fixture, story::BEN).await;
    let path = format!("/grants/{}", grant["id"].as_str().unwrap());
    let rest = json!({ "scopes": ["openid", "offline_access", "Mail.Read"] });
    fixture.set(Method::PATCH, &path, rest).await;
    for token in [&token, &bens] {
        let gone = refusal(&fixture, token, "Calendars.Read Mail.Read").await;
        assert_eq!(gone, withdrawn());
        let kept = fixture
            .refresh("contoso.example", token, &[("scope", "Mail.Read")])
            .await;
        assert_eq!(kept.0, StatusCode::OK);
    }
    fixture.set(Method::DELETE, &path, json!({})).await;
    assert_eq!(refusal(&fixture, &token, "Mail.Read").await, withdrawn());
    // And gives it again: the token that was kept is good once more.
    let again = json!({
        "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID, "scopes": scopes,
    });
    fixture.set(Method::POST, "/grants", again).await;
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn an_administrator_narrows_a_grant_over_graph() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    let (_, grants) = fixture
        .control(Method::GET, "/grants?tenant=contoso.example", json!({}))
        .await;
    let id = grants["grants"][0]["id"].as_str().unwrap().to_owned();
    let manages = fixture
        .tokens(
            "contoso.example",
            story::OLGA,
            "DelegatedPermissionGrant.ReadWrite.All",
        )
        .await;
    let narrow = fixture
        .http
        .patch(fixture.url(&format!("/v1.0/oauth2PermissionGrants/{id}")))
        .bearer_auth(manages["access_token"].as_str().unwrap())
        .json(&json!({ "scope": "openid offline_access Mail.Read" }));
    assert_eq!(
        narrow.send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        refusal(&fixture, &token, "Calendars.Read").await,
        withdrawn()
    );
}

#[tokio::test]
async fn what_ends_a_session_is_no_withdrawal() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    // Applications with a credential of their own outlive a password that the person changed.
    fixture
        .set(Method::PATCH, &ana(), json!({ "password": "changed" }))
        .await;
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
    fixture
        .set(Method::PATCH, &ana(), json!({ "password": "reset" }))
        .await;
    let (error, suberror, code) = refusal(&fixture, &token, "").await;
    assert_eq!(
        (error.as_str(), suberror.as_deref(), code),
        ("invalid_grant", Some("bad_token"), 50_173)
    );
    // In the same second: what was issued after it is good.
    let token = refresh_token(&fixture, story::ANA).await;
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
    fixture
        .set(Method::PATCH, &ana(), json!({ "enabled": false }))
        .await;
    assert_eq!(refusal(&fixture, &token, "").await.2, 50_057);
}

#[tokio::test]
async fn policies_want_a_new_sign_in_or_more_of_it() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    fixture
        .set(
            Method::PATCH,
            &ana(),
            json!({ "require_second_factor": true }),
        )
        .await;
    let (error, suberror, code) = refusal(&fixture, &token, "").await;
    assert_eq!(
        (error.as_str(), suberror.as_deref(), code),
        ("interaction_required", Some("basic_action"), 50_076)
    );
    let token = refresh_token(&fixture, story::ANA).await;
    let daily = json!({ "sign_in_frequency_seconds": 86_400 });
    fixture
        .set(Method::PATCH, "/tenants/contoso.example", daily)
        .await;
    let (status, renewed) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
    let day = json!({ "advance_seconds": 86_400 });
    fixture.set(Method::POST, "/clock", day).await;
    // A renewed token is of the same sign-in.
    for token in [token.as_str(), renewed["refresh_token"].as_str().unwrap()] {
        let (error, suberror, code) = refusal(&fixture, token, "").await;
        assert_eq!(
            (error.as_str(), suberror.as_deref(), code),
            ("invalid_grant", Some("token_expired"), 70_043)
        );
    }
}

#[tokio::test]
async fn whoever_calls_too_often_is_throttled_by_tenant() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    let limit = json!({ "throttle": { "calls": 1, "seconds": 60 } });
    fixture.set(Method::PATCH, "/options", limit).await;
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
    let client_id = story::ASSENT_CLIENT_ID.to_string();
    let form = [
        ("client_id", client_id.as_str()),
        ("client_secret", story::ASSENT_CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
    ];
    let url = fixture.url("/contoso.example/oauth2/v2.0/token");
    let throttled = fixture.http.post(url).form(&form).send().await.unwrap();
    assert_eq!(throttled.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: i64 = throttled.headers()[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(number(&throttled.json::<Value>().await.unwrap()), 90_055);
    // Others have theirs.
    let (_, body) = fixture.refresh("adatum.example", &token, &[]).await;
    assert_eq!(number(&body), 50_020);
    let nobody = json!({ "throttle": { "calls": 0, "seconds": 1 } });
    fixture.set(Method::PATCH, "/options", nobody).await;
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn trouble_may_be_one_tenants_only() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    let fault = json!({ "endpoint": "token", "tenant": "contoso.example", "status": 503 });
    fixture.set(Method::POST, "/faults", fault).await;
    let (_, body) = fixture.refresh("adatum.example", &token, &[]).await;
    assert_eq!(number(&body), 50_020);
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn every_use_is_listed_and_tokens_can_be_had_without_a_browser() {
    let fixture = Fixture::new().await;
    let order = json!({
        "tenant": "contoso.example", "user": story::ANA, "client_id": story::ASSENT_CLIENT_ID, "scope": SCOPE,
    });
    let made = fixture
        .set(Method::POST, "/refresh-token", order.clone())
        .await;
    let token = made["refresh_token"].as_str().unwrap();
    // It is no grant: nobody there has ever heard of the application.
    assert_eq!(refusal(&fixture, token, "Mail.Read").await.2, 700_016);
    let grant = json!({
        "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID, "scopes": ["Mail.Read"], "user": story::ANA,
    });
    fixture.set(Method::POST, "/grants", grant).await;
    let tenant = story::CONTOSO.to_string();
    let (status, body) = fixture
        .refresh(&tenant, token, &[("scope", "Mail.Read")])
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let path = format!("/refreshes?user={}", story::ANA);
    let (_, uses) = fixture.control(Method::GET, &path, json!({})).await;
    assert_eq!(uses["total"], 2);
    assert_eq!(uses["refreshes"][0]["refused"], 700_016);
    assert_eq!(uses["refreshes"][1]["refused"], Value::Null);
    assert_eq!(uses["refreshes"][1]["addressed_to"], tenant);
    assert_eq!(uses["refreshes"][1]["scope"], "Mail.Read");
    let (_, tokens) = fixture.control(Method::GET, "/tokens", json!({})).await;
    assert_eq!(tokens["refresh_tokens"][0], body["refresh_token"]);
    assert_eq!(tokens["refresh_tokens"][1], token);
    assert_eq!(tokens["access_tokens"][0], body["access_token"]);
    let mut nobodys = order;
    nobodys["user"] = json!(story::FARID);
    let (status, _) = fixture
        .control(Method::POST, "/refresh-token", nobodys)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn access_tokens_live_as_long_as_the_option_says() {
    let fixture = Fixture::new().await;
    let token = refresh_token(&fixture, story::ANA).await;
    let short = json!({ "access_token_seconds": 60 });
    fixture.set(Method::PATCH, "/options", short).await;
    let (_, body) = fixture.refresh("contoso.example", &token, &[]).await;
    assert_eq!(body["expires_in"], 60);
}
