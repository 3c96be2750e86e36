//! Ways from one server of a cluster to the others that can be cut: it goes on, and so do its clients, but the others hear
//! nothing of it, nor it of them. Nothing is refused or closed meanwhile; packets that nobody carries do neither.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PIECE: usize = 16 * 1024;

/// Whether a server is cut off from the others.
pub(super) type IsCutOff = watch::Receiver<bool>;

/// The ways from one server to each of the others. Gone with the value.
#[derive(Debug, Default)]
pub(super) struct Links {
    forwarding: JoinSet<()>,
}

impl Links {
    /// A way to a server, which is cut while either end is cut off: the address to give to whoever goes there.
    pub(super) async fn lead_to(
        &mut self,
        to: SocketAddr,
        ends: [IsCutOff; 2],
    ) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        self.forwarding.spawn(forward(listener, to, ends));
        Ok(address)
    }
}

async fn forward(listener: TcpListener, to: SocketAddr, ends: [IsCutOff; 2]) {
    let mut carried = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        carried.spawn(carry(near, to, ends.clone()));
        while carried.try_join_next().is_some() {}
    }
}

async fn carry(near: TcpStream, to: SocketAddr, ends: [IsCutOff; 2]) {
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    tokio::select! {
        () = one_way(from_near, to_far, ends.clone()) => {}
        () = one_way(from_far, to_near, ends) => {}
    }
}

async fn one_way(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut ends: [IsCutOff; 2],
) {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await;
        // That one side has hung up is as unheard of as what it said.
        for end in &mut ends {
            drop(end.wait_for(|is_cut_off| !is_cut_off).await);
        }
        let said = match read {
            Ok(length) if 0 < length => piece.get(..length).unwrap_or_default(),
            Ok(_) | Err(_) => return,
        };
        if to.write_all(said).await.is_err() {
            return;
        }
    }
}
