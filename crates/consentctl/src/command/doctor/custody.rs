//! The token broker: whether one answers, what it holds, and whether it opens what the gateway seals.

use assent_contract::custody::CustodyOverview;
use assent_contract::names::{
    CUSTODY_OVERVIEW, GATEWAY_SERVICE, TOKEN_BROKER_SERVICE, TOKEN_BUCKET,
};
use assent_messaging::Connection;
use jiff::{SignedDuration, Timestamp};

use super::check::{Check, CheckKind};
use super::{DEADLINE, checks};
use crate::output::{clock, count};

const KIND: CheckKind = CheckKind::Custody;

pub(super) async fn check(connection: &Connection) -> Vec<Check> {
    let stream = format!("KV_{TOKEN_BUCKET}");
    if let Ok(None) = connection.stream_state(&stream, DEADLINE).await {
        return vec![Check::ok(
            KIND,
            "no token broker was ever started: refresh tokens are not used",
        )];
    }
    let advice = "start token-broker, or look at its /readyz";
    let ping = checks::service(connection, KIND, TOKEN_BROKER_SERVICE, advice).await;
    if !ping.ok {
        return vec![ping];
    }
    let mut checks = vec![ping];
    checks.extend(overview(connection).await.map(|overview| held(&overview)));
    for reason in checks::troubles(connection, TOKEN_BROKER_SERVICE)
        .await
        .values()
    {
        checks.push(Check::problem(
            KIND,
            format!("it says: {reason}"),
            "what to do is said there; deploy/README.md says more about keys and buckets",
        ));
    }
    let of_gateway = checks::troubles(connection, GATEWAY_SERVICE).await;
    for name in ["custody", "custody_key"] {
        if let Some(reason) = of_gateway.get(name) {
            checks.push(Check::warning(
                KIND,
                format!("the gateway says: {reason}"),
                "consentctl vault status names the keys, and deploy/README.md says who has which",
            ));
        }
    }
    checks
}

/// A broker of an earlier release says nothing of it.
async fn overview(connection: &Connection) -> Option<CustodyOverview> {
    let asked = connection.request(CUSTODY_OVERVIEW, b"{}".to_vec(), None, DEADLINE);
    serde_json::from_slice(&asked.await.ok()?).ok()
}

fn held(overview: &CustodyOverview) -> Check {
    let keys = match overview.keys.as_slice() {
        [] => "no key".to_owned(),
        [only] => format!("sealed to key {only}"),
        [.., newest] => {
            let all = overview.keys.len();
            format!("sealed to key {newest}, the newest of {all}")
        }
    };
    let Some(counted) = overview.counted else {
        return Check::ok(KIND, format!("not counted yet; {keys}"));
    };
    let as_of = format!("at {}", clock(counted.at));
    let mut says = count(counted.held, "token");
    if counted.awaiting_sign_in != 0 {
        let awaiting = counted.awaiting_sign_in;
        says = format!("{says}, of which {awaiting} await a sign-in");
    }
    let Some(oldest) = counted.oldest_verified_at else {
        return Check::ok(KIND, format!("{says} held {as_of}; {keys}"));
    };
    let says = format!(
        "{says} held {as_of}, each good at Microsoft since {}; {keys}",
        clock(oldest)
    );
    let period = i64::try_from(overview.verify_every_seconds).unwrap_or(i64::MAX);
    let late = SignedDuration::from_secs(period.saturating_mul(2).saturating_add(60));
    if late < Timestamp::now().duration_since(oldest) {
        return Check::warning(
            KIND,
            format!("{says}, which is longer ago than it should be"),
            "see whether Microsoft answers (/readyz of token-broker), and whether ASSENT_VERIFY_RATE is enough",
        );
    }
    Check::ok(KIND, says)
}

#[cfg(test)]
mod tests {
    use assent_contract::custody::{CustodyCount, CustodyOverview};
    use jiff::{SignedDuration, Timestamp};

    use super::held;
    use crate::command::doctor::check::Severity;

    #[test]
    fn what_was_not_tried_for_long_is_a_finding() {
        let overview = |minutes: Option<i64>| CustodyOverview {
            keys: Vec::from(["old".to_owned(), "new".to_owned()]),
            verify_every_seconds: 3600,
            counted: Some(CustodyCount {
                at: Timestamp::now(),
                held: 3,
                awaiting_sign_in: 1,
                oldest_verified_at: minutes
                    .map(|minutes| Timestamp::now() - SignedDuration::from_mins(minutes)),
            }),
        };
        for (minutes, severity) in [
            (None, Severity::Ok),
            (Some(59), Severity::Ok),
            (Some(120), Severity::Ok),
            (Some(122), Severity::Warning),
        ] {
            let check = held(&overview(minutes));
            assert_eq!(check.severity, severity, "{check:?}");
            assert!(check.says.contains("3 tokens, of which 1 await a sign-in"));
            assert!(check.says.contains("sealed to key new, the newest of 2"));
        }
    }
}
