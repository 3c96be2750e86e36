//! Directories of keys: what is taken, what is refused, by which name.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assent_token_vault::{
    DirectoryError, KeyDirectory, KeyError, KeyRing, PrivateKey, PublicKey, PublicKeyError,
    PublicKeyFile, Vault as _,
};
use secrecy::ExposeSecret as _;

use crate::fixture::{TOKEN, ana, ring, sealed};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_new_key_is_for_its_owner_only_and_its_public_part_for_everybody() {
    let (_home, directory, ring) = ring().await;
    let files = directory.keys().unwrap();
    let [file] = files.as_slice() else {
        panic!("{files:?}")
    };
    assert_eq!(mode(directory.path()), 0o700);
    assert_eq!(mode(&file.path), 0o600);
    assert_eq!(mode(&file.public_path), 0o644);
    assert!(file.path.ends_with("keys/0001.pem"), "{:?}", file.path);
    assert!(file.public_path.ends_with("keys/0001.pub.pem"));
    let public = PublicKey::read(&file.public_path).unwrap();
    assert_eq!(public, ring.public_key().await);
    assert_eq!(format!("{file:?}").matches("pem").count(), 2);
}

#[tokio::test]
async fn the_newest_key_seals_and_the_older_ones_open_without_a_restart() {
    let (_home, directory, ring) = ring().await;
    let old = sealed(&ring, TOKEN, &ana()).await;
    let newer = directory.add().unwrap();
    let other = KeyRing::load(directory.clone()).await.unwrap();
    let new = sealed(&other, TOKEN, &ana()).await;
    assert_eq!(new.key_id(), newer.key.public().id());

    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    for record in [&new, &old] {
        let opened = ring.open(record, &ana().account, &ana().user).await;
        assert_eq!(opened.unwrap().expose_secret(), TOKEN);
    }
    assert_eq!(ring.public_key().await, *newer.key.public());
    assert_eq!(ring.key_ids().await.len(), 2);
}

#[tokio::test]
async fn what_becomes_unreadable_leaves_the_keys_as_they_were() {
    let (_home, directory, ring) = ring().await;
    let before = ring.public_key().await;
    let newer = directory.add().unwrap();
    fs::set_permissions(&newer.path, Permissions::from_mode(0o640)).unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(ring.public_key().await, before);

    fs::set_permissions(&newer.path, Permissions::from_mode(0o600)).unwrap();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(ring.public_key().await, *newer.key.public());
}

#[tokio::test]
async fn keys_that_others_can_read_are_refused_by_their_names() {
    for bits in [0o640, 0o604, 0o660, 0o644, 0o610, 0o601] {
        let (_home, directory, _) = ring().await;
        let second = directory.add().unwrap();
        fs::set_permissions(&second.path, Permissions::from_mode(bits)).unwrap();
        let refused = KeyRing::load(directory).await.unwrap_err();
        assert!(
            matches!(&refused, DirectoryError::OthersCanRead { path, mode } if *path == second.path && *mode == bits),
            "{refused}"
        );
        assert!(refused.to_string().contains("0002.pem"), "{refused}");
    }
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_refused() {
    let (_home, directory, _) = ring().await;
    fs::set_permissions(directory.path(), Permissions::from_mode(0o770)).unwrap();
    let refused = KeyRing::load(directory).await.unwrap_err();
    assert!(
        matches!(refused, DirectoryError::OthersCanWrite { mode: 0o770, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_directory_without_keys_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let refused = KeyRing::load(KeyDirectory::new(home.path())).await;
    assert!(matches!(refused, Err(DirectoryError::Empty(_))));
    let refused = KeyRing::load(KeyDirectory::new(home.path().join("nowhere"))).await;
    assert!(matches!(refused, Err(DirectoryError::File { .. })));
}

#[tokio::test]
async fn files_that_are_no_keys_are_refused_by_their_names() {
    let private = PrivateKey::generate().unwrap();
    let public = private.public().to_pem();
    let p256 = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let twice = format!("{}{}", *private.to_pem(), *private.to_pem());
    for (name, content, why) in [
        ("0002.pem", "", Some(KeyError::NoPem)),
        ("0002.pem", "secret", Some(KeyError::NoPem)),
        ("0002.pem", twice.as_str(), Some(KeyError::NoPem)),
        ("0002.pem", public.as_str(), Some(KeyError::IsPublic)),
        ("0002.pem", p256, Some(KeyError::OtherKind)),
        ("0002.pem", encrypted, Some(KeyError::OtherKind)),
        ("newest.pem", private.to_pem().as_str(), None),
        ("99999999999.pem", private.to_pem().as_str(), None),
        (".pem", private.to_pem().as_str(), None),
    ] {
        let (_home, directory, _) = ring().await;
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let refused = KeyRing::load(directory).await.unwrap_err();
        match (&refused, why) {
            (DirectoryError::NoKey { source, .. }, Some(why)) => assert_eq!(*source, why),
            (DirectoryError::Name(_), None) => {}
            (other, _) => panic!("{name}: {other:?}"),
        }
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

#[tokio::test]
async fn one_key_under_two_numbers_is_refused() {
    let (_home, directory, _) = ring().await;
    let first = directory.path().join("0001.pem");
    for copy in ["0002.pem", "1.pem"] {
        let copy = directory.path().join(copy);
        fs::copy(&first, &copy).unwrap();
        let refused = KeyRing::load(directory.clone()).await;
        assert!(
            matches!(refused, Err(DirectoryError::Twice(..))),
            "{refused:?}"
        );
        fs::remove_file(copy).unwrap();
    }
}

#[test]
fn a_public_key_that_protects_nothing_is_refused() {
    // The neutral element, and others of small order.
    for point in [
        "MCowBQYDK2VuAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "MCowBQYDK2VuAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "MCowBQYDK2VuAyEA7P///////////////////////////////////////38=",
    ] {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{point}\n-----END PUBLIC KEY-----\n");
        assert_eq!(PublicKey::parse_pem(&pem), Err(KeyError::Weak), "{point}");
    }
}

#[test]
fn the_file_of_the_public_key_is_read_again_when_it_was_replaced() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("vault.pub.pem");
    let missing = PublicKeyFile::open(&path);
    assert!(matches!(missing, Err(PublicKeyError::Unreadable { .. })));

    let (one, other) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    fs::write(&path, one.to_pem().as_bytes()).unwrap();
    let private = PublicKeyFile::open(&path).unwrap_err();
    assert!(private.to_string().contains("vault.pub.pem"), "{private}");
    assert!(matches!(
        private,
        PublicKeyError::NoKey {
            source: KeyError::IsPrivate,
            ..
        }
    ));

    fs::write(&path, one.public().to_pem()).unwrap();
    let file = PublicKeyFile::open(&path).unwrap();
    assert_eq!(file.current(), *one.public());
    fs::write(&path, other.public().to_pem()).unwrap();
    assert_eq!(file.current(), *other.public());
    // In the middle of being written, or gone.
    fs::write(&path, "-----BEGIN").unwrap();
    assert_eq!(file.current(), *other.public());
    fs::remove_file(&path).unwrap();
    assert_eq!(file.current(), *other.public());
}
