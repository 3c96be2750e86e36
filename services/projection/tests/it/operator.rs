//! An operator who has views rebuilt.

use std::fs;
use std::time::Duration;

use assent_contract::names;
use assent_contract::replica::ReplicaStatus;
use assent_dev_stack::NatsUser;
use assent_messaging::{Connection, RequestError};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::world::{PATIENCE, World, ask, until};

pub(crate) struct Operator(pub(crate) Connection);

impl Operator {
    pub(crate) async fn new(world: &World) -> Self {
        Self(world.connect_as(NatsUser::Operator).await)
    }

    /// The one projection that there is.
    pub(crate) async fn instance(&self) -> String {
        let answer = ask(&self.0, names::REPLICA_STATUS, &json!({}))
            .await
            .unwrap();
        let status: ReplicaStatus = serde_json::from_value(answer).unwrap();
        status.instance
    }

    pub(crate) async fn asks(&self, question: &Value) -> Value {
        let subject = names::rebuild_view(&self.instance().await);
        ask(&self.0, &subject, question).await.unwrap()
    }

    /// How it ended, whoever was killed meanwhile.
    pub(crate) async fn outcome_of(&self, report: &Value) -> Value {
        let question = json!({"rebuild_id": report["rebuild_id"]});
        let payload = question.to_string().into_bytes();
        let mut outcome = Value::Null;
        until("the rebuild ends", async || {
            let Ok(status) = self
                .0
                .request(names::REPLICA_STATUS, Vec::new(), None, PATIENCE)
                .await
            else {
                return false;
            };
            let status: ReplicaStatus = serde_json::from_slice(&status).unwrap();
            let subject = names::rebuild_view(&status.instance);
            let asked = self
                .0
                .request(&subject, payload.clone(), None, Duration::from_secs(2));
            match asked.await {
                Ok(answer) => {
                    let answer: Value = serde_json::from_slice(&answer).unwrap();
                    outcome = answer["outcome"].clone();
                    !outcome.is_null()
                }
                Err(RequestError::Service { description, .. }) => panic!("{description}"),
                Err(_) => false,
            }
        })
        .await;
        outcome
    }

    /// Has it done, and answers how it ended.
    pub(crate) async fn rebuilds(&self, question: &Value) -> Value {
        let report = self.asks(question).await;
        self.outcome_of(&report).await
    }
}

/// The generations of a view on the disk.
pub(crate) fn generations(world: &World, label: &str) -> Vec<String> {
    let mut found: Vec<_> = fs::read_dir(world.data(label))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("generation-"))
        .collect();
    found.sort();
    found
}

/// A rebuild that can't go on, as somebody waits for a digest of what is not there yet: until then all rows are theirs.
pub(crate) struct HeldUp {
    pub(crate) report: Value,
    pub(crate) generations: Vec<String>,
    pub(crate) digest: JoinHandle<()>,
}

pub(crate) async fn held_up(world: &World, operator: &Operator, at: u64) -> HeldUp {
    let subject = names::of_replica(names::REPLICA_DIGEST, &operator.instance().await);
    let (connection, payload) = (operator.0.clone(), json!({"at": at}).to_string());
    let digest = tokio::spawn(async move {
        let asked = connection.request(&subject, payload.into_bytes(), None, PATIENCE);
        drop(asked.await);
    });
    let (mut report, mut before, mut seen) = (Value::Null, Vec::new(), 0);
    until("a rebuild is held up", async || {
        let now = operator.asks(&json!({})).await;
        let same = now["rebuild_id"] == report["rebuild_id"] && now["stage"] == "comparing";
        seen = if same { seen + 1 } else { 0 };
        if now["joined"] == false {
            before = generations(world, "one");
        }
        report = now;
        seen == 5
    })
    .await;
    HeldUp {
        report,
        generations: before,
        digest,
    }
}
