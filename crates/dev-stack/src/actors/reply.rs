//! What an actor was answered, and how it differs from what was expected.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer over HTTP, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The call: method and path.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub body: Value,
    /// The time between call and answer.
    pub took: Duration,
    /// When the answer had come.
    pub at: Instant,
}

/// An actor did not get what the story has next.
#[derive(Debug, thiserror::Error)]
pub enum ActorError {
    /// The answer is not the expected one.
    #[error("{call}: expected {expected}, got {got}")]
    Unexpected {
        /// What was called.
        call: String,
        /// What should have come.
        expected: String,
        /// What came.
        got: String,
    },
    /// There was no answer.
    #[error("{call}: no answer")]
    NoAnswer {
        /// What was called.
        call: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// An address that a browser cannot go to.
    #[error("{0} is no address to go to")]
    Address(String),
    /// NATS refused or dropped the sync worker.
    #[error("the sync worker cannot listen")]
    Nats(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the sync worker waited for was not told.
    #[error("the sync worker was not told {what} within {} s; it received {received:?}", within.as_secs())]
    NotTold {
        /// What it waited for.
        what: String,
        /// How long it waited.
        within: Duration,
        /// The changes that came instead.
        received: Vec<String>,
    },
}

impl Reply {
    /// Expects a success.
    pub fn ok(self) -> Result<Self, ActorError> {
        if (200..300).contains(&self.status) {
            Ok(self)
        } else {
            Err(self.unexpected("a success"))
        }
    }

    /// Expects a problem of this status and code, in the form that every problem has.
    pub fn refused(self, status: u16, code: &str) -> Result<Self, ActorError> {
        let expected = format!("{status} {code} as application/problem+json");
        let is_problem = self.header("content-type") == Some("application/problem+json")
            && self.number("/status") == Some(u64::from(status))
            && self
                .word("/type")
                .is_some_and(|kind| kind.ends_with(&format!("/{code}")))
            && self.word("/title").is_some()
            && self.word("/instance").is_some();
        if self.status == status && self.word("/code") == Some(code) && is_problem {
            Ok(self)
        } else {
            Err(self.unexpected(&expected))
        }
    }

    /// Expects a login decision: `proceed`, `prompt`, `auto_grant`, `reauthenticate` or `unavailable`.
    pub fn decided(self, decision: &str) -> Result<Self, ActorError> {
        self.ok()?.with_text("/decision", decision)
    }

    /// Expects these permissions to be in force, in words as by [`Self::effective`].
    pub fn with_effective(self, permissions: &str) -> Result<Self, ActorError> {
        if self.effective() == permissions {
            Ok(self)
        } else {
            Err(self.unexpected(&format!("effective: {permissions}")))
        }
    }

    /// Expects this text at a JSON pointer.
    pub fn with_text(self, pointer: &str, text: &str) -> Result<Self, ActorError> {
        if self.word(pointer) == Some(text) {
            Ok(self)
        } else {
            Err(self.unexpected(&format!("{pointer}: {text}")))
        }
    }

    /// An error that says what was expected instead of this.
    pub fn unexpected(&self, expected: &str) -> ActorError {
        ActorError::Unexpected {
            call: self.call.clone(),
            expected: expected.to_owned(),
            got: format!("{} {}", self.status, self.text.trim()),
        }
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The text at a JSON pointer.
    pub fn word(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    /// The number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.body.pointer(pointer)?.as_u64()
    }

    /// What a JSON pointer points at; null if that is nothing.
    pub fn value(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Up to where the answer reflects the log: the header of a write, else the field of a read.
    pub fn sequence(&self) -> u64 {
        self.header("assent-sequence")
            .and_then(|text| text.parse().ok())
            .or_else(|| self.number("/sequence"))
            .unwrap_or_default()
    }

    /// What is effective, in words.
    pub fn effective(&self) -> String {
        self.permissions("/effective")
    }

    /// The permission set at a JSON pointer, in words.
    pub fn permissions(&self, pointer: &str) -> String {
        permissions_in_words(self.value(pointer))
    }
}

/// A permission set as people say it: `calendar, email (limited)`.
pub(crate) fn permissions_in_words(set: &Value) -> String {
    let has = |kind: &str| set.get(kind).and_then(Value::as_bool).unwrap_or_default();
    let mut words: Vec<String> = ["calendar", "contacts"]
        .into_iter()
        .filter(|kind| has(kind))
        .map(str::to_owned)
        .collect();
    match set.get("email").and_then(Value::as_str) {
        Some("none") | None => {}
        Some(level) => words.push(format!("email ({level})")),
    }
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::permissions_in_words;

    #[test]
    fn permissions_read_as_people_say_them() {
        for (set, words) in [
            (
                json!({"calendar": true, "contacts": false, "email": "limited"}),
                "calendar, email (limited)",
            ),
            (
                json!({"calendar": false, "contacts": false, "email": "none"}),
                "nothing",
            ),
            (json!(null), "nothing"),
        ] {
            assert_eq!(permissions_in_words(&set), words);
        }
    }
}
