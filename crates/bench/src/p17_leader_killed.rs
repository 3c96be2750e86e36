//! P17: the time without changes when the leader of three is killed, against raw acknowledged publishes through the same kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assent_contract::codec::{self, Metadata};
use assent_contract::event_hash::EventHash;
use assent_dev_stack::{NatsServer, NatsUser, ReservedPort, wait_for};
use assent_event_log::{Draft, EventLog, StreamSettings, Tail};
use assent_messaging::{Connection, ConnectionSettings};
use async_nats::jetstream::{self, message::PublishMessage};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::fixture::{self, grant};
use crate::table::Row;

const SERVERS: usize = 3;
const PAUSE: Duration = Duration::from_millis(10);
/// As long as an append of ours may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// For how long everything goes well before and after.
const AROUND: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_mins(1);

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let ports = (0..SERVERS).map(|_| ReservedPort::pick());
    let mut servers = NatsServer::start_cluster(ports.collect::<Result<_, _>>()?, &[]).await?;
    let first = servers.first().context("no server")?;
    let (name, password) = first.credentials(NatsUser::Gateway);
    let settings = ConnectionSettings::new(first.urls(), "bench").with_user(name, password);
    let connection = Connection::connect(settings).await?;
    let replicas = StreamSettings { replicas: SERVERS };
    let log = EventLog::create_or_check(&connection, replicas).await?;
    let mut raw = jetstream::new(fixture::raw_client_of_all(first, NatsUser::Gateway).await?);
    raw.set_timeout(PATIENCE);
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        let stop = Arc::new(AtomicBool::new(false));
        let of_ours = keep_on(Arc::clone(&stop), {
            let log = log.clone();
            move |number| append(log.clone(), format!("log{round}"), number)
        });
        let of_raw = keep_on(Arc::clone(&stop), {
            let raw = raw.clone();
            move |number| publish(raw.clone(), format!("raw{round}"), number)
        });
        tokio::time::sleep(AROUND).await;
        let leader = leader(&connection).await?;
        let killed = servers.iter_mut().find(|server| server.name() == leader);
        let killed = killed.context("the leader is none of the servers")?;
        killed.kill();
        append(log.clone(), format!("after{round}"), 0).await.ok();
        leader_again(&connection, &leader).await?;
        tokio::time::sleep(AROUND + PATIENCE).await;
        stop.store(true, Ordering::Relaxed);
        ours.push(of_ours.await?.as_secs_f64());
        ceiling.push(of_raw.await?.as_secs_f64());
        killed.restart().await?;
        killed.healthy().await?;
    }
    Ok(Row::new(
        &catalogue::LEADER,
        ours,
        ceiling,
        format!(
            "{SERVERS} servers, {SERVERS} replicas; the longest time without an acknowledgement around the kill of the \
             log's leader: appends through the event log, against async-nats publishes at the same time, each tried again \
             after {} ms",
            PAUSE.as_millis()
        ),
    ))
}

/// Does one after the other until it is stopped, and gives the longest time between two that were acknowledged.
fn keep_on<Fut>(
    stop: Arc<AtomicBool>,
    operation: impl Fn(usize) -> Fut + Send + 'static,
) -> JoinHandle<Duration>
where
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    tokio::spawn(async move {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if operation(number).await.is_ok() {
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            tokio::time::sleep(PAUSE).await;
        }
        longest.max(last.elapsed())
    })
}

async fn append(log: EventLog, account: String, user: usize) -> anyhow::Result<()> {
    let draft = Draft {
        id: Uuid::now_v7(),
        time: fixture::now(),
        traceparent: None,
        event: grant(&account, user)?,
    };
    log.append(Tail::EMPTY, Vec::from([draft])).await?;
    Ok(())
}

async fn publish(
    jetstream: jetstream::Context,
    account: String,
    user: usize,
) -> anyhow::Result<()> {
    let metadata = Metadata {
        id: Uuid::now_v7(),
        time: fixture::now(),
        previous: EventHash::NONE,
        traceparent: None,
    };
    let encoded = codec::encode(&grant(&account, user)?, &metadata)?;
    let mut publish = PublishMessage::build()
        .message_id(metadata.id.to_string())
        .expected_last_subject_sequence(0)
        .payload(encoded.body.into());
    for (name, value) in encoded.headers {
        publish = publish.header(name, value.as_str());
    }
    jetstream
        .send_publish(encoded.subject, publish)
        .await?
        .await?;
    Ok(())
}

async fn leader(connection: &Connection) -> anyhow::Result<String> {
    let found = wait_for(AT_MOST, async || {
        let state = connection.stream_state("CONSENT_EVENTS", PATIENCE).await;
        state.ok().flatten()?.leader
    });
    found.await.context("the log has no leader")
}

async fn leader_again(connection: &Connection, former: &str) -> anyhow::Result<()> {
    let found = wait_for(AT_MOST, async || {
        let leads = leader(connection).await.ok()?;
        (leads != former).then_some(())
    });
    found.await.context("nobody leads after the leader")
}
