//! A subscriber to everything in each account: what arrives there is known, also where it has no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assent_dev_stack::{NatsServer, NatsUser};
use futures::StreamExt;

use crate::configuration::{Account, TEXT};

/// Nothing new for this long: everything has arrived.
const QUIET: Duration = Duration::from_millis(400);

/// The subjects that arrived, by account.
type Subjects = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// The deployed configuration with a spy in each account.
pub(crate) fn configuration_with_spies(accounts: &[Account]) -> String {
    let mut text = TEXT.to_owned();
    for account in accounts {
        let spy = format!(
            "{{ user: \"spy-{}\", password: $ASSENT_NATS_PASSWORD_OPERATOR, permissions: \
             {{ publish: {{ deny: \">\" }}, subscribe: {{ allow: [ \">\" ] }} }} }}",
            account.name
        );
        let (head, rest) = text
            .split_once(&format!("\n  {} {{", account.name))
            .unwrap();
        let rest = if account.users.is_empty() {
            format!("\n    users: [ {spy} ]{rest}")
        } else {
            rest.replacen("users: [", &format!("users: [\n      {spy}\n"), 1)
        };
        text = format!("{head}\n  {} {{{rest}", account.name);
    }
    text
}

/// What was heard in each account, by subject.
pub(crate) struct Spies {
    heard: Subjects,
    _clients: Vec<async_nats::Client>,
}

impl Spies {
    pub(crate) async fn send_out(server: &NatsServer, accounts: &[Account]) -> Self {
        let heard = Subjects::default();
        let mut clients = Vec::new();
        for account in accounts {
            let (_, password) = server.credentials(NatsUser::Operator);
            let client = async_nats::ConnectOptions::with_user_and_password(
                format!("spy-{}", account.name),
                password,
            )
            .connect(server.url())
            .await
            .unwrap();
            let mut all = client.subscribe(">").await.unwrap();
            client.flush().await.unwrap();
            let (heard, name) = (Arc::clone(&heard), account.name.clone());
            tokio::spawn(async move {
                while let Some(message) = all.next().await {
                    let mut heard = heard.lock().unwrap();
                    let subjects = heard.entry(name.clone()).or_default();
                    subjects.insert(message.subject.into_string());
                }
            });
            clients.push(client);
        }
        Self {
            heard,
            _clients: clients,
        }
    }

    /// What was heard since this was asked last, once everything has arrived.
    pub(crate) async fn report(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut before = usize::MAX;
        loop {
            let now = self.heard.lock().unwrap().values().map(BTreeSet::len).sum();
            if before == now {
                return std::mem::take(&mut self.heard.lock().unwrap());
            }
            before = now;
            tokio::time::sleep(QUIET).await;
        }
    }
}
