//! OpenID metadata and keys.

use assent_entra_simulator::{Settings, start, story};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::json;

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::fixture::{Fixture, number};

const PATH: &str = "v2.0/.well-known/openid-configuration";

#[tokio::test]
async fn a_tenant_is_found_by_guid_and_by_domain() {
    let fixture = Fixture::new().await;
    for name in [
        story::CONTOSO.to_string(),
        "contoso.example".to_owned(),
        "Contoso.Example".to_owned(),
    ] {
        let (status, document) = fixture.get_json(&format!("/{name}/{PATH}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            document["issuer"],
            fixture.url(&format!("/{}/v2.0", story::CONTOSO))
        );
        assert_eq!(
            document["token_endpoint"],
            fixture.url(&format!("/{}/oauth2/v2.0/token", story::CONTOSO))
        );
        assert!(document.get("tenant_region_sub_scope").is_none());
        assert_eq!(document["msgraph_host"], "graph.microsoft.com");
    }
}

#[tokio::test]
async fn many_tenants_at_once_have_a_template_for_an_issuer() {
    let fixture = Fixture::new().await;
    for name in ["organizations", "common"] {
        let (_, document) = fixture.get_json(&format!("/{name}/{PATH}")).await;
        assert_eq!(document["issuer"], fixture.url("/{tenantid}/v2.0"));
        assert_eq!(
            document["authorization_endpoint"],
            fixture.url(&format!("/{name}/oauth2/v2.0/authorize"))
        );
    }
}

#[tokio::test]
async fn the_clouds_differ_in_their_region() {
    let fixture = Fixture::new().await;
    for (cloud, sub_scope, instance, graph) in [
        (
            "gcc",
            json!("GCC"),
            "microsoftonline.com",
            "graph.microsoft.com",
        ),
        (
            "gcc_high",
            json!("DODCON"),
            "microsoftonline.us",
            "graph.microsoft.us",
        ),
        (
            "dod",
            json!("DOD"),
            "microsoftonline.us",
            "dod-graph.microsoft.us",
        ),
        (
            "china",
            json!(null),
            "partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
        ),
    ] {
        fixture
            .set(
                Method::PATCH,
                "/tenants/fabrikam.example",
                json!({ "cloud": cloud }),
            )
            .await;
        let (_, document) = fixture.get_json(&format!("/fabrikam.example/{PATH}")).await;
        assert_eq!(document["tenant_region_sub_scope"], sub_scope, "{cloud}");
        assert_eq!(document["cloud_instance_name"], instance);
        assert_eq!(document["msgraph_host"], graph);
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_refused_in_entras_words() {
    let fixture = Fixture::new().await;
    for path in [PATH, "discovery/v2.0/keys"] {
        let (status, body) = fixture.get_json(&format!("/nowhere.example/{path}")).await;
        assert_eq!((status, number(&body)), (StatusCode::BAD_REQUEST, 90_002));
        assert_eq!(body["error"], "invalid_tenant");
        for field in [
            "error_description",
            "timestamp",
            "trace_id",
            "correlation_id",
            "error_uri",
        ] {
            assert!(body[field].is_string(), "{field}");
        }
    }
}

#[tokio::test]
async fn every_key_has_its_own_issuer() {
    let fixture = Fixture::new().await;
    let (_, keys) = fixture
        .get_json("/contoso.example/discovery/v2.0/keys")
        .await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(
        keys["keys"][0]["issuer"],
        fixture.url(&format!("/{}/v2.0", story::CONTOSO))
    );
    assert_eq!(keys["keys"][0]["x5t"], keys["keys"][0]["kid"]);
    // Its certificate holds the same key, and `kid` is that certificate's thumbprint.
    let certificate = STANDARD
        .decode(keys["keys"][0]["x5c"][0].as_str().unwrap())
        .unwrap();
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    assert_eq!(
        keys["keys"][0]["kid"],
        URL_SAFE_NO_PAD.encode(thumbprint.as_ref())
    );
    let (_, certificate) = X509Certificate::from_der(&certificate).unwrap();
    let PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else {
        panic!("no RSA key");
    };
    let modulus = URL_SAFE_NO_PAD
        .decode(keys["keys"][0]["n"].as_str().unwrap())
        .unwrap();
    assert!(key.modulus.ends_with(&modulus));
    let (_, keys) = fixture.get_json("/organizations/discovery/v2.0/keys").await;
    assert_eq!(keys["keys"][0]["issuer"], fixture.url("/{tenantid}/v2.0"));
    assert_eq!(
        keys["keys"][1]["issuer"],
        fixture.url("/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")
    );
}

#[tokio::test]
async fn keys_rotate_with_and_without_an_overlap() {
    let fixture = Fixture::new().await;
    let kids = async || {
        let (_, keys) = fixture
            .get_json("/contoso.example/discovery/v2.0/keys")
            .await;
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = kids().await;
    let rotated = fixture.set(Method::POST, "/keys/rotate", json!({})).await;
    assert_eq!(kids().await, [rotated["kid"].as_str().unwrap(), &first[0]]);
    let rotated = fixture
        .set(Method::POST, "/keys/rotate", json!({ "forget_old": true }))
        .await;
    assert_eq!(kids().await, [rotated["kid"].as_str().unwrap()]);
}

#[tokio::test]
async fn a_public_address_is_used_in_every_issuer() {
    let public_url = Some("https://login.test.example/".parse().unwrap());
    let running = start(Settings {
        public_url,
        ..Settings::story(["https://app.example/callback"])
    })
    .await
    .unwrap();
    let url = format!("http://{}/organizations/{PATH}", running.address);
    let document: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(
        document["issuer"],
        "https://login.test.example/{tenantid}/v2.0"
    );
    running.shutdown().await;
}
