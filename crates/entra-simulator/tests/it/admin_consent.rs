//! Consent for a whole organisation.

use assent_entra_simulator::story;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{CALLBACK, Fixture, words};

#[tokio::test]
async fn an_administrator_accepts_for_everybody() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("organizations", &[]);
    let ending = fixture.browse(&url, story::OLGA, "accept").await;
    assert_eq!(ending.steps(), ["sign_in", "consent"]);
    let parameters = ending.parameters();
    assert_eq!(parameters["admin_consent"], "True");
    assert_eq!(parameters["tenant"], story::CONTOSO.to_string());
    assert_eq!(parameters["scope"], "Mail.Read Calendars.Read");
    assert_eq!(parameters["state"], "the-state");
    assert!(!parameters.contains_key("error"));
    // Ana is asked nothing any more.
    let url = fixture.authorize_url("contoso.example", &[]);
    let ending = fixture.browse(&url, story::ANA, "decline").await;
    assert_eq!(ending.steps(), ["sign_in"]);
    ending.code();
}

#[tokio::test]
async fn a_decline_has_the_observed_shape() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("contoso.example", &[]);
    let parameters = fixture
        .browse(&url, story::OLGA, "decline")
        .await
        .parameters();
    assert_eq!(parameters["error"], "access_denied");
    assert!(parameters["error_description"].starts_with("AADSTS65004: "));
    assert!(parameters["error_uri"].ends_with("/error?code=65004"));
    assert_eq!(parameters["admin_consent"], "True");
    assert_eq!(parameters["state"], "the-state");
    assert!(!parameters.contains_key("tenant"));
}

#[tokio::test]
async fn an_ordinary_user_can_only_go_back() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("contoso.example", &[]);
    for answer in ["accept", "decline"] {
        assert_eq!(
            fixture.browse(&url, story::ANA, answer).await.page(),
            "AADSTS90093"
        );
    }
    let parameters = fixture
        .browse(&url, story::ANA, "return")
        .await
        .parameters();
    assert_eq!(parameters["error"], "access_denied");
    assert_eq!(parameters["error_subcode"], "cancel");
    assert_eq!(parameters["admin_consent"], "True");
    assert!(!parameters.contains_key("error_description"));
    let grants = fixture.set(Method::GET, "/grants", json!({})).await;
    assert_eq!(grants["grants"], json!([]));
}

#[tokio::test]
async fn an_application_administrator_stops_at_application_permissions() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("adatum.example", &[]);
    fixture
        .browse(&url, story::ERIK, "accept")
        .await
        .parameters();
    let application = format!("/applications/{}", story::ASSENT_CLIENT_ID);
    fixture
        .set(
            Method::PATCH,
            &application,
            json!({ "application_permissions": ["Mail.Read"] }),
        )
        .await;
    let default = [("scope", "https://graph.microsoft.com/.default")];
    let url = fixture.admin_consent_url("adatum.example", &default);
    assert_eq!(
        fixture.browse(&url, story::ERIK, "accept").await.page(),
        "AADSTS90093"
    );
    let url = fixture.admin_consent_url("contoso.example", &default);
    assert_eq!(
        fixture
            .browse(&url, story::OLGA, "accept")
            .await
            .parameters()["scope"],
        default[0].1
    );
}

#[tokio::test]
async fn a_second_consent_replaces_the_first_and_leaves_users_own_alone() {
    let fixture = Fixture::new().await;
    fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Send")
        .await;
    for scope in ["Mail.Read", "Calendars.Read"] {
        let url = fixture.admin_consent_url("contoso.example", &[("scope", scope)]);
        fixture
            .browse(&url, story::OLGA, "accept")
            .await
            .parameters();
    }
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::ANA,
            "https://graph.microsoft.com/.default",
        )
        .await;
    assert_eq!(words(&tokens["scope"]), ["Calendars.Read", "Mail.Send"]);
}

#[tokio::test]
async fn somebody_of_another_tenant_is_sent_back() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("contoso.example", &[]);
    let parameters = fixture
        .browse(&url, story::GRACE, "accept")
        .await
        .parameters();
    assert_eq!(parameters["error"], "access_denied");
    assert!(parameters["error_description"].starts_with("AADSTS50020: "));
    assert!(!parameters.contains_key("tenant"));
}

