//! Many grants on a log, in batches, because one by one would take minutes.

use std::collections::HashMap;

use assent_contract::codec::{self, Metadata};
use assent_contract::event_hash::EventHash;
use assent_dev_stack::{NatsServer, NatsUser};
use async_nats::HeaderMap;
use uuid::Uuid;

use crate::fixture::{self, grant};

const BATCH: usize = 500;

/// Writes a grant of everything for each account and user, in this order. No two accounts have a user of the same number.
pub(crate) async fn write_grants(
    nats: &NatsServer,
    whose: impl Iterator<Item = (String, usize)>,
) -> anyhow::Result<()> {
    let client = fixture::raw_client(nats, NatsUser::Gateway).await?;
    let mut tails: HashMap<usize, EventHash> = HashMap::new();
    let mut whose = whose.peekable();
    while whose.peek().is_some() {
        let batch = Uuid::now_v7().simple().to_string();
        for position in 1..=BATCH {
            let Some((account, user)) = whose.next() else {
                break;
            };
            let metadata = Metadata {
                id: Uuid::now_v7(),
                time: fixture::now(),
                previous: tails.get(&user).copied().unwrap_or(EventHash::NONE),
                traceparent: None,
            };
            let encoded = codec::encode(&grant(&account, user)?, &metadata)?;
            tails.insert(user, encoded.hash());
            let mut headers = HeaderMap::new();
            for (name, value) in &encoded.headers {
                headers.insert(*name, value.as_str());
            }
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", position.to_string());
            let (subject, body) = (encoded.subject, encoded.body.into());
            if position < BATCH && whose.peek().is_some() {
                client.publish_with_headers(subject, headers, body).await?;
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = client.request_with_headers(subject, headers, body).await?;
            let text = String::from_utf8_lossy(&answer.payload).into_owned();
            anyhow::ensure!(!text.contains("\"error\""), "the batch was refused: {text}");
        }
    }
    Ok(())
}
