//! Changes are told once, in order, by however many projections, and none is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use assent_contract::names;
use assent_dev_stack::NatsUser;
use assent_messaging::Messages;
use futures::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{administrator_consents, granted, revoked_calendar};
use crate::world::{PATIENCE, World, ask, until};

/// Long for an answer, and short for one that never comes.
const A_MOMENT: Duration = Duration::from_secs(2);

/// Hears changes until that of the event `last`.
async fn heard_until(changes: &mut Messages, last: u64) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    let hearing = async {
        while let Some(message) = changes.next().await {
            let body: Value = serde_json::from_slice(&message.payload).unwrap();
            let sequence = body["sequence"].as_u64().unwrap();
            heard.push((message.subject, body));
            if sequence == last {
                return;
            }
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, hearing).await.is_ok(),
        "event {last} was not told; heard {:?}",
        sequences(&heard)
    );
    heard
}

fn sequences(heard: &[(String, Value)]) -> Vec<u64> {
    heard
        .iter()
        .map(|(_, body)| body["sequence"].as_u64().unwrap())
        .collect()
}

fn strictly_rising(sequences: &[u64]) -> bool {
    sequences.windows(2).all(|pair| pair[0] < pair[1])
}

#[tokio::test]
async fn a_change_says_what_is_effective_now() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe("consent.changes.v1.>").await.unwrap();
    world.append([granted("acme", "ana")]).await;
    world.append([revoked_calendar("acme", "ana")]).await;
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    let last = world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    let heard = heard_until(&mut changes, last).await;
    let log = format!("CONSENT_EVENTS@{}", world.log().await.identity());
    let user = |calendar: bool, sequence: u64| {
        let allowed: &[_] = if calendar {
            &["calendar", "contacts", "email.send", "email.read"]
        } else {
            &["contacts", "email.send", "email.read"]
        };
        json!({"account_id": "acme", "user_id": "ana", "method": "user_individual",
            "effective": {"calendar": calendar, "contacts": true, "email": "full"},
            "allowed": allowed, "sequence": sequence, "log": log})
    };
    let company = |method: &str, sequence: u64| json!({"account_id": "acme", "method": method, "sequence": sequence, "log": log});
    let of_ana = "consent.changes.v1.acme.user.ana".to_owned();
    let of_acme = "consent.changes.v1.acme.company".to_owned();
    let expected = [
        (of_ana.clone(), user(true, 1)),
        (of_ana, user(false, 2)),
        (of_acme.clone(), company("user_individual", 3)),
        (of_acme, company("admin_configured", 4)),
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn two_replicas_share_queries_and_tell_each_change_once() {
    let world = World::new().await;
    let (one, two) = tokio::join!(world.projection("one"), world.projection("two"));
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe("consent.changes.v1.>").await.unwrap();
    let login_hook = world.connect_as(NatsUser::LoginHook).await;
    let mut last = 0;
    for number in 0..150 {
        let name = format!("user-{}", number % 11);
        last = world.append([granted("acme", &name)]).await;
        let question = json!({"account_id": "acme", "user_id": name, "at_least": last});
        let answer = ask(&login_hook, names::QUERY_PERMISSIONS, &question)
            .await
            .unwrap();
        assert_eq!(answer["effective"]["contacts"], true);
    }
    let heard = heard_until(&mut changes, last).await;
    assert_eq!(sequences(&heard), (1..=last).collect::<Vec<_>>());
    assert_eq!(world.digest(&one).await, world.digest(&two).await);
    drop(one);
    let question = json!({"account_id": "acme", "user_id": "user-1", "at_least": last});
    for _ in 0..10 {
        // What the server sends to the dead one before it notices is lost: whoever asks has a deadline, and asks again.
        until("the other one answers", async || {
            let payload = question.to_string().into_bytes();
            let asked = login_hook.request(names::QUERY_PERMISSIONS, payload, None, A_MOMENT);
            asked.await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn what_happens_while_it_is_killed_is_told_after() {
    let world = World::new().await;
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe("consent.changes.v1.>").await.unwrap();
    let mut projection = world.projection("one").await;
    let mut last_of: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = 0;
    for round in 0..5 {
        for number in 0..40 {
            let name = format!("user-{}", (round * 13 + number) % 17);
            last = world.append([granted("acme", &name)]).await;
            last_of.insert(format!("consent.changes.v1.acme.user.{name}"), last);
            if number == 20 + round {
                projection.kill();
            }
        }
        projection.restart().await.unwrap();
    }
    let heard = heard_until(&mut changes, last).await;
    let told = sequences(&heard);
    assert!(strictly_rising(&told), "{told:?}");
    let mut told_of = BTreeMap::new();
    for (subject, body) in heard {
        told_of.insert(subject, body["sequence"].as_u64().unwrap());
    }
    assert_eq!(told_of, last_of);
}

/// Whoever reads CloudEvents reads changes, too.
#[tokio::test]
async fn a_change_is_a_cloud_event() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe("consent.changes.v1.>").await.unwrap();
    let sequence = world.append([granted("acme", "ana")]).await;
    let hearing = tokio::time::timeout(PATIENCE, changes.next());
    let message = hearing.await.unwrap().unwrap();
    let place = message.header("Nats-Sequence").unwrap().to_owned();
    for (name, value) in [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-type", "assent.consent.change.v1".to_owned()),
        ("ce-subject", "accounts/acme/users/ana".to_owned()),
        ("ce-datacontenttype", "application/json".to_owned()),
        ("ce-id", format!("{sequence}-{place}")),
    ] {
        assert_eq!(message.header(name), Some(value.as_str()), "{name}");
    }
    let source = message.header("ce-source").unwrap();
    let of_log = source.strip_prefix("/assent/projection/").unwrap();
    assert!(of_log.starts_with("CONSENT%255FEVENTS%2540"), "{source}");
}
