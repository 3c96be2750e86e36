//! TLS, with an authority that only lives as long as the simulator.

use std::time::Duration;

use assent_entra_simulator::{Running, Settings, Transport, start};
use reqwest::{Certificate, Client};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::CALLBACK;

const PATIENCE: Duration = Duration::from_secs(20);
const METADATA: &str = "/contoso.example/v2.0/.well-known/openid-configuration";

fn settings() -> Settings {
    Settings {
        transport: Transport::Tls,
        ..Settings::story([CALLBACK])
    }
}

/// A client that trusts this simulator's authority and no other.
fn client(running: &Running) -> reqwest::ClientBuilder {
    let pem = running.ca_pem.as_ref().unwrap();
    let authority = Certificate::from_pem(pem.as_bytes()).unwrap();
    Client::builder().tls_certs_only([authority])
}

async fn issuer(client: &Client, base: &str) -> reqwest::Result<Value> {
    let answer = client.get(format!("{base}{METADATA}")).send().await?;
    let document: Value = answer.json().await?;
    Ok(document["issuer"].clone())
}

#[tokio::test]
async fn this_machine_is_reached_by_name_and_by_number() {
    let running = start(settings()).await.unwrap();
    let port = running.address.port();
    assert_eq!(running.base_url, format!("https://localhost:{port}"));
    assert!(!running.ca_pem.as_ref().unwrap().contains("PRIVATE"));
    let client = client(&running).build().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let issuer = issuer(&client, &format!("https://{host}:{port}"))
            .await
            .unwrap();
        assert!(
            issuer.as_str().unwrap().starts_with(&running.base_url),
            "{host}"
        );
    }
}

#[tokio::test]
async fn nobody_is_made_to_trust_anything_else() {
    let running = start(settings()).await.unwrap();
    let other = start(settings()).await.unwrap();
    for stranger in [Client::new(), client(&other).build().unwrap()] {
        let refused = issuer(&stranger, &running.base_url).await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
    }
}

#[tokio::test]
async fn it_answers_under_the_name_of_its_public_address() {
    let public_url = "https://login.microsoftonline.com";
    let running = start(Settings {
        public_url: Some(public_url.parse().unwrap()),
        ..settings()
    })
    .await
    .unwrap();
    let client = client(&running)
        .resolve("login.microsoftonline.com", running.address)
        .build()
        .unwrap();
    let issuer = issuer(&client, public_url).await.unwrap();
    assert!(issuer.as_str().unwrap().starts_with(public_url));
}

#[tokio::test]
async fn a_handshake_that_never_comes_holds_up_nobody_and_is_hung_up_on() {
    let running = start(settings()).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(running.address).await.unwrap());
    }
    let client = client(&running)
        .timeout(Duration::from_secs(4))
        .build()
        .unwrap();
    issuer(&client, &running.base_url).await.unwrap();
    for mut connection in silent {
        let mut rest = Vec::new();
        // An error would be a reset: as good an end as an orderly one.
        let _read = timeout(PATIENCE, connection.read_to_end(&mut rest))
            .await
            .unwrap();
        assert_eq!(rest, b"");
    }
}

#[tokio::test]
async fn plain_http_is_refused_and_the_next_one_served() {
    let running = start(settings()).await.unwrap();
    let plain = reqwest::get(format!("http://{}/", running.address)).await;
    assert!(plain.is_err());
    let client = client(&running).build().unwrap();
    issuer(&client, &running.base_url).await.unwrap();
    running.shutdown().await;
}
