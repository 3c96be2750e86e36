//! The parts of Microsoft Graph.

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, json_of};

async fn token(fixture: &Fixture, tenant: &str, person: uuid::Uuid, scope: &str) -> String {
    let tokens = fixture.tokens(tenant, person, scope).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn an_administrator_reads_and_removes_the_grants() {
    let fixture = Fixture::new().await;
    fixture
        .browse(
            &fixture.admin_consent_url("organizations", &[]),
            story::OLGA,
            "accept",
        )
        .await;
    fixture
        .tokens("contoso.example", story::ANA, "openid Mail.Send")
        .await;
    let scope = "Directory.Read.All DelegatedPermissionGrant.ReadWrite.All";
    let token = token(&fixture, "contoso.example", story::OLGA, scope).await;
    let path = format!("servicePrincipals(appId='{}')", story::ASSENT_CLIENT_ID);
    let (status, principal) = fixture.graph(Method::GET, &path, &token).await;
    assert_eq!(status, StatusCode::OK);
    let id = principal["id"].as_str().unwrap();
    assert_ne!(id, story::ASSENT_CLIENT_ID.to_string());
    let grants = async |filter: &str| {
        let path = format!("oauth2PermissionGrants?$filter={filter}");
        fixture.graph(Method::GET, &path, &token).await.1["value"]
            .as_array()
            .unwrap()
            .clone()
    };
    let everybody = grants(&format!(
        "clientId eq '{id}' and consentType eq 'AllPrincipals'"
    ))
    .await;
    assert_eq!(everybody.len(), 1);
    assert_eq!(everybody[0]["principalId"], Value::Null);
    assert!(
        everybody[0]["scope"]
            .as_str()
            .unwrap()
            .contains("Calendars.Read Mail.Read")
    );
    // The trap: an application id is not what `clientId` means.
    assert!(
        grants(&format!("clientId eq '{}'", story::ASSENT_CLIENT_ID))
            .await
            .is_empty()
    );
    let anas = grants(&format!("principalId eq '{}'", story::ANA)).await;
    assert_eq!(anas[0]["consentType"], "Principal");
    let path = format!("oauth2PermissionGrants/{}", anas[0]["id"].as_str().unwrap());
    assert_eq!(
        fixture.graph(Method::DELETE, &path, &token).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        fixture.graph(Method::DELETE, &path, &token).await.0,
        StatusCode::NOT_FOUND
    );
    let (_, body) = fixture
        .graph(
            Method::GET,
            "oauth2PermissionGrants?$filter=scope ne 'x'",
            &token,
        )
        .await;
    assert_eq!(code(&body), "Request_UnsupportedQuery");
}

#[tokio::test]
async fn permissions_are_needed() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, "contoso.example", story::ANA, "Mail.Read").await;
    let principal = format!("servicePrincipals(appId='{}')", story::ASSENT_CLIENT_ID);
    for (method, path, expected) in [
        (
            Method::GET,
            principal.as_str(),
            "Authorization_RequestDenied",
        ),
        (
            Method::GET,
            "oauth2PermissionGrants",
            "Authorization_RequestDenied",
        ),
        (
            Method::DELETE,
            "oauth2PermissionGrants/x",
            "Authorization_RequestDenied",
        ),
        (Method::GET, "me/calendar", "ErrorAccessDenied"),
    ] {
        let (status, body) = fixture.graph(method, path, &token).await;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::FORBIDDEN, expected),
            "{path}"
        );
    }
    assert_eq!(
        fixture
            .graph(Method::GET, "me/mailFolders/inbox", &token)
            .await
            .0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn what_is_not_there_is_named_and_no_refusal_is_without_words() {
    let fixture = Fixture::new().await;
    let scope = "openid User.Read Mail.Read Calendars.Read Contacts.Read";
    let token = token(&fixture, "contoso.example", story::ANA, scope).await;
    for (method, path, status, named) in [
        (Method::GET, "me/nonsense/3", 400, "segment 'nonsense'"),
        (
            Method::GET,
            "me/messages/3/nonsense",
            400,
            "segment 'nonsense'",
        ),
        (Method::GET, "nonsense/messages", 400, "segment 'nonsense'"),
        (Method::GET, "me/mailFolders/AAMkAD", 400, "Id is malformed"),
        (Method::GET, "me/photo/$value", 501, "'photo'"),
        (Method::POST, "$batch", 501, "'$batch'"),
        (Method::POST, "subscriptions", 501, "'subscriptions'"),
        (Method::PUT, "me/messages", 405, "method is not allowed"),
        (Method::PUT, "me", 405, "method is not allowed"),
        (Method::OPTIONS, "me/sendMail", 405, "method is not allowed"),
        (
            Method::GET,
            "oauth2PermissionGrants/1",
            405,
            "method is not allowed",
        ),
        (Method::PUT, "nonsense", 400, "segment 'nonsense'"),
    ] {
        let (answered, body) = fixture.graph(method, path, &token).await;
        assert_eq!(answered.as_u16(), status, "{path}: {body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{path}: {message}");
        assert!(!code(&body).is_empty());
    }
}

#[tokio::test]
async fn whatever_is_answered_says_what_it_is() {
    let fixture = Fixture::new().await;
    let scope = "openid User.Read Mail.Read Calendars.Read Contacts.Read";
    let token = token(&fixture, "contoso.example", story::ANA, scope).await;
    let ana = format!("users('{}')", story::ANA);
    let (_, messages) = fixture.graph(Method::GET, "me/messages", &token).await;
    let message = format!(
        "me/messages/{}",
        messages["value"][0]["id"].as_str().unwrap()
    );
    for (path, expected) in [
        ("me".to_owned(), "users/$entity".to_owned()),
        (
            "me?$select=id,jobTitle".to_owned(),
            "users(id,jobTitle)/$entity".to_owned(),
        ),
        ("organization".to_owned(), "organization".to_owned()),
        (
            "me/messages?$select=subject".to_owned(),
            format!("{ana}/messages(subject)"),
        ),
        (message.clone(), format!("{ana}/messages/$entity")),
        (
            format!("{message}?$select=subject"),
            format!("{ana}/messages(subject)/$entity"),
        ),
        ("me/mailFolders".to_owned(), format!("{ana}/mailFolders")),
        (
            "me/mailFolders/inbox".to_owned(),
            format!("{ana}/mailFolders/$entity"),
        ),
        (
            "me/mailFolders/inbox/messages".to_owned(),
            format!("{ana}/mailFolders('inbox')/messages"),
        ),
        ("me/calendar".to_owned(), format!("{ana}/calendars/$entity")),
        ("me/calendars".to_owned(), format!("{ana}/calendars")),
        ("me/events".to_owned(), format!("{ana}/events")),
        ("me/contacts".to_owned(), format!("{ana}/contacts")),
        (
            "me/contactFolders".to_owned(),
            format!("{ana}/contactFolders"),
        ),
    ] {
        let (status, body) = fixture.graph(Method::GET, &path, &token).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        let expected = fixture.url(&format!("/v1.0/$metadata#{expected}"));
        assert_eq!(body["@odata.context"], expected, "{path}");
    }
}

#[tokio::test]
async fn an_ordinary_user_removes_nothing_even_with_the_permission() {
    let fixture = Fixture::new().await;
    let scope = json!({
        "tenant": "contoso.example", "client_id": story::ASSENT_CLIENT_ID,
        "scopes": ["DelegatedPermissionGrant.ReadWrite.All"],
    });
    let grant = fixture.set(Method::POST, "/grants", scope).await;
    let scope = "openid DelegatedPermissionGrant.ReadWrite.All";
    let path = format!("oauth2PermissionGrants/{}", grant["id"].as_str().unwrap());
    let anas = token(&fixture, "contoso.example", story::ANA, scope).await;
    assert_eq!(
        fixture.graph(Method::DELETE, &path, &anas).await.0,
        StatusCode::FORBIDDEN
    );
    let olgas = token(&fixture, "contoso.example", story::OLGA, scope).await;
    assert_eq!(
        fixture.graph(Method::DELETE, &path, &olgas).await.0,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_mailbox_may_not_be_in_exchange_online() {
    let fixture = Fixture::new().await;
    fixture
        .browse(
            &fixture.admin_consent_url("adatum.example", &[]),
            story::ERIK,
            "accept",
        )
        .await;
    let danas = token(&fixture, "adatum.example", story::DANA, "openid Mail.Read").await;
    let (status, body) = fixture
        .graph(Method::GET, "me/mailFolders/inbox", &danas)
        .await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI")
    );
    let eriks = token(&fixture, "adatum.example", story::ERIK, "openid Mail.Read").await;
    assert_eq!(
        fixture
            .graph(Method::GET, "me/mailFolders/inbox", &eriks)
            .await
            .0,
        StatusCode::OK
    );
    let path = format!("users/{}/mailFolders/inbox", story::DANA);
    assert_eq!(
        code(&fixture.graph(Method::GET, &path, &eriks).await.1),
        "Request_ResourceNotFound"
    );
}

#[tokio::test]
async fn an_application_with_its_own_permission_reads_any_mailbox() {
    let fixture = Fixture::new().await;
    let application = format!("/applications/{}", story::ASSENT_CLIENT_ID);
    fixture
        .set(
            Method::PATCH,
            &application,
            json!({ "application_permissions": ["Mail.Read"] }),
        )
        .await;
    let default = "https://graph.microsoft.com/.default";
    let url = fixture.admin_consent_url("contoso.example", &[("scope", default)]);
    fixture
        .browse(&url, story::OLGA, "accept")
        .await
        .parameters();
    let form = [("grant_type", "client_credentials"), ("scope", default)];
    let (_, tokens) = fixture.token("contoso.example", &form).await;
    let token = tokens["access_token"].as_str().unwrap();
    for (path, status) in [
        (
            format!("users/{}/mailFolders/inbox", story::ANA),
            StatusCode::OK,
        ),
        (
            "users/ben@contoso.example/messages".to_owned(),
            StatusCode::OK,
        ),
        (
            format!("users/{}/calendar", story::ANA),
            StatusCode::FORBIDDEN,
        ),
        (
            format!("users/{}/messages", story::DANA),
            StatusCode::NOT_FOUND,
        ),
        ("me".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(
            fixture.graph(Method::GET, &path, token).await.0,
            status,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_token_is_needed_and_does_not_live_for_ever() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, "contoso.example", story::ANA, "User.Read").await;
    let (status, me) = fixture.graph(Method::GET, "me", &token).await;
    assert_eq!(
        (status, me["id"].as_str().unwrap()),
        (StatusCode::OK, story::ANA.to_string().as_str())
    );
    // An access token outlives its grant.
    fixture.set(Method::DELETE, "/grants", json!({})).await;
    assert_eq!(
        fixture.graph(Method::GET, "me", &token).await.0,
        StatusCode::OK
    );
    fixture
        .set(Method::POST, "/clock", json!({ "advance_seconds": 3600 }))
        .await;
    let (status, body) = fixture.graph(Method::GET, "me", &token).await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken")
    );
    let (status, _) = json_of(
        fixture
            .http
            .get(fixture.url("/v1.0/me"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
