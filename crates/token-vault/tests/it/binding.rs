//! What is sealed opens in its place, and nowhere else.

use std::sync::LazyLock;

use assent_token_vault::{Binding, KeyRing, OpenError, SealError, TokenRecord, Vault as _};
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{TOKEN, account, ana, facts, ring, sealed, user};

#[tokio::test]
async fn a_token_comes_back_in_its_place() {
    let (_home, _, ring) = ring().await;
    let record = sealed(&ring, TOKEN, &ana()).await;

    let stored = serde_json::to_string(&record).unwrap();
    let read: TokenRecord = serde_json::from_str(&stored).unwrap();
    let opened = ring.open(&read, &ana().account, &ana().user).await.unwrap();

    assert_eq!(opened.expose_secret(), TOKEN);
    assert_eq!(read, record);
    assert_eq!(read.binding(&ana().account, &ana().user), ana());
    assert_eq!((read.sequence, read.verified_at), (7, facts(7).stored_at));
    assert!(!stored.contains(TOKEN));
    assert!(!format!("{record:?}").contains(&stored[stored.len() - 20..stored.len() - 4]));
}

#[tokio::test]
async fn what_is_noted_beside_it_may_change() {
    let (_home, _, ring) = ring().await;
    let mut record = sealed(&ring, TOKEN, &ana()).await;
    record.sequence = 99;
    record.verified_at = "2027-01-01T00:00:00Z".parse().unwrap();
    record.reauthentication_required = true;
    let opened = ring.open(&record, &ana().account, &ana().user).await;
    assert_eq!(opened.unwrap().expose_secret(), TOKEN);
}

#[tokio::test]
async fn two_records_of_one_token_are_not_alike() {
    let (_home, _, ring) = ring().await;
    let (one, other) = (
        sealed(&ring, TOKEN, &ana()).await,
        sealed(&ring, TOKEN, &ana()).await,
    );
    let parts = |record: &TokenRecord| {
        let value = serde_json::to_value(record).unwrap();
        (value["enc"].clone(), value["ciphertext"].clone())
    };
    assert_ne!(parts(&one).0, parts(&other).0);
    assert_ne!(parts(&one).1, parts(&other).1);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_not_sealed() {
    let (_home, _, ring) = ring().await;
    let key = ring.public_key().await;
    for token in [String::new(), "x".repeat(32 * 1024 + 1)] {
        let sealed = key.seal(&SecretString::from(token), &ana(), facts(1));
        assert_eq!(sealed, Err(SealError::Length));
    }
    let longest = "x".repeat(32 * 1024);
    let record = sealed(&ring, &longest, &ana()).await;
    // With a flow around it, still a message of NATS.
    assert!(serde_json::to_vec(&record).unwrap().len() < 64 * 1024);
}

#[tokio::test]
async fn a_record_of_another_key_says_which() {
    let (_home, _, ring) = ring().await;
    let (_other_home, _, other) = self::ring().await;
    let record = sealed(&other, TOKEN, &ana()).await;
    let refused = ring.open(&record, &ana().account, &ana().user).await;
    assert_eq!(
        refused.unwrap_err(),
        OpenError::UnknownKey(record.key_id().clone())
    );

    // Relabelled, it is no better.
    let mut value = serde_json::to_value(&record).unwrap();
    value["key_id"] = json!(ring.public_key().await.id());
    let relabelled: TokenRecord = serde_json::from_value(value).unwrap();
    let refused = ring.open(&relabelled, &ana().account, &ana().user).await;
    assert_eq!(refused.unwrap_err(), OpenError::NotItsPlace);
}

#[tokio::test]
async fn another_version_is_refused_by_its_number() {
    let (_home, _, ring) = ring().await;
    let mut value = serde_json::to_value(sealed(&ring, TOKEN, &ana()).await).unwrap();
    value["version"] = json!(2);
    let record: TokenRecord = serde_json::from_value(value).unwrap();
    let refused = ring.open(&record, &ana().account, &ana().user).await;
    assert_eq!(refused.unwrap_err(), OpenError::OtherVersion(2));
}

#[tokio::test]
async fn a_truncated_record_opens_for_nobody() {
    let (_home, _, ring) = ring().await;
    let value = serde_json::to_value(sealed(&ring, TOKEN, &ana()).await).unwrap();
    for member in ["enc", "ciphertext"] {
        let whole = value[member].as_str().unwrap();
        for length in 0..whole.len() {
            let mut cut = value.clone();
            cut[member] = json!(whole[..length]);
            let record: TokenRecord = serde_json::from_value(cut).unwrap();
            let refused = ring.open(&record, &ana().account, &ana().user).await;
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, OpenError::Damaged | OpenError::NotItsPlace),
                "{member} {length}: {refused}"
            );
        }
    }
}

