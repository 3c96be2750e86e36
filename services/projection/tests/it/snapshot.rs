//! How everybody stands, by page.

use assent_contract::names;
use assent_dev_stack::NatsUser;
use assent_domain::ids::MAX_ID_LENGTH;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{administrator_consents, granted, revoked_calendar};
use crate::world::{World, ask, until};

async fn pages(world: &World, account: Option<&str>, limit: usize) -> Vec<Value> {
    let worker = world.connect_as_worker().await;
    let mut question = json!({"limit": limit});
    if let Some(account) = account {
        question["account_id"] = account.into();
    }
    let mut entries = Vec::new();
    loop {
        let page = ask(&worker, names::QUERY_CHANGES, &question).await.unwrap();
        let changes = page["changes"].as_array().unwrap();
        assert!(changes.len() <= limit);
        entries.extend(changes.iter().cloned());
        match page.get("next") {
            Some(next) => question["after"] = next.clone(),
            None => return entries,
        }
    }
}

#[tokio::test]
async fn everybody_whom_the_log_knows_comes_once_as_the_last_change_said() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let connection = world.connect_as_worker().await;
    assert_eq!(pages(&world, None, 10).await, Vec::<Value>::new());
    world.append([granted("acme", "ana")]).await;
    world.append([granted("umbrella", "zoe")]).await;
    world.append([granted("acme", "ben")]).await;
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    world.append([revoked_calendar("umbrella", "zoe")]).await;
    let user = |account: &str, user: &str, method: &str, effective: Value, sequence: u64| {
        let allowed: &[_] = if effective["contacts"] == true {
            &["contacts", "email.send", "email.read"]
        } else {
            &[]
        };
        json!({"account_id": account, "user_id": user, "method": method, "effective": effective,
            "allowed": allowed, "sequence": sequence})
    };
    let nothing = json!({"calendar": false, "contacts": false, "email": "none"});
    let rest = json!({"calendar": false, "contacts": true, "email": "full"});
    let acme = [
        json!({"account_id": "acme", "method": "admin_configured", "sequence": 5}),
        // Nothing since the company's change, and as of it.
        user("acme", "ana", "admin_configured", nothing.clone(), 5),
        user("acme", "ben", "admin_configured", nothing, 5),
    ];
    let zoe = user("umbrella", "zoe", "user_individual", rest, 6);
    let mut all = acme.to_vec();
    all.push(zoe.clone());
    for limit in [1, 2, 3, 4, 400] {
        assert_eq!(pages(&world, None, limit).await, all, "{limit} by page");
        assert_eq!(
            pages(&world, Some("acme"), limit).await,
            acme,
            "{limit} by page"
        );
        assert_eq!(
            pages(&world, Some("umbrella"), limit).await,
            std::slice::from_ref(&zoe)
        );
        assert_eq!(
            pages(&world, Some("nobody"), limit).await,
            Vec::<Value>::new()
        );
    }
    let page = ask(&connection, names::QUERY_CHANGES, &json!({}))
        .await
        .unwrap();
    assert_eq!(page["sequence"], 6);
    assert_eq!(
        page["log"],
        format!("CONSENT_EVENTS@{}", world.log().await.identity())
    );
}

#[tokio::test]
async fn what_is_no_query_of_pages_is_refused_by_name() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    for name in ["ana", "ben", "cleo"] {
        world.append([granted("acme", name)]).await;
    }
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let of = async |question: Value| ask(&worker, names::QUERY_CHANGES, &question).await;
    let page = of(json!({"limit": 1, "account_id": "acme"})).await.unwrap();
    let next = page["next"].as_str().unwrap();
    for wrong in [
        json!({"limit": 0}),
        json!({"limit": 401}),
        json!({"limit": -1}),
        json!({"limit": "1"}),
        json!({"more": 1}),
        json!({"account_id": "a b"}),
        json!({"after": ""}),
        json!({"after": "ana"}),
        json!({"after": "e30"}),
        json!({"after": format!("{next}A"), "account_id": "acme"}),
        json!({"after": &next[1..], "account_id": "acme"}),
        // Of another query.
        json!({"after": next}),
        json!({"after": next, "account_id": "umbrella"}),
        json!([]),
    ] {
        let (status, code, body) = of(wrong.clone()).await.unwrap_err();
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{wrong}");
        assert!(body["detail"].is_string());
    }
    assert!(
        of(json!({"after": next, "account_id": "acme"}))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_largest_page_of_the_longest_ids_fits_into_a_message() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let company = "c".repeat(MAX_ID_LENGTH);
    let mut last = 0;
    for number in 0..400 {
        last = world
            .append([granted(&company, &format!("{number:0>MAX_ID_LENGTH$}"))])
            .await;
    }
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let question = json!({"account_id": company, "limit": 400});
    until("all of them are applied", async || {
        let page = ask(&worker, names::QUERY_CHANGES, &question).await.unwrap();
        page["sequence"] == last && page["changes"].as_array().unwrap().len() == 400
    })
    .await;
}
