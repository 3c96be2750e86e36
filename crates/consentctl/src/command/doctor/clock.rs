//! Whether the clock of nats-server goes as this machine's does.

use assent_contract::names::EVENT_STREAM;
use assent_messaging::Connection;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::DEADLINE;
use super::check::{Check, CheckKind, Quantity};

/// Tokens are believed with as much leeway.
const MOST: SignedDuration = SignedDuration::from_secs(5);

/// A description of a stream says when it was made.
#[derive(Deserialize)]
struct Info {
    ts: Timestamp,
}

/// The check; nothing where there is no stream that could be asked for.
pub(super) async fn check(connection: &Connection) -> Option<Check> {
    let subject = format!("$JS.API.STREAM.INFO.{EVENT_STREAM}");
    let asked = Timestamp::now();
    let answer = connection.request(&subject, Vec::new(), None, DEADLINE);
    let answer = answer.await.ok()?;
    let answered = Timestamp::now();
    let info: Info = serde_json::from_slice(&answer).ok()?;
    Some(judge(asked, info.ts, answered))
}

/// The answer was made at some time between asking and being answered: only what is outside of that is a difference.
fn judge(asked: Timestamp, server: Timestamp, answered: Timestamp) -> Check {
    let kind = CheckKind::Clock;
    let ahead = if server < asked {
        server.duration_since(asked)
    } else if answered < server {
        server.duration_since(answered)
    } else {
        SignedDuration::ZERO
    };
    let seconds = ahead.as_secs();
    let check = if ahead.abs() <= MOST {
        Check::ok(kind, format!("nats-server's is {seconds} s ahead"))
    } else {
        let says = format!(
            "nats-server's clock is {} s {}",
            seconds.abs(),
            if ahead.is_negative() {
                "behind"
            } else {
                "ahead"
            }
        );
        Check::warning(kind, says, "set both clocks by NTP")
    };
    check.measuring(Quantity::ClockSkewSeconds, seconds)
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn only_what_the_way_does_not_explain_is_a_difference() {
        let at = |second: &str| format!("2026-11-23T10:00:{second}Z").parse().unwrap();
        for (server, is_well) in [
            ("10", true),
            ("11.5", true),
            ("07", true),
            ("17", true),
            ("04", false),
            ("20", false),
        ] {
            let check = judge(at("10"), at(server), at("12"));
            assert_eq!(check.ok, is_well, "{server}: {check:?}");
        }
        let says = judge(at("10"), at("04"), at("12")).says;
        assert_eq!(says, "nats-server's clock is 6 s behind");
    }
}
