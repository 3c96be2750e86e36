//! P6: recording grants, against raw acknowledged publishes of the same bytes.

use std::time::Instant;

use assent_contract::codec::{self, Metadata};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_event_log::{Draft, EventLog, StreamSettings, Tail};
use async_nats::jetstream::{self, message::PublishMessage};
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::fixture::{self, grant};
use crate::table::Row;

pub(crate) const IN_FLIGHT: usize = 256;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let nats = NatsServer::start().await?;
    let log = EventLog::create_or_check(
        &fixture::connect(&nats, NatsUser::Gateway).await?,
        StreamSettings { replicas: 1 },
    )
    .await?;
    let raw = jetstream::new(fixture::raw_client(&nats, NatsUser::Gateway).await?);
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        ceiling.push(publish_raw(&raw, &format!("raw{round}"), size.appends).await?);
        ours.push(append(&log, &format!("log{round}"), size.appends).await?);
    }
    Ok(Row::new(
        &catalogue::GRANTS,
        ours,
        ceiling,
        format!(
            "{} appends of distinct users a round through the event log, against async-nats \
             publishes of the same headers and bytes; {IN_FLIGHT} in flight, sync_interval always",
            size.appends
        ),
    ))
}

pub(crate) async fn append(log: &EventLog, account: &str, appends: usize) -> anyhow::Result<f64> {
    in_flight(appends, |user| {
        let (log, account) = (log.clone(), account.to_owned());
        async move {
            let draft = Draft {
                id: Uuid::now_v7(),
                time: fixture::now(),
                traceparent: None,
                event: grant(&account, user)?,
            };
            log.append(Tail::EMPTY, Vec::from([draft])).await?;
            Ok(())
        }
    })
    .await
}

pub(crate) async fn publish_raw(
    jetstream: &jetstream::Context,
    account: &str,
    appends: usize,
) -> anyhow::Result<f64> {
    in_flight(appends, |user| {
        let (jetstream, account) = (jetstream.clone(), account.to_owned());
        async move {
            let metadata = Metadata {
                id: Uuid::now_v7(),
                time: fixture::now(),
                previous: assent_contract::event_hash::EventHash::NONE,
                traceparent: None,
            };
            let encoded = codec::encode(&grant(&account, user)?, &metadata)?;
            let mut publish = PublishMessage::build()
                .message_id(metadata.id.to_string())
                .expected_stream("CONSENT_EVENTS")
                .expected_last_subject_sequence(0)
                .payload(encoded.body.into());
            for (name, value) in encoded.headers {
                publish = publish.header(name, value.as_str());
            }
            let acknowledged = jetstream.send_publish(encoded.subject, publish).await?;
            acknowledged.await?;
            Ok(())
        }
    })
    .await
}

/// Runs an operation for each number, [`IN_FLIGHT`] at a time; operations per second.
pub(crate) async fn in_flight<Fut>(
    count: usize,
    operation: impl Fn(usize) -> Fut,
) -> anyhow::Result<f64>
where
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let started = Instant::now();
    stream::iter(0..count)
        .map(|number| tokio::spawn(operation(number)))
        .buffer_unordered(IN_FLIGHT)
        .map(|joined| joined?)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64())
}
