//! Keys that OpenSSL makes, and keys that it reads.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use assent_token_vault::{KeyDirectory, KeyRing, PublicKey, Vault as _};
use secrecy::ExposeSecret as _;

use crate::fixture::{TOKEN, ana, sealed};

fn openssl(arguments: &[&str], directory: &Path) -> String {
    let done = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output();
    let done = done.expect("these tests need openssl");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn a_key_of_openssls_is_a_key() {
    let home = tempfile::tempdir().unwrap();
    openssl(
        &["genpkey", "-algorithm", "x25519", "-out", "0001.pem"],
        home.path(),
    );
    let made = home.path().join("0001.pem");
    fs::set_permissions(&made, Permissions::from_mode(0o600)).unwrap();
    let public = openssl(&["pkey", "-in", "0001.pem", "-pubout"], home.path());

    let ring = KeyRing::load(KeyDirectory::new(home.path())).await.unwrap();

    let public = PublicKey::parse_pem(&public).unwrap();
    assert_eq!(public, ring.public_key().await);
    let record = sealed(&ring, TOKEN, &ana()).await;
    let opened = ring.open(&record, &ana().account, &ana().user).await;
    assert_eq!(opened.unwrap().expose_secret(), TOKEN);
}

#[test]
fn openssl_reads_our_keys() {
    let home = tempfile::tempdir().unwrap();
    let directory = KeyDirectory::new(home.path().join("keys"));
    let made = directory.add().unwrap();
    let public = openssl(&["pkey", "-in", "0001.pem", "-pubout"], directory.path());
    assert_eq!(public, made.key.public().to_pem());
    assert_eq!(public, fs::read_to_string(&made.public_path).unwrap());
    let again = openssl(&["pkey", "-in", "0001.pem"], directory.path());
    assert_eq!(again, fs::read_to_string(&made.path).unwrap());
}
