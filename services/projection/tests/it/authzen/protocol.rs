//! The protocol: what is malformed, what is passed over, headers, defaults and semantics, and where the endpoints are.

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::{Value, json};

use super::{post, question};
use crate::events::{granted, revoked_calendar};
use crate::world::{PATIENCE, World, get_as};

#[tokio::test]
async fn what_is_malformed_is_named_and_what_is_unknown_is_passed_over() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let sequence = world.append([granted("acme", "ana")]).await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;

    let mut more = question("ana", "calendar");
    more["foo"] = json!("bar");
    more["futureField"] = json!({"nested": true});
    more["action"]["properties"] = json!({"method": "GET"});
    more["subject"]["properties"] = json!({"department": "Sales", "role": "manager"});
    more["resource"]["properties"]["status"] = json!("active");
    more["context"] = json!({"ip": "192.168.1.1"});
    let (status, body) = post(&world, &projection, "evaluation", &more).await;
    assert_eq!((status, &body["decision"]), (200, &json!(true)), "{body}");

    let without = |pointer: &[&str]| {
        let mut question = question("ana", "calendar");
        let (last, parents) = pointer.split_last().unwrap();
        let parent = parents.iter().fold(&mut question, |at, key| &mut at[*key]);
        parent.as_object_mut().unwrap().remove(*last);
        question
    };
    let with = |field: &str, value: Value| {
        let mut question = question("ana", "calendar");
        question[field] = value;
        question
    };
    let malformed = [
        without(&["subject"]),
        without(&["action"]),
        without(&["resource"]),
        without(&["subject", "type"]),
        without(&["subject", "id"]),
        without(&["action", "name"]),
        without(&["resource", "type"]),
        without(&["resource", "id"]),
        with("subject", json!("ana")),
        with("subject", json!(["user", "ana", null])),
        with("subject", Value::Null),
        with("action", json!({"name": 123})),
        with("action", json!(["sync"])),
        with("context", json!({"at_least": "soon"})),
        with("context", json!("now")),
        with(
            "resource",
            json!({"type": "permission", "id": "calendar", "properties": {"account_id": 7}}),
        ),
        json!([]),
        json!("evaluate"),
    ];
    for body in &malformed {
        let (status, answer) = post(&world, &projection, "evaluation", body).await;
        let code = &answer["code"];
        assert_eq!((status, code), (400, &json!("invalid_request")), "{body}");
    }
    let (_, answer) = post(&world, &projection, "evaluation", &malformed[4]).await;
    assert_eq!(answer["detail"], "`subject`: the field `id` is missing");

    let send = |media_type: &'static str, body: String| {
        let url = format!("{}/access/v1/evaluation", projection.url());
        let request = Client::new().post(url).bearer_auth(world.token());
        request.header(CONTENT_TYPE, media_type).body(body).send()
    };
    let good = question("ana", "calendar").to_string();
    for (media_type, body, status) in [
        ("application/json; charset=utf-8", good.clone(), 200),
        ("text/plain", good.clone(), 400),
        ("application/json", String::new(), 400),
        ("application/json", "{".to_owned(), 400),
        ("application/json", format!("{good}{good}"), 400),
        ("application/json", "[".repeat(20_000), 400),
        ("application/json", " ".repeat(70_000), 413),
    ] {
        let answer = send(media_type, body).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{media_type}");
    }
}

#[tokio::test]
async fn a_request_is_called_as_its_sender_calls_it() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let url = format!("{}/access/v1/evaluation", projection.url());
    for id in ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "pep-7/Request 12"] {
        for (body, status) in [(question("ana", "calendar"), 200), (json!({}), 400)] {
            let request = Client::new().post(&url).bearer_auth(world.token());
            let request = request.header("X-Request-ID", id).json(&body);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(answer.headers()["x-request-id"], id);
        }
    }
}

