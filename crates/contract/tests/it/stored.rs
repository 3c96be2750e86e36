//! An event as it lies in the log: subject, headers and body.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use assent_contract::codec::{DecodedEvent, EncodedEvent, Unreadable, decode};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) subject: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// Text, and not JSON within JSON, so that every byte is as it was.
    pub(crate) body: String,
}

pub(crate) fn fixture_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1")
}

impl Stored {
    pub(crate) fn fixture(name: &str) -> Self {
        let path = fixture_folder().join(name).with_extension("json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap()
    }

    pub(crate) fn read(&self) -> Result<DecodedEvent, Unreadable> {
        let header = |name| self.headers.get(name).map(String::as_str);
        decode(&self.subject, header, self.body.as_bytes())
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Replaces a part of the body that is there exactly once.
    #[track_caller]
    pub(crate) fn with_body(mut self, part: &str, replacement: &str) -> Self {
        assert_eq!(
            self.body.matches(part).count(),
            1,
            "{part} in {}",
            self.body
        );
        self.body = self.body.replace(part, replacement);
        self
    }
}

impl From<EncodedEvent> for Stored {
    fn from(encoded: EncodedEvent) -> Self {
        let headers = encoded.headers.into_iter();
        Self {
            subject: encoded.subject,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: String::from_utf8(encoded.body).unwrap(),
        }
    }
}
