//! Sign-in and a user's own consent.

use assent_entra_simulator::story;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, words};

#[tokio::test]
async fn a_user_consents_once_and_is_not_asked_again() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("organizations", &[]);
    let ending = fixture.browse(&url, story::ANA, "accept").await;
    assert_eq!(ending.steps(), ["sign_in", "consent"]);
    assert_eq!(ending.parameters()["state"], "the-state");
    assert_eq!(
        fixture.browse(&url, story::ANA, "decline").await.steps(),
        ["sign_in"]
    );
    // It was only for Ana.
    assert_eq!(
        fixture.browse(&url, story::BEN, "accept").await.steps(),
        ["sign_in", "consent"]
    );
    // More permissions are a new question.
    let url = fixture.authorize_url(
        "organizations",
        &[("scope", "openid Mail.Read Contacts.Read")],
    );
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.steps(),
        ["sign_in", "consent"]
    );
}

#[tokio::test]
async fn a_decline_and_a_cancellation_differ_only_in_the_description() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("contoso.example", &[]);
    let declined = fixture
        .browse(&url, story::ANA, "decline")
        .await
        .parameters();
    assert_eq!(
        (
            declined["error"].as_str(),
            declined["error_subcode"].as_str()
        ),
        ("access_denied", "cancel")
    );
    assert!(declined["error_description"].starts_with("AADSTS65004: "));
    let left = fixture
        .browse(&url, story::ANA, "cancel")
        .await
        .parameters();
    assert_eq!(
        (left["error"].as_str(), left["error_subcode"].as_str()),
        ("access_denied", "cancel")
    );
    assert!(!left.contains_key("error_description"));
    assert_eq!(
        (left["state"].as_str(), declined["state"].as_str()),
        ("the-state", "the-state")
    );
}

#[tokio::test]
async fn the_managed_policy_lets_users_grant_a_few_things() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url(
        "adatum.example",
        &[("scope", "openid Mail.Send Contacts.Read User.Read")],
    );
    fixture.browse(&url, story::DANA, "accept").await.code();
    let url = fixture.authorize_url("adatum.example", &[]);
    assert_eq!(
        fixture.browse(&url, story::DANA, "accept").await.page(),
        "AADSTS90094"
    );
    let back = fixture
        .browse(&url, story::DANA, "return")
        .await
        .parameters();
    assert_eq!(
        (back["error"].as_str(), back["error_subcode"].as_str()),
        ("access_denied", "cancel")
    );
    assert!(!back.contains_key("error_description"));
    // An administrator may, for their own account.
    fixture.browse(&url, story::ERIK, "accept").await.code();
    assert_eq!(
        fixture.browse(&url, story::DANA, "accept").await.page(),
        "AADSTS90094"
    );
}

#[tokio::test]
async fn the_other_policies_let_users_grant_nothing_or_much() {
    let fixture = Fixture::new().await;
    fixture
        .set(
            Method::PATCH,
            "/tenants/contoso.example",
            json!({ "policy": "off" }),
        )
        .await;
    let url = fixture.authorize_url("contoso.example", &[("scope", "openid User.Read")]);
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.page(),
        "AADSTS90094"
    );
    fixture
        .set(
            Method::PATCH,
            "/tenants/contoso.example",
            json!({ "policy": "legacy" }),
        )
        .await;
    fixture.browse(&url, story::ANA, "accept").await.code();
    let url = fixture.authorize_url("contoso.example", &[("scope", "openid Directory.Read.All")]);
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.page(),
        "AADSTS90094"
    );
}

#[tokio::test]
async fn prompt_consent_asks_again_and_traps_who_may_not_consent() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("adatum.example", &[("scope", "Mail.Read")]);
    fixture.browse(&url, story::ERIK, "accept").await;
    let plain = fixture.authorize_url("adatum.example", &[]);
    fixture.browse(&plain, story::DANA, "accept").await.code();
    let prompting = fixture.authorize_url("adatum.example", &[("prompt", "consent")]);
    assert_eq!(
        fixture
            .browse(&prompting, story::DANA, "accept")
            .await
            .page(),
        "AADSTS90094"
    );
    assert_eq!(
        fixture
            .browse(&prompting, story::ERIK, "accept")
            .await
            .steps(),
        ["sign_in", "consent"]
    );
}

#[tokio::test]
async fn the_box_for_the_organization_is_for_global_administrators() {
    let fixture = Fixture::new().await;
    for (tenant, person, kind) in [
        ("contoso.example", story::OLGA, "AllPrincipals"),
        ("adatum.example", story::ERIK, "Principal"),
    ] {
        let url = fixture.authorize_url(tenant, &[]);
        fixture
            .browse_with(
                json!({ "url": url, "as": person, "answer": "accept", "tenant_wide": true }),
            )
            .await
            .code();
        let grants = fixture
            .set(Method::GET, &format!("/grants?tenant={tenant}"), json!({}))
            .await;
        assert_eq!(grants["grants"][0]["consent_type"], kind);
    }
}

