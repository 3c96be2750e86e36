//! `verify`, of the projections' views.

use std::sync::{Arc, Mutex};

use assent_contract::names::{REPLICA_DIGEST, REPLICA_ROWS, REPLICA_STATUS, of_replica};
use assent_contract::query::AggregateId;
use assent_contract::replica::{
    ReplicaDigest, ReplicaState, ReplicaStatus, Row, RowState, RowsPage, RowsQuery,
};
use assent_dev_stack::{NatsUser, wait_for};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::PermissionSet;
use assent_messaging::{Endpoint, ServiceDefinition, serve};
use assent_permission_store::{self as store, Content, Entry, Opened, Projected, Source, View};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, PATIENCE, SENDING, administered, connect, granted};

/// What a projection tells of its view: what the log adds up to, unless it was changed.
struct Replica {
    told: Arc<Mutex<(ReplicaDigest, Vec<Row>)>>,
    _stopped_when_dropped: tokio_util::sync::DropGuard,
    _directory: TempDir,
}

impl Replica {
    /// A view of the log as it is now.
    async fn start(fixture: &Fixture) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let view = view_of(fixture, &directory).await;
        let added_up = view.digest().unwrap();
        let digest = ReplicaDigest {
            instance: "one".to_owned(),
            sequence: added_up.sequence().0,
            digest: added_up.to_string(),
            root: added_up.root().to_string(),
            stream_created: fixture.log.identity().to_string(),
        };
        let page = view.read().rows(None, 1000).unwrap();
        let rows = page.rows.iter().map(row).collect();
        let told = Arc::new(Mutex::new((digest, rows)));
        let stop = CancellationToken::new();
        let connection = connect(&fixture.server, NatsUser::Projection).await;
        let endpoints = endpoints(&told);
        let definition = ServiceDefinition {
            name: "consent-projection-replica",
            version: "1.2.3",
            description: "stands in",
        };
        let stopped = stop.clone();
        tokio::spawn(async move { serve(&connection, definition, endpoints, 8, stopped).await });
        let operator = connect(&fixture.server, NatsUser::Operator).await;
        let answering = wait_for(PATIENCE, async || {
            let quiet = std::time::Duration::from_millis(100);
            let answers = operator.request_all(REPLICA_STATUS, Vec::new(), PATIENCE, quiet);
            answers.await.ok().filter(|answers| !answers.is_empty())
        });
        answering.await.unwrap();
        Self {
            told,
            _stopped_when_dropped: stop.drop_guard(),
            _directory: directory,
        }
    }

    /// Changes what it tells; what it said its rows add up to is not that any more.
    fn change(&self, change: impl FnOnce(&mut Vec<Row>)) {
        let mut told = self.told.lock().unwrap();
        change(&mut told.1);
        told.0.digest = "0".repeat(64);
    }

    fn claim(&self, change: impl FnOnce(&mut ReplicaDigest)) {
        change(&mut self.told.lock().unwrap().0);
    }
}

fn endpoints(told: &Arc<Mutex<(ReplicaDigest, Vec<Row>)>>) -> Vec<Endpoint> {
    let (digest, rows) = (Arc::clone(told), Arc::clone(told));
    vec![
        Endpoint::new("status", REPLICA_STATUS, move |_| async move {
            Ok(serde_json::to_vec(&status()).unwrap())
        })
        .for_every_replica(),
        Endpoint::new("digest", of_replica(REPLICA_DIGEST, "one"), move |_| {
            let answer = serde_json::to_vec(&digest.lock().unwrap().0).unwrap();
            async move { Ok(answer) }
        }),
        // Pages of two rows.
        Endpoint::new("rows", of_replica(REPLICA_ROWS, "one"), move |request| {
            let query: RowsQuery = serde_json::from_slice(&request.payload).unwrap();
            let told = rows.lock().unwrap();
            let begin = told
                .1
                .iter()
                .position(|row| Some(&row.whose) == query.after.as_ref());
            let begin = begin.map_or(0, |at| at + 1);
            let page: Vec<_> = told.1.iter().skip(begin).take(2).cloned().collect();
            let is_over = told.1.len() <= begin + 2;
            let next = page
                .last()
                .map(|row| row.whose.clone())
                .filter(|_| !is_over);
            let answer = RowsPage {
                instance: "one".to_owned(),
                sequence: told.0.sequence,
                rows: page,
                next,
            };
            let answer = serde_json::to_vec(&answer).unwrap();
            async move { Ok(answer) }
        }),
    ]
}

