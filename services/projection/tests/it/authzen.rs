//! The same answers in the words of the AuthZEN Authorization API 1.0. The shapes that its certification scenario asks
//! for are tried one by one.

mod protocol;
mod searches;

use assent_dev_stack::Program;
use assent_domain::event::RevocationReason;
use assent_domain::permissions::{Kinds, Permission};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{administrator_consents, ended, granted, revoked_calendar};
use crate::world::{PATIENCE, World};

pub(crate) const EVERY: [&str; 4] = ["calendar", "contacts", "email.send", "email.read"];

pub(crate) async fn post_as(
    projection: &Program,
    path: &str,
    token: &str,
    body: &Value,
) -> (u16, Value) {
    let request = Client::new().post(format!("{}/access/v1/{path}", projection.url()));
    let request = request.bearer_auth(token).json(body).timeout(PATIENCE);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

pub(crate) async fn post(
    world: &World,
    projection: &Program,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    post_as(projection, path, &world.token(), body).await
}

/// Asks whether a user's permission may be synced.
pub(crate) fn question(user: &str, permission: &str) -> Value {
    json!({
        "subject": {"type": "user", "id": user},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": permission, "properties": {"account_id": "acme"}},
    })
}

/// The decision, its word, and as of when.
pub(crate) async fn decided(
    world: &World,
    projection: &Program,
    question: &Value,
) -> (bool, String) {
    let (status, body) = post(world, projection, "evaluation", question).await;
    assert_eq!(status, 200, "{body}");
    let reason = body["context"]["reason"].as_str().unwrap_or_default();
    (body["decision"].as_bool().unwrap(), reason.to_owned())
}

fn only(permission: Permission) -> Kinds {
    [permission].into_iter().collect()
}

#[tokio::test]
async fn a_decision_says_why_as_an_explanation_does() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let ended = |permission, reason| ended("acme", "ana", only(permission), reason);
    let mut sequence = 0;
    let steps = [
        (None, ["never_granted"; 4]),
        (Some(granted("acme", "ana")), ["granted"; 4]),
        (
            Some(revoked_calendar("acme", "ana")),
            ["revoked", "granted", "granted", "granted"],
        ),
        (
            Some(ended(Permission::Contacts, RevocationReason::UserDeclined)),
            ["revoked", "declined", "granted", "granted"],
        ),
        (
            Some(ended(
                Permission::Email,
                RevocationReason::MicrosoftWithdrawn,
            )),
            ["revoked", "declined", "withdrawn", "withdrawn"],
        ),
    ];
    for (event, words) in steps {
        if let Some(event) = event {
            sequence = world.append([event]).await;
        }
        for (permission, word) in EVERY.into_iter().zip(words) {
            let mut question = question("ana", permission);
            question["context"] = json!({"at_least": sequence, "time": "1985-10-26T01:22-07:00"});
            let (status, body) = post(&world, &projection, "evaluation", &question).await;
            assert_eq!(status, 200, "{body}");
            assert_eq!(body["decision"], word == "granted", "{permission}: {body}");
            assert_eq!(body["context"]["reason"], word, "{permission}: {body}");
            assert_eq!(body["context"]["sequence"], sequence);
            for whom in ["reason_user", "reason_admin"] {
                let sentence = &body["context"][whom]["403"];
                assert_eq!(sentence.is_string(), word != "granted", "{body}");
            }
        }
    }
    // The administrator's method begins with nothing.
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    let sequence = world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let decision = decided(&world, &projection, &question("ana", "calendar")).await;
    assert_eq!(decision, (false, "never_granted".to_owned()));
}

/// Whoever is unknown may do nothing: that is a decision. Whatever can't be understood is an error.
#[tokio::test]
async fn who_or_what_is_unknown_is_denied() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let sequence = world.append([granted("acme", "ana")]).await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let with = |pointer: &str, value: Value| {
        let mut question = question("ana", "calendar");
        *question.pointer_mut(pointer).unwrap() = value;
        question
    };
    for (question, word) in [
        (with("/subject/id", json!("nobody")), "never_granted"),
        (with("/subject/id", json!("no body")), "unknown_subject"),
        (with("/subject/id", json!("")), "unknown_subject"),
        (with("/subject/type", json!("spaceship")), "unknown_subject"),
        (with("/action/name", json!("read")), "unknown_action"),
        (with("/resource/id", json!("email")), "unknown_resource"),
        (with("/resource/id", json!("tasks")), "unknown_resource"),
        (with("/resource/type", json!("record")), "unknown_resource"),
        (
            with("/resource/properties/account_id", json!("umbrella")),
            "never_granted",
        ),
        (
            with("/resource/properties/account_id", json!("no account")),
            "unknown_resource",
        ),
        (
            with(
                "/subject",
                json!({"type": "user", "id": "ana", "properties": {"account_id": "umbrella"}}),
            ),
            "another_account",
        ),
    ] {
        let decision = decided(&world, &projection, &question).await;
        assert_eq!(decision, (false, word.to_owned()), "{question}");
    }
}

