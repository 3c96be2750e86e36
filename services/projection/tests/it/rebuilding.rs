//! A view is built anew because an operator asks for it, and nobody notices.

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_permission_store::{Content, Entry, Opened, Refold, Source, View};
use serde_json::json;

use crate::events::{account, granted, revoked_calendar, user};
use crate::operator::{Operator, generations, held_up};
use crate::worker::Worker;
use crate::world::{World, ask};

const CACHE: u64 = 8 * 1024 * 1024;

/// Makes the view of a projection that is not running say of a user what this entry alone would.
async fn spoil(world: &World, label: &str, whose: Aggregate, content: Content) {
    let log = world.log().await;
    let source = Source {
        stream: names::EVENT_STREAM.to_owned(),
        created: log.identity().to_string(),
    };
    let Opened::Resumed(view) = View::open(&world.data(label), &source, CACHE).unwrap() else {
        panic!("the view is gone");
    };
    let sequence = view.cursor().sequence;
    let mut refold = Refold::new(whose.clone());
    refold.add(&Entry {
        sequence,
        aggregate: Some(whose),
        content,
        hash: [0; 32],
    });
    view.replace(&refold, sequence).unwrap();
}

fn ana() -> Aggregate {
    Aggregate::User(account("acme"), user("ana"))
}

#[tokio::test]
async fn a_sound_view_is_replaced_by_the_same_one() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    world.append([granted("acme", "ana")]).await;
    world.append([granted("acme", "ben")]).await;
    let last = world.append([revoked_calendar("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;
    let digest = world.digest(&projection).await;
    let before = generations(&world, "one");

    let compared = operator.rebuilds(&json!({"dry_run": true})).await;
    assert_eq!(compared["result"], "compared");
    assert_eq!(compared["comparison"]["sequence"], last);
    assert_eq!(compared["comparison"]["rows"], 2);
    assert_eq!(compared["comparison"]["different"], 0);
    assert_eq!(generations(&world, "one"), before);

    let swapped = operator.rebuilds(&json!({})).await;
    assert_eq!(swapped["result"], "swapped");
    assert_eq!(swapped["sequence"], last);
    let after = generations(&world, "one");
    assert_eq!((after.len(), after == before), (1, false));
    assert_eq!(world.digest(&projection).await, digest);

    // It goes on being written, and is found again.
    let later = world.append([granted("acme", "zoe")]).await;
    world.permissions(&projection, "acme", "zoe", later).await;
    drop(projection);
    let projection = world.projection("one").await;
    let zoe = world.permissions(&projection, "acme", "zoe", later).await;
    assert_eq!(zoe["effective"]["email"], "full");
    assert_eq!(generations(&world, "one"), after);
}

#[tokio::test]
async fn what_is_wrong_is_named_put_right_and_told() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    world.append([granted("acme", "ana")]).await;
    world.append([granted("umbrella", "eve")]).await;
    let last = world.append([revoked_calendar("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;

    // Once all of it is rebuilt, once her account alone.
    for question in [json!({}), json!({"account_id": "acme"})] {
        projection.terminate().await;
        spoil(&world, "one", ana(), Content::Event(granted("acme", "ana"))).await;
        projection.restart().await.unwrap();
        let mut worker = Worker::start(&world).await;
        worker.knows("acme", "ana", "calendar contacts full").await;

        let mut dry = question.clone();
        dry["dry_run"] = true.into();
        let found = operator.rebuilds(&dry).await;
        assert_eq!(found["result"], "compared");
        let first = &found["comparison"]["first"][0];
        assert_eq!(first["account_id"], "acme");
        assert_eq!(first["user_id"], "ana");
        let own = first["fields"].as_array().unwrap().iter();
        let own: Vec<_> = own.filter(|field| field["field"] == "own").collect();
        assert_eq!(own[0]["served"], "calendar, contacts, email (full)");
        assert_eq!(own[0]["rebuilt"], "contacts, email (full)");
        assert_eq!(found["comparison"]["users_losing"], 1);
        assert_eq!(found["comparison"]["users_gaining"], 0);
        let still = world.permissions(&projection, "acme", "ana", last).await;
        assert_eq!(still["effective"]["calendar"], true);

        let done = operator.rebuilds(&question).await;
        assert_eq!(done["comparison"]["different"], 1);
        let right = world.permissions(&projection, "acme", "ana", last).await;
        assert_eq!(right["effective"]["calendar"], false);
        worker.knows("acme", "ana", "contacts full").await;
        let again = operator.rebuilds(&dry).await;
        assert_eq!(again["comparison"]["different"], 0);
    }
    let anew = world.projection("anew").await;
    assert_eq!(world.digest(&projection).await, world.digest(&anew).await);
}

#[tokio::test]
async fn a_row_that_nobody_has_events_for_goes() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let last = world.append([granted("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;
    projection.terminate().await;
    let ghost = Aggregate::User(account("acme"), user("ghost"));
    spoil(
        &world,
        "one",
        ghost,
        Content::Event(granted("acme", "ghost")),
    )
    .await;
    projection.restart().await.unwrap();
    let ghost = world.permissions(&projection, "acme", "ghost", last).await;
    assert_eq!(ghost["effective"]["calendar"], true);
    let done = operator.rebuilds(&json!({"account_id": "acme"})).await;
    assert_eq!(done["result"], "corrected");
    assert_eq!(done["comparison"]["first"][0]["user_id"], "ghost");
    let ghost = world.permissions(&projection, "acme", "ghost", last).await;
    assert_eq!(ghost["effective"]["calendar"], false);
    let anew = world.projection("anew").await;
    assert_eq!(world.digest(&projection).await, world.digest(&anew).await);
}

#[tokio::test]
async fn who_asks_while_one_is_under_way_joins_it() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let last = world.append([granted("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;
    let held = held_up(&world, &operator, last + 1).await;
    let joined = operator.asks(&json!({"account_id": "umbrella"})).await;
    assert_eq!(joined["joined"], true);
    assert_eq!(joined["rebuild_id"], held.report["rebuild_id"]);
    assert!(joined["account_id"].is_null());
    world.append([granted("acme", "ben")]).await;
    let outcome = operator.outcome_of(&held.report).await;
    assert_eq!(outcome["result"], "swapped", "{outcome}");
    held.digest.await.unwrap();
}

#[tokio::test]
async fn one_that_was_killed_is_finished_after_the_start() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let last = world.append([granted("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;
    let held = held_up(&world, &operator, last + 1).await;
    assert_eq!(generations(&world, "one").len(), 2);
    projection.kill();
    held.digest.abort();
    projection.restart().await.unwrap();
    let outcome = operator.outcome_of(&held.report).await;
    assert_eq!(outcome["result"], "swapped", "{outcome}");
    let after = generations(&world, "one");
    assert_eq!((after.len(), after == held.generations), (1, false));
    // It is told also after another start.
    projection.kill();
    projection.restart().await.unwrap();
    assert_eq!(operator.outcome_of(&held.report).await, outcome);
}

#[tokio::test]
async fn what_is_not_understood_is_not_done() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let subject = names::rebuild_view(&operator.instance().await);
    for (question, code) in [
        (json!({"dryrun": true}), "invalid_request"),
        (json!([]), "invalid_request"),
        (json!({"account_id": "a@b"}), "invalid_request"),
        (
            json!({"rebuild_id": "01a20b42-4bd2-775a-b59c-b5804680bb4e"}),
            "gone",
        ),
    ] {
        let refused = ask(&operator.0, &subject, &question).await.unwrap_err();
        assert_eq!(refused.1, code, "{question}");
    }
    assert_eq!(generations(&world, "one").len(), 1);
}
