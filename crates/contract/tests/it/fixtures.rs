//! Events of version 1, as they lie in logs out there. They must be read for ever, so none
//! of these files may ever change or go: what changes is a new version beside them.

pub(crate) mod expected;

use std::collections::BTreeSet;
use std::fs;

use assent_contract::codec::encode;
use assent_contract::event_hash::EventHash;
use sha2::{Digest, Sha256};

use crate::stored::{Stored, fixture_folder};

/// Each fixture with its SHA-256.
const PINNED: &[(&str, &str)] = &[
    (
        "admin_consent_granted_by_both",
        "9b6d456cf6b0bd166f2feb99cc1a986b302e0786c6895830a9b333bd7ca38a0e",
    ),
    (
        "admin_consent_granted_by_grant",
        "4c45010e84440b95452d15f128be0252846ef2ddc6356f14fe50dbdbd5e7d693",
    ),
    (
        "admin_consent_granted_by_role",
        "ef59881cf6bd848275921edcdcc7464ae53feb80ccecab0ba1f0d7adca7beae7",
    ),
    (
        "mode_changed_email_sync",
        "4a13f6db776c16e96d2c63a32375e86c09d95617fbaf216a9a224ee6d284c65a",
    ),
    (
        "mode_changed_to_administrator",
        "e7e5e845a1d3cee071b4f5f515f7659df1a69711c9a821e13b763404ab701ad1",
    ),
    (
        "mode_changed_to_users",
        "7faa22a4399d753ee8acc28c0729aad55e88e79554597225ed219b49026c4ec9",
    ),
    (
        "user_scope_granted_at_the_limits",
        "80328b456c2fd68171e234dc4887765f976c55eb39f3aa9efc7e74c40ea50800",
    ),
    (
        "user_scope_granted_by_administrator_consent",
        "2ce93fb0dc3b8fc00d8bb42645997563ff76cb58cfc8ccc49e47e449f16553d5",
    ),
    (
        "user_scope_granted_by_user",
        "fbd340c5ba39c3dbe0ed178b19b02e2779847326545964178539b2b3c20dab5b",
    ),
    (
        "user_scope_granted_in_china",
        "07f548fbff990d9454682b1a91b5d10ccfe0fc7d347fd015a593a071ba49650f",
    ),
    (
        "user_scope_granted_in_dod",
        "4d5cbc0609b2f73165ba428c2801b0923ba6b8ddefa68ced263e7e0b71ac51c0",
    ),
    (
        "user_scope_granted_in_gcc_high",
        "f1889e765db3db1eefa5bb5638faf4ba7f015591c3f716aa97b59f42e28dd295",
    ),
    (
        "user_scope_revoked_by_user",
        "b6bf51c67c8249df1e05d44f40222f2f33e863545a7811a3215963849843b1c3",
    ),
    (
        "user_scope_revoked_declined",
        "736af51b61e0b6f5e8ed4935f74161df8f57167f7256183228d8aae5bb020317",
    ),
    (
        "user_scope_revoked_withdrawn",
        "bb2980ecb4832e174c3ba6beac0b1581f1e066854f1346053b0cc8b388f77e13",
    ),
];

#[test]
fn every_fixture_is_there_and_unchanged() {
    for (name, pinned) in PINNED {
        let path = fixture_folder().join(name).with_extension("json");
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let hash = EventHash::from(<[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(&hash.to_string(), pinned, "{name} has changed");
    }
}

#[test]
fn every_fixture_is_pinned_and_expected() {
    let in_folder: BTreeSet<_> = fs::read_dir(fixture_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named = |name: &str| format!("{name}.json");
    let pinned: BTreeSet<_> = PINNED.iter().map(|(name, _)| named(name)).collect();
    let expected: BTreeSet<_> = expected::all()
        .into_iter()
        .map(|(name, _)| named(name))
        .collect();
    assert_eq!(in_folder, pinned);
    assert_eq!(in_folder, expected);
}

#[test]
fn every_fixture_is_read_as_the_event_it_was() {
    for (name, expected) in expected::all() {
        assert_eq!(Stored::fixture(name).read().unwrap(), expected, "{name}");
    }
}

#[test]
fn every_event_is_still_written_as_it_was() {
    for (name, expected) in expected::all() {
        let written = encode(&expected.event, &expected.metadata).unwrap();
        assert_eq!(Stored::from(written), Stored::fixture(name), "{name}");
    }
}

/// The chain of a log out there must hold for ever, too.
#[test]
fn the_hash_of_an_event_is_still_what_it_was() {
    let Stored {
        subject,
        headers,
        body,
    } = Stored::fixture("mode_changed_to_administrator");
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let hash = EventHash::compute(&subject, headers, body.as_bytes());
    assert_eq!(
        hash.to_string(),
        "0161253f0802c5bfdf2c9c3ce92efeaef66bbfee053c52cf90f4d58dfadc23bf"
    );
}