#[tokio::test]
async fn many_are_decided_at_once_with_what_they_share() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let sequence = world.append([revoked_calendar("acme", "ana")]).await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let ask = async |semantic: Option<&str>, permissions: &[&str]| {
        let evaluations: Vec<_> = permissions
            .iter()
            .map(|id| json!({"resource": {"type": "permission", "id": id}}))
            .collect();
        let mut body = json!({
            "subject": {"type": "user", "id": "ana", "properties": {"account_id": "acme"}},
            "action": {"name": "sync"},
            "evaluations": evaluations,
        });
        if let Some(semantic) = semantic {
            body["options"] = json!({"evaluations_semantic": semantic, "another": 1});
        }
        let (status, answer) = post(&world, &projection, "evaluations", &body).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer.get("decision").is_none());
        let evaluations = answer["evaluations"].as_array().unwrap().clone();
        evaluations
            .iter()
            .map(|one| one["decision"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    let mixed = ["contacts", "calendar", "email.read"];
    assert_eq!(ask(None, &mixed).await, [true, false, true]);
    assert_eq!(ask(Some("execute_all"), &mixed).await, [true, false, true]);
    assert_eq!(ask(Some("deny_on_first_deny"), &mixed).await, [true, false]);
    assert_eq!(ask(Some("permit_on_first_permit"), &mixed).await, [true]);
    let denied_first = ["calendar", "contacts"];
    assert_eq!(
        ask(Some("permit_on_first_permit"), &denied_first).await,
        [false, true]
    );
    assert_eq!(
        ask(Some("deny_on_first_deny"), &denied_first).await,
        [false]
    );

    // What is absent in one is taken from the whole; what is there takes its place.
    let body = json!({
        "subject": {"type": "user", "id": "ana"},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": "contacts", "properties": {"account_id": "acme"}},
        "evaluations": [
            {},
            {"resource": {"id": "calendar"}},
            {"subject": {"id": "nobody"}},
            {"action": {"name": "delete"}},
            {"resource": {"type": "record", "id": "contacts"}},
            {"context": {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}},
        ],
    });
    let (status, answer) = post(&world, &projection, "evaluations", &body).await;
    assert_eq!(status, 200, "{answer}");
    let words = answer["evaluations"].as_array().unwrap().iter();
    let words: Vec<_> = words.map(|one| one["context"]["reason"].clone()).collect();
    let expected = json!([
        "granted",
        "revoked",
        "never_granted",
        "unknown_action",
        "unknown_resource",
        "granted"
    ]);
    assert_eq!(json!(words), expected);

    // One that can't be carried out is denied, and the others are not.
    let body = json!({
        "subject": {"type": "user", "id": "ana", "properties": {"account_id": "acme"}},
        "action": {"name": "sync"},
        "evaluations": [{"resource": {"type": "permission", "id": "contacts"}}, {}],
    });
    let (status, answer) = post(&world, &projection, "evaluations", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["evaluations"][0]["decision"], true);
    assert_eq!(answer["evaluations"][1]["decision"], false);
    assert_eq!(answer["evaluations"][1]["context"]["error"]["status"], 400);

    // Without a list it is a single evaluation.
    for evaluations in [Value::Null, json!([])] {
        let mut one = question("ana", "contacts");
        one["evaluations"] = evaluations;
        let (status, answer) = post(&world, &projection, "evaluations", &one).await;
        assert_eq!(
            (status, &answer["decision"]),
            (200, &json!(true)),
            "{answer}"
        );
    }
    for body in [
        json!({"evaluations": []}),
        json!({"evaluations": {}}),
        json!({"evaluations": vec![question("ana", "contacts"); 257]}),
        json!({"evaluations": [question("ana", "contacts")], "options": {"evaluations_semantic": "any"}}),
    ] {
        let (status, _) = post(&world, &projection, "evaluations", &body).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_decision_reflects_the_write_that_it_has_to() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let sequence = world.append([granted("acme", "ana")]).await;
    let path = format!("evaluation?at_least={sequence}");
    let (status, body) = post(&world, &projection, &path, &question("ana", "calendar")).await;
    assert_eq!((status, &body["decision"]), (200, &json!(true)), "{body}");
    let mut ahead = question("ana", "calendar");
    ahead["context"] = json!({"at_least": sequence + 1});
    for (path, body) in [
        ("evaluations", &json!({"evaluations": [ahead]})),
        (
            "search/action?at_least=18446744073709551615",
            &question("ana", "calendar"),
        ),
    ] {
        let (status, answer) = post(&world, &projection, path, body).await;
        let code = &answer["code"];
        assert_eq!((status, code), (504, &json!("not_yet_applied")), "{path}");
    }
}

#[tokio::test]
async fn anybody_may_learn_where_the_endpoints_are() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let path = "/.well-known/authzen-configuration";
    let (status, body) = get_as(&projection, path, None).await;
    let base = projection.url();
    let base = base.trim_end_matches('/');
    assert_eq!(status, 200);
    assert_eq!(body["policy_decision_point"], base);
    for (name, path) in [
        ("access_evaluation_endpoint", "evaluation"),
        ("access_evaluations_endpoint", "evaluations"),
        ("search_subject_endpoint", "search/subject"),
        ("search_resource_endpoint", "search/resource"),
        ("search_action_endpoint", "search/action"),
    ] {
        assert_eq!(body[name], format!("{base}/access/v1/{path}"));
    }
    let request = Client::new().get(format!("{base}{path}")).timeout(PATIENCE);
    let answer = request
        .header(HOST, "evil.example/x?")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 400);

    let (status, body) = get_as(&projection, "/openapi.json", None).await;
    assert_eq!((status, &body["openapi"]), (200, &json!("3.1.0")));
}
