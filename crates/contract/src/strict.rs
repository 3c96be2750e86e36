//! Reading what has to be understood as a whole: what operators did, and queries of other people's
//! programs. Events refuse by themselves what they do not know ([`crate::body`]). Everything else on
//! the wire may have fields that this program does not know.

use serde::de::{DeserializeOwned, Error as _};

/// Reads one JSON value. A field that `T` does not know, at any depth, is an error.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut unknown = None;
    let value = serde_ignored::deserialize(&mut reader, |path| {
        unknown.get_or_insert_with(|| path.to_string());
    })?;
    reader.end()?;
    match unknown {
        None => Ok(value),
        Some(field) => Err(serde_json::Error::custom(format!(
            "unknown field `{field}`"
        ))),
    }
}
