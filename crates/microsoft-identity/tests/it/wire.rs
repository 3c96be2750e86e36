//! The other end of a connection, byte by byte: all that a web server cannot be made to do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assent_microsoft_identity::{
    AuthorizationCode, Credentials, DiscoveryError, Entra, ExpectedNonce, IdTokenExpectation,
    RedeemError, Redeemed, Settings, TenantMetadata, TenantRef,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::authority::{PATIENCE, TENANT, settings_for};

/// What happens after a request has been read.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    /// These bytes are sent, and the connection is closed.
    Bytes(String),
    /// The same, after a while.
    Late(Duration, String),
    /// These bytes are sent, and then nothing more.
    Hang(String),
    /// A body without end.
    Endless,
    /// The connection is reset.
    Reset,
    /// The connection is closed without a word.
    Close,
}

impl Reaction {
    pub(crate) fn status(status: u16, headers: &str, body: &Value) -> Self {
        Self::Bytes(response(status, headers, body))
    }
}

pub(crate) fn response(status: u16, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Whatever\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// The metadata of [`TENANT`], as a response.
pub(crate) fn metadata() -> String {
    let document = json!({
        "issuer": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com", "msgraph_host": "graph.microsoft.com",
    });
    response(200, "", &document)
}

pub(crate) struct Wire {
    pub(crate) url: Url,
    reactions: Arc<Mutex<VecDeque<Reaction>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Does one after the other, and the last for ever.
    pub(crate) async fn start(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wire = Self {
            url: url.parse().unwrap(),
            reactions: Arc::default(),
            requests: Arc::default(),
        };
        wire.set_reactions(reactions);
        let (reactions, requests) = (Arc::clone(&wire.reactions), Arc::clone(&wire.requests));
        drop(tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (reactions, requests) = (Arc::clone(&reactions), Arc::clone(&requests));
                drop(tokio::spawn(serve(connection, reactions, requests)));
            }
        }));
        wire
    }

    pub(crate) fn set_reactions(&self, reactions: impl IntoIterator<Item = Reaction>) {
        *self.reactions.lock().unwrap() = reactions.into_iter().collect();
    }

    /// How many requests came.
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// All requests, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn entra(&self) -> Entra {
        patient(&self.url, PATIENCE)
    }
}

pub(crate) fn patient(url: &Url, timeout: Duration) -> Entra {
    Entra::new(Settings {
        timeout,
        ..settings_for(url, Credentials::None)
    })
    .unwrap()
}

async fn serve(
    mut connection: TcpStream,
    reactions: Arc<Mutex<VecDeque<Reaction>>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let Some(request) = read(&mut connection).await else {
        return;
    };
    requests.lock().unwrap().push(request);
    let reaction = {
        let mut reactions = reactions.lock().unwrap();
        if reactions.len() > 1 {
            reactions.pop_front()
        } else {
            reactions.front().cloned()
        }
    };
    // Whoever called may have hung up: that is their right.
    let _gone = match reaction {
        Some(Reaction::Bytes(bytes)) => connection.write_all(bytes.as_bytes()).await,
        Some(Reaction::Late(pause, bytes)) => {
            tokio::time::sleep(pause).await;
            connection.write_all(bytes.as_bytes()).await
        }
        Some(Reaction::Hang(bytes)) => {
            connection.write_all(bytes.as_bytes()).await.unwrap();
            std::future::pending().await
        }
        Some(Reaction::Endless) => endless(connection).await,
        Some(Reaction::Reset) => connection.set_zero_linger(),
        Some(Reaction::Close) | None => Ok(()),
    };
}

async fn endless(mut connection: TcpStream) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes()).await?;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    loop {
        connection.write_all(chunk.as_bytes()).await?;
    }
}

/// One request, head and body; `None` if nobody asks for anything.
async fn read(connection: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = connection.read(&mut part).await.ok()?;
        if length == 0 {
            return None;
        }
        bytes.extend_from_slice(part.get(..length)?);
        let text = String::from_utf8(bytes.clone()).ok()?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
    }
}

/// A GET.
pub(crate) async fn look_up(entra: &Entra) -> Result<TenantMetadata, DiscoveryError> {
    // Another name each time, because answers are remembered.
    let name = format!("n{}.example", uuid::Uuid::new_v4().simple());
    entra.tenant(&TenantRef::parse(&name).unwrap()).await
}

/// A POST.
pub(crate) async fn redeem(entra: &Entra) -> Result<Redeemed, RedeemError> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly("n1"),
        tenant: Some(TENANT),
        personal_accounts: false,
    };
    let redirect_uri = "https://assent.example/callback".parse().unwrap();
    entra
        .redeem_code(
            &TenantRef::Id(TENANT),
            AuthorizationCode::new("c0de"),
            &redirect_uri,
            "verifier".into(),
            expectation,
        )
        .await
}

/// Lets time go by for everything in this process, in no time.
pub(crate) async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
