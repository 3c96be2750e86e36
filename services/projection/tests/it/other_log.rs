//! The stream of changes is of another log than the one that there is, or of a later state of it:
//! whoever followed it, and whoever begins to, ends with what the log says.

use std::fs;

use assent_contract::names::{self, REPLICA_ACCEPT_LOG, of_replica};
use assent_contract::query::BlockedPage;
use assent_dev_stack::{NatsUser, Program};
use assent_messaging::{ChangeStream, ConnectionState, Stamp};
use serde_json::{Value, json};

use crate::events::{granted, revoked_calendar};
use crate::replicas::statuses;
use crate::stream_files::{copy, folder_of_log, saved, set_back_to};
use crate::worker::{NOTHING, Worker, first_page};
use crate::world::{PATIENCE, World, ask, get_as, until};

const ALL: &str = "calendar contacts full";

async fn delete_log(world: &World) {
    let delete = format!("$JS.API.STREAM.DELETE.{}", names::EVENT_STREAM);
    let deadline = std::time::Duration::from_secs(5);
    let deleted = world
        .gateway
        .request(&delete, Vec::new(), None, deadline)
        .await;
    deleted.unwrap();
}

/// Ready, and the stream of changes is wholly of the log that there is.
async fn made_good(world: &World, projection: &mut Program) {
    projection.ready().await.unwrap();
    until("all is told anew", async || {
        let (status, body) = get_as(projection, "/readyz", None).await;
        status == 200 && body["dependencies"]["changes"]["ready"] == true
    })
    .await;
    let page = first_page(world).await.unwrap();
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    for subject in stream.subjects(0).await.unwrap().subjects {
        let told = stream.last_on(&subject).await.unwrap().unwrap();
        let body: Value = serde_json::from_slice(&told.payload).unwrap();
        assert_eq!(body["log"], page["log"], "{subject}");
        let Stamp::Full { sequence, .. } = told.stamp else {
            panic!("{subject}: {:?}", told.stamp);
        };
        assert_eq!(body["sequence"], json!(sequence));
    }
}

/// Who is held back, as the log lost what they took back.
async fn held(world: &World) -> Vec<String> {
    let operator = world.connect_as(NatsUser::Operator).await;
    let mut names = Vec::new();
    until("it says who is blocked", async || {
        let asked = ask(&operator, names::QUERY_BLOCKED, &json!({})).await;
        let Ok(page) = asked else { return false };
        let page: BlockedPage = serde_json::from_value(page).unwrap();
        assert!(page.blocked.iter().all(|blocked| blocked.held), "{page:?}");
        let users = page
            .blocked
            .into_iter()
            .filter_map(|blocked| blocked.whose.user_id);
        names = users.map(|user| user.to_string()).collect();
        true
    })
    .await;
    names
}

/// The operator decides that the log is right as it is.
pub(crate) async fn accept_log(world: &World) {
    let operator = world.connect_as(NatsUser::Operator).await;
    for replica in statuses(&operator).await {
        let subject = of_replica(REPLICA_ACCEPT_LOG, &replica.instance);
        ask(&operator, &subject, &json!({})).await.unwrap();
    }
}

