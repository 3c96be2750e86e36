//! A log that no longer holds what the view was built from is found, told, and not believed.

use std::fs;
use std::path::Path;

use assent_contract::names::{EVENT_STREAM, REPLICA_CHECK_LOG, of_replica};
use assent_contract::replica::{LogCheckResult, LogCheckStatus, ReplicaState};
use assent_dev_stack::{NatsUser, Program};
use assent_messaging::Connection;
use serde_json::json;
use uuid::Uuid;

use crate::events::{granted, revoked_calendar};
use crate::replicas::statuses;
use crate::stream_files::{saved, set_back_to};
use crate::world::{World, ask, get_as, until};

/// What the one projection says of the log.
async fn log_check(operator: &Connection) -> Option<LogCheckStatus> {
    let mut replicas = statuses(operator).await;
    let replica = replicas.pop()?;
    assert!(replicas.is_empty(), "{replicas:?}");
    (replica.state == ReplicaState::Serving).then_some(replica.log_check)
}

async fn until_found(world: &World, what: LogCheckResult) -> LogCheckStatus {
    let operator = world.connect_as(NatsUser::Operator).await;
    until(&format!("{what:?} is found"), async || {
        log_check(&operator)
            .await
            .is_some_and(|check| check.result == what)
    })
    .await;
    log_check(&operator).await.unwrap()
}

async fn flip(world: &mut World, sequence: u64) {
    world.nats.stop().await;
    world.nats.flip_bit(EVENT_STREAM, sequence).unwrap();
    world.nats.restart().await.unwrap();
    until("the log is there again", async || world.log_opens().await).await;
}

/// Ben has said no to the calendar, and the log no longer says so.
async fn the_no_stands(world: &World, projection: &Program, at_least: u64) {
    let ben = world.permissions(projection, "acme", "ben", at_least).await;
    assert_eq!(
        ben["effective"],
        json!({"calendar": false, "contacts": true, "email": "full"})
    );
}

