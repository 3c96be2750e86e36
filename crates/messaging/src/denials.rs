//! What the server told us we may not do.
//!
//! A denied publish or subscription is no error where it is made: the call merely gets no answer.
//! The server's complaint arrives apart, so it is remembered here and named when a request that
//! was denied runs out of time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Distinct complaints kept; a subject made of ids could otherwise grow this for ever.
const MOST_REMEMBERED: usize = 256;

#[derive(Debug)]
pub(crate) struct Denials {
    seen: Mutex<HashSet<String>>,
    last: watch::Sender<Option<String>>,
}

impl Denials {
    pub(crate) fn new() -> Self {
        Self {
            seen: Mutex::new(HashSet::new()),
            last: watch::Sender::new(None),
        }
    }

    /// Takes note of what the server said, if it is a denial, and says whether it is a new one.
    pub(crate) fn note(&self, text: &str) -> bool {
        if !text.to_ascii_lowercase().contains("permissions violation") {
            return false;
        }
        self.last.send_replace(Some(text.to_owned()));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MOST_REMEMBERED && seen.insert(text.to_owned())
    }

    /// The server's complaint about publishing to this subject, if there was one.
    pub(crate) fn of_publishing(&self, subject: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .find(|text| is_about_publishing(text, subject))
            .cloned()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.last.subscribe()
    }
}

/// Whether what the server said is about publishing to this subject.
pub(crate) fn is_about_publishing(text: &str, subject: &str) -> bool {
    let named = format!("publish to \"{subject}\"").to_ascii_lowercase();
    text.to_ascii_lowercase().contains(&named)
}
