//! Views are rebuilt while others write at full speed, ask and listen; and the projection is killed in the middle of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_contract::names;
use assent_contract::replica::ReplicaStatus;
use assent_dev_stack::NatsUser;
use assent_domain::ids::Sequence;
use assent_event_log::{Draft, EventLog};
use assent_messaging::{Connection, ConnectionSettings, RequestError};
use assent_permission_store::{Content, Entry, Opened, Source, View};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::events::granted;
use crate::operator::{Operator, generations};
use crate::world::{PATIENCE, World, until};

const WRITERS: u64 = 2;
/// How long views are rebuilt over and over while nobody is killed, and how often somebody is after that.
const UNDISTURBED: Duration = Duration::from_secs(4);
const KILLS: u64 = 8;
const DEADLINE: Duration = Duration::from_secs(4);

/// What all who take part share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// Queries may go unanswered: the projection is killed.
    is_disturbed: AtomicBool,
    /// The last event that was appended.
    last: AtomicU64,
    answered: AtomicU64,
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }
}

async fn gateway(world: &World) -> Connection {
    let (name, password) = world.nats.credentials(NatsUser::Gateway);
    let settings = ConnectionSettings::new(world.nats.url(), "writer").with_user(name, password);
    Connection::connect(settings).await.unwrap()
}

/// Appends events, each of a user of its own: so each change has to be told, whatever comes after it.
async fn write(connection: Connection, writer: u64, shared: Arc<Shared>) {
    let log = EventLog::open(&connection).await.unwrap();
    let mut number = 0_u64;
    while shared.goes_on() {
        number += 1;
        let event = granted("acme", &format!("user-{writer}-{number}"));
        let draft = Draft {
            id: Uuid::now_v7(),
            time: Timestamp::UNIX_EPOCH,
            traceparent: None,
            event,
        };
        let tail = log.read(&draft.event.aggregate()).await.unwrap().tail;
        let appended = log.append(tail, vec![draft]).await.unwrap();
        let last = appended.sequences.last().unwrap().0;
        shared.last.fetch_max(last, Ordering::SeqCst);
    }
}

/// Asks over and over: no answer is older than one before, nor than the write that it has to reflect.
async fn query(connection: Connection, reflects_writes: bool, shared: Arc<Shared>) {
    let mut seen = 0;
    while shared.goes_on() {
        let mut question = json!({"account_id": "acme", "user_id": "user-0-1"});
        let written = shared.last.load(Ordering::SeqCst);
        if reflects_writes {
            question["at_least"] = written.into();
        }
        let was_disturbed = shared.is_disturbed.load(Ordering::SeqCst);
        let payload = question.to_string().into_bytes();
        let asked = connection.request(names::QUERY_PERMISSIONS, payload, None, DEADLINE);
        match asked.await {
            Ok(answer) => {
                let answer: Value = serde_json::from_slice(&answer).unwrap();
                let sequence = answer["sequence"].as_u64().unwrap();
                assert!(seen <= sequence, "back from {seen} to {sequence}");
                assert!(!reflects_writes || written <= sequence);
                assert!(written == 0 || answer["effective"]["calendar"] == true || sequence < 2);
                seen = sequence;
                shared.answered.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => assert!(was_disturbed, "a query failed: {error}"),
        }
    }
}

/// Has a view rebuilt, if anybody is there to ask; whether one is under way.
async fn ask_for_one(operator: &Operator) -> Option<Value> {
    let status = operator
        .0
        .request(names::REPLICA_STATUS, Vec::new(), None, DEADLINE)
        .await
        .ok()?;
    let status: ReplicaStatus = serde_json::from_slice(&status).ok()?;
    let subject = names::rebuild_view(&status.instance);
    let asked = operator
        .0
        .request(&subject, b"{}".to_vec(), None, DEADLINE)
        .await;
    match asked {
        Ok(report) => serde_json::from_slice(&report).ok(),
        Err(RequestError::Service { description, .. }) => panic!("{description}"),
        Err(_) => None,
    }
}

/// The digest of the whole log, folded here.
async fn offline_fold(world: &World) -> String {
    let log = world.log().await;
    let status = log.status().await.unwrap();
    let source = Source {
        stream: names::EVENT_STREAM.to_owned(),
        created: status.created.to_string(),
    };
    let path = world.data("offline");
    let Opened::Fresh { mut load, .. } = View::open(&path, &source, 8 * 1024 * 1024).unwrap()
    else {
        panic!("there is one");
    };
    let mut follow = log.follow(Sequence(0));
    while load.sequence() < status.last_sequence {
        let entries = follow.next_batch(4096, PATIENCE).await.unwrap();
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| Entry {
                sequence: entry.sequence(),
                aggregate: entry.aggregate(),
                content: Content::Event(entry.decode().unwrap().event),
                hash: *entry.hash().as_bytes(),
            })
            .collect();
        load.add(&entries).unwrap();
    }
    load.finish().unwrap().digest().unwrap().to_string()
}