#[tokio::test]
async fn default_stands_for_whatever_is_granted() {
    let fixture = Fixture::new().await;
    let scope = "openid offline_access https://graph.microsoft.com/.default";
    let url = fixture.authorize_url("contoso.example", &[("scope", scope)]);
    // With nothing granted yet it asks for what is registered.
    assert_eq!(
        fixture.browse(&url, story::BEN, "accept").await.steps(),
        ["sign_in", "consent"]
    );
    fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Send")
        .await;
    let ending = fixture.browse(&url, story::ANA, "decline").await;
    assert_eq!(ending.steps(), ["sign_in"]);
    let (_, tokens) = fixture.redeem("contoso.example", &ending.code()).await;
    assert_eq!(words(&tokens["scope"]), ["Mail.Send", "openid"]);
}

#[tokio::test]
async fn a_grant_may_be_less_than_was_accepted() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url(
        "contoso.example",
        &[("scope", "openid Mail.Read Calendars.Read")],
    );
    let visit =
        json!({ "url": url, "as": story::ANA, "answer": "accept", "grant_scopes": ["Mail.Read"] });
    let (_, tokens) = fixture
        .redeem("contoso.example", &fixture.browse_with(visit).await.code())
        .await;
    assert_eq!(words(&tokens["scope"]), ["Mail.Read", "openid"]);
    let withheld = json!({ "withheld_scopes": ["Mail.Read"] });
    fixture
        .set(Method::PATCH, "/tenants/contoso.example", withheld)
        .await;
    let tokens = fixture
        .tokens(
            "contoso.example",
            story::BEN,
            "openid Mail.Read Calendars.Read",
        )
        .await;
    assert_eq!(words(&tokens["scope"]), ["Calendars.Read", "openid"]);
}

#[tokio::test]
async fn somebody_of_another_tenant_ends_on_a_page() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("contoso.example", &[]);
    assert_eq!(
        fixture.browse(&url, story::GRACE, "accept").await.page(),
        "AADSTS50020"
    );
}

#[tokio::test]
async fn a_silent_request_shows_no_page() {
    let fixture = Fixture::new().await;
    let visit =
        |url: &str| json!({ "url": url, "as": story::ANA, "answer": "accept", "browser": "ana" });
    let silent = fixture.authorize_url("contoso.example", &[("prompt", "none")]);
    let parameters = fixture.browse_with(visit(&silent)).await.parameters();
    assert_eq!(parameters["error"], "login_required");
    fixture
        .browse_with(visit(
            &fixture.authorize_url("contoso.example", &[("scope", "openid User.Read")]),
        ))
        .await
        .code();
    let parameters = fixture.browse_with(visit(&silent)).await.parameters();
    assert_eq!(parameters["error"], "interaction_required");
    assert!(parameters["error_description"].starts_with("AADSTS65001: "));
    let silent = fixture.authorize_url(
        "contoso.example",
        &[("prompt", "none"), ("scope", "openid User.Read")],
    );
    assert!(fixture.browse_with(visit(&silent)).await.steps().is_empty());
}

#[tokio::test]
async fn a_session_is_used_unless_the_request_insists() {
    let fixture = Fixture::new().await;
    let visit = async |changes: &[(&str, &str)]| {
        let url = fixture.authorize_url("contoso.example", changes);
        let visit = json!({ "url": url, "as": story::ANA, "answer": "accept", "browser": "ana" });
        fixture.browse_with(visit).await.steps().join(" ")
    };
    assert_eq!(visit(&[]).await, "sign_in consent");
    assert_eq!(visit(&[]).await, "");
    assert_eq!(visit(&[("login_hint", "ana@contoso.example")]).await, "");
    assert_eq!(
        visit(&[("login_hint", "ben@contoso.example")]).await,
        "sign_in"
    );
    assert_eq!(visit(&[("prompt", "login")]).await, "sign_in");
    assert_eq!(visit(&[("prompt", "select_account")]).await, "sign_in");
}

