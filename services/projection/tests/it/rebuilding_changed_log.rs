//! A log that does not hold any more what the view was built from: no view is rebuilt from it.

use assent_contract::names::EVENT_STREAM;
use assent_dev_stack::Program;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{granted, revoked_calendar};
use crate::operator::{Operator, generations};
use crate::other_log::accept_log;
use crate::replicas::statuses;
use crate::stream_files::{saved, set_back_to};
use crate::world::{World, until};

/// The projection has found the server again, and serves operators.
async fn operator_of(world: &World) -> Operator {
    let operator = Operator::new(world).await;
    until("the projection answers operators", async || {
        !statuses(&operator.0).await.is_empty()
    })
    .await;
    operator
}

/// So many users are held back, as its status says.
async fn held_back(world: &World, projection: &Program, users: u64) {
    until(&format!("{users} are held back"), async || {
        let (_, status) = world.get(projection, "/v1/status").await;
        status["held_back"] == users && status["rebuilding"] == false
    })
    .await;
}

fn assert_refused(outcome: &Value, says: &str) {
    assert_eq!(outcome["result"], "refused", "{outcome}");
    assert_eq!(outcome["reason"], "log_lost_events", "{outcome}");
    let detail = outcome["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{outcome}");
}

#[tokio::test]
async fn nothing_is_rebuilt_while_users_are_held_back() {
    let mut world = World::new().await;
    for name in ["ana", "ben"] {
        world.append([granted("acme", name)]).await;
    }
    let backup = saved(&mut world, "backup").await;
    let projection = world.projection("one").await;
    let no = world.append([revoked_calendar("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", no).await;
    set_back_to(&mut world, &backup).await;
    held_back(&world, &projection, 1).await;
    let before = generations(&world, "one");
    let operator = operator_of(&world).await;

    for question in [
        json!({}),
        json!({"dry_run": true}),
        json!({"account_id": "acme"}),
    ] {
        assert_refused(&operator.rebuilds(&question).await, "1 users are held back");
    }
    assert_eq!(generations(&world, "one"), before);
    let (_, status) = world.get(&projection, "/v1/status").await;
    assert_eq!(status["held_back"], 1, "{status}");
    let blocked = json!([{"account_id": "acme", "user_id": "ana", "held_back": true}]);
    let mut shown = status["blocked"].clone();
    shown[0].as_object_mut().unwrap().remove("sequence");
    assert_eq!(shown, blocked, "{status}");
    let ana = world.permissions(&projection, "acme", "ana", 0).await;
    assert_eq!(ana["effective"]["calendar"], false);

    accept_log(&world).await;
    held_back(&world, &projection, 0).await;
    let rebuilt = operator.rebuilds(&json!({})).await;
    assert_eq!(rebuilt["result"], "swapped", "{rebuilt}");
    let (_, status) = world.get(&projection, "/v1/status").await;
    assert_eq!(
        (&status["held_back"], &status["blocked"]),
        (&json!(0), &json!([]))
    );
}

/// Ben has said no, and the view knows.
async fn the_no_stands(world: &World, projection: &Program) {
    let ben = world.permissions(projection, "acme", "ben", 0).await;
    assert_eq!(ben["effective"]["calendar"], false, "{ben}");
}

#[tokio::test]
async fn an_account_is_not_rebuilt_from_a_log_in_which_its_no_is_damaged() {
    let mut world = World::new().await;
    world.append([granted("acme", "ben")]).await;
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    let last = world.append([granted("umbrella", "eve")]).await;
    let projection = world.projection("one").await;
    world.permissions(&projection, "acme", "ben", last).await;
    world.nats.stop().await;
    world.nats.flip_bit(EVENT_STREAM, no).unwrap();
    world.nats.restart().await.unwrap();
    until("the log is there again", async || world.log_opens().await).await;
    let operator = operator_of(&world).await;

    for dry_run in [true, false] {
        let question = json!({"account_id": "acme", "dry_run": dry_run});
        let outcome = operator.rebuilds(&question).await;
        assert_refused(&outcome, "the event log is damaged");
    }
    the_no_stands(&world, &projection).await;
    // Of whom the log holds all, can be.
    let umbrella = operator.rebuilds(&json!({"account_id": "umbrella"})).await;
    assert_eq!(umbrella["result"], "corrected", "{umbrella}");
}

#[tokio::test]
async fn an_account_is_not_rebuilt_from_a_log_that_has_another_event_instead_of_its_no() {
    let mut world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ben")]).await;
    let older = saved(&mut world, "older").await;
    let no = world.append([revoked_calendar("acme", "ben")]).await;
    let id = Uuid::now_v7();
    let last = world.append_as([(id, granted("acme", "dora"))]).await;
    world.permissions(&projection, "acme", "ben", last).await;
    assert!(projection.terminate().await.unwrap().success());

    // An older copy leads, and grew on: at the place of the no there is another event, and at the cursor the very same.
    set_back_to(&mut world, &older).await;
    assert_eq!(world.append([granted("acme", "cleo")]).await, no);
    assert_eq!(world.append_as([(id, granted("acme", "dora"))]).await, last);
    projection.restart().await.unwrap();
    let operator = operator_of(&world).await;

    for dry_run in [true, false] {
        let question = json!({"account_id": "acme", "dry_run": dry_run});
        let outcome = operator.rebuilds(&question).await;
        assert_refused(&outcome, &format!("event {no} of theirs is not in the log"));
    }
    the_no_stands(&world, &projection).await;
}