/// Ready, for logins go on; and it says what is wrong.
async fn told(projection: &Program, says: &str) {
    let (status, body) = get_as(projection, "/readyz", None).await;
    assert_eq!(status, 200, "{body}");
    let log = &body["dependencies"]["log"];
    assert_eq!(
        (&log["ready"], &log["required"]),
        (&json!(false), &json!(false))
    );
    let reason = log["reason"].as_str().unwrap();
    assert!(
        reason.contains(says) && reason.contains("restore"),
        "{reason}"
    );
    assert!(
        projection
            .log_text()
            .contains(r#""operator_alarm":"log_differs_from_view""#)
    );
    let metrics = reqwest::get(format!("{}/metrics", projection.url()))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("assent_projection_log_differs 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_record_that_the_server_lost_in_the_middle_is_named_and_its_no_stands() {
    let mut world = World::new().await;
    let mut projection = world.projection("one").await;
    for name in ["ana", "ben", "cleo"] {
        world.append([granted("acme", name)]).await;
    }
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    for name in ["dora", "eve"] {
        world.append([granted("acme", name)]).await;
    }
    let found = until_found(&world, LogCheckResult::Same).await;
    assert_eq!(found.at, None);

    flip(&mut world, no).await;
    let found = until_found(&world, LogCheckResult::Missing).await;
    assert_eq!((found.at, found.through), (Some(no), no + 2));
    assert!(found.server.is_some_and(|server| !server.is_empty()));
    told(&projection, &format!("event {no} is missing")).await;
    let (_, status) = world.get(&projection, "/v1/status").await;
    assert_eq!(
        (&status["log_check"]["result"], &status["log_check"]["at"]),
        (&json!("missing"), &json!(no))
    );
    // It goes on: with the view that knows better, also after a restart.
    let after = world.append([granted("acme", "fay")]).await;
    the_no_stands(&world, &projection, after).await;
    projection.restart().await.unwrap();
    the_no_stands(&world, &projection, after).await;
    until_found(&world, LogCheckResult::Missing).await;
    the_no_stands(&world, &projection, after).await;

    // Without the view nothing is answered, rather than without the no.
    projection.kill();
    fs::remove_dir_all(world.data("one")).unwrap();
    let anew = world.unready_projection("one").await;
    until("it says what is missing", async || {
        let (_, body) = get_as(&anew, "/readyz", None).await;
        let reason = body["dependencies"]["view"]["reason"].as_str();
        reason.is_some_and(|reason| reason.contains(&format!("event {no} is missing")))
    })
    .await;
    let path = "/v1/accounts/acme/users/ben/permissions";
    assert_eq!(world.get(&anew, path).await.0, 503);

    flip(&mut world, no).await;
    let found = until_found(&world, LogCheckResult::Same).await;
    assert_eq!(found.through, after);
    the_no_stands(&world, &anew, after).await;
    let (_, body) = get_as(&anew, "/readyz", None).await;
    assert_eq!(body["dependencies"]["log"]["ready"], true);
}

#[tokio::test]
async fn a_server_that_has_another_event_in_the_middle_is_not_believed() {
    let mut world = World::new().await;
    let mut projection = world.projection("one").await;
    for name in ["ana", "ben"] {
        world.append([granted("acme", name)]).await;
    }
    let older = saved(&mut world, "older").await;
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    let id = Uuid::now_v7();
    let last = world.append_as([(id, granted("acme", "dora"))]).await;
    the_no_stands(&world, &projection, last).await;
    assert!(projection.terminate().await.unwrap().success());

    // An older copy leads, and grew on: at the place of the no there is another event, and at the cursor the very same.
    set_back_to(&mut world, &older).await;
    assert_eq!(world.append([granted("acme", "cleo")]).await, no);
    assert_eq!(world.append_as([(id, granted("acme", "dora"))]).await, last);
    projection.restart().await.unwrap();

    let found = until_found(&world, LogCheckResult::Different).await;
    assert_eq!((found.at, found.through), (Some(no), last));
    told(&projection, &format!("event {no} is another one")).await;
    the_no_stands(&world, &projection, last).await;
}

#[tokio::test]
async fn an_operator_may_have_the_log_compared() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let before = until_found(&world, LogCheckResult::Same).await.checks;
    let instance = statuses(&operator).await.remove(0).instance;

    let subject = of_replica(REPLICA_CHECK_LOG, &instance);
    ask(&operator, &subject, &json!({})).await.unwrap();
    until("it was compared again", async || {
        log_check(&operator)
            .await
            .is_some_and(|check| before < check.checks && check.through == 1)
    })
    .await;
}

/// Opens the view's database as somebody would who is not the projection.
fn database(data: &Path) -> sled::Db {
    let folders = fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let generation = folders
        .filter(|path| path.join("db").exists())
        .last()
        .unwrap();
    sled::open(generation).unwrap()
}

fn change_a_row(data: &Path) {
    let database = database(data);
    let row = database.get(b"ruacme\0ana").unwrap().unwrap();
    // Ana's is Ben's from now on.
    assert_ne!(
        database.insert(b"ruacme\0ben", row.clone()).unwrap(),
        Some(row)
    );
    database.flush().unwrap();
}

#[tokio::test]
async fn a_row_that_was_changed_on_the_disk_is_found_told_and_healed() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    world.append([granted("acme", "ben")]).await;
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    the_no_stands(&world, &projection, no).await;
    let digest = world.digest(&projection).await;
    assert!(projection.terminate().await.unwrap().success());
    change_a_row(&world.data("one"));

    projection.restart().await.unwrap();
    until("the view was built anew", async || {
        let (status, body) = world.get(&projection, "/v1/digest").await;
        status == 200 && body["digest"] == digest.as_str()
    })
    .await;
    the_no_stands(&world, &projection, no).await;
    let log = projection.log_text();
    for alarm in ["view_damaged", "view_rebuilt"] {
        assert!(
            log.contains(&format!(r#""operator_alarm":"{alarm}""#)),
            "{alarm}"
        );
    }
}

#[tokio::test]
async fn a_view_of_another_version_is_built_anew_and_told() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ben")]).await;
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    the_no_stands(&world, &projection, no).await;
    let digest = world.digest(&projection).await;
    assert!(projection.terminate().await.unwrap().success());
    {
        // As the release before this one left it: without the root.
        let database = database(&world.data("one"));
        let head = database.get("h").unwrap().unwrap();
        let mut head: serde_json::Value = serde_json::from_slice(&head).unwrap();
        head["schema"] = json!(2);
        assert!(head.as_object_mut().unwrap().remove("tree").is_some());
        database.insert("h", head.to_string().as_bytes()).unwrap();
        database.flush().unwrap();
    }

    projection.restart().await.unwrap();
    the_no_stands(&world, &projection, no).await;
    assert_eq!(world.digest(&projection).await, digest);
    // Readiness said why; with so little to build, only its log line is there to be seen.
    let told = "building the view from the log: the rows are of another version";
    assert!(
        projection.log_text().contains(told),
        "{}",
        projection.log_text()
    );
    until_found(&world, LogCheckResult::Same).await;
}
