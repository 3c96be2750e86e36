//! A listener that has already shaken hands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// Whoever has not finished the handshake by then is hung up on.
const DEADLINE: Duration = Duration::from_secs(5);
/// So many handshakes may be under way; beyond that, connections wait in the system's queue.
const CAPACITY: usize = 512;

/// Accepts connections, and hands them on once their handshake is done. Handshakes go on side by side: one that is
/// slow, or never ends, holds up nobody.
pub(crate) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(crate) fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self {
            tcp,
            acceptor: TlsAcceptor::from(config),
            handshakes: JoinSet::new(),
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, peer) = Listener::accept(&mut self.tcp), if self.handshakes.len() < CAPACITY => {
                    let handshake = self.acceptor.accept(stream);
                    self.handshakes.spawn(async move {
                        let finished = tokio::time::timeout(DEADLINE, handshake).await;
                        Some((finished.ok()?.ok()?, peer))
                    });
                }
                // A handshake that failed is the client's business: it was told by an alert.
                Some(finished) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = finished {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
