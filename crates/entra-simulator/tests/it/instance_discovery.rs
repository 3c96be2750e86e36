//! Which sign-in hosts there are.

use assent_entra_simulator::{Settings, start, story};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{CALLBACK, Fixture, number};

fn path(endpoint: &str, version: &str) -> String {
    format!(
        "/common/discovery/instance?api-version={version}&authorization_endpoint={}",
        url::form_urlencoded::byte_serialize(endpoint.as_bytes()).collect::<String>()
    )
}

fn group<'a>(document: &'a Value, network: &str) -> Option<&'a Value> {
    let groups = document["metadata"].as_array().unwrap();
    groups
        .iter()
        .find(|group| group["preferred_network"] == network)
}

#[tokio::test]
async fn microsofts_hosts_and_our_own_are_known() {
    let fixture = Fixture::new().await;
    let own = fixture.url("/organizations/oauth2/v2.0/authorize");
    let (status, document) = fixture.get_json(&path(&own, "1.1")).await;
    assert_eq!(status, StatusCode::OK, "{document}");
    assert_eq!(
        document["tenant_discovery_endpoint"],
        fixture.url("/organizations/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(document["api-version"], "1.1");
    let us = format!("127.0.0.1:{}", fixture.running.address.port());
    assert_eq!(
        group(&document, &us).unwrap()["aliases"],
        json!([us, "127.0.0.1"])
    );
    let microsoft = group(&document, "login.microsoftonline.com").unwrap();
    assert_eq!(microsoft["preferred_cache"], "login.windows.net");
    assert!(
        microsoft["aliases"]
            .as_array()
            .unwrap()
            .contains(&json!("sts.windows.net"))
    );
    // The way there that the answer shows can be walked.
    let endpoint = document["tenant_discovery_endpoint"].as_str().unwrap();
    assert!(
        fixture
            .http
            .get(endpoint)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    let theirs = "https://login.microsoftonline.us/contoso.example/oauth2/authorize";
    let (_, document) = fixture.get_json(&path(theirs, "1.1")).await;
    assert_eq!(
        document["tenant_discovery_endpoint"],
        "https://login.microsoftonline.us/contoso.example/.well-known/openid-configuration"
    );
}

#[tokio::test]
async fn the_first_version_knows_no_aliases() {
    let fixture = Fixture::new().await;
    let endpoint = "https://login.microsoftonline.com/common/oauth2/authorize";
    let (_, document) = fixture.get_json(&path(endpoint, "1.0")).await;
    assert_eq!(document.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn anything_else_is_an_invalid_instance() {
    let fixture = Fixture::new().await;
    for stranger in [
        "https://login.attacker.example/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com:444/common/oauth2/v2.0/authorize",
        "http://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "http://127.0.0.1:1/common/oauth2/v2.0/authorize",
    ] {
        let (status, body) = fixture.get_json(&path(stranger, "1.1")).await;
        assert_eq!(
            (status, body["error"].as_str(), number(&body)),
            (StatusCode::BAD_REQUEST, Some("invalid_instance"), 50_049),
            "{stranger}"
        );
    }
    for malformed in [
        "login.microsoftonline.com",
        "https://login.microsoftonline.com",
    ] {
        let (_, body) = fixture.get_json(&path(malformed, "1.1")).await;
        assert_eq!(
            (body["error"].as_str(), number(&body)),
            (Some("invalid_request"), 50_050)
        );
    }
    let (_, body) = fixture
        .get_json("/common/discovery/instance?api-version=1.1")
        .await;
    assert_eq!(number(&body), 900_144);
}

#[tokio::test]
async fn under_microsofts_name_it_is_microsoft() {
    let running = start(Settings {
        public_url: Some("https://login.microsoftonline.com/".parse().unwrap()),
        ..Settings::story([CALLBACK])
    })
    .await
    .unwrap();
    let endpoint = format!(
        "https://login.microsoftonline.com/{}/oauth2/v2.0/authorize",
        story::CONTOSO
    );
    let url = format!("http://{}{}", running.address, path(&endpoint, "1.1"));
    let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(document["metadata"].as_array().unwrap().len(), 5);
    assert_eq!(
        document["tenant_discovery_endpoint"],
        format!(
            "https://login.microsoftonline.com/{}/v2.0/.well-known/openid-configuration",
            story::CONTOSO
        )
    );
}

#[tokio::test]
async fn it_is_counted_and_fails_on_demand() {
    let fixture = Fixture::new().await;
    let fault = json!({ "endpoint": "discovery", "status": 503 });
    fixture.set(Method::POST, "/faults", fault).await;
    let path = path(&fixture.url("/common/oauth2/v2.0/authorize"), "1.1");
    let (status, _) = fixture.get_json(&path).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(fixture.get_json(&path).await.0, StatusCode::OK);
    let calls = fixture.set(Method::GET, "/calls", json!({})).await;
    assert_eq!(calls["discovery"], 2);
}
