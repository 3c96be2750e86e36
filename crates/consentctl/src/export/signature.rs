//! Who says what an export is of: `manifest.sig` is a checkpoint of the exported log, signed with a note key, with one
//! more line, which names the manifest by its SHA-256. So whatever reads checkpoints reads it.

use assent_checkpoint::{Checkpoint, SigningKey, Tree, UnverifiedCheckpoint, VerifierKey};
use assent_contract::event_hash::EventHash;
use sha2::{Digest as _, Sha256};

use super::ExportError;
use super::place::Place;

/// Before the manifest's hash, in hexadecimal.
const NAMES: &str = "assent-export-manifest sha256:";

/// Signs a manifest, and the root over the messages that it is about.
pub(crate) fn sign(manifest: &[u8], tree: &Tree, key: &SigningKey) -> Result<String, ExportError> {
    Checkpoint::sign_with(tree, key, &name_of(manifest))
        .map_err(|error| ExportError::Signature(error.into()))
}

/// Makes sure that the manifest at a place is signed with a key.
pub(crate) fn require(place: &Place, key: &VerifierKey) -> Result<(), ExportError> {
    let refused = |error: assent_checkpoint::CheckpointError| ExportError::Signature(error.into());
    let signature = place.signature.as_ref().ok_or(ExportError::NotSigned)?;
    let manifest = place.manifest.as_ref().ok_or(ExportError::NotSigned)?;
    let signed = UnverifiedCheckpoint::parse(signature).map_err(refused)?;
    let (checkpoint, extension) = signed.verify_with_extension(key).map_err(refused)?;
    let is_it = extension.trim_end() == name_of(&place.manifest_bytes)
        && checkpoint.size == manifest.last()
        && checkpoint.root.to_string() == manifest.root;
    if is_it {
        Ok(())
    } else {
        Err(ExportError::ManifestChanged)
    }
}

fn name_of(manifest: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(manifest).into();
    format!("{NAMES}{}", EventHash::from(digest))
}
