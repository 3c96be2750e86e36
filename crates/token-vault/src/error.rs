//! What is wrong with a key, or with what should be sealed.

use std::path::PathBuf;

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM, or there is more than one key in it.
    #[error("not one key in PEM")]
    NoPem,
    /// It is a public key where a private one is needed.
    #[error("a public key, where the private one is needed")]
    IsPublic,
    /// It is a private key where a public one is needed.
    #[error(
        "a private key, which belongs to the token broker alone: the public one is needed here"
    )]
    IsPrivate,
    /// It is a key for something else, or encrypted.
    #[error("not an X25519 key as `openssl genpkey -algorithm x25519` makes it")]
    OtherKind,
    /// Nothing can be sealed with it: its secret would be known to everybody.
    #[error("a public key that protects nothing")]
    Weak,
}

/// Why a file is of no use as a public key.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// It can't be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It holds no public key.
    #[error("{} holds no public key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: KeyError,
    },
}

/// Why a token could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The token has more than 32 KiB, or is empty.
    #[error("a refresh token of 1 byte to 32 KiB")]
    Length,
    /// The key can't be used.
    #[error("nothing can be sealed with this key")]
    Key,
}
