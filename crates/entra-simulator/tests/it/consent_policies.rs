//! What keeps people from using an application, or from consenting to it.

use assent_entra_simulator::story;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Fixture, number};

async fn application(fixture: &Fixture, change: Value) {
    let path = format!("/applications/{}", story::ASSENT_CLIENT_ID);
    fixture.set(Method::PATCH, &path, change).await;
}

async fn contoso(fixture: &Fixture, change: Value) {
    let path = "/tenants/contoso.example";
    fixture.set(Method::PATCH, path, change).await;
}

/// The number of the page that Ana ends on, asking for `scope`; or that she got through.
async fn anas_page(fixture: &Fixture, scope: &str) -> String {
    let url = fixture.authorize_url("contoso.example", &[("scope", scope)]);
    let ending = fixture.browse(&url, story::ANA, "accept").await;
    let page = ending.answer["page"]["code"].as_str();
    page.unwrap_or("through").to_owned()
}

#[tokio::test]
async fn only_those_assigned_get_in_and_only_administrators_consent() {
    let fixture = Fixture::new().await;
    let path = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    let assign = async |assigned: Value| {
        let change = json!({
            "service_principal": "present", "assignment_required": true, "assigned": assigned,
        });
        fixture.set(Method::PUT, &path, change).await;
    };
    assign(json!([])).await;
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "AADSTS50105");
    assign(json!([story::ANA])).await;
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "AADSTS90094");
    let url = fixture.admin_consent_url("contoso.example", &[("scope", "Mail.Read")]);
    fixture
        .browse(&url, story::OLGA, "accept")
        .await
        .parameters();
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "openid offline_access Mail.Read",
        )
        .await;
    assign(json!([story::BEN])).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let (_, body) = fixture.refresh("contoso.example", token, &[]).await;
    assert_eq!(
        (body["error"].as_str(), number(&body)),
        (Some("invalid_grant"), 50105)
    );
    // What was not said stays as it was.
    let present = json!({ "service_principal": "present" });
    fixture.set(Method::PUT, &path, present).await;
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "AADSTS50105");
}

#[tokio::test]
async fn where_there_is_a_workflow_people_are_offered_to_ask() {
    let fixture = Fixture::new().await;
    contoso(
        &fixture,
        json!({ "policy": "managed", "admin_consent_workflow": true }),
    )
    .await;
    let url = fixture.authorize_url("contoso.example", &[]);
    let ending = fixture.browse(&url, story::ANA, "accept").await;
    assert_eq!(ending.page(), "AADSTS90095");
    assert_eq!(ending.answer["page"]["title"], "Need admin approval");
    let back = fixture
        .browse(&url, story::ANA, "return")
        .await
        .parameters();
    assert_eq!((back["error"].as_str(), back.len()), ("access_denied", 3));
    assert_eq!(back["error_subcode"], "cancel");
    // Administrators are not concerned.
    fixture.browse(&url, story::OLGA, "accept").await.code();
}

#[tokio::test]
async fn an_unverified_publisher_gets_no_more_than_a_sign_in_from_users() {
    let fixture = Fixture::new().await;
    application(&fixture, json!({ "publisher_verified": false })).await;
    assert_eq!(
        anas_page(&fixture, "openid profile User.Read").await,
        "through"
    );
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "AADSTS90094");
    application(&fixture, json!({ "publisher_verified": true })).await;
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "through");
}

#[tokio::test]
async fn a_risky_application_has_a_number_of_its_own() {
    let fixture = Fixture::new().await;
    application(&fixture, json!({ "risky": true })).await;
    assert_eq!(
        anas_page(&fixture, "openid Mail.Read").await,
        "AADSTS900941"
    );
    contoso(&fixture, json!({ "admin_consent_workflow": true })).await;
    assert_eq!(anas_page(&fixture, "openid Mail.Read").await, "AADSTS90095");
}

#[tokio::test]
async fn the_low_policy_opens_what_was_classified() {
    let fixture = Fixture::new().await;
    contoso(&fixture, json!({ "policy": "low" })).await;
    assert_eq!(anas_page(&fixture, "openid User.Read").await, "through");
    assert_eq!(
        anas_page(&fixture, "openid Contacts.Read").await,
        "AADSTS90094"
    );
    contoso(
        &fixture,
        json!({ "low_permissions": ["openid", "Contacts.Read"] }),
    )
    .await;
    assert_eq!(anas_page(&fixture, "openid Contacts.Read").await, "through");
    application(&fixture, json!({ "publisher_verified": false })).await;
    assert_eq!(anas_page(&fixture, "openid Contacts.Read").await, "through");
    fixture.set(Method::DELETE, "/grants", json!({})).await;
    assert_eq!(
        anas_page(&fixture, "openid Contacts.Read").await,
        "AADSTS90094"
    );
}
