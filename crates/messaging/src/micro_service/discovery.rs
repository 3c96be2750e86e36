//! Telling those who ask which services there are: `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`.

use std::sync::Arc;

use async_nats::Subscriber;
use futures::StreamExt as _;
use futures::stream::{SelectAll, select_all};
use serde::Serialize;
use serde_json::{Map, Value};

use super::statistics::{EndpointInfo, EndpointStats, Statistics};
use super::{ServiceDefinition, Troubles, reply};
use crate::connection::Connection;
use crate::message::SubscribeError;

pub(super) struct Discovery {
    connection: Connection,
    definition: ServiceDefinition,
    id: String,
    started: String,
    endpoints: Vec<Arc<Statistics>>,
    troubles: Troubles,
    questions: SelectAll<Subscriber>,
}

/// What every answer begins with.
#[derive(Serialize)]
struct Identity<'a> {
    r#type: &'static str,
    name: &'a str,
    id: &'a str,
    version: &'a str,
    metadata: Map<String, Value>,
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    description: &'a str,
    endpoints: Vec<EndpointInfo<'a>>,
}

#[derive(Serialize)]
struct Stats<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    started: &'a str,
    endpoints: Vec<EndpointStats<'a>>,
}

impl Discovery {
    pub(super) async fn start(
        connection: &Connection,
        definition: ServiceDefinition,
        endpoints: Vec<Arc<Statistics>>,
        troubles: Troubles,
    ) -> Result<Self, SubscribeError> {
        // The last token of an inbox is unique, which is all an instance's id has to be.
        let inbox = connection.client().new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or_default().to_owned();
        let name = definition.name;
        let mut questions = Vec::new();
        for verb in ["PING", "INFO", "STATS"] {
            for subject in [
                format!("$SRV.{verb}"),
                format!("$SRV.{verb}.{name}"),
                format!("$SRV.{verb}.{name}.{id}"),
            ] {
                questions.push(connection.plain_subscribe(&subject).await?);
            }
        }
        Ok(Self {
            connection: connection.clone(),
            definition,
            id,
            started: jiff::Timestamp::now().to_string(),
            endpoints,
            troubles,
            questions: select_all(questions),
        })
    }

    pub(super) async fn run(mut self) {
        while let Some(question) = self.questions.next().await {
            let Some(reply) = &question.reply else {
                continue;
            };
            if !reply::is_inbox(reply) {
                reply::refuse(&question.subject);
                continue;
            }
            let Some(answer) = self.answer(&question.subject) else {
                continue;
            };
            if let Err(error) = self.connection.publish(reply, &[], answer).await {
                tracing::debug!(%error, "a question about the service was not answered");
            }
        }
    }

    fn answer(&self, subject: &str) -> Option<Vec<u8>> {
        let troubles = (self.troubles)();
        let answer = match subject.split('.').nth(1) {
            Some("PING") => serde_json::to_vec(&self.identity("io.nats.micro.v1.ping_response")),
            Some("INFO") => serde_json::to_vec(&Info {
                identity: self.identity("io.nats.micro.v1.info_response"),
                description: self.definition.description,
                endpoints: self
                    .endpoints
                    .iter()
                    .map(|endpoint| endpoint.info())
                    .collect(),
            }),
            Some("STATS") => serde_json::to_vec(&Stats {
                identity: self.identity("io.nats.micro.v1.stats_response"),
                started: &self.started,
                endpoints: self
                    .endpoints
                    .iter()
                    .map(|endpoint| endpoint.stats(&troubles))
                    .collect(),
            }),
            Some(_) | None => return None,
        };
        answer.ok()
    }

    fn identity(&self, kind: &'static str) -> Identity<'_> {
        Identity {
            r#type: kind,
            name: self.definition.name,
            id: &self.id,
            version: self.definition.version,
            metadata: Map::new(),
        }
    }
}