fn status() -> ReplicaStatus {
    let status = json!({
        "instance": "one", "host": "host-1", "directory": "/var/lib/assent", "version": "1.2.3",
        "state": ReplicaState::Serving, "applied_sequence": 1, "stream_last_sequence": 1, "lag": 0,
        "accounts": 0, "users": 0, "blocked": 0, "orphans": 0, "bytes_on_disk": 0,
    });
    serde_json::from_value(status).unwrap()
}

async fn view_of(fixture: &Fixture, directory: &TempDir) -> View {
    let source = Source {
        stream: "CONSENT_EVENTS".to_owned(),
        created: fixture.log.identity().to_string(),
    };
    let opened = View::open(&directory.path().join("view"), &source, 1 << 20).unwrap();
    let Opened::Fresh { mut load, .. } = opened else {
        panic!("{opened:?}");
    };
    for sequence in 1..=fixture.log.status().await.unwrap().last_sequence.0 {
        let entry = fixture.log.entry(Sequence(sequence)).await;
        let entry = entry.unwrap().unwrap();
        let content = entry.decode().map(|decoded| Content::Event(decoded.event));
        let entry = Entry {
            sequence: entry.sequence(),
            aggregate: entry.aggregate(),
            content: content.unwrap_or(Content::Unreadable),
            hash: *entry.hash().as_bytes(),
        };
        load.add(&[entry]).unwrap();
    }
    load.finish().unwrap()
}

fn row(row: &store::Row) -> Row {
    let state = match row {
        store::Row::Account(_, Projected::Known(account)) => account.into(),
        store::Row::User(_, _, Projected::Known(user)) => user.into(),
        store::Row::Account(_, Projected::Blocked { at })
        | store::Row::User(_, _, Projected::Blocked { at }) => RowState::blocked(*at),
    };
    Row {
        whose: row.aggregate().into(),
        state,
    }
}

/// Six events: of three users, of whom one is of another company, and of a company; the last is unreadable.
async fn recorded() -> Fixture {
    let fixture = Fixture::start().await;
    let users = [("acme", "ana"), ("acme", "ben"), ("zeta", "cleo")];
    let grants = users.map(|(company, user)| granted(company, user, SENDING));
    fixture.record(grants).await;
    fixture.record(administered()).await;
    fixture.scribble("consent.events.v1.acme.user.eve").await;
    fixture
}

