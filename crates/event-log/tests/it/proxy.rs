//! Stands between a client and the server, and keeps the server's answers to itself when told to.

use std::net::SocketAddr;

use assent_dev_stack::NatsServer;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// The client is heard, the server is not.
    Swallow,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<u32>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(server: &NatsServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = server.url().replace("nats://", "");
        let mode = watch::Sender::new(Mode::Pass);
        let cuts = watch::Sender::new(0);
        let (modes, cutting) = (mode.clone(), cuts.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(&target).await else {
                    continue;
                };
                let (modes, mut cut) = (modes.subscribe(), cutting.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        () = relay(client, server, modes) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            mode,
            cuts,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// From now on the client hears nothing.
    pub(crate) fn swallow(&self) {
        self.mode.send_replace(Mode::Swallow);
    }

    /// Closes every connection; new ones pass everything.
    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Pass);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn relay(client: TcpStream, server: TcpStream, modes: watch::Receiver<Mode>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { drop(tokio::io::copy(&mut from_client, &mut to_server).await) };
    let down = async {
        let mut buffer = BytesMut::with_capacity(65_536);
        while let Ok(1..) = from_server.read_buf(&mut buffer).await {
            let answers = buffer.split();
            if *modes.borrow() == Mode::Pass && to_client.write_all(&answers).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(up, down);
}
