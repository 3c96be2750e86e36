//! Keys that an issuer of tokens publishes as a JSON Web Key Set (RFC 7517), kept ready to verify with.
//!
//! [`KeyCache`] decides when keys are fetched, [`KeySource`] says how and what is made of them, and [`signature_keys`]
//! reads a published document.

mod cache;

mod budget;

mod key_set;

pub use cache::{FetchedKeys, KeyCache, KeySource, LookupError};
pub use key_set::{SignatureKey, signature_keys};
