//! What is answered, over NATS and over HTTP, and to whom.

use std::time::Instant;

use assent_contract::names;
use assent_dev_stack::{NatsServer, NatsUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{administrator_consents, granted, revoked_calendar, tenant};
use crate::world::{World, ask, ask_raw, get_as, until};

#[tokio::test]
async fn it_says_what_it_waits_for_and_is_ready_once_that_is_there() {
    let world = World::without_streams(NatsServer::start().await.unwrap(), true).await;
    let mut projection = world.unready_projection("one").await;
    until("the missing stream is named", async || {
        let (status, body) = get_as(&projection, "/readyz", None).await;
        status == 503
            && body["dependencies"]["view"]["reason"]
                == "stream CONSENT_EVENTS does not exist yet: start consent-gateway"
    })
    .await;
    let (status, body) = world.get(&projection, "/v1/status").await;
    assert_eq!((status, &body["stream_created"]), (200, &Value::Null));
    let (status, body) = world
        .get(&projection, "/v1/accounts/acme/users/ana/permissions")
        .await;
    assert_eq!((status, &body["status"]), (503, &json!(503)), "{body}");
    world.create_streams().await;
    projection.ready().await.unwrap();
    let exit = projection.terminate().await.unwrap();
    assert!(exit.success(), "{}", projection.log_text());
}

#[tokio::test]
async fn a_user_is_answered_alike_over_nats_and_http() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;

    let nothing = json!({"calendar": false, "contacts": false, "email": "none"});
    let log = format!("CONSENT_EVENTS@{}", world.log().await.identity());
    until("the log's name is known", async || {
        let answer = world.permissions(&projection, "acme", "ana", 0).await;
        answer["log"] == log.as_str()
    })
    .await;
    let answer = world.permissions(&projection, "acme", "ana", 0).await;
    let expected = json!({"account_id": "acme", "user_id": "ana", "method": "user_individual",
        "effective": nothing, "allowed": [], "microsoft_identity": null, "sequence": 0, "log": log});
    assert_eq!(answer, expected);

    world.append([granted("acme", "ana")]).await;
    let sequence = world.append([revoked_calendar("acme", "ana")]).await;
    let question = json!({"account_id": "acme", "user_id": "ana", "at_least": sequence});
    let expected = json!({"account_id": "acme", "user_id": "ana", "method": "user_individual",
        "effective": {"calendar": false, "contacts": true, "email": "full"},
        "allowed": ["contacts", "email.send", "email.read"],
        "microsoft_identity": {"tenant_id": tenant().id.0, "object_id": Uuid::from_u128(2)},
        "sequence": sequence, "log": log});
    let answer = ask(&login_hook, names::QUERY_PERMISSIONS, &question).await;
    assert_eq!(answer.as_ref(), Ok(&expected));
    let answer = world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    assert_eq!(answer, expected);

    let state = ask(&login_hook, names::QUERY_LOGIN_STATE, &question)
        .await
        .unwrap();
    assert_eq!(state["blocked"], false);
    assert_eq!(state["user"]["last_sequence"], sequence);
    assert_eq!(
        state["user"]["answered"],
        json!(["calendar", "contacts", "email"])
    );
    assert_eq!(state["account"]["method"], "user_individual");

    // One event turns everything off for everybody in the company.
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    let sequence = world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    let answer = world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    assert_eq!(answer["method"], "admin_configured");
    assert_eq!(answer["effective"], nothing);

    let question = json!({"account_id": "acme", "at_least": sequence});
    let account = ask(&login_hook, names::QUERY_ACCOUNT, &question)
        .await
        .unwrap();
    assert_eq!(account["consent"]["consent_id"], json!(consent));
    assert_eq!(
        (&account["epoch"], &account["blocked"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn an_answer_waits_for_the_write_it_has_to_reflect() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;

    let early = world.permissions(&projection, "acme", "ana", 1);
    let (answer, sequence) = tokio::join!(early, world.append([granted("acme", "ana")]));
    assert_eq!(sequence, 1);
    assert_eq!(answer["effective"]["calendar"], true);

    let begun = Instant::now();
    let path = "/v1/accounts/acme/users/ana/permissions?at_least=2";
    let (status, body) = world.get(&projection, path).await;
    assert_eq!((status, &body["code"]), (504, &json!("not_yet_applied")));
    let question = json!({"account_id": "acme", "user_id": "ana", "at_least": 2});
    for subject in [names::QUERY_PERMISSIONS, names::QUERY_LOGIN_STATE] {
        let (status, code, body) = ask(&login_hook, subject, &question).await.unwrap_err();
        assert_eq!((status, code.as_str()), (504, "not_yet_applied"));
        assert_eq!(body["code"], "not_yet_applied");
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    // A login is told sooner, if it asks so.
    let begun = Instant::now();
    let hurried = json!({"account_id": "acme", "user_id": "ana", "at_least": 2, "wait_ms": 100});
    let refused = ask(&login_hook, names::QUERY_LOGIN_STATE, &hurried).await;
    let (status, _, body) = refused.unwrap_err();
    assert_eq!(status, 504);
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("at_least"), "{detail}");
    assert!(begun.elapsed().as_millis() < 1500, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_accounts_users_come_by_page() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;
    let mut sequence = 0;
    for name in ["ana", "ben", "cem", "dia", "eva"] {
        sequence = world.append([granted("acme", name)]).await;
    }
    let mut question = json!({"account_id": "acme", "limit": 2, "at_least": sequence});
    let mut names = Vec::new();
    loop {
        let page = ask(&login_hook, names::QUERY_USERS, &question)
            .await
            .unwrap();
        for user in page["users"].as_array().unwrap() {
            assert_eq!(user["effective"]["email"], "full");
            names.push(user["user_id"].as_str().unwrap().to_owned());
        }
        match page.get("next") {
            Some(next) => question["after"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(names, ["ana", "ben", "cem", "dia", "eva"]);
}

#[tokio::test]
async fn nonsense_is_refused_by_name() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;
    let garbage: [&[u8]; 5] = [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{\"account_id\": \"a b\", \"user_id\": \"ana\"}",
        b"{\"account_id\": \"acme\", \"user_id\": \"ana\", \"at_least\": -1, \"limit\": 0}",
    ];
    for subject in [
        names::QUERY_PERMISSIONS,
        names::QUERY_LOGIN_STATE,
        names::QUERY_ACCOUNT,
        names::QUERY_USERS,
    ] {
        for payload in garbage {
            let refused = ask_raw(&login_hook, subject, payload.to_vec()).await;
            let (status, code, body) = refused.unwrap_err();
            assert_eq!(
                (status, code.as_str()),
                (400, "invalid_request"),
                "{subject}"
            );
            assert_eq!(
                (&body["status"], &body["code"]),
                (&json!(400), &json!(code))
            );
        }
    }
    let question = json!({"account_id": "acme", "limit": 1001});
    let (status, code, _) = ask(&login_hook, names::QUERY_USERS, &question)
        .await
        .unwrap_err();
    assert_eq!((status, code.as_str()), (400, "invalid_request"));
    for path in [
        "/v1/accounts/a@b/users/ana/permissions",
        "/v1/accounts/acme/users/a%20b/permissions",
        "/v1/accounts/acme/users/ana/permissions?at_least=x",
        "/v1/accounts/acme/users/ana/permissions?other=1",
    ] {
        let (status, body) = world.get(&projection, path).await;
        assert_eq!(
            (status, &body["code"]),
            (400, &json!("invalid_request")),
            "{path}"
        );
    }
}

/// A login hook may be newer than the projection that it asks; a misspelt `at_least` must not be
/// taken for none.
#[tokio::test]
async fn a_field_that_is_unknown_is_refused_unless_only_our_programs_ask() {
    let world = World::new().await;
    let _projection = world.projection("one").await;
    let login_hook = world.connect_as(NatsUser::LoginHook).await;
    let worker = world.connect_as(NatsUser::SyncWorker).await;
    let operator = world.connect_as(NatsUser::Operator).await;
    let user = json!({"account_id": "acme", "user_id": "ana"});
    for (caller, subject, mut question, is_public) in [
        (&worker, names::QUERY_PERMISSIONS, user.clone(), true),
        (
            &worker,
            names::QUERY_ACCOUNT,
            json!({"account_id": "acme"}),
            true,
        ),
        (
            &worker,
            names::QUERY_USERS,
            json!({"account_id": "acme"}),
            true,
        ),
        (&worker, names::QUERY_CHANGES, json!({}), true),
        (&login_hook, names::QUERY_LOGIN_STATE, user.clone(), false),
        (&operator, names::QUERY_BLOCKED, json!({}), false),
    ] {
        let answer = ask(caller, subject, &question).await;
        assert!(answer.is_ok(), "{subject}: {answer:?}");
        question["unheard_of"] = json!({"of": 1});
        let more = ask(caller, subject, &question).await;
        match more {
            Ok(more) => assert_eq!((Ok(more), is_public), (answer, false), "{subject}"),
            Err((status, code, body)) => {
                assert_eq!(
                    (status, code.as_str(), is_public),
                    (400, "invalid_request", true)
                );
                let detail = body["detail"].as_str().unwrap();
                assert!(
                    detail.ends_with("the field `unheard_of` is not known"),
                    "{detail}"
                );
            }
        }
    }
}

#[tokio::test]
async fn only_who_may_read_is_answered() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    let path = "/v1/accounts/acme/users/ana/permissions";
    let read = "permissions:read";
    let own = world.host.service(&[read]).claim("account", "acme").sign();
    let others = world
        .host
        .service(&[read])
        .claim("account", "umbrella")
        .sign();
    let no_scope = world.host.service_token(&["login:decide"]);
    let member = world.host.token_for("ana", "acme").sign();
    let forged = world.host.service(&[read]).signed_by_another_key().sign();
    let cases = [
        (None, 401, 401),
        (Some(&forged), 401, 401),
        (Some(&no_scope), 403, 403),
        (Some(&member), 403, 403),
        (Some(&others), 403, 403),
        (Some(&own), 200, 403),
    ];
    for (token, permissions, status) in cases {
        let token = token.map(String::as_str);
        assert_eq!(get_as(&projection, path, token).await.0, permissions);
        assert_eq!(get_as(&projection, "/v1/status", token).await.0, status);
        assert_eq!(get_as(&projection, "/v1/digest", token).await.0, status);
    }
}

#[tokio::test]
async fn the_status_has_these_fields() {
    let world = World::new().await;
    let projection = world.projection("one").await;
    world.append([granted("acme", "ana")]).await;
    let consent = Uuid::now_v7();
    let [given, switch] = administrator_consents("acme", consent);
    let sequence = world
        .append_as([(consent, given), (Uuid::now_v7(), switch)])
        .await;
    world
        .permissions(&projection, "acme", "ana", sequence)
        .await;
    let (status, mut body) = world.get(&projection, "/v1/status").await;
    assert_eq!(status, 200);
    // What these two say is held where the log is compared with the view.
    let fields = body.as_object_mut().unwrap();
    assert_eq!(fields.remove("root").unwrap().as_str().unwrap().len(), 44);
    assert_eq!(fields.remove("log_check").unwrap()["result"], "same");
    let created = world.log().await.identity().to_string();
    let expected: Value = json!({
        "applied_sequence": 3, "stream_last_sequence": 3, "lag": 0, "users": 1, "accounts": 1,
        "blocked": [], "held_back": 0, "stream_created": created, "rebuilding": false,
    });
    assert_eq!(body, expected);
    let metrics = reqwest::get(format!("{}/metrics", projection.url()))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    for metric in [
        "assent_projection_applied_sequence 3",
        "assent_projection_lag_events 0",
        "assent_projection_blocked 0",
        "assent_projection_rebuilds_total 1",
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics}");
    }
}
