//! A server, connections to it as its users, and waiting for a condition.

use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{Connection, ConnectionSettings};
use tokio::time::Instant;

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn server() -> NatsServer {
    NatsServer::start().await.unwrap()
}

pub(crate) fn settings(server: &NatsServer, user: NatsUser) -> ConnectionSettings {
    let (name, password) = server.credentials(user);
    ConnectionSettings::new(server.url(), "messaging-test").with_user(name, password)
}

pub(crate) async fn connect(server: &NatsServer, user: NatsUser) -> Connection {
    Connection::connect(settings(server, user)).await.unwrap()
}

/// The client library itself, as one of the server's users, by which a test does what this crate never would.
pub(crate) async fn raw(server: &NatsServer, user: NatsUser) -> async_nats::Client {
    let (name, password) = server.credentials(user);
    let inbox = format!("_INBOX_{name}");
    async_nats::ConnectOptions::with_user_and_password(name, password)
        .custom_inbox_prefix(inbox)
        .connect(server.url())
        .await
        .unwrap()
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