/// What `verify` says of the view.
async fn view(fixture: &Fixture) -> Value {
    let report = fixture.json(&["verify"]).await;
    let checks = report.get("checks").and_then(Value::as_array).unwrap();
    let view = checks.iter().find(|check| check["name"] == "view");
    view.unwrap_or_else(|| panic!("{report}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_what_the_log_adds_up_to_is_well_however_the_log_goes_on() {
    let fixture = recorded().await;
    let _replica = Replica::start(&fixture).await;
    let told = view(&fixture).await;
    assert_eq!(told["verdict"], "ok", "{told}");
    let says =
        "host-1:/var/lib/assent: event 6, 1 accounts and 4 users, each as the log adds up to";
    assert_eq!(told["says"], says, "{told}");
    let everything = PermissionSet::EVERYTHING;
    fixture
        .record([
            granted("zeta", "cleo", everything),
            granted("zeta", "dan", everything),
        ])
        .await;
    assert_eq!(view(&fixture).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_row_that_differs_is_named_with_its_field() {
    let fixture = recorded().await;
    let replica = Replica::start(&fixture).await;
    let is_ben = |row: &Row| {
        row.whose
            .user_id
            .as_ref()
            .is_some_and(|user| user.as_str() == "ben")
    };
    replica.change(|rows| {
        for row in rows.iter_mut().filter(|row| is_ben(row)) {
            if let RowState::User(user) = &mut row.state {
                user.facts.own.calendar = false;
                user.facts.own.contacts = true;
            }
        }
    });
    let told = view(&fixture).await;
    assert_eq!(told["verdict"], "finding", "{told}");
    assert_eq!(
        told["findings"],
        json!([{"sequence": 2, "account_id": "acme", "user_id": "ben", "field": "user.own.calendar",
            "says": "the log adds up to true, and the view has false"}]),
    );
    let ran = fixture.run(&["verify"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let says = "FINDING  view           host-1:/var/lib/assent: at event 6 it is not what the log adds up to: \
                message 2, acme/ben, user.own.calendar: the log adds up to true, and the view has false";
    assert!(ran.out.contains(says), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_missing_or_too_many_is_named_wherever_it_is() {
    let fixture = recorded().await;
    let replica = Replica::start(&fixture).await;
    let rows_then = replica.told.lock().unwrap().1.clone();
    assert_eq!(rows_then.len(), 5);
    let found = async || {
        let told = view(&fixture).await;
        let found = told["findings"].as_array().unwrap().clone();
        let [found] = &found[..] else {
            panic!("{told}")
        };
        let whose = serde_json::from_value(found.clone()).unwrap();
        (whose, found["says"].as_str().unwrap().to_owned())
    };
    for (at, row) in rows_then.iter().enumerate() {
        replica.change(|rows| {
            rows.clone_from(&rows_then);
            rows.remove(at);
        });
        let (whose, says): (AggregateId, _) = found().await;
        assert_eq!(whose, row.whose);
        assert_eq!(says, "missing from the view");
    }
    for at in 0..=rows_then.len() {
        // As it would be in the order of the keys, it is the same with a row too many.
        let mut extra = rows_then[at.min(rows_then.len() - 1)].clone();
        let after = if at == rows_then.len() { "z" } else { "" };
        match &mut extra.whose {
            AggregateId {
                user_id: Some(user),
                ..
            } => *user = id(user.as_str(), after),
            AggregateId {
                user_id: None,
                account_id,
            } => {
                *account_id = AccountId::parse("aaa").unwrap();
            }
        }
        replica.change(|rows| {
            rows.clone_from(&rows_then);
            rows.insert(at, extra.clone());
        });
        let (whose, says): (AggregateId, _) = found().await;
        assert_eq!((at, whose), (at, extra.whose));
        assert_eq!(says, "in the view, although no event is about it");
    }
    // What came later is no difference: it is of events after those that the digest is of.
    replica.change(|rows| rows.clone_from(&rows_then));
    let told = view(&fixture).await;
    assert_eq!(
        (&told["verdict"], told.get("findings")),
        (&json!("finding"), None),
        "{told}"
    );
}

/// A user's id a little before, or after, that one.
fn id(user: &str, after: &str) -> UserId {
    let text = match after {
        "" => format!("{}-", &user[..user.len() - 1]),
        after => format!("{user}{after}"),
    };
    UserId::parse(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_another_log_or_of_more_than_there_is_is_found() {
    let fixture = recorded().await;
    let replica = Replica::start(&fixture).await;
    replica.claim(|digest| digest.root = "another".to_owned());
    let told = view(&fixture).await;
    let says = "host-1:/var/lib/assent: at event 6 it was made of other messages than the log has";
    assert_eq!(
        (&told["verdict"], &told["says"]),
        (&json!("finding"), &json!(says))
    );
    replica.claim(|digest| digest.sequence = 9);
    let told = view(&fixture).await;
    let says = "host-1:/var/lib/assent: has applied event 9, and the log ends with event 6";
    assert_eq!(
        (&told["verdict"], &told["says"]),
        (&json!("finding"), &json!(says))
    );
    replica.claim(|digest| digest.stream_created = "then".to_owned());
    let told = view(&fixture).await;
    let says = "host-1:/var/lib/assent: is of another log, created then";
    assert_eq!(
        (&told["verdict"], &told["says"]),
        (&json!("finding"), &json!(says))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_message_is_missing_no_view_can_be_compared() {
    let mut fixture = recorded().await;
    let replica = Replica::start(&fixture).await;
    fixture.server.stop().await;
    fixture.server.flip_bit("CONSENT_EVENTS", 3).unwrap();
    fixture.server.restart().await.unwrap();
    let told = async {
        loop {
            // It has to find the server again.
            let told = view(&fixture).await;
            if told["says"].as_str().unwrap().contains("can't be compared") {
                return told;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(told["verdict"], "unknown", "{told}");
    drop(replica);
}
