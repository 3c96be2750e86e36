//! The stream of changes: whether it is there, and as it must be.
//!
//! The gateway creates it and refuses another one; this says in all what differs.

use assent_contract::names::{CHANGE_STREAM, CHANGE_SUBJECTS};
use assent_messaging::Connection;
use assent_service_kit::error_chain::with_sources;
use serde_json::{Value, json};

use super::DEADLINE;
use super::check::{Check, CheckKind};

const KIND: CheckKind = CheckKind::ChangeStream;
const CONFIGURED: &str = "delete the stream and start consent-gateway: it is derived from the events, \
                          and published anew";

pub(super) async fn check(connection: &Connection) -> Check {
    let problem = |says: String, advice| Check::problem(KIND, says, advice).of(CHANGE_STREAM);
    let subject = format!("$JS.API.STREAM.INFO.{CHANGE_STREAM}");
    let asked = connection.request(&subject, Vec::new(), None, DEADLINE);
    let info: Value = match asked.await {
        Ok(answer) => serde_json::from_slice(&answer).unwrap_or_default(),
        Err(error) => {
            return problem(
                with_sources(&error).to_string(),
                "look at the log of nats-server",
            );
        }
    };
    if let Some(error) = info.get("error") {
        let says = error.get("description").and_then(Value::as_str);
        let says = says.unwrap_or("the stream can't be asked for").to_owned();
        return problem(
            says,
            "consent-gateway makes it again while it runs: see that it does, and look at its /readyz",
        );
    }
    let differences = differences(info.get("config").unwrap_or(&Value::Null));
    if differences.is_empty() {
        return Check::ok(KIND, "as it must be").of(CHANGE_STREAM);
    }
    problem(differences.join("; "), CONFIGURED)
}

/// Replicas announce; the stream keeps the last message of each public subject, and repeats it
/// there to whoever listens.
fn wanted() -> [(&'static str, Value); 9] {
    let announced = CHANGE_SUBJECTS.replacen("changes", "announce", 1);
    let both = |src: &str| json!({ "src": src, "dest": CHANGE_SUBJECTS });
    [
        ("subjects", json!([announced])),
        ("subject_transform", both(&announced)),
        ("republish", both(CHANGE_SUBJECTS)),
        ("max_msgs_per_subject", json!(1)),
        ("storage", json!("file")),
        ("retention", json!("limits")),
        ("discard", json!("old")),
        ("deny_delete", json!(true)),
        ("max_age", json!(0)),
    ]
}

fn differences(config: &Value) -> Vec<String> {
    let found = |name: &str| config.get(name).unwrap_or(&Value::Null);
    let limit = |name: &str| match found(name).as_i64() {
        Some(limit) if 0 < limit => Some(format!("{name} is {limit}, must be without limit")),
        Some(_) | None => None,
    };
    wanted()
        .into_iter()
        .filter(|(name, wanted)| found(name) != wanted)
        .map(|(name, wanted)| format!("{name} is {}, must be {wanted}", found(name)))
        .chain(["max_msgs", "max_bytes"].into_iter().filter_map(limit))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{differences, wanted};

    #[test]
    fn every_setting_that_differs_is_named() {
        let right: serde_json::Map<String, Value> = wanted()
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        assert_eq!(differences(&right.clone().into()), Vec::<String>::new());

        let mut wrong = right;
        wrong.insert("deny_delete".to_owned(), json!(false));
        wrong.insert("max_bytes".to_owned(), json!(1024));
        assert_eq!(
            differences(&wrong.into()),
            [
                "deny_delete is false, must be true",
                "max_bytes is 1024, must be without limit"
            ]
        );
    }
}
