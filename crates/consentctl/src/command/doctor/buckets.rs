//! The buckets: whether each is there, and how full.

use assent_contract::names::{FLOW_BUCKET, HAND_OFF_BUCKET, OBSERVATION_BUCKET, SESSION_BUCKET};
use assent_messaging::{Connection, StreamState};
use assent_service_kit::telemetry::chain;

use super::Check;
use super::checks::DEADLINE;
use crate::output::count;

pub(super) async fn check(connection: &Connection) -> Vec<Check> {
    let mut checks = Vec::new();
    for bucket in [
        FLOW_BUCKET,
        SESSION_BUCKET,
        HAND_OFF_BUCKET,
        OBSERVATION_BUCKET,
    ] {
        let stream = format!("KV_{bucket}");
        checks.push(match connection.stream_state(&stream, DEADLINE).await {
            Ok(Some(state)) => Check::ok(bucket, says(&state)),
            Ok(None) => Check::problem(
                bucket,
                "the bucket is not there",
                "restart consent-gateway, which creates it empty",
            ),
            Err(error) => Check::problem(
                bucket,
                chain(&error).to_string(),
                "look at the log of nats-server",
            ),
        });
    }
    checks
}

fn says(state: &StreamState) -> String {
    let values = count(state.messages, "value");
    let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    match state.max_bytes {
        Some(most) => format!(
            "{values}, {} of {} MiB",
            megabytes(state.bytes),
            megabytes(most)
        ),
        None => format!("{values}, {} MiB", megabytes(state.bytes)),
    }
}
