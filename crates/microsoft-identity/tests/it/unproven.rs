//! What strangers have us ask: names that somebody typed, tenants that a browser claims. It must cost little, and
//! nobody's sign-in.

use std::time::Duration;

use assent_microsoft_identity::{DiscoveryError, Entra, TenantMetadata, TenantRef};
use serde_json::json;
use uuid::Uuid;

use crate::authority::TENANT;
use crate::wire::{Reaction, Wire, look_up, metadata, redeem, skip};

fn name() -> TenantRef {
    TenantRef::parse(&format!("n{}.example", Uuid::new_v4().simple())).unwrap()
}

/// The ways in which a stranger's word leads to a question.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Found,
    Named,
    Claimed,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Found, Self::Named, Self::Claimed];

    async fn of(self, entra: &Entra, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        match self {
            Self::Found => entra.find_tenant(tenant).await,
            Self::Named => entra.named_tenant(tenant).await,
            Self::Claimed => entra.claimed_tenant(tenant).await,
        }
    }
}

fn throttled() -> Reaction {
    Reaction::status(429, "retry-after: 300\r\n", &json!({}))
}

fn broken() -> Reaction {
    Reaction::status(500, "", &json!({}))
}

#[tokio::test]
async fn what_is_unknown_is_remembered_for_minutes() {
    for asked in Asked::ALL {
        let wire = Wire::start([Reaction::status(400, "", &json!({}))]).await;
        let entra = wire.entra();
        let tenant = name();
        for _ in 0..3 {
            let unknown = asked.of(&entra, &tenant).await;
            assert!(
                matches!(unknown, Err(DiscoveryError::UnknownTenant)),
                "{asked:?}: {unknown:?}"
            );
        }
        assert_eq!(wire.count(), 1, "{asked:?}");
        skip(Duration::from_mins(5)).await;
        wire.set_reactions([Reaction::Bytes(metadata())]);
        asked.of(&entra, &tenant).await.unwrap();
        assert_eq!(wire.count(), 2, "{asked:?}");
    }
}

#[tokio::test]
async fn whoever_counts_questions_can_tell_those_that_need_none() {
    let wire = Wire::start([
        Reaction::Bytes(metadata()),
        Reaction::status(404, "", &json!({})),
    ])
    .await;
    let entra = wire.entra();
    let (there, nowhere) = (name(), name());
    for tenant in [&there, &nowhere] {
        assert!(!entra.remembers_named_tenant(tenant));
        let _known_or_not = entra.named_tenant(tenant).await;
        assert!(entra.remembers_named_tenant(tenant));
        assert!(!entra.remembers_name(tenant));
        let _known_or_not = entra.find_tenant(tenant).await;
        assert!(entra.remembers_name(tenant));
    }
    // A tenant that signed a token needs no question of a stranger's.
    let wire = Wire::start([Reaction::Bytes(metadata())]).await;
    let entra = wire.entra();
    entra.tenant(&TenantRef::Id(TENANT)).await.unwrap();
    assert!(entra.remembers_named_tenant(&TenantRef::Id(TENANT)));
}

#[tokio::test]
async fn throttling_or_trouble_of_strangers_questions_touches_no_sign_in() {
    for trouble in [throttled(), broken(), Reaction::Close, Reaction::Reset] {
        for asked in Asked::ALL {
            let wire = Wire::start([trouble.clone()]).await;
            let entra = wire.entra();
            let mut answers = Vec::new();
            for _ in 0..6 {
                answers.push(asked.of(&entra, &name()).await.is_err());
            }
            assert_eq!(answers, [true; 6], "{asked:?}");
            let before = wire.count();
            let again = asked.of(&entra, &name()).await.unwrap_err();
            assert!(again.retry_after().is_some(), "{asked:?} {again:?}");
            assert_eq!(wire.count(), before, "{asked:?}: held back");

            wire.set_reactions([Reaction::Bytes(metadata())]);
            look_up(&entra).await.unwrap();
            let redeemed = redeem(&entra).await;
            assert_eq!(wire.count(), before + 2, "{redeemed:?}");
            assert_eq!(redeemed.unwrap_err().retry_after(), None);
            // What browsers claim and what people type do not hold each other up either.
            for other in Asked::ALL {
                let shares_the_gate = (asked == Asked::Claimed) == (other == Asked::Claimed);
                let answer = other.of(&entra, &name()).await;
                assert_eq!(answer.is_err(), shares_the_gate, "{asked:?} {other:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_number_of_invented_names_drives_out_a_tenant_that_signs_tokens() {
    let wire = Wire::start([
        Reaction::Bytes(metadata()),
        Reaction::status(400, "", &json!({})),
    ])
    .await;
    let entra = wire.entra();
    entra.tenant(&TenantRef::Id(TENANT)).await.unwrap();
    for _ in 0..1_100 {
        assert!(entra.named_tenant(&name()).await.is_err());
    }
    let before = wire.count();
    entra.tenant(&TenantRef::Id(TENANT)).await.unwrap();
    entra.claimed_tenant(&TenantRef::Id(TENANT)).await.unwrap();
    assert_eq!(wire.count(), before);
}
