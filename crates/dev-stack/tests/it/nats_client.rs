//! A client that remembers what the server refused it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::{Client, ConnectOptions, Event};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct NatsClient {
    pub(crate) client: Client,
    refused: Arc<Mutex<Vec<String>>>,
}

impl NatsClient {
    pub(crate) async fn connect(server: &NatsServer, user: NatsUser) -> Self {
        let (name, password) = server.credentials(user);
        let refused = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&refused);
        let client = ConnectOptions::with_user_and_password(name.clone(), password)
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .request_timeout(Some(Duration::from_secs(5)))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    sink.lock().unwrap().push(error.to_string());
                }
                async {}
            })
            .connect(server.url())
            .await
            .unwrap();
        Self { client, refused }
    }

    pub(crate) fn jetstream(&self) -> async_nats::jetstream::Context {
        async_nats::jetstream::new(self.client.clone())
    }

    /// Publishes, and waits for the server to refuse it.
    pub(crate) async fn assert_refused_to_publish(&self, subject: &str) {
        self.client
            .publish(subject.to_owned(), "{}".into())
            .await
            .unwrap();
        self.client.flush().await.unwrap();
        self.assert_refused("publish", subject).await;
    }

    /// Subscribes, and waits for the server to refuse it.
    pub(crate) async fn assert_refused_to_subscribe(&self, subject: &str) {
        let subscriber = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.client.flush().await.unwrap();
        self.assert_refused("subscription", subject).await;
        drop(subscriber);
    }

    async fn assert_refused(&self, what: &str, subject: &str) {
        let expected = format!(
            "permissions violation for {what} to \"{}\"",
            subject.to_lowercase()
        );
        let refused = || {
            self.refused
                .lock()
                .unwrap()
                .iter()
                .any(|error| error.to_lowercase().contains(&expected))
        };
        let seen = wait_for(PATIENCE, async || refused().then_some(()));
        assert!(
            seen.await.is_some(),
            "not refused: {expected}; refused: {:?}",
            self.refused.lock().unwrap()
        );
    }
}

/// The stream of the log, as far as these tests need it.
pub(crate) fn log() -> Config {
    Config {
        name: "CONSENT_EVENTS".to_owned(),
        subjects: vec!["consent.events.v1.>".to_owned()],
        storage: StorageType::File,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        ..Config::default()
    }
}

/// The stream of the changes, likewise.
pub(crate) fn changes() -> Config {
    Config {
        name: "CONSENT_CHANGES".to_owned(),
        subjects: vec!["consent.announce.v1.>".to_owned()],
        storage: StorageType::File,
        max_messages_per_subject: 1,
        allow_direct: true,
        ..Config::default()
    }
}
