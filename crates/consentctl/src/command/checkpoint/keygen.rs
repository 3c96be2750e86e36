//! `checkpoint keygen`: a new key, in two files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use assent_checkpoint::SigningKey;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::output::Output;

/// Nobody but the owner may read the private key.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// The error of a file that is there: the key in it may be the only one of its kind.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is there already, and a key is never overwritten: move it away, or name another file with --to"
)]
struct AlreadyThere;

/// The new key as it is shown.
#[derive(Debug, Serialize)]
struct NewKey {
    name: String,
    private_key_file: PathBuf,
    public_key_file: PathBuf,
    public_key: String,
}

pub(super) fn run(
    name: &str,
    to: Option<PathBuf>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let (private, public) =
        SigningKey::generate(name).map_err(|error| CommandError::Argument(error.into()))?;
    let private_file = to.unwrap_or_else(|| file_of(name));
    let mut public_file = private_file.clone().into_os_string();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    create(&public_file, PUBLIC, &public.to_string())?;
    if let Err(error) = create(&private_file, PRIVATE, private.expose_secret()) {
        // It is of no use without the other, and would be in the way of the next one.
        drop(fs::remove_file(&public_file));
        return Err(error);
    }
    let made = NewKey {
        name: name.to_owned(),
        private_key_file: private_file,
        public_key_file: public_file,
        public_key: public.to_string(),
    };
    if output.is_json() {
        output.document(&made)?;
    } else {
        output.line(&format!(
            "private key  {}  (keep it secret, and off the machines that hold the log)",
            made.private_key_file.display()
        ))?;
        output.line(&format!("public key   {}", made.public_key_file.display()))?;
        output.line(&made.public_key)?;
    }
    Ok(Outcome::Clean)
}

/// A name may be a path of an address: its slashes are none of the file system's.
fn file_of(name: &str) -> PathBuf {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let file: String = name
        .chars()
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    PathBuf::from(format!("{file}.key"))
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), CommandError> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        writeln!(file, "{text}")?;
        file.sync_all()
    };
    write().map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            CommandError::file(path, AlreadyThere)
        } else {
            CommandError::file(path, error)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::file_of;

    #[test]
    fn a_name_becomes_a_file_of_this_directory() {
        for (name, file) in [
            ("consent.example.com", "consent.example.com.key"),
            ("log.example.com/consent", "log.example.com_consent.key"),
            ("../../etc/passwd", ".._.._etc_passwd.key"),
            ("/", "_.key"),
            ("größe", "gr__e.key"),
        ] {
            assert_eq!(file_of(name), Path::new(file));
        }
    }
}
