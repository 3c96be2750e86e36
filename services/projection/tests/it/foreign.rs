//! Messages of others in the stream of changes silence nobody, and what they say does not last.

use assent_contract::names;
use assent_dev_stack::{NatsUser, Program};
use assent_messaging::ChangeStream;
use serde_json::{Value, json};

use crate::events::{granted, revoked_calendar};
use crate::worker::{NOTHING, Worker, first_page};
use crate::world::{PATIENCE, World, ask, get_as, until};

const ALL: &str = "calendar contacts full";
const WITHOUT_CALENDAR: &str = "contacts full";

/// Somebody who can write into the stream, with whatever headers.
async fn slip_in(world: &World, rest: &str, headers: &[(&str, &str)], body: &str) -> u64 {
    let outsider = world.connect_as(NatsUser::Projection).await;
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    let before = stream.end().await.unwrap();
    outsider
        .publish(
            &format!("consent.announce.v1.{rest}"),
            headers,
            body.to_owned(),
        )
        .await
        .unwrap();
    until("it is stored", async || {
        stream.end().await.unwrap() > before
    })
    .await;
    before + 1
}

async fn kept(world: &World, rest: &str) -> Value {
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    let told = stream.last_on(&format!("consent.changes.v1.{rest}")).await;
    let payload = told.unwrap().unwrap().payload;
    serde_json::from_slice(&payload).unwrap_or_default()
}

fn alarms(projection: &Program) -> usize {
    let log = projection.log_text();
    log.lines()
        .filter(|line| line.contains(r#""operator_alarm":"foreign_change""#))
        .count()
}

async fn ready(projection: &Program) {
    until("changes are told", async || {
        let (status, body) = get_as(projection, "/readyz", None).await;
        status == 200 && body["dependencies"]["changes"]["ready"] == true
    })
    .await;
}

#[tokio::test]
async fn junk_on_any_subject_silences_nothing_and_is_told_over() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "ana", ALL).await;
    let junk = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#;
    // A user that is known, one that is not, a company, and nothing that names anybody.
    let places = [
        "acme.user.ana",
        "acme.user.ghost",
        "ghost.company",
        "acme",
        "acme.user.a.b",
    ];
    let mut expected = 0;
    for (number, place) in places.into_iter().enumerate() {
        for stopped in [false, true] {
            if stopped {
                projection.kill();
            }
            slip_in(&world, place, &[], junk).await;
            expected += 1;
            let person = format!("later-{number}-{stopped}");
            world.append([granted("acme", &person)]).await;
            if stopped {
                projection.restart().await.unwrap();
            }
            worker.knows("acme", &person, ALL).await;
            world.append([revoked_calendar("acme", &person)]).await;
            worker.knows("acme", &person, WITHOUT_CALENDAR).await;
            ready(&projection).await;
        }
    }
    until("each was told to operators", async || {
        expected <= alarms(&projection)
    })
    .await;
    assert_eq!(
        kept(&world, "acme.user.ana").await["effective"]["calendar"],
        true
    );
    let ghost = kept(&world, "acme.user.ghost").await;
    assert_eq!(
        ghost["effective"],
        json!({"calendar": false, "contacts": false, "email": "none"})
    );
    assert_eq!(
        kept(&world, "ghost.company").await["method"],
        "user_individual"
    );
    assert_eq!(Worker::start(&world).await.effective("acme", "ana"), ALL);
}

#[tokio::test]
async fn many_at_once_are_told_over_by_exactly_one_replica() {
    let world = World::new().await;
    let projections = tokio::join!(world.projection("one"), world.projection("two"));
    for number in 0..40 {
        world
            .append([granted("acme", &format!("user-{number}"))])
            .await;
    }
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "user-39", ALL).await;
    for number in 0..40 {
        slip_in(&world, &format!("acme.user.user-{number}"), &[], "junk").await;
    }
    for number in 0..40 {
        until("it is told over", async || {
            kept(&world, &format!("acme.user.user-{number}")).await["effective"]["calendar"] == true
        })
        .await;
    }
    world.append([revoked_calendar("acme", "user-7")]).await;
    worker.knows("acme", "user-7", WITHOUT_CALENDAR).await;
    // 40 told, 40 of junk, 40 told over, and the last: nobody answered anybody's repair.
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    assert_eq!(stream.end().await.unwrap(), 121);
    assert!(alarms(&projections.0) >= 40 && alarms(&projections.1) >= 40);
}

/// The headers and the body of what is kept on a subject.
async fn copied(world: &World, rest: &str) -> (Vec<(String, String)>, Value) {
    let subject = format!("consent.changes.v1.{rest}");
    let kept = world
        .gateway
        .last_message("CONSENT_CHANGES", &subject, PATIENCE);
    let message = kept.await.unwrap().unwrap();
    let headers = message
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .filter(|(name, _)| name.starts_with("Assent-"))
        .collect();
    (headers, serde_json::from_slice(message.payload()).unwrap())
}

