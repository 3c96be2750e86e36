//! P4: permission queries over NATS, against an echo of as many bytes.

use std::time::Duration;

use assent_contract::names;
use assent_contract::query::UserQuery;
use assent_dev_stack::NatsUser;
use assent_domain::ids::{AccountId, UserId};
use async_nats::Client;
use bytes::Bytes;

use crate::Size;
use crate::catalogue;
use crate::ceiling::{Ceiling, ECHO_SUBJECT, Kind};
use crate::fixture::{ACCOUNT, Fixture, USER, raw_client};
use crate::measure::closed_loop;
use crate::table::Row;

const CONCURRENT: usize = 64;

pub(crate) async fn measure(fixture: &Fixture, size: Size) -> anyhow::Result<Row> {
    let nats = fixture.stack.nats();
    let client = raw_client(nats, NatsUser::SyncWorker).await?;
    let query = Bytes::from(serde_json::to_vec(&UserQuery {
        account_id: AccountId::parse(ACCOUNT)?,
        user_id: UserId::parse(USER)?,
        at_least: None,
    })?);
    let answer = client
        .request(names::QUERY_PERMISSIONS, query.clone())
        .await?;
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
        ceiling.push(ask(&client, ECHO_SUBJECT, &query, size).await?);
        ours.push(ask(&client, names::QUERY_PERMISSIONS, &query, size).await?);
    }
    Ok(Row::new(
        &catalogue::QUERIES,
        ours,
        ceiling,
        format!(
            "{CONCURRENT} requests at a time for {} s a round; answers of {bytes} bytes; the \
             ceiling is a process that echoes as many",
            size.seconds_per_round
        ),
    ))
}

async fn ask(
    client: &Client,
    subject: &'static str,
    query: &Bytes,
    size: Size,
) -> anyhow::Result<f64> {
    let (client, query) = (client.clone(), query.clone());
    closed_loop(CONCURRENT, size.seconds_per_round, move |_| {
        let (client, query) = (client.clone(), query.clone());
        async move {
            let asked =
                tokio::time::timeout(Duration::from_secs(5), client.request(subject, query));
            let answer = asked.await??;
            anyhow::ensure!(answer.headers.is_none(), "an error came back");
            Ok(())
        }
    })
    .await
}
