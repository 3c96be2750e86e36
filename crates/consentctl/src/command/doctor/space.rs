//! Whether there is room in the gateway's buckets: a full one refuses what is new.

use assent_contract::names::{FLOW_BUCKET, HAND_OFF_BUCKET, OBSERVATION_BUCKET, SESSION_BUCKET};
use assent_messaging::{BucketSpace, Connection};
use assent_service_kit::telemetry::chain;

use super::Check;

const NAME: &str = "space";

pub(super) async fn check(connection: &Connection) -> Check {
    let mut fullest = None;
    let mut complaints = Vec::new();
    for bucket in [
        FLOW_BUCKET,
        SESSION_BUCKET,
        HAND_OFF_BUCKET,
        OBSERVATION_BUCKET,
    ] {
        match BucketSpace::of(connection, bucket).await {
            Ok(Some(space)) => {
                complaints.extend(space.room().complaint(bucket));
                fullest = fullest.max(percent(&space).map(|percent| (percent, bucket)));
            }
            // The gateway creates it.
            Ok(None) => {}
            Err(error) => {
                let advice = "look at the log of nats-server, and give the user the permissions of deploy/nats";
                return Check::problem(NAME, chain(&error).to_string(), advice);
            }
        }
    }
    if !complaints.is_empty() {
        let advice = "nothing that needs a full bucket can begin: find out who fills it, and give it more room";
        return Check::problem(NAME, complaints.join(", "), advice);
    }
    let says = fullest.map_or_else(
        || "no bucket is there yet".to_owned(),
        |(percent, bucket)| format!("enough; the fullest is {bucket} at {percent} %"),
    );
    Check::ok(NAME, says)
}

fn percent(space: &BucketSpace) -> Option<u64> {
    space
        .bytes
        .saturating_mul(100)
        .checked_div(space.max_bytes?)
}
