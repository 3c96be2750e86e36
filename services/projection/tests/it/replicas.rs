//! What operators ask of each projection by itself.

use std::time::Duration;

use assent_checkpoint::Tree;
use assent_contract::names::{REPLICA_DIGEST, REPLICA_ROWS, REPLICA_STATUS, of_replica};
use assent_contract::replica::{ReplicaDigest, ReplicaState, ReplicaStatus, RowState, RowsPage};
use assent_dev_stack::NatsUser;
use assent_domain::ids::Sequence;
use assent_messaging::Connection;
use serde_json::json;
use uuid::Uuid;

use crate::events::{administrator_consents, granted, revoked_calendar};
use crate::world::{PATIENCE, World, ask, until};

const QUIET: Duration = Duration::from_millis(700);

pub(crate) async fn statuses(operator: &Connection) -> Vec<ReplicaStatus> {
    let answers = operator.request_all(REPLICA_STATUS, Vec::new(), PATIENCE, QUIET);
    // While the server is away nobody answers.
    let answers = answers.await.unwrap_or_default();
    answers
        .into_iter()
        .map(|answer| serde_json::from_slice(&answer.unwrap()).unwrap())
        .collect()
}

async fn digest(operator: &Connection, instance: &str, query: serde_json::Value) -> ReplicaDigest {
    let subject = of_replica(REPLICA_DIGEST, instance);
    let answer = ask(operator, &subject, &query).await.unwrap();
    serde_json::from_value(answer).unwrap()
}

/// The root over the log, by whoever reads it.
async fn root_of(world: &World, last: u64) -> String {
    let mut tree = Tree::default();
    let log = world.log().await;
    for sequence in 1..=last {
        let entry = log.entry(Sequence(sequence)).await.unwrap().unwrap();
        tree.push(*entry.hash().as_bytes());
    }
    tree.root().to_string()
}

#[tokio::test]
async fn each_replica_tells_how_it_is_and_what_its_view_adds_up_to() {
    let world = World::new().await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let one = world.projection("one").await;
    let _two = world.projection("two").await;
    world.append([granted("acme", "ana")]).await;
    let last = world.scribble("consent.events.v1.acme.user.ben").await;
    until("both have applied it", async || {
        let replicas = statuses(&operator).await;
        replicas.len() == 2
            && replicas
                .iter()
                .all(|replica| replica.applied_sequence == last)
    })
    .await;

    let replicas = statuses(&operator).await;
    assert_ne!(replicas[0].instance, replicas[1].instance);
    for replica in &replicas {
        assert_eq!(replica.state, ReplicaState::Serving);
        assert_eq!((replica.stream_last_sequence, replica.lag), (last, 0));
        assert_eq!(
            (replica.accounts, replica.users, replica.blocked),
            (0, 2, 1)
        );
        assert!(0 < replica.bytes_on_disk, "{replica:?}");
        assert!(replica.schema_version.is_some() && replica.fold_version.is_some());
        assert_eq!(replica.rebuilding, None);
        assert_eq!(
            replica.stream_created.as_deref(),
            Some(world.log().await.identity().to_string().as_str())
        );
    }
    let directories: Vec<_> = replicas
        .iter()
        .map(|replica| replica.directory.clone())
        .collect();
    for label in ["one", "two"] {
        let directory = world.data(label).display().to_string();
        assert!(directories.contains(&directory), "{directories:?}");
    }

    let told = [
        digest(&operator, &replicas[0].instance, json!({})).await,
        digest(&operator, &replicas[1].instance, json!({})).await,
    ];
    assert_eq!((told[0].sequence, told[1].sequence), (last, last));
    assert_eq!(told[0].digest, told[1].digest);
    assert_eq!(Some(&told[0].root), replicas[1].root.as_ref());
    assert_eq!(told[0].root, root_of(&world, last).await);
    let (_, http) = world.get(&one, "/v1/digest").await;
    assert_eq!(
        http,
        json!({"sequence": last, "digest": told[0].digest, "root": told[0].root})
    );
}

