//! Where a mailbox is.

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, json_of};

fn path(email: &str, protocol: &str) -> String {
    format!("/autodiscover/autodiscover.json?Email={email}&Protocol={protocol}")
}

/// Makes Ana's mailbox something else than it is.
async fn anas(fixture: &Fixture, mailbox: &str) {
    let ana = format!("/tenants/contoso.example/users/{}", story::ANA);
    fixture
        .set(Method::PATCH, &ana, json!({ "mailbox": mailbox }))
        .await;
}

#[tokio::test]
async fn a_mailbox_is_in_the_cloud_or_on_the_companys_own_server() {
    let fixture = Fixture::new().await;
    for (email, protocol, url) in [
        (
            "ana@contoso.example",
            "REST",
            "https://outlook.office365.com/api",
        ),
        (
            "ANA@Contoso.Example",
            "EWS",
            "https://outlook.office365.com/EWS/Exchange.asmx",
        ),
        (
            "ana@contoso.example",
            "ActiveSync",
            "https://outlook.office365.com/Microsoft-Server-ActiveSync",
        ),
        (
            "ana@contoso.example",
            "AutodiscoverV1",
            "https://outlook.office365.com/autodiscover/autodiscover.xml",
        ),
        (
            "dana@adatum.example",
            "REST",
            "https://mail.adatum.example/api",
        ),
        (
            "dana@adatum.example",
            "EWS",
            "https://mail.adatum.example/EWS/Exchange.asmx",
        ),
    ] {
        let expected = (StatusCode::OK, json!({ "Protocol": protocol, "Url": url }));
        assert_eq!(fixture.get_json(&path(email, protocol)).await, expected);
        let other = format!("/autodiscover/autodiscover.json/v1.0/{email}?protocol={protocol}");
        assert_eq!(fixture.get_json(&other).await, expected);
    }
}

#[tokio::test]
async fn nobodys_mailbox_and_one_that_is_not_there_are_the_same() {
    let fixture = Fixture::new().await;
    let not_found = json!({
        "ErrorCode": "UserNotFound", "ErrorMessage": "The given user is not found",
    });
    for mailbox in ["unlicensed", "gone"] {
        anas(&fixture, mailbox).await;
        let answer = fixture.get_json(&path("ana@contoso.example", "REST")).await;
        assert_eq!(
            answer,
            (StatusCode::NOT_FOUND, not_found.clone()),
            "{mailbox}"
        );
    }
    let answer = fixture
        .get_json(&path("nobody@nowhere.example", "REST"))
        .await;
    assert_eq!(answer, (StatusCode::NOT_FOUND, not_found));
    // This one tells nothing.
    anas(&fixture, "not_enabled").await;
    let (_, answer) = fixture.get_json(&path("ana@contoso.example", "REST")).await;
    assert_eq!(answer["Url"], "https://outlook.office365.com/api");
}

