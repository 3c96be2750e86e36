//! What operators did, as the gateway recorded it in a log of its own. Read as strictly as
//! events (see [`crate::strict`]): a record that can't be read has no effect.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event_hash::EventHash;
use crate::values::text;

/// How long the reason of an operation may be, in characters.
pub const MAX_REASON: usize = 500;
/// How long the name of who did it may be, in characters.
pub const MAX_OPERATOR: usize = 128;

/// A message of the log of events that is no event was declared void: every reader passes over it.
///
/// The message is named by the log, by its place there, and by its hash; so this is never about
/// another message, be it in another log of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoidRecord {
    /// When the log was created, as its server writes it.
    pub log: String,
    /// The message's place in the log.
    pub sequence: u64,
    /// The subject that it is stored on.
    pub subject: String,
    /// The hash by which an event would name it as its predecessor: SHA-256 over the subject, the
    /// `ce-` headers in order and the body, in hexadecimal. This is all that a reader reads of it.
    #[serde(with = "text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub hash: EventHash,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who said so, by their own account: the NATS server knows the operators as one user.
    pub operator: String,
}

#[cfg(test)]
mod tests {
    use super::VoidRecord;
    use crate::event_hash::EventHash;
    use crate::strict;

    #[test]
    fn a_record_keeps_its_shape() {
        let record = VoidRecord {
            log: "2026-11-23T10:00:00.123456789Z".to_owned(),
            sequence: 7,
            subject: "consent.events.v1.acme.company".to_owned(),
            hash: EventHash::from([0xab; 32]),
            reason: "an answer of the server's".to_owned(),
            recorded_at: "2026-11-24T09:30:00Z".parse().unwrap(),
            operator: "kim".to_owned(),
        };
        let json = format!(
            r#"{{"log":"2026-11-23T10:00:00.123456789Z","sequence":7,"subject":"consent.events.v1.acme.company","hash":"{}","reason":"an answer of the server's","recorded_at":"2026-11-24T09:30:00Z","operator":"kim"}}"#,
            "ab".repeat(32)
        );
        assert_eq!(serde_json::to_string(&record).unwrap(), json);
        assert_eq!(
            strict::from_slice::<VoidRecord>(json.as_bytes()).unwrap(),
            record
        );
        let surprise = json.replacen('{', r#"{"surprise":1,"#, 1);
        assert!(strict::from_slice::<VoidRecord>(surprise.as_bytes()).is_err());
    }
}