/// The account is named by the resource, by the subject, or by the token; never by nobody.
#[tokio::test]
async fn a_token_of_one_account_decides_about_that_one() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let sequence = world.append([granted("acme", "ana")]).await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let scope = &["permissions:read"];
    let bound = world.host.service(scope).claim("account", "acme").sign();
    let others = world
        .host
        .service(scope)
        .claim("account", "umbrella")
        .sign();
    let everybodys = world.token();

    let named = question("ana", "calendar");
    let mut unnamed = named.clone();
    unnamed["resource"] = json!({"type": "permission", "id": "calendar"});
    let mut by_subject = unnamed.clone();
    by_subject["subject"]["properties"] = json!({"account_id": "acme", "department": "Sales"});
    for (token, question, status, decision) in [
        (&everybodys, &named, 200, json!(true)),
        (&everybodys, &by_subject, 200, json!(true)),
        (&everybodys, &unnamed, 400, Value::Null),
        (&bound, &named, 200, json!(true)),
        (&bound, &by_subject, 200, json!(true)),
        (&bound, &unnamed, 200, json!(true)),
        (&others, &unnamed, 200, json!(false)),
        (&others, &named, 403, Value::Null),
        (&others, &by_subject, 403, Value::Null),
    ] {
        let (code, body) = post_as(&projection, "evaluation", token, question).await;
        assert_eq!(
            (code, &body["decision"]),
            (status, &decision),
            "{question}: {body}"
        );
    }
    // Among many it is the one that is refused, and not the whole.
    let many = json!({"evaluations": [named, unnamed]});
    let (status, body) = post_as(&projection, "evaluations", &others, &many).await;
    assert_eq!(status, 200, "{body}");
    let evaluations = body["evaluations"].as_array().unwrap();
    assert_eq!(evaluations[0]["context"]["error"]["status"], 403);
    assert_eq!(evaluations[1]["context"]["reason"], "never_granted");
    assert!(evaluations.iter().all(|one| one["decision"] == false));

    let no_scope = world.host.service_token(&["login:decide"]);
    let forged = world.host.service(scope).signed_by_another_key().sign();
    for (token, status) in [(&no_scope, 403), (&forged, 401)] {
        for path in [
            "evaluation",
            "evaluations",
            "search/subject",
            "search/resource",
            "search/action",
        ] {
            let (code, _) = post_as(&projection, path, token, &question("ana", "calendar")).await;
            assert_eq!(code, status, "{path}");
        }
    }
}

/// Whatever happened: what is decided is what is effective, and what is found is what is decided.
#[tokio::test]
async fn decisions_are_what_is_effective() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let mut sequence = 0;
    let reasons = [
        RevocationReason::UserRevoked,
        RevocationReason::UserDeclined,
        RevocationReason::MicrosoftWithdrawn,
    ];
    let users = ["ana", "ben", "cem", "dia"];
    // A fixed walk through grants and endings of all kinds, long enough to meet most pairs.
    for step in 0..48_usize {
        let user = users[step * 7 % 4];
        let event = if step % 3 == 0 {
            granted("acme", user)
        } else {
            let permission = Permission::ALL[step * 5 % 3];
            ended("acme", user, only(permission), reasons[step * 11 % 7 % 3])
        };
        sequence = world.append([event]).await;
        let told = world.permissions(&projection, "acme", user, sequence).await;
        let evaluations: Vec<_> = EVERY
            .iter()
            .map(|permission| json!({"resource": {"id": permission}}))
            .collect();
        let many = json!({
            "subject": {"type": "user", "id": user},
            "action": {"name": "sync"},
            "resource": {"type": "permission", "properties": {"account_id": "acme"}},
            "evaluations": evaluations,
        });
        let (status, body) = post(&world, &projection, "evaluations", &many).await;
        assert_eq!(status, 200, "{body}");
        let allowed: Vec<_> = EVERY
            .iter()
            .zip(body["evaluations"].as_array().unwrap())
            .filter(|(_, one)| one["decision"] == true)
            .map(|(permission, _)| *permission)
            .collect();
        assert_eq!(json!(allowed), told["allowed"], "step {step}: {body}");
    }
    for user in users {
        let told = world.permissions(&projection, "acme", user, sequence).await;
        let search = json!({
            "subject": {"type": "user", "id": user, "properties": {"account_id": "acme"}},
            "action": {"name": "sync"},
            "resource": {"type": "permission"},
        });
        let (_, found) = post(&world, &projection, "search/resource", &search).await;
        let ids: Vec<_> = found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(json!(ids), told["allowed"], "{found}");
        for permission in EVERY {
            let (_, found) = post(
                &world,
                &projection,
                "search/action",
                &question(user, permission),
            )
            .await;
            let is_allowed = told["allowed"]
                .as_array()
                .unwrap()
                .contains(&json!(permission));
            let expected = if is_allowed {
                json!([{"name": "sync"}])
            } else {
                json!([])
            };
            assert_eq!(found["results"], expected, "{user} {permission}");
        }
    }
}
