//! Unguessable strings: codes, tokens, cookies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// 244 random bits behind a prefix that says in a log what the string is.
pub(crate) fn secret(prefix: &str) -> String {
    // Two version-4 GUIDs: the uuid crate draws them from the system's generator, which cannot fail half-way.
    let mut bytes = Vec::with_capacity(32);
    bytes.extend_from_slice(Uuid::new_v4().as_bytes());
    bytes.extend_from_slice(Uuid::new_v4().as_bytes());
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}
