//! The hash that ties an event to its predecessor on its subject, so that nobody can
//! change, drop or insert one unnoticed.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of an event as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// Stands for the predecessor of the first event on a subject.
    pub const NONE: Self = Self([0; 32]);

    /// Hashes an event: its subject, its CloudEvents attributes in the order of their
    /// names, and its body. Transport headers do not count. The values are percent-encoded,
    /// so no line break can be smuggled in.
    pub fn of<'a>(
        subject: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &[u8],
    ) -> Self {
        let mut attributes: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| name.starts_with("ce-"))
            .collect();
        attributes.sort_unstable();
        let mut hasher = Sha256::new();
        for part in [subject, "\n"] {
            hasher.update(part);
        }
        for (name, value) in attributes {
            for part in [name, ":", value, "\n"] {
                hasher.update(part);
            }
        }
        hasher.update("\n");
        hasher.update(body);
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for EventHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventHash({self})")
    }
}

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for EventHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        if text.len() != 64 {
            return Err(InvalidHash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = match pair {
                [high, low] => (digit(*high)? << 4) | digit(*low)?,
                _ => return Err(InvalidHash),
            };
        }
        Ok(Self(bytes))
    }
}

fn digit(byte: u8) -> Result<u8, InvalidHash> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidHash),
    }
}

#[cfg(test)]
mod tests {
    use super::{EventHash, InvalidHash};

    #[test]
    fn a_hash_depends_on_subject_attributes_and_body_alone() {
        let headers = [("ce-id", "1"), ("ce-type", "t"), ("Nats-Msg-Id", "1")];
        let hash = EventHash::of("s", headers, b"{}");
        let shuffled = [("traceparent", "x"), ("ce-type", "t"), ("ce-id", "1")];
        assert_eq!(hash, EventHash::of("s", shuffled, b"{}"));
        assert_ne!(hash, EventHash::of("other", headers, b"{}"));
        assert_ne!(
            hash,
            EventHash::of("s", [("ce-id", "2"), ("ce-type", "t")], b"{}")
        );
        assert_ne!(hash, EventHash::of("s", headers, b"{ }"));
    }

    #[test]
    fn a_hash_is_written_and_read_as_hexadecimal() {
        let hash = EventHash::of("s", [], b"");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("0".repeat(64).parse(), Ok(EventHash::NONE));
        for bad in ["", "0", &"G".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(bad.parse::<EventHash>(), Err(InvalidHash));
        }
    }
}
