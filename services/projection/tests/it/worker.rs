//! A sync worker as the contract describes one: listens, learns page by page, and keeps of each
//! subject what is latest.

use std::collections::HashMap;

use assent_contract::names;
use assent_messaging::{Connection, Messages};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, ask};

pub(crate) const NOTHING: &str = "nothing";

pub(crate) struct Worker {
    connection: Connection,
    live: Messages,
    log: Option<String>,
    known: HashMap<String, (u64, String)>,
    /// All that it ever heard, junk included.
    pub(crate) heard: Vec<(String, Value)>,
}

fn subject(change: &Value) -> Option<String> {
    let account = change["account_id"].as_str()?;
    Some(match change["user_id"].as_str() {
        Some(user) => format!("consent.changes.v1.{account}.user.{user}"),
        None => format!("consent.changes.v1.{account}.company"),
    })
}

fn in_words(effective: &Value) -> String {
    let mut words = Vec::new();
    for kind in ["calendar", "contacts"] {
        if effective[kind] == true {
            words.push(kind);
        }
    }
    if let Some(level) = effective["email"].as_str().filter(|level| *level != "none") {
        words.push(level);
    }
    if words.is_empty() {
        NOTHING.to_owned()
    } else {
        words.join(" ")
    }
}

impl Worker {
    /// Listens, then learns how everybody stands.
    pub(crate) async fn start(world: &World) -> Self {
        let connection = world.connect_as_worker().await;
        let live = connection.subscribe(names::CHANGE_SUBJECTS).await.unwrap();
        let mut worker = Self {
            connection,
            live,
            log: None,
            known: HashMap::new(),
            heard: Vec::new(),
        };
        worker.learn().await;
        worker
    }

    async fn learn(&mut self) {
        let trying = async {
            while self.try_to_learn().await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, trying).await.unwrap();
    }

    async fn try_to_learn(&mut self) -> Result<(), String> {
        self.known.clear();
        self.log = None;
        let mut question = json!({"limit": 3});
        loop {
            let payload = question.to_string().into_bytes();
            let asked = self
                .connection
                .request(names::QUERY_CHANGES, payload, None, PATIENCE);
            let page: Value =
                serde_json::from_slice(&asked.await.map_err(|error| error.to_string())?).unwrap();
            let log = page["log"].as_str().unwrap().to_owned();
            if self.log.get_or_insert_with(|| log.clone()) != &log {
                return Err("pages of two logs".to_owned());
            }
            for change in page["changes"].as_array().unwrap() {
                self.note(change);
            }
            match page["next"].as_str() {
                Some(next) => question = json!({"limit": 3, "after": next}),
                None => return Ok(()),
            }
        }
    }

    fn note(&mut self, change: &Value) {
        let (Some(subject), Some(sequence)) = (subject(change), change["sequence"].as_u64()) else {
            return;
        };
        let known = self.known.entry(subject).or_default();
        if known.1.is_empty() || known.0 < sequence {
            *known = (sequence, in_words(&change["effective"]));
        }
    }

    /// Takes what it hears until it knows this of a user.
    pub(crate) async fn knows(&mut self, company: &str, person: &str, expected: &str) {
        let hearing = async {
            while self.effective(company, person) != expected {
                self.hear().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, hearing).await.is_ok();
        assert!(
            in_time,
            "{company}/{person} is {} and not {expected}; heard {:#?}",
            self.effective(company, person),
            self.heard
        );
    }

    async fn hear(&mut self) {
        let message = self.live.next().await.unwrap();
        let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        self.heard.push((message.subject.clone(), body.clone()));
        if subject(&body).as_ref() != Some(&message.subject) {
            return;
        }
        if body["log"].as_str() != self.log.as_deref() {
            self.learn().await;
            return;
        }
        self.note(&body);
        if body["user_id"].is_null() {
            // The company's users are asked about anew; here with everybody else.
            self.learn().await;
        }
    }

    pub(crate) fn effective(&self, company: &str, person: &str) -> String {
        let of = |rest: String| {
            self.known
                .get(&format!("consent.changes.v1.{company}.{rest}"))
        };
        let since = of("company".to_owned()).map_or(0, |known| known.0);
        of(format!("user.{person}"))
            .filter(|known| since <= known.0)
            .map_or_else(|| NOTHING.to_owned(), |known| known.1.clone())
    }
}

/// Asks as a sync worker for the first page.
pub(crate) async fn first_page(world: &World) -> Result<Value, (u16, String, Value)> {
    let connection = world.connect_as_worker().await;
    ask(&connection, names::QUERY_CHANGES, &json!({})).await
}