#[tokio::test]
async fn wrong_questions_are_refused_in_exchanges_words() {
    let fixture = Fixture::new().await;
    let base = "/autodiscover/autodiscover.json";
    for (query, code) in [
        ("?Email=ana@contoso.example", "MandatoryParameterMissing"),
        ("?Protocol=REST", "MandatoryParameterMissing"),
        ("?Email=ana&Protocol=REST", "InvalidUserId"),
        ("?Email=@contoso.example&Protocol=REST", "InvalidUserId"),
        (
            "?Email=ana@contoso.example&Protocol=IMAP",
            "InvalidProtocol",
        ),
    ] {
        let (status, body) = fixture.get_json(&format!("{base}{query}")).await;
        assert_eq!(
            (status, body["ErrorCode"].as_str()),
            (StatusCode::BAD_REQUEST, Some(code)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn it_may_redirect_instead_as_exchange_online_was_seen_to_do() {
    let fixture = Fixture::new().await;
    let options = json!({ "autodiscover": "redirects" });
    fixture.set(Method::PATCH, "/options", options).await;
    let located = async |email: &str| {
        let url = fixture.url(&path(email, "REST"));
        let response = fixture.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(
        located("dana@adatum.example").await,
        "https://autodiscover.adatum.example/autodiscover/autodiscover.json?Email=dana%40adatum.example&Protocol=REST&\
         RedirectCount=1"
    );
    let again = located("nobody@contoso.example").await;
    assert!(again.starts_with(&fixture.url("/autodiscover/autodiscover.json?Email=nobody")));
    let (status, body) = json_of(fixture.http.get(again).send().await.unwrap()).await;
    assert_eq!(
        (status, body["ErrorCode"].as_str()),
        (StatusCode::NOT_FOUND, Some("UserNotFound"))
    );
    // Whoever is in the cloud is answered at once.
    let (status, _) = fixture.get_json(&path("ana@contoso.example", "REST")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn it_is_counted_and_fails_on_demand() {
    let fixture = Fixture::new().await;
    let fault =
        json!({ "endpoint": "autodiscover", "status": 503, "headers": { "retry-after": "9" } });
    fixture.set(Method::POST, "/faults", fault).await;
    let path = path("ana@contoso.example", "REST");
    assert_eq!(
        fixture.get_json(&path).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(fixture.get_json(&path).await.0, StatusCode::OK);
    let calls = fixture.set(Method::GET, "/calls", json!({})).await;
    assert_eq!(calls["autodiscover"], 2);
}

#[tokio::test]
async fn graph_says_the_same_of_every_mailbox_that_it_cannot_open() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens("contoso.example", story::ANA, "openid User.Read Mail.Read")
        .await;
    let token = tokens["access_token"].as_str().unwrap();
    let profile = "me?$select=id,mail,assignedPlans,onPremisesSyncEnabled";
    for (mailbox, status, exchange, synchronised) in [
        ("ok", StatusCode::OK, Some("Enabled"), Value::Null),
        (
            "not_enabled",
            StatusCode::NOT_FOUND,
            Some("Enabled"),
            Value::Null,
        ),
        (
            "on_premises",
            StatusCode::NOT_FOUND,
            Some("Enabled"),
            json!(true),
        ),
        ("unlicensed", StatusCode::NOT_FOUND, None, Value::Null),
        ("gone", StatusCode::NOT_FOUND, Some("Deleted"), Value::Null),
    ] {
        anas(&fixture, mailbox).await;
        let inbox = "me/mailFolders/inbox";
        let (answered, body) = fixture.graph(Method::GET, inbox, token).await;
        assert_eq!(answered, status, "{mailbox}");
        if status == StatusCode::NOT_FOUND {
            assert_eq!(body["error"]["code"], "MailboxNotEnabledForRESTAPI");
        }
        let (_, me) = fixture.graph(Method::GET, profile, token).await;
        assert_eq!(me["id"], story::ANA.to_string());
        assert_eq!(me["onPremisesSyncEnabled"], synchronised, "{mailbox}");
        let plans = me["assignedPlans"].as_array().unwrap();
        let plan = plans.iter().find(|plan| plan["service"] == "exchange");
        assert_eq!(
            plan.and_then(|plan| plan["capabilityStatus"].as_str()),
            exchange,
            "{mailbox}"
        );
    }
}

#[tokio::test]
async fn a_profile_has_what_was_selected() {
    let fixture = Fixture::new().await;
    let tokens = fixture
        .tokens("contoso.example", story::ANA, "openid User.Read")
        .await;
    let token = tokens["access_token"].as_str().unwrap();
    let (_, me) = fixture.graph(Method::GET, "me", token).await;
    assert_eq!(me["mail"], "ana@contoso.example");
    assert!(me.get("assignedPlans").is_none());
    assert_eq!(
        (&me["givenName"], &me["surname"], &me["jobTitle"]),
        (&json!("Ana"), &json!("Alvarez"), &Value::Null)
    );
    let (_, titles) = fixture
        .graph(Method::GET, "me?$select=jobTitle,businessPhones", token)
        .await;
    assert_eq!(
        (&titles["jobTitle"], &titles["businessPhones"]),
        (&Value::Null, &json!([]))
    );
    let (_, me) = fixture
        .graph(Method::GET, "me?$select=displayName", token)
        .await;
    assert_eq!(me.as_object().unwrap().len(), 2, "{me}");
    assert_eq!(me["displayName"], "Ana Alvarez");
    let (status, body) = fixture
        .graph(Method::GET, "me?$select=shoeSize", token)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("'shoeSize'")
    );
}
