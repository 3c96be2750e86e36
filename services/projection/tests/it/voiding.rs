//! Whoever a message blocked that is void now is permitted again, at once and without a rebuild.

use assent_contract::names;
use assent_contract::query::BlockedPage;
use assent_dev_stack::{NatsUser, Program};
use futures::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{administrator_consents, granted, revoked_calendar};
use crate::world::{PATIENCE, World, ask, until};

const ANA: &str = "consent.events.v1.acme.user.ana";
const ACME: &str = "consent.events.v1.acme.company";

async fn blocked(world: &World, projection: &Program) -> Vec<u64> {
    let (status, body) = world.get(projection, "/v1/status").await;
    assert_eq!(status, 200, "{body}");
    let blocked = body["blocked"].as_array().unwrap();
    blocked
        .iter()
        .map(|one| one["sequence"].as_u64().unwrap())
        .collect()
}

async fn unblocked(world: &World, projection: &Program) {
    until("nobody is blocked", async || {
        blocked(world, projection).await.is_empty()
    })
    .await;
}

/// The digest of a projection that builds its view from nothing.
async fn digest_of_a_new_one(world: &World, label: &str) -> String {
    let projection = world.projection(label).await;
    world.digest(&projection).await
}

#[tokio::test]
async fn a_user_is_unblocked_live_told_and_as_if_rebuilt() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let mut changes = worker.subscribe("consent.changes.v1.>").await.unwrap();
    world.append([granted("acme", "ana")]).await;
    let junk = world.scribble(ANA).await;
    let twice = world.scribble(ANA).await;
    let ben = world.append([granted("acme", "ben")]).await;
    let off = world.permissions(&projection, "acme", "ana", ben).await;
    assert_eq!(off["effective"]["calendar"], false);
    assert_eq!(blocked(&world, &projection).await, [junk]);

    world.void(junk).await;
    until("the second one blocks", async || {
        blocked(&world, &projection).await == [twice]
    })
    .await;
    world.void(twice).await;
    unblocked(&world, &projection).await;
    let on = world.permissions(&projection, "acme", "ana", ben).await;
    assert_eq!(on["effective"]["calendar"], true);

    // The last thing told of Ana is that she is permitted again, as of the whole view.
    let told = async {
        while let Some(message) = changes.next().await {
            let body: Value = serde_json::from_slice(&message.payload).unwrap();
            if body["user_id"] == "ana"
                && body["effective"]["calendar"] == true
                && body["sequence"] == ben
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(
        world.digest(&projection).await,
        digest_of_a_new_one(&world, "new").await
    );

    // Her line goes on, and is told as usual.
    let last = world.append([revoked_calendar("acme", "ana")]).await;
    let later = world.permissions(&projection, "acme", "ana", last).await;
    assert_eq!(
        later["effective"],
        json!({"calendar": false, "contacts": true, "email": "full"})
    );
    assert_eq!(
        world.digest(&projection).await,
        digest_of_a_new_one(&world, "newest").await
    );
}

#[tokio::test]
async fn a_company_is_unblocked_and_with_it_everybody() {
    let world = World::new().await;
    let (one, two) = tokio::join!(world.projection("one"), world.projection("two"));
    // First of all, before anything was ever recorded.
    let first = world.scribble(ACME).await;
    world.void(first).await;
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    let junk = world.scribble(ACME).await;
    for projection in [&one, &two] {
        until("it is blocked", async || {
            blocked(&world, projection).await == [junk]
        })
        .await;
    }
    world.void(junk).await;
    for projection in [&one, &two] {
        unblocked(&world, projection).await;
        let ana = world.permissions(projection, "acme", "ana", junk).await;
        assert_eq!(ana["method"], "admin_configured");
    }
    let worker = world.connect_as(NatsUser::Operator).await;
    let told = async || {
        let ask = json!({"last_by_subj": "consent.changes.v1.acme.company"});
        let subject = "$JS.API.STREAM.MSG.GET.CONSENT_CHANGES";
        let payload = ask.to_string().into_bytes();
        let found = worker
            .request(subject, payload, None, PATIENCE)
            .await
            .unwrap();
        String::from_utf8(found).unwrap()
    };
    // Two replicas, and one message that says so.
    until("it is told", async || told().await.contains("\"hdrs\"")).await;
    let digest = digest_of_a_new_one(&world, "new").await;
    assert_eq!(world.digest(&one).await, digest);
    assert_eq!(world.digest(&two).await, digest);
    // The one that was still blocked when the other told it did not take that for somebody else's message.
    for projection in [&one, &two] {
        let log = projection.log_text();
        assert!(!log.contains("foreign_change"), "{log}");
        assert!(!log.contains("changes_told_anew"), "{log}");
    }
}

#[tokio::test]
async fn what_is_declared_void_while_it_is_down_counts_when_it_is_back() {
    let world = World::new().await;
    let mut projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let junk = world.scribble(ANA).await;
    let nobody = world.scribble("consent.events.v1.a@b.company").await;
    until("it is blocked", async || {
        blocked(&world, &projection).await == [junk]
    })
    .await;
    projection.kill();
    world.void(junk).await;
    world.void(nobody).await;
    projection.restart().await.unwrap();
    unblocked(&world, &projection).await;
    let on = world.permissions(&projection, "acme", "ana", nobody).await;
    assert_eq!(on["effective"]["calendar"], true);
    assert_eq!(
        world.digest(&projection).await,
        digest_of_a_new_one(&world, "new").await
    );
}

#[tokio::test]
async fn who_is_blocked_is_told_by_page() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let last = [
        world.scribble(ACME).await,
        world.scribble(ANA).await,
        world.scribble("consent.events.v1.acme.user.ben").await,
    ]
    .into_iter()
    .max()
    .unwrap();
    until("all are blocked", async || {
        blocked(&world, &projection).await.len() == 3
    })
    .await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let mut found = Vec::new();
    let mut question = json!({"limit": 2, "at_least": last});
    loop {
        let answer = ask(&operator, names::QUERY_BLOCKED, &question)
            .await
            .unwrap();
        let page: BlockedPage = serde_json::from_value(answer.clone()).unwrap();
        assert_eq!(page.total, 3);
        found.extend(page.blocked.iter().map(|one| one.since));
        if page.next.is_none() {
            break;
        }
        question["after"] = answer["next"].clone();
    }
    assert_eq!(found, [1, 2, 3]);
    for limit in [0, 1001] {
        let refused = ask(&operator, names::QUERY_BLOCKED, &json!({"limit": limit})).await;
        assert_eq!(refused.unwrap_err().1, "invalid_request");
    }
}

#[tokio::test]
async fn a_record_that_is_gone_blocks_again() {
    let world = World::lawless().await;
    let projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let junk = world.scribble(ANA).await;
    world.void(junk).await;
    let on = async || {
        world.permissions(&projection, "acme", "ana", junk).await["effective"]["calendar"] == true
    };
    until("she is permitted", on).await;

    let delete = "$JS.API.STREAM.DELETE.CONSENT_OPERATIONS";
    world
        .gateway
        .request(delete, Vec::new(), None, PATIENCE)
        .await
        .unwrap();
    until("she is blocked again", async || {
        world.get(&projection, "/v1/status").await.1["blocked"][0]["sequence"] == junk
    })
    .await;
}
