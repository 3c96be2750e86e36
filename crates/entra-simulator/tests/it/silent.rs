//! `prompt=none`: no page in any case, and what there is to say instead.

use std::collections::HashMap;

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const SCOPE: &str = "openid profile offline_access Mail.Read";

/// What comes back to the application from Ana's browser, which shows nothing.
async fn silently(fixture: &Fixture, changes: &[(&str, &str)]) -> HashMap<String, String> {
    let mut all = vec![("prompt", "none"), ("scope", SCOPE)];
    all.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    all.extend(changes);
    let url = fixture.authorize_url("contoso.example", &all);
    let ending = visit(fixture, &url).await;
    assert!(ending.steps().is_empty(), "{}", ending.answer);
    ending.parameters()
}

async fn visit(fixture: &Fixture, url: &str) -> crate::fixture::Ending {
    let visit = json!({ "url": url, "as": story::ANA, "answer": "accept", "browser": "ana's" });
    fixture.browse_with(visit).await
}

async fn sign_in(fixture: &Fixture) {
    let url = fixture.authorize_url("contoso.example", &[("scope", SCOPE)]);
    visit(fixture, &url).await.code();
}

async fn change_ana(fixture: &Fixture, change: Value) {
    let ana = format!("/tenants/contoso.example/users/{}", story::ANA);
    fixture.set(Method::PATCH, &ana, change).await;
}

fn told(parameters: &HashMap<String, String>) -> (&str, &str) {
    let description = parameters["error_description"].as_str();
    let number = description.split(':').next().unwrap();
    (parameters["error"].as_str(), number)
}

#[tokio::test]
async fn whoever_is_signed_in_and_consented_passes_without_a_page() {
    let fixture = Fixture::new().await;
    sign_in(&fixture).await;
    let back = silently(&fixture, &[("login_hint", "ana@contoso.example")]).await;
    let (status, tokens) = fixture.redeem("contoso.example", &back["code"]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(tokens["refresh_token"].is_string());
}

#[tokio::test]
async fn without_a_session_a_login_is_required() {
    let fixture = Fixture::new().await;
    let required = ("login_required", "AADSTS50058");
    assert_eq!(told(&silently(&fixture, &[]).await), required);
    sign_in(&fixture).await;
    // Of somebody else.
    let ben = [("login_hint", "ben@contoso.example")];
    assert_eq!(told(&silently(&fixture, &ben).await), required);
    for end in [
        json!({ "revoke_sessions": true }),
        json!({ "password": "changed" }),
        json!({ "enabled": false }),
    ] {
        sign_in(&fixture).await;
        change_ana(&fixture, end).await;
        assert_eq!(told(&silently(&fixture, &[]).await), required);
    }
}

#[tokio::test]
async fn what_a_person_has_to_do_is_an_interaction() {
    let fixture = Fixture::new().await;
    sign_in(&fixture).await;
    change_ana(&fixture, json!({ "require_second_factor": true })).await;
    assert_eq!(
        told(&silently(&fixture, &[]).await),
        ("interaction_required", "AADSTS50076")
    );
    sign_in(&fixture).await;
    let daily = json!({ "sign_in_frequency_seconds": 86_400 });
    fixture
        .set(Method::PATCH, "/tenants/contoso.example", daily)
        .await;
    assert!(silently(&fixture, &[]).await.contains_key("code"));
    let day = json!({ "advance_seconds": 86_400 });
    fixture.set(Method::POST, "/clock", day).await;
    assert_eq!(
        told(&silently(&fixture, &[]).await),
        ("login_required", "AADSTS70044")
    );
}

#[tokio::test]
async fn a_missing_consent_is_told_in_either_way() {
    let fixture = Fixture::new().await;
    sign_in(&fixture).await;
    fixture.set(Method::DELETE, "/grants", json!({})).await;
    assert_eq!(
        told(&silently(&fixture, &[]).await),
        ("interaction_required", "AADSTS65001")
    );
    let other = json!({ "silent_consent": "consent_required" });
    fixture.set(Method::PATCH, "/options", other).await;
    assert_eq!(
        told(&silently(&fixture, &[]).await),
        ("consent_required", "AADSTS65001")
    );
    // More than was consented to, too.
    sign_in(&fixture).await;
    let more = [("scope", "openid Mail.Send")];
    assert_eq!(told(&silently(&fixture, &more).await).1, "AADSTS65001");
}

#[tokio::test]
async fn what_keeps_an_account_out_shows_no_page_either() {
    let fixture = Fixture::new().await;
    sign_in(&fixture).await;
    let elsewhere = fixture.authorize_url("fabrikam.example", &[("prompt", "none")]);
    let back = visit(&fixture, &elsewhere).await.parameters();
    assert_eq!(told(&back), ("interaction_required", "AADSTS16000"));
    let application = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    for (change, number) in [
        (
            json!({ "service_principal": "present", "assignment_required": true }),
            "AADSTS50105",
        ),
        (json!({ "service_principal": "disabled" }), "AADSTS7000112"),
        (json!({ "service_principal": "absent" }), "AADSTS65001"),
    ] {
        fixture.set(Method::PUT, &application, change).await;
        assert_eq!(told(&silently(&fixture, &[]).await).1, number);
    }
}
