//! P14: access tokens that are held, over NATS, against an echo of as many bytes.

use std::time::Duration;

use assent_contract::command::Sensitive;
use assent_contract::custody::{Deposit, TokenRequest};
use assent_contract::names;
use assent_contract::values::{Permission, PersonId};
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID};
use assent_domain::ids::{AccountId, UserId};
use async_nats::Client;
use bytes::Bytes;
use reqwest::Method;
use serde_json::json;

use crate::Size;
use crate::catalogue;
use crate::ceiling::{Ceiling, ECHO_SUBJECT, Kind};
use crate::fixture::{ACCOUNT, Fixture, USER, ana, raw_client};
use crate::measure::closed_loop;
use crate::table::Row;

const CONCURRENT: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(fixture: &Fixture, size: Size) -> anyhow::Result<Row> {
    hold_a_token(fixture).await?;
    let nats = fixture.stack.nats();
    let client = raw_client(nats, NatsUser::SyncWorker).await?;
    let request = Bytes::from(serde_json::to_vec(&TokenRequest {
        account_id: AccountId::parse(ACCOUNT)?,
        user_id: UserId::parse(USER)?,
        permission: Permission::Calendar,
        minimum_seconds: None,
        at_least: None,
    })?);
    let answer = client.request(names::TOKEN_GET, request.clone()).await?;
    let said = String::from_utf8_lossy(&answer.payload).into_owned();
    anyhow::ensure!(answer.headers.is_none(), "there is no token: {said}");
    let bytes = answer.payload.len();
    let echo = Ceiling::start(
        Kind::Echo,
        nats,
        NatsUser::Projection,
        &[("BYTES", bytes.to_string())],
    )?;
    echo.ready().await?;

    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        ceiling.push(ask(&client, ECHO_SUBJECT, &request, size).await?);
        ours.push(ask(&client, names::TOKEN_GET, &request, size).await?);
    }
    Ok(Row::new(
        &catalogue::TOKENS,
        ours,
        ceiling,
        format!(
            "{CONCURRENT} requests at a time for {} s a round, for a token that is held and not expired; answers of \
             {bytes} bytes; the ceiling is a process that echoes as many",
            size.seconds_per_round
        ),
    ))
}

/// Ana has consented at Microsoft, and a refresh token of hers is in custody.
pub(crate) async fn hold_a_token(fixture: &Fixture) -> anyhow::Result<()> {
    let (tenant, person) = ana();
    let microsoft = fixture.stack.microsoft();
    let scopes = [
        "Calendars.ReadWrite",
        "Contacts.Read",
        "Mail.ReadWrite",
        "Mail.Send",
        "User.Read",
    ];
    let grant = json!({"tenant": tenant, "client_id": SIMULATOR_CLIENT_ID, "scopes": scopes});
    microsoft
        .control(Method::POST, "grants", Some(&grant))
        .await?;
    let order = json!({
        "tenant": tenant, "user": person, "client_id": SIMULATOR_CLIENT_ID,
        "scope": "openid profile offline_access User.Read",
    });
    let made = microsoft
        .control(Method::POST, "refresh-token", Some(&order))
        .await?;
    let deposit = Deposit {
        account_id: AccountId::parse(ACCOUNT)?,
        user_id: UserId::parse(USER)?,
        microsoft_identity: PersonId {
            tenant_id: tenant,
            object_id: person,
        },
        refresh_token: Sensitive(made.word("/refresh_token").unwrap_or_default().to_owned()),
        at_least: Some(3),
    };
    let login_hook = raw_client(fixture.stack.nats(), NatsUser::LoginHook).await?;
    let kept = login_hook.request(names::CUSTODY_DEPOSIT, serde_json::to_vec(&deposit)?.into());
    let kept = tokio::time::timeout(PATIENCE, kept).await??;
    let said = String::from_utf8_lossy(&kept.payload).into_owned();
    anyhow::ensure!(said.contains("true"), "the token is not held: {said}");
    Ok(())
}

async fn ask(
    client: &Client,
    subject: &'static str,
    request: &Bytes,
    size: Size,
) -> anyhow::Result<f64> {
    let (client, request) = (client.clone(), request.clone());
    closed_loop(CONCURRENT, size.seconds_per_round, move |_| {
        let (client, request) = (client.clone(), request.clone());
        async move {
            let asked = tokio::time::timeout(PATIENCE, client.request(subject, request));
            let answer = asked.await??;
            anyhow::ensure!(answer.headers.is_none(), "an error came back");
            Ok(())
        }
    })
    .await
}
