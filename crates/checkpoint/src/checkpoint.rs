//! Checkpoints: the log's size and root as a signed note, in the form of C2SP's `tlog-checkpoint`.

use signed_note::{Note, NoteError, Signature, VerifierList};
use tlog_tiles::Hash;

use crate::key::{SigningKey, VerifierKey};
use crate::tree::{Root, Tree};

/// A checkpoint has no more bytes than this, with all the signatures that others may have added.
pub const MAX_BYTES: usize = 64 * 1024;

/// Of who signed a checkpoint with another key, no more are named.
const SIGNERS_NAMED: usize = 3;

/// What was once said of a log: how many messages it had, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log: the name of the key that signed it.
    pub origin: String,
    /// How many messages the log had: the sequence of the last one.
    pub size: u64,
    /// The root over these messages.
    pub root: Root,
}

/// A text is no checkpoint, or none of the key's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// More bytes than a checkpoint may have.
    #[error("this is no checkpoint: it has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not a signed note.
    #[error(
        "this is no checkpoint: it has to be a signed note, three lines, an empty one, and a line for each signature"
    )]
    NoNote,
    /// A signed note that says something else.
    #[error(
        "this is no checkpoint: the lines before the empty one have to be an origin, a size and a root"
    )]
    NoCheckpoint,
    /// Nobody signed it with that key.
    #[error("the checkpoint is not signed by {expected}, but by {signers}")]
    OtherKey {
        /// Whose signature is missing, with the key's hash.
        expected: String,
        /// Who signed it, each with a key's hash.
        signers: String,
    },
    /// What stands there as the key's signature is none of this text.
    #[error("the checkpoint was changed: the signature of {0} is not one of this text")]
    BadSignature(String),
    /// Signed by the key, but of another log.
    #[error("the checkpoint is of the log {found}, but the key's is {expected}")]
    OtherOrigin {
        /// The name of the key.
        expected: String,
        /// The log that the text is of.
        found: String,
    },
    /// A checkpoint can't be signed: the key or the note is refused.
    #[error("the checkpoint can't be signed")]
    CannotBeSigned,
}

impl Checkpoint {
    /// Says what a log is now, under the key's name: origin, size, root in base64; an empty line; the signature. Ends in
    /// a line break.
    pub fn sign(tree: &Tree, key: &SigningKey) -> Result<String, CheckpointError> {
        Self::sign_with(tree, key, "")
    }

    /// As [`Self::sign`], with one line more before the empty one, for who knows what to read in it.
    pub fn sign_with(
        tree: &Tree,
        key: &SigningKey,
        extension: &str,
    ) -> Result<String, CheckpointError> {
        let refused = |_| CheckpointError::CannotBeSigned;
        let extension = if extension.is_empty() {
            String::new()
        } else {
            format!("{extension}\n")
        };
        let text =
            tlog_tiles::Checkpoint::new(key.name(), tree.size(), Hash(tree.root().0), &extension)
                .map_err(|_| CheckpointError::CannotBeSigned)?
                .to_bytes();
        let mut note = Note::new(&text, &[]).map_err(refused)?;
        note.add_sigs(&[key.signer()]).map_err(refused)?;
        String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::CannotBeSigned)
    }
}

/// A text that has the form of a checkpoint. Who signed it was not looked at yet.
#[derive(Debug)]
pub struct UnverifiedCheckpoint {
    note: Note,
    claims: Checkpoint,
}

impl UnverifiedCheckpoint {
    /// Reads the form. Lines after the third, before the empty one, are passed over, as the specification has it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        if MAX_BYTES < bytes.len() {
            return Err(CheckpointError::TooLarge);
        }
        let note = Note::from_bytes(bytes).map_err(|_| CheckpointError::NoNote)?;
        let read = tlog_tiles::Checkpoint::from_bytes(note.text())
            .map_err(|_| CheckpointError::NoCheckpoint)?;
        let claims = Checkpoint {
            origin: read.origin().to_owned(),
            size: read.size(),
            root: Root(read.hash().0),
        };
        Ok(Self { note, claims })
    }

    /// As [`Self::verify`], with the lines after the third.
    pub fn verify_with_extension(
        self,
        key: &VerifierKey,
    ) -> Result<(Checkpoint, String), CheckpointError> {
        let text = self.note.text().to_vec();
        let checkpoint = self.verify(key)?;
        let text = String::from_utf8(text).map_err(|_| CheckpointError::NoCheckpoint)?;
        let extension = text.splitn(4, '\n').nth(3).unwrap_or_default();
        Ok((checkpoint, extension.to_owned()))
    }

    /// Checks the key's signature, and that the key's name is the origin. Other signatures do not matter.
    pub fn verify(self, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let known = VerifierList::new(vec![Box::new(key.verifier().clone())]);
        match self.note.verify(&known) {
            Ok(_) => {}
            Err(NoteError::UnverifiedNote) => {
                return Err(CheckpointError::OtherKey {
                    expected: without_key(&key.to_string()).to_owned(),
                    signers: self.signers(),
                });
            }
            Err(
                NoteError::MalformedNote
                | NoteError::InvalidSigner
                | NoteError::InvalidSignature { .. }
                | NoteError::MismatchedVerifier
                | NoteError::VerificationError(_)
                | NoteError::SignatureError(_),
            ) => return Err(CheckpointError::BadSignature(key.name().to_owned())),
        }
        if self.claims.origin != key.name() {
            return Err(CheckpointError::OtherOrigin {
                expected: key.name().to_owned(),
                found: self.claims.origin,
            });
        }
        Ok(self.claims)
    }

    /// What the text says, whoever wrote it. For who got it from somebody they believe.
    pub fn dangerous_without_signature(self) -> Checkpoint {
        self.claims
    }

    /// Whose signatures it is said to carry, each as `name+hash`.
    fn signers(&self) -> String {
        let bytes = self.note.to_bytes();
        // The signatures are the lines after the last empty one.
        let lines = bytes.split(|byte| *byte == b'\n').rev();
        let lines = lines.skip(1).take_while(|line| !line.is_empty());
        let mut signers: Vec<String> = lines
            .filter_map(|line| Signature::from_bytes(line).ok())
            .map(|signature| format!("{}+{:08x}", signature.name(), signature.id()))
            .collect();
        signers.reverse();
        signers.truncate(SIGNERS_NAMED);
        signers.join(" and ")
    }
}

/// A verifier's text without the key itself: `name+hash`.
fn without_key(verifier: &str) -> &str {
    let mut parts = verifier.match_indices('+').map(|(at, _)| at);
    let end = parts.nth(1).unwrap_or(verifier.len());
    verifier.get(..end).unwrap_or(verifier)
}
