//! Searches, and their pages.

use serde_json::{Value, json};

use super::{post, post_as, question};
use crate::events::{granted, revoked_calendar};
use crate::world::World;

fn who_may(permission: &str, page: &Value) -> Value {
    json!({
        "subject": {"type": "user"},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": permission, "properties": {"account_id": "acme"}},
        "page": page,
    })
}

fn ids(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap().iter();
    let ids = results.map(|one| one["id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[tokio::test]
async fn users_are_found_page_by_page() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let users = ["ana", "ben", "cem", "dia", "eva"];
    let mut sequence = 0;
    for user in users {
        world.append([granted("acme", user)]).await;
        if user == "ben" {
            world.append([revoked_calendar("acme", user)]).await;
        }
        sequence = world.append([granted("umbrella", user)]).await;
    }
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let search = async |body: &Value| {
        let (status, answer) = post(&world, &projection, "search/subject", body).await;
        assert_eq!(status, 200, "{answer}");
        let results = answer["results"].as_array().unwrap();
        for one in results {
            assert_eq!(one["type"], "user");
            assert_eq!(one["properties"]["account_id"], "acme");
        }
        assert_eq!(answer["page"]["count"], results.len());
        assert!(answer["page"]["next_token"].is_string(), "{answer}");
        answer
    };

    let all = search(&who_may("calendar", &Value::Null)).await;
    assert_eq!(ids(&all), ["ana", "cem", "dia", "eva"]);
    assert_eq!(all["page"]["next_token"], "");
    assert_eq!(all["context"]["sequence"], sequence);

    // In pages of each size, with either name of the token.
    for limit in 1..=6 {
        for name in ["token", "next_token"] {
            let (mut found, mut token, mut pages) = (Vec::new(), None, 0);
            loop {
                let mut page = json!({"limit": limit});
                if let Some(token) = token {
                    page[name] = token;
                }
                let answer = search(&who_may("calendar", &page)).await;
                let more = ids(&answer);
                assert!(more.len() <= limit);
                found.extend(more);
                pages += 1;
                assert!(pages < 10);
                token = Some(answer["page"]["next_token"].clone()).filter(|next| *next != "");
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(found, ["ana", "cem", "dia", "eva"], "{limit}");
        }
    }
    let none = search(&who_may("calendar", &json!({"limit": 0}))).await;
    assert_eq!(none["results"], json!([]));
    assert_ne!(none["page"]["next_token"], "");
    let many = search(&who_may("calendar", &json!({"limit": 1_000_000}))).await;
    assert_eq!(ids(&many).len(), 4);

    // A token is good for the search that it came from.
    let first = search(&who_may("calendar", &json!({"limit": 1}))).await;
    let token = &first["page"]["next_token"];
    let mut elsewhere = who_may("calendar", &json!({"token": token}));
    elsewhere["resource"]["properties"]["account_id"] = json!("umbrella");
    for foreign in [
        elsewhere,
        who_may("contacts", &json!({"token": token})),
        who_may("calendar", &json!({"token": "alsehrq3495u8"})),
        who_may("calendar", &json!({"token": "x".repeat(5000)})),
        who_may("calendar", &json!({"token": 7})),
        who_may("calendar", &json!({"limit": -1})),
    ] {
        let (status, _) = post(&world, &projection, "search/subject", &foreign).await;
        assert_eq!(status, 400, "{foreign}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_found_there_is_nothing() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let sequence = world.append([granted("acme", "ana")]).await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let with = |pointer: &str, value: Value| {
        let mut body = question("ana", "calendar");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (path, body) in [
        ("search/subject", with("/subject/type", json!("spaceship"))),
        ("search/subject", with("/action/name", json!("read"))),
        ("search/subject", with("/resource/id", json!("tasks"))),
        ("search/resource", with("/subject/id", json!("nobody"))),
        ("search/resource", with("/subject/type", json!("spaceship"))),
        ("search/resource", with("/resource/type", json!("record"))),
        ("search/resource", with("/action/name", json!("read"))),
        ("search/action", with("/subject/id", json!("nobody"))),
        ("search/action", with("/resource/type", json!("record"))),
    ] {
        let (status, answer) = post(&world, &projection, path, &body).await;
        assert_eq!(
            (status, &answer["results"]),
            (200, &json!([])),
            "{path}: {body}"
        );
    }
    let without = |field: &str, part: Option<&str>| {
        let mut body = question("ana", "calendar");
        let holder = match part {
            Some(_) => &mut body[field],
            None => &mut body,
        };
        holder
            .as_object_mut()
            .unwrap()
            .remove(part.unwrap_or(field));
        body
    };
    for (path, body) in [
        ("search/subject", without("subject", None)),
        ("search/subject", without("action", None)),
        ("search/subject", without("resource", Some("id"))),
        ("search/subject", without("resource", Some("properties"))),
        ("search/resource", without("subject", None)),
        ("search/resource", without("subject", Some("id"))),
        ("search/resource", without("resource", Some("type"))),
        ("search/action", without("resource", None)),
        ("search/action", without("resource", Some("id"))),
    ] {
        let (status, _) = post(&world, &projection, path, &body).await;
        assert_eq!(status, 400, "{path}: {body}");
    }
    // With a token of one account that is the one that is searched.
    let scope = &["permissions:read"];
    let bound = world.host.service(scope).claim("account", "acme").sign();
    let body = without("resource", Some("properties"));
    let (status, answer) = post_as(&projection, "search/subject", &bound, &body).await;
    assert_eq!((status, ids(&answer)), (200, vec!["ana".to_owned()]));
    let others = world
        .host
        .service(scope)
        .claim("account", "umbrella")
        .sign();
    let (status, _) = post_as(
        &projection,
        "search/subject",
        &others,
        &question("ana", "calendar"),
    )
    .await;
    assert_eq!(status, 403);
}