/// One ring for all cases: what takes long is making it.
static KEYS: LazyLock<(TempDir, KeyRing)> = LazyLock::new(|| {
    let (home, _, ring) = runtime().block_on(ring());
    (home, ring)
});

/// One of the things that a token is bound to, changed.
fn elsewhere() -> impl Strategy<Value = Binding> {
    let id = "[A-Za-z0-9_|:+=~-]{1,40}";
    prop_oneof![
        id.prop_map(|id| Binding {
            account: account(&id),
            ..ana()
        }),
        id.prop_map(|id| Binding {
            user: user(&id),
            ..ana()
        }),
        any::<u128>().prop_map(|id| Binding {
            tenant_id: Uuid::from_u128(id),
            ..ana()
        }),
        any::<u128>().prop_map(|id| Binding {
            object_id: Uuid::from_u128(id),
            ..ana()
        }),
        // One bit is enough.
        (0..128u32).prop_map(|bit| Binding {
            tenant_id: Uuid::from_u128(1 ^ (1 << bit)),
            ..ana()
        }),
        (0..128u32).prop_map(|bit| Binding {
            object_id: Uuid::from_u128(2 ^ (1 << bit)),
            ..ana()
        }),
        Just(Binding {
            tenant_id: ana().object_id,
            object_id: ana().tenant_id,
            ..ana()
        }),
        ".{0,40}".prop_map(|client_id| Binding { client_id, ..ana() }),
    ]
    .prop_filter("it is the same place", |binding| *binding != ana())
}

/// Where the parts are next to each other, what belongs to which must not be a matter of taste.
fn neighbours() -> impl Strategy<Value = (Binding, Binding)> {
    ("[a-z\",\\[\\]]{0,6}", 0..=6usize, "[a-z]{2,8}", 1..8usize).prop_filter_map(
        "the cut is outside",
        |(client, cut, ids, at)| {
            let (left, right) = ids.split_at_checked(at)?;
            let (other_left, other_right) =
                ids.split_at_checked((at + 1 + cut) % ids.len().max(1))?;
            let of = |left: &str, right: &str| {
                Some(Binding {
                    account: left.parse().ok()?,
                    user: right.parse().ok()?,
                    client_id: client.clone(),
                    ..ana()
                })
            };
            let (one, other) = (of(left, right)?, of(other_left, other_right)?);
            (one != other).then_some((one, other))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_part_of_the_place_matters(place in elsewhere()) {
        opens_only_in_its_place(&ana(), &place)?;
    }

    #[test]
    fn no_part_runs_into_the_next((one, other) in neighbours()) {
        opens_only_in_its_place(&one, &other)?;
    }

    #[test]
    fn every_bit_of_what_is_sealed_matters(position in any::<prop::sample::Index>(), bit in 0..6u32) {
        let ring = &KEYS.1;
        runtime().block_on(async {
            let value = serde_json::to_value(sealed(ring, TOKEN, &ana()).await).unwrap();
            let flipped = flip(&value, position, bit);
            if let Ok(record) = serde_json::from_value::<TokenRecord>(flipped.clone()) {
                let opened = ring.open(&record, &ana().account, &ana().user).await;
                assert!(opened.is_err(), "{flipped}");
            }
        });
    }
}

/// Another character in one of the sealed texts.
fn flip(value: &Value, position: prop::sample::Index, bit: u32) -> Value {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (enc, ciphertext) = (
        value["enc"].as_str().unwrap(),
        value["ciphertext"].as_str().unwrap(),
    );
    let position = position.index(enc.len() + ciphertext.len());
    let (member, text, at) = match position.checked_sub(enc.len()) {
        None => ("enc", enc, position),
        Some(at) => ("ciphertext", ciphertext, at),
    };
    let mut text = text.as_bytes().to_vec();
    let number = ALPHABET.iter().position(|byte| *byte == text[at]).unwrap();
    text[at] = ALPHABET[number ^ (1 << bit)];
    let mut flipped = value.clone();
    flipped[member] = json!(String::from_utf8(text).unwrap());
    flipped
}

fn opens_only_in_its_place(sealed_for: &Binding, place: &Binding) -> Result<(), TestCaseError> {
    let ring = &KEYS.1;
    let (opened, refused) = runtime().block_on(async {
        let mut record = sealed(ring, TOKEN, sealed_for).await;
        let (account, user) = (&sealed_for.account, &sealed_for.user);
        let opened = ring.open(&record, account, user).await;
        record.tenant_id = place.tenant_id;
        record.object_id = place.object_id;
        record.client_id.clone_from(&place.client_id);
        let refused = ring.open(&record, &place.account, &place.user).await;
        (opened, refused)
    });
    prop_assert!(opened.is_ok());
    prop_assert_eq!(refused.err(), Some(OpenError::NotItsPlace));
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}
