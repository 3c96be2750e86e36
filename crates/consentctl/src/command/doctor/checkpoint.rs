//! How old the checkpoint is that `checkpoint watch` keeps, and whether the log is at least as long as that.

use std::path::Path;

use assent_event_log::EventLog;
use assent_messaging::Connection;
use assent_service_kit::error_chain::with_sources;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::check::{Check, CheckKind, Quantity};
use crate::output::{clock, count};

const KIND: CheckKind = CheckKind::Checkpoint;
const WATCH: &str = "see that consentctl checkpoint watch --state runs, and what it says";
const RESTORE: &str =
    "stop the services and restore the stream from a backup; consentctl checkpoint watch says more";
/// Whoever watches looks at least once a day.
const OLD: SignedDuration = SignedDuration::from_hours(24);

/// What `checkpoint watch` keeps, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Kept {
    size: u64,
    held_at: Timestamp,
}

pub(super) async fn check(connection: &Connection, file: &Path) -> Check {
    let kept = std::fs::read(file).map_err(|error| with_sources(&error).to_string());
    let kept = kept.and_then(|text| {
        let kept: Result<Kept, _> = serde_json::from_slice(&text);
        kept.map_err(|_| "this is nothing that checkpoint watch keeps".to_owned())
    });
    let check = match kept {
        Ok(kept) => {
            let check = judge(&kept, end(connection).await, Timestamp::now());
            let age = Timestamp::now().duration_since(kept.held_at).as_secs();
            check
                .measuring(Quantity::CheckpointAgeSeconds, age)
                .measuring(Quantity::CheckpointSize, kept.size)
        }
        Err(why) => Check::problem(KIND, why, WATCH),
    };
    check.of(format!("checkpoint {}", file.display()))
}

/// How many messages the log has had; `None` where it can't be asked, which is told by itself.
async fn end(connection: &Connection) -> Option<u64> {
    let log = EventLog::open(connection).await.ok()?;
    Some(log.status().await.ok()?.last_sequence.0)
}

fn judge(kept: &Kept, end: Option<u64>, now: Timestamp) -> Check {
    let Kept { size, held_at } = kept;
    if let Some(end) = end.filter(|end| end < size) {
        let says =
            format!("the log ends with message {end}, and held {size} when it was looked at");
        return Check::problem(KIND, says, RESTORE);
    }
    let says = format!(
        "of {}, found to hold at {}",
        count(*size, "message"),
        clock(*held_at)
    );
    if OLD < now.duration_since(*held_at) {
        return Check::warning(KIND, format!("{says}, more than a day ago"), WATCH);
    }
    Check::ok(KIND, says)
}

#[cfg(test)]
mod tests {
    use super::{Kept, judge};
    use crate::command::doctor::check::Severity;

    #[test]
    fn a_checkpoint_ages_and_a_log_does_not_get_shorter() {
        let kept = Kept {
            size: 7,
            held_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        };
        for (end, now, severity) in [
            (Some(7), "2026-11-23T10:00:01Z", Severity::Ok),
            (Some(9), "2026-11-24T09:59:59Z", Severity::Ok),
            (None, "2026-11-24T09:59:59Z", Severity::Ok),
            (Some(9), "2026-11-24T10:00:01Z", Severity::Warning),
            (Some(6), "2026-11-23T10:00:01Z", Severity::Critical),
        ] {
            let check = judge(&kept, end, now.parse().unwrap());
            assert_eq!(check.severity, severity, "{end:?} {now}: {check:?}");
        }
    }
}