#[tokio::test]
async fn what_looks_like_ours_and_is_not_true_does_not_last() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    world.append([granted("acme", "ben")]).await;
    world.append([revoked_calendar("acme", "ana")]).await;
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "ana", WITHOUT_CALENDAR).await;
    let all = json!({"calendar": true, "contacts": true, "email": "full"});
    // As of its own event, of one in the past, of the newest, and of one that there is not.
    for sequence in [3, 1, 5, 999_999] {
        for stopped in [false, true] {
            if stopped {
                projection.kill();
            }
            let (headers, mut body) = copied(&world, "acme.user.ana").await;
            body["sequence"] = sequence.into();
            body["effective"] = all.clone();
            let text = sequence.to_string();
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| {
                    let forged = ["Assent-Sequence", "Assent-Told-Through"];
                    let value = if forged.contains(&name.as_str()) {
                        &text
                    } else {
                        value
                    };
                    (name.as_str(), value.as_str())
                })
                .collect();
            slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;
            // And the same of somebody whom the log does not know, in the headers of today.
            body["user_id"] = "ghost".into();
            slip_in(&world, "acme.user.ghost", &headers, &body.to_string()).await;
            if stopped {
                projection.restart().await.unwrap();
            }
            let person = format!("later-{sequence}-{stopped}");
            world.append([granted("acme", &person)]).await;
            worker.knows("acme", &person, ALL).await;
            worker.knows("acme", "ana", WITHOUT_CALENDAR).await;
            worker.knows("acme", "ghost", NOTHING).await;
            ready(&projection).await;
            until("the stream says so as well", async || {
                kept(&world, "acme.user.ana").await["effective"]["calendar"] == false
                    && kept(&world, "acme.user.ghost").await["effective"]["calendar"] == false
            })
            .await;
            let newcomer = Worker::start(&world).await;
            assert_eq!(newcomer.effective("acme", "ana"), WITHOUT_CALENDAR);
            assert_eq!(newcomer.effective("acme", "ghost"), NOTHING);
            assert_eq!(newcomer.effective("acme", "ben"), ALL);
        }
    }
    assert!(alarms(&projection) > 0);
}

#[tokio::test]
async fn a_list_that_says_more_than_the_set_beside_it_does_not_last() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    world.append([revoked_calendar("acme", "ana")]).await;
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "ana", WITHOUT_CALENDAR).await;
    let (headers, mut body) = copied(&world, "acme.user.ana").await;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();

    body["allowed"] = json!(["calendar", "contacts", "email.send", "email.read"]);
    slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;

    until("it is told over", async || {
        let allowed = &kept(&world, "acme.user.ana").await["allowed"];
        *allowed == json!(["contacts", "email.send", "email.read"])
    })
    .await;
    assert!(alarms(&projection) > 0);
    ready(&projection).await;

    // One from before there was the list is as good as ever.
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    let (headers, mut body) = copied(&world, "acme.user.ana").await;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    body.as_object_mut().unwrap().remove("allowed");
    let old = slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;
    world.append([granted("acme", "ben")]).await;
    worker.knows("acme", "ben", ALL).await;
    ready(&projection).await;
    assert_eq!(stream.end().await.unwrap(), old + 1);
}

#[tokio::test]
async fn every_replica_comes_to_call_the_log_by_the_name_that_one_gives_it() {
    let world = World::new().await;
    let _projections = tokio::join!(world.projection("one"), world.projection("two"));
    world.append([granted("acme", "ana")]).await;
    world.append([revoked_calendar("acme", "ana")]).await;
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "ana", WITHOUT_CALENDAR).await;
    let before = first_page(&world).await.unwrap()["log"].clone();
    let (headers, mut body) = copied(&world, "acme.user.ana").await;
    body["sequence"] = 999.into();
    body["effective"]["calendar"] = true.into();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "Assent-Sequence" | "Assent-Told-Through" => (name.as_str(), "999"),
            _ => (name.as_str(), value.as_str()),
        })
        .collect();
    slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;
    until("the log has another name", async || {
        first_page(&world)
            .await
            .is_ok_and(|page| page["log"] != before)
    })
    .await;
    worker.knows("acme", "ana", WITHOUT_CALENDAR).await;
    // Whoever answers.
    for _ in 0..20 {
        let page = first_page(&world).await.unwrap();
        assert_ne!(page["log"], before);
        until("a query of one user says the same", async || {
            let question = json!({"account_id": "acme", "user_id": "ana"});
            let asker = world.connect_as_worker().await;
            let answer = ask(&asker, names::QUERY_PERMISSIONS, &question)
                .await
                .unwrap();
            assert_eq!(answer["effective"]["calendar"], false);
            answer["log"] == page["log"]
        })
        .await;
    }
}

#[tokio::test]
async fn messages_of_an_earlier_version_are_no_alarm_and_are_told_anew() {
    let world = World::new().await;
    world.append([granted("acme", "ana")]).await;
    let source = format!("CONSENT_EVENTS@{}", world.log().await.identity());
    let body = json!({"account_id": "acme", "user_id": "ana", "method": "user_individual",
        "effective": {"calendar": true, "contacts": true, "email": "full"}, "sequence": 1});
    let headers = [("Assent-Source", source.as_str()), ("Assent-Sequence", "1")];
    slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;
    let projection = world.projection("one").await;
    ready(&projection).await;
    assert_eq!(kept(&world, "acme.user.ana").await["log"], source);
    // One of that version may still be at work.
    slip_in(&world, "acme.user.ana", &headers, &body.to_string()).await;
    world.append([revoked_calendar("acme", "ana")]).await;
    until("telling goes on", async || {
        kept(&world, "acme.user.ana").await["effective"]["calendar"] == false
    })
    .await;
    let log = projection.log_text();
    assert!(!log.contains("operator_alarm"), "{log}");
}