fn assert_alarmed(projection: &Program) {
    let log = projection.log_text();
    assert!(
        log.contains(r#""operator_alarm":"changes_told_anew""#),
        "{log}"
    );
}

async fn people(world: &World, names: &[&str]) {
    for name in names {
        world.append([granted("acme", name)]).await;
    }
}

#[tokio::test]
async fn the_log_is_replaced_while_the_projection_runs_and_while_it_does_not() {
    for stopped in [false, true] {
        let world = World::lawless().await;
        let mut projection = world.projection("one").await;
        people(&world, &["ana", "ben", "cleo", "dora", "eve"]).await;
        let mut worker = Worker::start(&world).await;
        worker.knows("acme", "eve", ALL).await;
        if stopped {
            projection.kill();
        }
        delete_log(&world).await;
        world.create_streams().await;
        // In the new log ben comes first, and is soon revoked: at a sequence that was long passed.
        people(&world, &["ben"]).await;
        world.append([revoked_calendar("acme", "ben")]).await;
        if stopped {
            projection.restart().await.unwrap();
        }
        for (name, effective) in [("ben", "contacts full"), ("ana", NOTHING), ("eve", NOTHING)] {
            worker.knows("acme", name, effective).await;
        }
        made_good(&world, &mut projection).await;
        let newcomer = Worker::start(&world).await;
        for (name, effective) in [("ben", "contacts full"), ("ana", NOTHING), ("eve", NOTHING)] {
            assert_eq!(newcomer.effective("acme", name), effective, "{name}");
        }
        people(&world, &["zoe"]).await;
        worker.knows("acme", "zoe", ALL).await;
        assert_alarmed(&projection);
    }
}

#[tokio::test]
async fn the_log_is_set_back_and_perhaps_grown_past_while_the_projection_runs_and_while_it_does_not()
 {
    for stopped in [false, true] {
        for grown in [0, 1, 9] {
            let mut world = World::new().await;
            people(&world, &["ana", "ben"]).await;
            let backup = saved(&mut world, "backup").await;
            let mut projection = world.projection("one").await;
            people(&world, &["cleo", "dora"]).await;
            world.append([revoked_calendar("acme", "ana")]).await;
            let mut worker = Worker::start(&world).await;
            worker.knows("acme", "ana", "contacts full").await;
            if stopped {
                // Whoever is killed may not have her no on its disk yet.
                assert!(projection.terminate().await.unwrap().success());
            }
            set_back_to(&mut world, &backup).await;
            for number in 0..grown {
                people(&world, &[&format!("new-{number}")]).await;
            }
            if stopped {
                projection.restart().await.unwrap();
            }
            worker.knows("acme", "cleo", NOTHING).await;
            // Her no is not on the log any more, and stands all the same until an operator decides.
            worker.knows("acme", "ana", NOTHING).await;
            made_good(&world, &mut projection).await;
            assert_eq!(held(&world).await, ["ana"]);
            if stopped {
                projection.restart().await.unwrap();
                assert_eq!(held(&world).await, ["ana"], "after a restart");
            }
            accept_log(&world).await;
            worker.knows("acme", "ana", ALL).await;
            assert!(held(&world).await.is_empty());
            world.append([revoked_calendar("acme", "ben")]).await;
            worker.knows("acme", "ben", "contacts full").await;
            let newcomer = Worker::start(&world).await;
            for worker in [&worker, &newcomer] {
                for (name, effective) in [("ana", ALL), ("ben", "contacts full"), ("dora", NOTHING)]
                {
                    assert_eq!(
                        worker.effective("acme", name),
                        effective,
                        "{name}, {grown} later"
                    );
                }
                if 0 < grown {
                    assert_eq!(worker.effective("acme", "new-0"), ALL, "{grown} later");
                }
            }
            assert_alarmed(&projection);
        }
    }
}

#[tokio::test]
async fn killed_in_the_middle_it_is_made_good_all_the_same_by_whoever_comes() {
    let world = World::lawless().await;
    let mut one = world.projection("one").await;
    let names: Vec<_> = (0..300).map(|number| format!("old-{number}")).collect();
    people(
        &world,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "old-299", ALL).await;
    // What a page says may be told a moment later.
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    until("all of them are told", async || {
        300 <= stream.end().await.unwrap()
    })
    .await;
    one.kill();
    delete_log(&world).await;
    world.create_streams().await;
    for number in 0..100 {
        people(&world, &[&format!("new-{number}")]).await;
    }
    // Each gets a little further: among those who are not known any more, and among those who are.
    let mut killed = 0;
    loop {
        let before = stream.end().await.unwrap();
        one.restart_unready().await.unwrap();
        let some = async { while stream.end().await.unwrap() < before + 50 {} };
        if tokio::time::timeout(PATIENCE, some).await.is_err() || 650 < stream.end().await.unwrap()
        {
            break;
        }
        one.kill();
        killed += 1;
    }
    one.kill();
    assert!(2 < killed, "{killed}");
    let mut two = world.projection("two").await;
    made_good(&world, &mut two).await;
    one.restart().await.unwrap();
    made_good(&world, &mut one).await;
    worker.knows("acme", "old-7", NOTHING).await;
    worker.knows("acme", "new-99", ALL).await;
    let newcomer = Worker::start(&world).await;
    for worker in [&worker, &newcomer] {
        assert_eq!(worker.effective("acme", "old-299"), NOTHING);
        assert_eq!(worker.effective("acme", "new-0"), ALL);
    }
    // None was told again and again: 300 before, 400 made good, and what the kills cost.
    let end = stream.end().await.unwrap();
    assert!((700..=730).contains(&end), "{end}");
}

#[tokio::test]
async fn two_replicas_make_it_good_together() {
    let world = World::lawless().await;
    let (mut one, mut two) = tokio::join!(world.projection("one"), world.projection("two"));
    for number in 0..100 {
        people(&world, &[&format!("old-{number}")]).await;
    }
    let mut worker = Worker::start(&world).await;
    worker.knows("acme", "old-99", ALL).await;
    delete_log(&world).await;
    world.create_streams().await;
    for number in 0..50 {
        people(&world, &[&format!("new-{number}")]).await;
    }
    worker.knows("acme", "old-0", NOTHING).await;
    worker.knows("acme", "new-49", ALL).await;
    for projection in [&mut one, &mut two] {
        made_good(&world, projection).await;
    }
    // 100 told, "nothing" of 100, 50 told as they came, and perhaps as standing.
    let stream = ChangeStream::open(&world.gateway).await.unwrap();
    let end = stream.end().await.unwrap();
    assert!((250..=310).contains(&end), "{end}");
}

#[tokio::test]
async fn a_log_that_is_gone_permits_nothing_and_comes_back_as_it_was() {
    let mut world = World::new().await;
    people(&world, &["ana"]).await;
    let projection = world.projection("one").await;
    let asker = world
        .connect_as(assent_dev_stack::NatsUser::LoginHook)
        .await;
    let answer = world.permissions(&projection, "acme", "ana", 1).await;
    assert_eq!(answer["effective"]["calendar"], true);
    world.nats.stop().await;
    let folder = folder_of_log(&world.nats.store_directory());
    let aside = world.data("aside");
    copy(&folder, &aside);
    fs::remove_dir_all(&folder).unwrap();
    world.nats.restart().await.unwrap();
    let path = "/v1/accounts/acme/users/ana/permissions";
    until("it answers nothing any more", async || {
        let (status, body) = world.get(&projection, path).await;
        (status, &body["code"]) == (503, &json!("view_not_ready"))
    })
    .await;
    until("whoever asks is connected again", async || {
        asker.state() == ConnectionState::Connected
    })
    .await;
    let question = json!({"account_id": "acme", "user_id": "ana"});
    for subject in [names::QUERY_PERMISSIONS, names::QUERY_LOGIN_STATE] {
        let refused = crate::world::ask(&asker, subject, &question).await;
        let (status, code, _) = refused.unwrap_err();
        assert_eq!((status, code.as_str()), (503, "view_not_ready"));
    }
    let refused = crate::world::ask(&asker, names::QUERY_CHANGES, &json!({})).await;
    assert!(refused.is_err(), "{refused:?}");
    let (status, body) = get_as(&projection, "/readyz", None).await;
    assert_eq!(
        (status, &body["dependencies"]["view"]["ready"]),
        (503, &json!(false))
    );

    world.nats.stop().await;
    copy(&aside, &folder);
    world.nats.restart().await.unwrap();
    until("it answers again", async || {
        world.get(&projection, path).await.1["effective"]["calendar"] == true
    })
    .await;
    assert!(!projection.log_text().contains("view_rebuilt"));
}