#[tokio::test]
async fn a_digest_is_of_the_sequence_that_was_named() {
    let world = World::new().await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let _one = world.projection("one").await;
    let _two = world.projection("two").await;
    world.append([granted("acme", "ana")]).await;
    let replicas = statuses(&operator).await;
    let (a, b) = (&replicas[0].instance, &replicas[1].instance);

    // All that is appended as one reaches the views as one; the sequence is in the middle of it.
    let appended = async {
        until("both are waiting", async || {
            // Whoever waits has the turn; nobody can see that, so it is appended again and again.
            let company = Uuid::new_v4().to_string();
            let last = world
                .append(administrator_consents(&company, Uuid::now_v7()))
                .await;
            40 < last
        })
        .await;
    };
    let at = json!({"at": 20});
    let (from_a, from_b, ()) = tokio::join!(
        digest(&operator, a, at.clone()),
        digest(&operator, b, at.clone()),
        appended
    );
    assert_eq!((from_a.sequence, from_b.sequence), (20, 20));
    assert_eq!(from_a.digest, from_b.digest);
    assert_ne!(from_a.digest, digest(&operator, a, json!({})).await.digest);

    let refused = ask(&operator, &of_replica(REPLICA_DIGEST, a), &at).await;
    let (status, code, _) = refused.unwrap_err();
    assert_eq!((status, code.as_str()), (410, "gone"));
}

#[tokio::test]
async fn rows_come_by_page_with_all_that_a_view_holds() {
    let world = World::new().await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let one = world.projection("one").await;
    let consent = Uuid::now_v7();
    let [consented, switched] = administrator_consents("acme", consent);
    let events = [(consent, consented), (Uuid::now_v7(), switched)];
    world.append_as(events).await;
    world.append([granted("umbrella", "zoe")]).await;
    let revoked = world.append([revoked_calendar("umbrella", "zoe")]).await;
    let junk = world.scribble("consent.events.v1.umbrella.user.ben").await;
    world.permissions(&one, "umbrella", "zoe", junk).await;
    let instance = statuses(&operator).await.remove(0).instance;
    let subject = of_replica(REPLICA_ROWS, &instance);

    let mut rows = Vec::new();
    let mut after = json!(null);
    loop {
        let question = json!({"after": after, "limit": 1});
        let page: RowsPage =
            serde_json::from_value(ask(&operator, &subject, &question).await.unwrap()).unwrap();
        assert_eq!(
            (page.instance.as_str(), page.sequence),
            (instance.as_str(), junk)
        );
        rows.extend(page.rows);
        match page.next {
            Some(next) => after = serde_json::to_value(next).unwrap(),
            None => break,
        }
    }
    let names: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.whose.account_id.as_str(),
                row.whose
                    .user_id
                    .as_ref()
                    .map(assent_domain::ids::UserId::as_str),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("acme", None),
            ("umbrella", Some("ben")),
            ("umbrella", Some("zoe"))
        ]
    );
    let (RowState::Account(acme), RowState::Blocked { since }, RowState::User(zoe)) =
        (&rows[0].state, &rows[1].state, &rows[2].state)
    else {
        panic!("{rows:?}");
    };
    assert_eq!(acme.facts.consent.as_ref().unwrap().consent_id, consent);
    assert_eq!(*since, junk);
    assert_eq!((zoe.last_no.calendar, zoe.last_no.contacts), (revoked, 0));
    assert_eq!(zoe.facts.last_sequence, revoked);

    let (status, code, _) = ask(&operator, &subject, &json!({"limit": 201}))
        .await
        .unwrap_err();
    assert_eq!((status, code.as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn one_without_a_view_tells_so() {
    let world = World::new().await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let _one = world.projection("one").await;
    // The directory is the first one's, so this one never gets a view.
    let _second = world.unready_projection("one").await;
    until("both answer", async || statuses(&operator).await.len() == 2).await;

    let replicas = statuses(&operator).await;
    let waiting = replicas
        .iter()
        .find(|replica| replica.state == ReplicaState::Starting);
    let waiting = waiting.unwrap();
    assert_eq!(
        (waiting.applied_sequence, waiting.schema_version),
        (0, None)
    );
    let refused = ask(
        &operator,
        &of_replica(REPLICA_DIGEST, &waiting.instance),
        &json!({}),
    )
    .await;
    assert_eq!(refused.unwrap_err().1, "view_not_ready");
}
