//! The key pair by which refresh tokens are sealed, made anew for each stack: files as `consentctl vault init` makes them.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::agreement::{PrivateKey, X25519};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What stands before the 32 bytes of a key in PKCS#8 and in SubjectPublicKeyInfo (RFC 8410).
const PRIVATE_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
];
const PUBLIC_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00,
];

/// Where the keys are.
#[derive(Debug, Clone)]
pub struct VaultKeys {
    /// For `ASSENT_VAULT_KEYS_DIR`.
    pub directory: PathBuf,
    /// For `ASSENT_VAULT_PUBLIC_KEY_FILE`.
    pub public_key: PathBuf,
}

impl VaultKeys {
    /// Makes a directory with one key.
    pub fn make(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(directory)?;
        let bytes: [u8; 32] = rand::random();
        let private = PrivateKey::from_private_key(&X25519, &bytes).map_err(io::Error::other)?;
        let public = private.compute_public_key().map_err(io::Error::other)?;
        let keys = Self {
            directory: directory.to_owned(),
            public_key: directory.join("0001.pub.pem"),
        };
        let private = [PRIVATE_PREFIX.as_slice(), &bytes].concat();
        write(&directory.join("0001.pem"), "PRIVATE KEY", &private)?;
        let public = [PUBLIC_PREFIX.as_slice(), public.as_ref()].concat();
        write(&keys.public_key, "PUBLIC KEY", &public)?;
        Ok(keys)
    }
}

fn write(path: &Path, label: &str, der: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let body = BASE64_STANDARD.encode(der);
    write!(
        file,
        "-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
    )
}