/// Numbers that look like any.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Hears every change, until it is told to give what it heard.
async fn listen(world: &World, shared: &Arc<Shared>) -> JoinHandle<Vec<u64>> {
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe(names::CHANGE_SUBJECTS).await.unwrap();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut heard: Vec<u64> = Vec::new();
        loop {
            let quiet = tokio::time::timeout(Duration::from_millis(200), changes.next()).await;
            if let Ok(Some(message)) = quiet {
                let body: Value = serde_json::from_slice(&message.payload).unwrap();
                heard.push(body["sequence"].as_u64().unwrap());
            }
            let is_all = heard.last() == Some(&shared.last.load(Ordering::SeqCst));
            if is_all && !shared.goes_on() {
                return heard;
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_and_whoever_is_killed_goes_on() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let shared = Arc::new(Shared::default());
    let heard = listen(&world, &shared).await;
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let connection = gateway(&world).await;
        tasks.push(tokio::spawn(write(connection, writer, Arc::clone(&shared))));
    }
    until("something is written", async || {
        2 < shared.last.load(Ordering::SeqCst)
    })
    .await;
    for reflects_writes in [false, true, false] {
        let connection = world.connect_as(NatsUser::LoginHook).await;
        let querying = query(connection, reflects_writes, Arc::clone(&shared));
        tasks.push(tokio::spawn(querying));
    }

    let until_then = Instant::now() + UNDISTURBED;
    let mut swapped = 0;
    while Instant::now() < until_then {
        let outcome = operator.rebuilds(&json!({})).await;
        assert_eq!(outcome["result"], "swapped", "{outcome}");
        assert_eq!(outcome["comparison"]["different"], 0, "{outcome}");
        swapped += 1;
    }
    assert!(0 < swapped);
    let undisturbed = shared.answered.load(Ordering::SeqCst);

    shared.is_disturbed.store(true, Ordering::SeqCst);
    let seed = u64::from(std::process::id()) | 1;
    let mut dice = Dice(seed);
    for _ in 0..KILLS {
        until("one is asked for", async || {
            ask_for_one(&operator).await.is_some()
        })
        .await;
        // Not for anything to happen: the moment of the kill is to be any.
        tokio::time::sleep(Duration::from_millis(dice.below(250))).await;
        projection.kill();
        projection.restart().await.unwrap();
    }
    let mut last_one = Value::Null;
    until("it can be asked", async || {
        last_one = ask_for_one(&operator).await.unwrap_or_default();
        !last_one.is_null()
    })
    .await;
    let outcome = operator.outcome_of(&last_one).await;
    assert_eq!(outcome["result"], "swapped", "seed {seed}: {outcome}");
    shared.stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    let last = shared.last.load(Ordering::SeqCst);
    let answered = shared.answered.load(Ordering::SeqCst);
    println!(
        "{last} events, {swapped} rebuilds undisturbed with {undisturbed} answers, {KILLS} kills with {} answers",
        answered - undisturbed
    );
    let heard = tokio::time::timeout(PATIENCE, heard)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, (1..=last).collect::<Vec<_>>(), "seed {seed}");
    world
        .permissions(&projection, "acme", "user-0-1", last)
        .await;
    assert_eq!(
        world.digest(&projection).await,
        offline_fold(&world).await,
        "seed {seed}"
    );
    assert_eq!(generations(&world, "one").len(), 1);
}
