//! Crashes, lost directories, unreadable events, another stream, NATS away.

use std::fs;

use assent_contract::names;
use assent_dev_stack::{NatsUser, Program};
use serde_json::json;

use crate::events::{granted, revoked_calendar};
use crate::world::{World, ask, get_as, until};

const NOTHING: &str = r#"{"calendar":false,"contacts":false,"email":"none"}"#;

async fn history(world: &World) -> u64 {
    let mut last = 0;
    for number in 0..60 {
        let (company, name) = (format!("c{}", number % 3), format!("u{}", number % 7));
        last = world.append([granted(&company, &name)]).await;
        if number % 5 == 0 {
            last = world.append([revoked_calendar(&company, &name)]).await;
        }
    }
    last
}

async fn caught_up(world: &World, projection: &Program, last: u64) {
    world.permissions(projection, "c0", "u0", last).await;
}

#[tokio::test]
async fn a_killed_one_goes_on_where_it_was_and_a_lost_or_damaged_view_is_rebuilt() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let last = history(&world).await;
    caught_up(&world, &projection, last).await;
    let digest = world.digest(&projection).await;

    projection.restart().await.unwrap();
    assert_eq!(world.digest(&projection).await, digest, "after SIGKILL");
    assert!(projection.terminate().await.unwrap().success());
    projection.restart().await.unwrap();
    assert_eq!(world.digest(&projection).await, digest, "after SIGTERM");

    projection.kill();
    fs::remove_dir_all(world.data("one")).unwrap();
    projection.restart().await.unwrap();
    assert_eq!(
        world.digest(&projection).await,
        digest,
        "after the directory was deleted"
    );

    projection.terminate().await.unwrap();
    for entry in fs::read_dir(world.data("one")).unwrap() {
        let database = entry.unwrap().path().join("db");
        if database.exists() {
            let length = fs::metadata(&database).unwrap().len();
            let file = fs::File::options().write(true).open(&database).unwrap();
            file.set_len(length / 3).unwrap();
        }
    }
    projection.restart().await.unwrap();
    assert_eq!(
        world.digest(&projection).await,
        digest,
        "after the database was truncated"
    );

    // A second one in the same directory says why it can't, and harms nobody.
    let second = world.unready_projection("one").await;
    until("the second one says that the view is in use", async || {
        let (_, body) = get_as(&second, "/readyz", None).await;
        body["dependencies"]["view"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("in use by another process"))
    })
    .await;
    assert_eq!(world.digest(&projection).await, digest);
}

#[tokio::test]
async fn an_unreadable_event_blocks_its_own_user_and_nobody_else() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;
    world.append([granted("acme", "ana")]).await;
    world.append([granted("acme", "ben")]).await;
    world.append([granted("umbrella", "zoe")]).await;
    for subject in [
        "consent.events.v1.acme.user.ana",
        "consent.events.v1.umbrella.company",
    ] {
        let unreadable = [("ce-type", "assent.consent.SomethingNew.v9")];
        world
            .gateway
            .publish(subject, &unreadable, "{}".as_bytes())
            .await
            .unwrap();
    }
    let last = world.append([revoked_calendar("acme", "ben")]).await;
    for restarted in [false, true] {
        if restarted {
            // Also when the view is built from the whole log.
            projection.kill();
            fs::remove_dir_all(world.data("one")).unwrap();
            projection.restart().await.unwrap();
        }
        for (company, person, effective) in [
            ("acme", "ana", NOTHING),
            (
                "acme",
                "ben",
                r#"{"calendar":false,"contacts":true,"email":"full"}"#,
            ),
            ("umbrella", "zoe", NOTHING),
        ] {
            let answer = world.permissions(&projection, company, person, last).await;
            assert_eq!(answer["effective"].to_string(), effective, "{person}");
            let question = json!({"account_id": company, "user_id": person});
            let state = ask(&login_hook, names::QUERY_LOGIN_STATE, &question)
                .await
                .unwrap();
            assert_eq!(state["blocked"], json!(person != "ben"), "{person}");
        }
        let (_, status) = world.get(&projection, "/v1/status").await;
        let blocked = json!([
            {"account_id": "umbrella", "sequence": 5, "held_back": false},
            {"account_id": "acme", "user_id": "ana", "sequence": 4, "held_back": false},
        ]);
        assert_eq!(status["blocked"], blocked);
        assert!(projection.log_text().contains("unreadable_event"));
    }
}

#[tokio::test]
async fn a_stream_that_was_created_anew_is_noticed() {
    let world = World::lawless().await;
    // While it runs, and while it does not.
    let mut running = world.projection("running").await;
    let mut stopped = world.projection("stopped").await;
    let last = history(&world).await;
    caught_up(&world, &running, last).await;
    caught_up(&world, &stopped, last).await;
    stopped.kill();
    let created = world.log().await.identity().to_string();

    let delete = format!("$JS.API.STREAM.DELETE.{}", names::EVENT_STREAM);
    world
        .gateway
        .request(&delete, Vec::new(), None, std::time::Duration::from_secs(5))
        .await
        .unwrap();
    world.create_streams().await;
    let another = world.append([granted("c0", "somebody-new")]).await;
    assert_eq!(another, 1);
    stopped.restart().await.unwrap();
    for projection in [&running, &stopped] {
        until("the new stream is followed", async || {
            let (_, status) = world.get(projection, "/v1/status").await;
            status["stream_created"].is_string() && status["stream_created"] != created.as_str()
        })
        .await;
        let (_, status) = world.get(projection, "/v1/status").await;
        assert_eq!(
            (&status["users"], &status["applied_sequence"]),
            (&json!(1), &json!(1))
        );
        let answer = world.permissions(projection, "c0", "u0", 1).await;
        assert_eq!(answer["effective"].to_string(), NOTHING);
    }
    running.ready().await.unwrap();
    assert_eq!(world.digest(&running).await, world.digest(&stopped).await);
}

#[tokio::test]
async fn while_nats_is_away_http_goes_on_and_it_recovers_by_itself() {
    let mut world = World::new().await;
    let mut projection = world.projection("one").await;
    let last = world.append([granted("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;
    for round in 0..2 {
        world.nats.kill();
        until("it is not ready", async || {
            get_as(&projection, "/readyz", None).await.0 == 503
        })
        .await;
        let answer = world.permissions(&projection, "acme", "ana", last).await;
        assert_eq!(answer["effective"]["email"], "full");
        world.nats.restart().await.unwrap();
        projection.ready().await.unwrap();
        until("the log takes events again", async || {
            world.log_opens().await
        })
        .await;
        let name = format!("after-{round}");
        let sequence = world.append([granted("acme", &name)]).await;
        let answer = world
            .permissions(&projection, "acme", &name, sequence)
            .await;
        assert_eq!(answer["effective"]["email"], "full");
    }
}
