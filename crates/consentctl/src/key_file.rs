//! Files of keys and checkpoints, read as far as such a file can be long.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assent_checkpoint::{
    Checkpoint, CheckpointError, KeyError, MAX_BYTES, SigningKey, UnverifiedCheckpoint, VerifierKey,
};
use secrecy::SecretString;

use crate::exit::CommandError;
use crate::output::Output;

/// A file of a key has no more bytes than this.
const MAX_KEY_BYTES: usize = 4096;

/// Reads a private key.
pub(crate) fn signing_key(path: &Path, output: &mut Output) -> Result<SigningKey, CommandError> {
    let text = read(path, MAX_KEY_BYTES).map_err(|error| CommandError::file(path, error))?;
    let text = String::from_utf8(text).map_err(|_| KeyError::NoSigningKey);
    let key = text.and_then(|text| SigningKey::parse(&SecretString::from(text)));
    let key = key.map_err(|error| CommandError::file(path, error))?;
    let mode = path.metadata().map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        output.remark(&format!(
            "others on this machine can use the key in {}: chmod 600 it",
            path.display()
        ))?;
    }
    Ok(key)
}

/// Reads a public key, given as its text or as the file that holds it.
pub(crate) fn verifier_key(given: &str) -> Result<VerifierKey, CommandError> {
    // A path has no plus in it, as a rule; a key has two.
    let path = Path::new(given);
    if given.contains('+') && !path.exists() {
        return given
            .parse()
            .map_err(|error: KeyError| CommandError::Argument(error.into()));
    }
    let text = read(path, MAX_KEY_BYTES).map_err(|error| CommandError::file(path, error))?;
    let text = String::from_utf8(text).map_err(|_| KeyError::NoVerifierKey);
    let key = text.and_then(|text| text.parse());
    key.map_err(|error| CommandError::file(path, error))
}

/// Reads a checkpoint, and checks its signature where a key is given.
pub(crate) fn checkpoint(
    path: &Path,
    key: Option<&VerifierKey>,
) -> Result<Checkpoint, CommandError> {
    let bytes = read(path, MAX_BYTES).map_err(|error| CommandError::file(path, error))?;
    signed_checkpoint(path, &bytes, key)
}

/// As [`checkpoint`], of bytes that were read.
pub(crate) fn signed_checkpoint(
    path: &Path,
    bytes: &[u8],
    key: Option<&VerifierKey>,
) -> Result<Checkpoint, CommandError> {
    let read = UnverifiedCheckpoint::parse(bytes).and_then(|read| match key {
        Some(key) => read.verify(key),
        None => Ok(read.dangerous_without_signature()),
    });
    read.map_err(|error| match error {
        CheckpointError::TooLarge
        | CheckpointError::NoNote
        | CheckpointError::NoCheckpoint
        | CheckpointError::CannotBeSigned => CommandError::file(path, error),
        CheckpointError::OtherKey { .. }
        | CheckpointError::BadSignature(_)
        | CheckpointError::OtherOrigin { .. } => CommandError::Checkpoint {
            path: path.to_owned(),
            source: error,
        },
    })
}

/// Reads a file; one that is longer is cut just after `most` bytes, so that it shows.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
