//! A NATS server with the streams, a host application, and projections.

use std::path::PathBuf;
use std::time::Duration;

use assent_dev_stack::{HostApplication, NatsServer, NatsUser, Program, ProgramPlan};
use assent_domain::event::Event;
use assent_event_log::{Draft, EventLog, StreamSettings};
use assent_messaging::{
    ChangeStream, ChangeStreamSettings, Connection, ConnectionSettings, RequestError,
};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
const READ: &str = "permissions:read";

pub(crate) struct World {
    // Programs that a test holds are dropped before their server.
    pub(crate) nats: NatsServer,
    pub(crate) host: HostApplication,
    pub(crate) gateway: Connection,
    directory: TempDir,
    users: bool,
}

impl World {
    /// With the streams, as the gateway creates them.
    pub(crate) async fn new() -> Self {
        let world = Self::without_streams(NatsServer::start().await.unwrap(), true).await;
        world.create_streams().await;
        world
    }

    /// The same on a server that asks nobody who they are, so that a test may do harm.
    pub(crate) async fn lawless() -> Self {
        let world = Self::without_streams(NatsServer::start_plain().await.unwrap(), false).await;
        world.create_streams().await;
        world
    }

    pub(crate) async fn without_streams(nats: NatsServer, users: bool) -> Self {
        let mut settings = ConnectionSettings::new(nats.url(), "test");
        if users {
            let (name, password) = nats.credentials(NatsUser::Gateway);
            settings = settings.with_user(name, password);
        }
        Self {
            gateway: Connection::connect(settings).await.unwrap(),
            host: HostApplication::start().await.unwrap(),
            directory: TempDir::new().unwrap(),
            users,
            nats,
        }
    }

    pub(crate) async fn create_streams(&self) {
        let settings = ChangeStreamSettings::consent_changes(1);
        ChangeStream::create_or_check(&self.gateway, settings)
            .await
            .unwrap();
        EventLog::create_or_check(&self.gateway, StreamSettings { replicas: 1 })
            .await
            .unwrap();
    }

    pub(crate) async fn log(&self) -> EventLog {
        EventLog::open(&self.gateway).await.unwrap()
    }

    pub(crate) async fn log_opens(&self) -> bool {
        EventLog::open(&self.gateway).await.is_ok()
    }

    pub(crate) async fn connect_as(&self, user: NatsUser) -> Connection {
        let (name, password) = self.nats.credentials(user);
        let settings = ConnectionSettings::new(self.nats.url(), "test").with_user(name, password);
        Connection::connect(settings).await.unwrap()
    }

    /// A connection with the permissions of the host's own services; with all, on a server that asks
    /// nobody who they are.
    pub(crate) async fn connect_as_worker(&self) -> Connection {
        let mut settings = ConnectionSettings::new(self.nats.url(), "worker");
        if self.users {
            let (name, password) = self.nats.credentials(NatsUser::SyncWorker);
            settings = settings.with_user(name, password);
        }
        Connection::connect(settings).await.unwrap()
    }

    /// Appends events of one aggregate as one, and answers the last sequence.
    pub(crate) async fn append(&self, events: impl IntoIterator<Item = Event>) -> u64 {
        let ids = events.into_iter().map(|event| (Uuid::now_v7(), event));
        self.append_as(ids).await
    }

    /// The same where the events' ids matter.
    pub(crate) async fn append_as(&self, events: impl IntoIterator<Item = (Uuid, Event)>) -> u64 {
        let log = self.log().await;
        let drafts: Vec<_> = events
            .into_iter()
            .map(|(id, event)| Draft {
                id,
                time: Timestamp::UNIX_EPOCH,
                traceparent: None,
                event,
            })
            .collect();
        let tail = log.read(&drafts[0].event.aggregate()).await.unwrap().tail;
        let appended = log.append(tail, drafts).await.unwrap();
        appended.sequences.last().unwrap().0
    }

    pub(crate) fn data(&self, label: &str) -> PathBuf {
        self.directory.path().join(label)
    }

    fn plan(&self, label: &str) -> ProgramPlan {
        ProgramPlan::new("projection")
            .label(label)
            .variables(self.nats.environment(NatsUser::Projection))
            .variables(self.host.environment())
            .variable("ASSENT_LISTEN", "127.0.0.1:0")
            .variable("ASSENT_DATA_DIR", self.data(label).to_str().unwrap())
    }

    /// A projection that is ready.
    pub(crate) async fn projection(&self, label: &str) -> Program {
        let logs = self.directory.path();
        Program::start(self.plan(label), logs).await.unwrap()
    }

    /// A projection that listens, ready or not.
    pub(crate) async fn unready_projection(&self, label: &str) -> Program {
        let logs = self.directory.path();
        Program::start_unready(self.plan(label), logs)
            .await
            .unwrap()
    }

    pub(crate) fn token(&self) -> String {
        self.host.service_token(&[READ])
    }

    pub(crate) async fn get(&self, projection: &Program, path: &str) -> (u16, Value) {
        get_as(projection, path, Some(&self.token())).await
    }

    pub(crate) async fn digest(&self, projection: &Program) -> String {
        let (status, body) = self.get(projection, "/v1/digest").await;
        assert_eq!(status, 200, "{body}");
        body["digest"].as_str().unwrap().to_owned()
    }

    /// What a projection says of a user, once it reflects a write.
    pub(crate) async fn permissions(
        &self,
        projection: &Program,
        company: &str,
        person: &str,
        at_least: u64,
    ) -> Value {
        let path = format!("/v1/accounts/{company}/users/{person}/permissions?at_least={at_least}");
        let (status, body) = self.get(projection, &path).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

pub(crate) async fn get_as(projection: &Program, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().get(format!("{}{path}", projection.url()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.timeout(PATIENCE).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// Asks over NATS: the answer, or the error's status, code and body.
pub(crate) async fn ask(
    connection: &Connection,
    subject: &str,
    question: &Value,
) -> Result<Value, (u16, String, Value)> {
    let payload = question.to_string().into_bytes();
    ask_raw(connection, subject, payload).await
}

pub(crate) async fn ask_raw(
    connection: &Connection,
    subject: &str,
    payload: Vec<u8>,
) -> Result<Value, (u16, String, Value)> {
    match connection.request(subject, payload, None, PATIENCE).await {
        Ok(body) => Ok(serde_json::from_slice(&body).unwrap()),
        Err(RequestError::Service {
            status,
            description,
            body,
        }) => Err((status, description, serde_json::from_slice(&body).unwrap())),
        Err(error) => panic!("{subject}: {error}"),
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !so().await {
            tokio::time::sleep(POLL).await;
        }
    });
    assert!(waited.await.is_ok(), "it was not so in time: {what}");
}