#[tokio::test]
async fn what_cannot_be_trusted_to_return_ends_on_a_page() {
    let fixture = Fixture::new().await;
    for (tenant, changes, page) in [
        ("contoso.example", ("client_id", ""), "AADSTS900144"),
        (
            "contoso.example",
            ("client_id", "not-a-guid"),
            "AADSTS700016",
        ),
        ("contoso.example", ("redirect_uri", ""), "AADSTS900144"),
        (
            "contoso.example",
            ("redirect_uri", "https://app.example/Callback"),
            "AADSTS50011",
        ),
        ("nowhere.example", ("state", "x"), "AADSTS90002"),
        ("northwind-gov.example", ("state", "x"), "AADSTS900382"),
    ] {
        let url = fixture.authorize_url(tenant, &[changes]);
        assert_eq!(
            fixture.browse(&url, story::ANA, "accept").await.page(),
            page,
            "{changes:?}"
        );
    }
    let url = format!(
        "{}&scope=openid",
        fixture.authorize_url("contoso.example", &[])
    );
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.page(),
        "AADSTS9000411"
    );
}

#[tokio::test]
async fn other_mistakes_are_told_to_the_application() {
    let fixture = Fixture::new().await;
    let plain: &[(&str, &str)] = &[("code_challenge_method", "plain")];
    for (changes, error, number) in [
        (
            &[("response_type", "")][..],
            "invalid_request",
            "AADSTS900144",
        ),
        (
            &[("response_type", "id_token")],
            "unsupported_response_type",
            "AADSTS700054",
        ),
        (
            &[("response_type", "nonsense")],
            "unsupported_response_type",
            "AADSTS70005",
        ),
        (
            &[("response_mode", "web_message")],
            "invalid_request",
            "AADSTS70007",
        ),
        (&[("scope", "")], "invalid_request", "AADSTS900144"),
        (
            &[("scope", "openid Mail.Everything")],
            "invalid_client",
            "AADSTS650053",
        ),
        (
            &[("scope", "Mail.Read https://graph.microsoft.com/.default")],
            "invalid_scope",
            "AADSTS70011",
        ),
        (
            &[("nonce", ""), ("response_type", "code id_token")],
            "invalid_request",
            "AADSTS900144",
        ),
        (
            &[("prompt", "admin_consent")],
            "invalid_request",
            "AADSTS90023",
        ),
        (
            &[("prompt", "select_account"), ("login_hint", "ana")],
            "invalid_request",
            "AADSTS90023",
        ),
        (&[("code_challenge", "")], "invalid_request", "AADSTS900144"),
        (
            &[("code_challenge", "short")],
            "invalid_request",
            "AADSTS50147",
        ),
        (
            &[("code_challenge_method", "")],
            "invalid_request",
            "AADSTS501491",
        ),
        (plain, "invalid_request", "AADSTS501491"),
    ] {
        let url = fixture.authorize_url("contoso.example", changes);
        let parameters = fixture
            .browse(&url, story::ANA, "accept")
            .await
            .parameters();
        assert_eq!(parameters["error"], error, "{changes:?}");
        assert!(
            parameters["error_description"].starts_with(&format!("{number}: ")),
            "{parameters:?}"
        );
        assert_eq!(parameters["state"], "the-state");
    }
}

#[tokio::test]
async fn a_code_needs_no_nonce_and_an_id_token_has_one_only_if_it_was_sent() {
    let fixture = Fixture::new().await;
    for (nonce, expected) in [("", Value::Null), ("n-0S6", json!("n-0S6"))] {
        let url = fixture.authorize_url("contoso.example", &[("nonce", nonce)]);
        let code = fixture.browse(&url, story::ANA, "accept").await.code();
        let (status, tokens) = fixture.redeem("contoso.example", &code).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1);
        let claims = URL_SAFE_NO_PAD.decode(claims.unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["nonce"], expected);
    }
}

#[tokio::test]
async fn an_application_disabled_by_the_tenant_ends_on_a_page() {
    let fixture = Fixture::new().await;
    let path = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    fixture
        .set(
            Method::PUT,
            &path,
            json!({ "service_principal": "disabled" }),
        )
        .await;
    let url = fixture.authorize_url("contoso.example", &[]);
    assert_eq!(
        fixture.browse(&url, story::ANA, "accept").await.page(),
        "AADSTS7000112"
    );
}

#[tokio::test]
async fn an_answer_comes_back_in_the_way_that_was_asked_for() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("contoso.example", &[("response_mode", "fragment")]);
    let ending = fixture.browse(&url, story::ANA, "accept").await;
    let redirect = ending.answer["redirect"].as_str().unwrap();
    assert!(
        redirect.starts_with("https://app.example/callback#code="),
        "{redirect}"
    );
    let url = fixture.authorize_url("contoso.example", &[("response_mode", "form_post")]);
    let ending = fixture.browse(&url, story::ANA, "accept").await;
    let form = &ending.answer["form_post"];
    assert_eq!(form["action"], "https://app.example/callback");
    assert_eq!(form["fields"]["state"], "the-state");
    let code = form["fields"]["code"].as_str().unwrap();
    assert_eq!(
        fixture.redeem("contoso.example", code).await.0,
        reqwest::StatusCode::OK
    );
}
