//! Messages over NATS that nobody should send.

use std::time::Duration;

use anyhow::{bail, ensure};
use assent_contract::names;
use assent_dev_stack::NatsUser;
use assent_messaging::RequestError;
use serde_json::{Value, json};

use crate::fixture::{connect, last_sequence, log, start};

const DEADLINE: Duration = Duration::from_secs(5);

/// Payloads that are no request of any endpoint.
fn garbage() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = ["", "{", "null", "[]", "7", "not json", "\u{0}"]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    payloads.push(vec![0xff; 64]);
    payloads.push("[".repeat(10_000).into_bytes());
    for id in [
        "a@b",
        ".",
        "..",
        "a*b",
        "a b",
        "a%2Eb",
        ">",
        "",
        &"x".repeat(129),
    ] {
        let body = json!({"account_id": id, "user_id": id, "permissions": ["calendar"]});
        payloads.push(body.to_string().into_bytes());
    }
    payloads
}

/// A request with a field that nobody knows.
fn surprise() -> Vec<u8> {
    let surprise = json!({"account_id": "acme", "user_id": "ana", "surprise": 1});
    surprise.to_string().into_bytes()
}

#[tokio::test]
async fn requests_that_are_none_get_a_named_error() -> anyhow::Result<()> {
    let stack = start().await?;
    let connection = connect(&stack, NatsUser::LoginHook).await?;
    for subject in [
        names::QUERY_PERMISSIONS,
        names::QUERY_LOGIN_STATE,
        names::QUERY_ACCOUNT,
        names::QUERY_USERS,
        names::COMMAND_RECORD_AUTOMATIC_GRANT,
        names::COMMAND_BEGIN_USER_CONSENT,
    ] {
        let mut payloads = garbage();
        // Only our own services ask this one, and not all of them are of one release.
        if subject != names::QUERY_LOGIN_STATE {
            payloads.push(surprise());
        }
        for payload in payloads {
            let shown = String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned();
            let answer = connection.request(subject, payload, None, DEADLINE).await;
            match answer {
                Err(RequestError::Service {
                    status: 400,
                    description,
                    body,
                }) => {
                    ensure!(
                        description == "invalid_request",
                        "{subject} {shown}: {description}"
                    );
                    let problem: Value = serde_json::from_slice(&body)?;
                    ensure!(
                        problem["code"] == "invalid_request",
                        "{subject} {shown}: {problem}"
                    );
                }
                other => bail!("{subject} {shown}: {other:?}"),
            }
        }
    }

    let subject = names::QUERY_LOGIN_STATE;
    connection
        .request(subject, surprise(), None, DEADLINE)
        .await?;

    // What is well said, but against the rules.
    let grant = json!({
        "account_id": "acme", "user_id": "ana",
        "consent_id": "019ab000-0000-7000-8000-000000000000",
        "permissions": {"calendar": true, "contacts": true, "email": "full"},
        "tenant": {"cloud": "worldwide", "id": "c0000000-0000-4000-8000-000000000001"},
        "object_id": "c0000000-0000-4000-8000-0000000000a1",
    });
    let subject = names::COMMAND_RECORD_AUTOMATIC_GRANT;
    let payload = grant.to_string().into_bytes();
    match connection.request(subject, payload, None, DEADLINE).await {
        Err(RequestError::Service {
            status: 409,
            description,
            ..
        }) => {
            ensure!(
                description == "not_administrator_configured",
                "{description}"
            );
        }
        other => bail!("{other:?}"),
    }
    let flow = json!({"account_id": "acme", "user_id": "ana", "permissions": ["calendar"],
        "return_to": "https://evil.example/"});
    let subject = names::COMMAND_BEGIN_USER_CONSENT;
    let payload = flow.to_string().into_bytes();
    match connection.request(subject, payload, None, DEADLINE).await {
        Err(RequestError::Service { status: 400, .. }) => {}
        other => bail!("{other:?}"),
    }
    let log = log(&stack).await?;
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    // And the services are as well as before.
    stack.login("acme").with_password("ana", 0).await?.ok()?;
    Ok(())
}
