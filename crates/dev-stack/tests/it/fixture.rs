//! Streams, buckets and services as the deployed ones, with something in each.

use std::collections::BTreeMap;

use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{Connection, ConnectionSettings, Endpoint, ServiceDefinition, serve};
use async_nats::Client;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::dangerous::{STREAMS, owner};
use crate::nats_client::NatsClient;

pub(crate) struct Fixture {
    gateway: NatsClient,
    broker: NatsClient,
    leaving: CancellationToken,
}

impl Fixture {
    /// Every stream and bucket with a message in it, and both services.
    pub(crate) async fn build(server: &NatsServer) -> Self {
        let gateway = NatsClient::connect(server, NatsUser::Gateway).await;
        let broker = NatsClient::connect(server, NatsUser::TokenBroker).await;
        for stream in STREAMS {
            let create = format!("$JS.API.STREAM.CREATE.{stream}");
            let is_brokers = owner(stream) == NatsUser::TokenBroker;
            let owner = if is_brokers { &broker } else { &gateway };
            let created = ask(&owner.client, &create, &configuration(stream)).await;
            assert!(created.get("error").is_none(), "{created}");
        }
        for subject in [
            "consent.events.v1.acme.company",
            "consent.events.v1.acme.user.ana",
            "consent.operations.v1.void",
            "$KV.CONSENT_FLOWS.flow",
            "$KV.CONSENT_HAND_OFFS.link",
            "$KV.CONSENT_SESSIONS.session",
            "$KV.CONSENT_OBSERVATIONS.observation",
            "$KV.CONSENT_TOKENS.acme.ana",
        ] {
            let stored = ask(&gateway.client, subject, &json!({ "of": subject })).await;
            assert!(stored.get("seq").is_some(), "{stored}");
        }
        let receipt = "$KV.CONSENT_TOKEN_RECEIPTS.acme.ana";
        let stored = ask(&broker.client, receipt, &json!({ "of": receipt })).await;
        assert!(stored.get("seq").is_some(), "{stored}");
        let leaving = CancellationToken::new();
        for (user, name, subject) in [
            (
                NatsUser::Gateway,
                "consent-gateway",
                "consent.command.v1.record-automatic-grant",
            ),
            (
                NatsUser::TokenBroker,
                "consent-token-broker",
                "consent.token.v1.get",
            ),
            (
                NatsUser::TokenBroker,
                "consent-token-broker-custody",
                "consent.custody.v1.*",
            ),
            (
                NatsUser::Projection,
                "consent-projection",
                "consent.query.v1.permissions",
            ),
            (
                NatsUser::Projection,
                "consent-projection-replica",
                "consent.projection.v1.status",
            ),
            (
                NatsUser::Projection,
                "consent-projection-rebuild",
                "consent.command.v1.rebuild-view.instance",
            ),
        ] {
            let (login, password) = server.credentials(user);
            let settings = ConnectionSettings::new(server.url(), name).with_user(login, password);
            let connection = Connection::connect(settings).await.unwrap();
            let definition = ServiceDefinition {
                name,
                version: "1.0.0",
                description: "stands in",
            };
            let endpoint = Endpoint::new("stands-in", subject, |request| async move {
                Ok([b"answer to ".as_slice(), &request.payload].concat())
            });
            let leaving = leaving.clone();
            tokio::spawn(async move {
                serve(&connection, definition, vec![endpoint], 64, leaving)
                    .await
                    .unwrap();
            });
        }
        let fixture = Self {
            gateway,
            broker,
            leaving,
        };
        fixture
            .tell(server, "consent.announce.v1.acme.user.ana")
            .await;
        fixture
    }

    /// Announces a change, as the projection does.
    pub(crate) async fn tell(&self, server: &NatsServer, subject: &str) {
        let projection = NatsClient::connect(server, NatsUser::Projection).await;
        let told = ask(&projection.client, subject, &json!({ "told": subject })).await;
        assert_eq!(told["stream"], "CONSENT_CHANGES", "{told}");
    }

    /// Every stream's configuration, state and messages, as its owner sees them.
    pub(crate) async fn state(&self) -> BTreeMap<&'static str, Value> {
        let mut all = BTreeMap::new();
        for stream in STREAMS {
            let owner = if owner(stream) == NatsUser::TokenBroker {
                &self.broker.client
            } else {
                &self.gateway.client
            };
            let mut info = ask(owner, &format!("$JS.API.STREAM.INFO.{stream}"), &json!({})).await;
            // When it was asked.
            info.as_object_mut().unwrap().remove("ts");
            let last = info["state"]["last_seq"].as_u64().unwrap_or(0);
            let mut messages = Vec::new();
            for sequence in 1..=last {
                let get = format!("$JS.API.STREAM.MSG.GET.{stream}");
                messages.push(ask(owner, &get, &json!({ "seq": sequence })).await);
            }
            all.insert(stream, json!({ "info": info, "messages": messages }));
        }
        all
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.leaving.cancel();
    }
}

fn configuration(stream: &str) -> Value {
    let subjects = match stream {
        "CONSENT_EVENTS" => json!(["consent.events.v1.*.company", "consent.events.v1.*.user.*"]),
        "CONSENT_CHANGES" => json!(["consent.announce.v1.>"]),
        "CONSENT_OPERATIONS" => json!(["consent.operations.v1.>"]),
        bucket => json!([format!("${}.>", bucket.replacen("KV_", "KV.", 1))]),
    };
    let mut all = json!({
        "name": stream, "subjects": subjects, "storage": "memory", "retention": "limits",
        "discard": "old", "num_replicas": 1, "allow_direct": true,
    });
    if stream == "CONSENT_CHANGES" {
        let both = |from: &str| json!({ "src": from, "dest": "consent.changes.v1.>" });
        all["subject_transform"] = both("consent.announce.v1.>");
        all["republish"] = both("consent.changes.v1.>");
    }
    all
}

/// One question whose answer is JSON.
pub(crate) async fn ask(client: &Client, subject: &str, question: &Value) -> Value {
    let answer = client
        .request(subject.to_owned(), question.to_string().into())
        .await;
    let answer = answer.unwrap_or_else(|error| panic!("{subject}: {error}"));
    serde_json::from_slice(&answer.payload).unwrap()
}