#[tokio::test]
async fn what_cannot_be_trusted_to_return_ends_on_a_page() {
    let fixture = Fixture::new().await;
    for (tenant, changes, page) in [
        ("contoso.example", ("client_id", ""), "AADSTS900144"),
        (
            "contoso.example",
            ("client_id", "00000000-0000-4000-8000-000000000000"),
            "AADSTS700016",
        ),
        ("contoso.example", ("redirect_uri", ""), "AADSTS900144"),
        (
            "contoso.example",
            ("redirect_uri", "https://app.example/callback/"),
            "AADSTS50011",
        ),
        (
            "contoso.example",
            ("redirect_uri", "https://evil.example/"),
            "AADSTS50011",
        ),
        ("nowhere.example", ("state", "x"), "AADSTS90002"),
        ("northwind-gov.example", ("state", "x"), "AADSTS900382"),
    ] {
        let url = fixture.admin_consent_url(tenant, &[changes]);
        assert_eq!(
            fixture.browse(&url, story::OLGA, "accept").await.page(),
            page,
            "{changes:?}"
        );
    }
    let url = format!(
        "{}&state=twice",
        fixture.admin_consent_url("contoso.example", &[])
    );
    assert_eq!(
        fixture.browse(&url, story::OLGA, "accept").await.page(),
        "AADSTS9000411"
    );
}

#[tokio::test]
async fn other_mistakes_are_told_to_the_application() {
    let fixture = Fixture::new().await;
    for (tenant, changes, error, number) in [
        (
            "common",
            ("scope", "Mail.Read"),
            "invalid_request",
            "AADSTS900144",
        ),
        (
            "organizations",
            ("scope", ""),
            "invalid_request",
            "AADSTS900144",
        ),
        (
            "organizations",
            ("scope", "Mail.Everything"),
            "invalid_client",
            "AADSTS650053",
        ),
        (
            "organizations",
            ("scope", "https://graph.microsoft.com/.default Mail.Read"),
            "invalid_scope",
            "AADSTS70011",
        ),
        (
            "organizations",
            ("scope", "https://other.example/Mail.Read"),
            "invalid_resource",
            "AADSTS500011",
        ),
    ] {
        let url = fixture.admin_consent_url(tenant, &[changes]);
        let parameters = fixture
            .browse(&url, story::OLGA, "accept")
            .await
            .parameters();
        assert_eq!(parameters["error"], error);
        assert!(
            parameters["error_description"].starts_with(number),
            "{parameters:?}"
        );
        assert_eq!(
            (
                parameters["state"].as_str(),
                parameters["admin_consent"].as_str()
            ),
            ("the-state", "True")
        );
    }
    let url = fixture.admin_consent_url("common", &[]);
    let parameters = fixture
        .browse(&url, story::OLGA, "accept")
        .await
        .parameters();
    assert!(parameters["error_description"].contains("'response_type'"));
}

#[tokio::test]
async fn an_administrator_of_another_cloud_gets_nowhere() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("organizations", &[]);
    assert_eq!(
        fixture.browse(&url, story::NOOR, "accept").await.page(),
        "AADSTS900382"
    );
}

#[tokio::test]
async fn the_administrator_stays_signed_in() {
    let fixture = Fixture::new().await;
    let visit = |url: String, answer| json!({ "url": url, "as": story::OLGA, "answer": answer, "browser": "one" });
    let url = fixture.admin_consent_url("organizations", &[]);
    fixture.browse_with(visit(url, "accept")).await;
    let scope = "openid profile offline_access https://graph.microsoft.com/.default";
    let url = fixture.authorize_url(&story::CONTOSO.to_string(), &[("scope", scope)]);
    let ending = fixture.browse_with(visit(url, "accept")).await;
    assert!(ending.steps().is_empty());
    let (_, tokens) = fixture
        .redeem(&story::CONTOSO.to_string(), &ending.code())
        .await;
    assert_eq!(
        words(&tokens["scope"]),
        ["Calendars.Read", "Mail.Read", "openid", "profile"]
    );
}

#[tokio::test]
async fn the_first_version_is_for_everything_registered_and_says_no_in_its_own_way() {
    let fixture = Fixture::new().await;
    let client_id = story::ASSENT_CLIENT_ID.to_string();
    let defaults = [
        ("client_id", client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("state", "the-state"),
    ];
    // Where the tenant is not known, both names for any are taken.
    let url = fixture.with("/common/adminconsent", &defaults, &[]);
    let told = fixture
        .browse(&url, story::OLGA, "decline")
        .await
        .parameters();
    assert_eq!(told["error"], "permission_denied");
    assert_eq!(told["error_description"], "The admin canceled the request");
    assert_eq!(
        (told["admin_consent"].as_str(), told["state"].as_str()),
        ("True", "the-state")
    );
    let url = fixture.with("/organizations/adminconsent", &defaults, &[]);
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.page(),
        "AADSTS90093"
    );
    let told = fixture
        .browse(&url, story::OLGA, "accept")
        .await
        .parameters();
    assert_eq!(told["tenant"], story::CONTOSO.to_string());
    assert_eq!(told["admin_consent"], "True");
    assert!(!told.contains_key("scope") && !told.contains_key("error"));
    let grants = fixture.set(Method::GET, "/grants", json!({})).await;
    let scopes = grants["grants"][0]["scopes"].as_array().unwrap();
    assert!(scopes.contains(&json!("Calendars.ReadWrite")));
}
