//! A server in between, which counts what a client is told, and can change words of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assent_dev_stack::NatsServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Stands before a server until it is dropped.
pub(crate) struct Proxy {
    address: String,
    told: Arc<AtomicU64>,
    _serving: AbortOnDropHandle<()>,
}

/// What is said instead: words of one length, so that no message changes its size.
type Change = (&'static str, &'static str);

impl Proxy {
    pub(crate) async fn before(server: &NatsServer, change: Option<Change>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let upstream = server.url().replace("nats://", "");
        let told = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&told);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&counted), change));
            }
        });
        Self {
            address,
            told,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// How many bytes the server said so far.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

async fn pass(client: TcpStream, server: TcpStream, told: Arc<AtomicU64>, change: Option<Change>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move {
        drop(tokio::io::copy(&mut from_client, &mut to_server).await);
    });
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(read) = from_server.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        told.fetch_add(u64::try_from(read).unwrap(), Ordering::Relaxed);
        let said = &mut buffer[..read];
        if let Some((word, instead)) = change {
            assert_eq!(word.len(), instead.len());
            for place in 0..said.len().saturating_sub(word.len() - 1) {
                if said[place..].starts_with(word.as_bytes()) {
                    said[place..place + word.len()].copy_from_slice(instead.as_bytes());
                }
            }
        }
        if to_client.write_all(said).await.is_err() {
            break;
        }
    }
    asking.abort();
}
