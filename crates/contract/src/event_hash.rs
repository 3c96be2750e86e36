//! The hash that ties an event to its predecessor on its subject, so that nobody can
//! change, drop or insert one unnoticed.

use std::fmt;
use std::str::FromStr;

use assent_domain::event::Event;
use sha2::{Digest, Sha256};

/// The SHA-256 of an event as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// Stands for the predecessor of the first event on a subject.
    pub const NONE: Self = Self([0; 32]);

    /// Hashes an event: its subject, its CloudEvents attributes in the order of their
    /// names, and its body. Transport headers do not count. The values are percent-encoded,
    /// so no line break can be smuggled in.
    pub fn compute<'a>(
        subject: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &[u8],
    ) -> Self {
        let mut attributes: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| name.starts_with("ce-"))
            .collect();
        attributes.sort_unstable();
        let mut hasher = Sha256::new();
        for part in [subject, "\n"] {
            hasher.update(part);
        }
        for (name, value) in attributes {
            for part in [name, ":", value, "\n"] {
                hasher.update(part);
            }
        }
        hasher.update("\n");
        hasher.update(body);
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// How an event is tied to those before it on its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChainLink {
    /// It names the event before it.
    Next,
    /// It names an earlier event, or none: it was recorded while the log was damaged, by somebody
    /// who could not read what lies in between.
    PastDamage,
}

/// How an event that names `previous` is tied to the events before it, whose hashes these are in
/// their order. `None` is a broken chain: something was changed, dropped or slipped in.
///
/// What a user takes back is recorded also where the log has lost events of the user, after the
/// last one that can be read. Once these are restored, that revocation names one that is not its
/// predecessor. It may, as it can only take away; no other event may.
pub fn chain_link(
    event: &Event,
    previous: EventHash,
    before: impl DoubleEndedIterator<Item = EventHash>,
) -> Option<ChainLink> {
    let mut before = before.rev();
    if previous == before.next().unwrap_or(EventHash::NONE) {
        return Some(ChainLink::Next);
    }
    let is_earlier = previous == EventHash::NONE || before.any(|hash| hash == previous);
    (may_pass_damage(event) && is_earlier).then_some(ChainLink::PastDamage)
}

/// Whether an event may be recorded where those before it can't all be read: one that can only take
/// away.
pub const fn may_pass_damage(event: &Event) -> bool {
    match event {
        Event::UserScopeRevoked(_) => true,
        Event::ModeChanged(_) | Event::AdminConsentGranted(_) | Event::UserScopeGranted(_) => false,
    }
}

impl From<[u8; 32]> for EventHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventHash({self})")
    }
}

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for EventHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        if text.len() != 64 {
            return Err(InvalidHash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = match pair {
                [high, low] => (digit(*high)? << 4) | digit(*low)?,
                _ => return Err(InvalidHash),
            };
        }
        Ok(Self(bytes))
    }
}

fn digit(byte: u8) -> Result<u8, InvalidHash> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidHash),
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::{
        AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
        UserScopeRevoked, Verification,
    };
    use assent_domain::ids::{
        AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Tenant, TenantId, UserId,
    };
    use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
    use assent_domain::permissions::{Kinds, PermissionSet};
    use proptest::{prop_assert_eq, proptest};
    use uuid::Uuid;

    use super::{ChainLink, EventHash, InvalidHash, chain_link};

    #[test]
    fn a_hash_depends_on_subject_attributes_and_body_alone() {
        let headers = [("ce-id", "1"), ("ce-type", "t"), ("Nats-Msg-Id", "1")];
        let hash = EventHash::compute("s", headers, b"{}");
        let shuffled = [("traceparent", "x"), ("ce-type", "t"), ("ce-id", "1")];
        assert_eq!(hash, EventHash::compute("s", shuffled, b"{}"));
        assert_ne!(hash, EventHash::compute("other", headers, b"{}"));
        assert_ne!(
            hash,
            EventHash::compute("s", [("ce-id", "2"), ("ce-type", "t")], b"{}")
        );
        assert_ne!(hash, EventHash::compute("s", headers, b"{ }"));
    }

    fn hash(number: u8) -> EventHash {
        EventHash::from([number; 32])
    }

    fn events() -> [Event; 4] {
        let account = AccountId::parse("acme").unwrap();
        let user = UserId::parse("ana").unwrap();
        let mode = Mode {
            method: AuthorizationMethod::UserIndividual,
            email_sync: EmailSync::Full,
        };
        let tenant = Tenant {
            cloud: Cloud::Worldwide,
            id: TenantId(Uuid::nil()),
        };
        [
            Event::UserScopeRevoked(UserScopeRevoked {
                account: account.clone(),
                user: user.clone(),
                epoch: Epoch(0),
                permissions: Kinds::NONE,
                reason: RevocationReason::UserRevoked,
                revoked_by: None,
            }),
            Event::UserScopeGranted(UserScopeGranted {
                account: account.clone(),
                user: user.clone(),
                epoch: Epoch(0),
                permissions: PermissionSet::EVERYTHING,
                authority: Authority::User,
                identity: MicrosoftIdentity {
                    tenant,
                    object_id: ObjectId(Uuid::nil()),
                },
                scopes: Vec::new(),
            }),
            Event::AdminConsentGranted(AdminConsentGranted {
                account: account.clone(),
                consent: ConsentId(Uuid::nil()),
                tenant,
                permissions: PermissionSet::EVERYTHING,
                scopes: Vec::new(),
                requested_by: user.clone(),
                granted_by: ObjectId(Uuid::nil()),
                verification: Verification::default(),
            }),
            Event::ModeChanged(ModeChanged {
                account,
                from: mode,
                to: mode,
                consent: None,
                changed_by: user,
            }),
        ]
    }

    proptest! {
        /// An event that names its predecessor follows on it; of the others, only what takes
        /// something away may name an earlier event or none. Nothing else is ever accepted.
        #[test]
        fn only_what_takes_away_may_name_another_than_its_predecessor(
            length in 0_u8..6,
            named in 0_u8..9,
            which in 0_usize..4,
        ) {
            // The history's hashes are 1 to `length`; 0 stands for none, the rest for foreign ones.
            let before = (1..=length).map(hash);
            let [revoked, granted, consented, changed] = events();
            let event = [&revoked, &granted, &consented, &changed][which];
            let link = chain_link(event, hash(named), before);
            let expected = if named == length {
                Some(ChainLink::Next)
            } else if which == 0 && named < length {
                Some(ChainLink::PastDamage)
            } else {
                None
            };
            prop_assert_eq!(link, expected);
        }
    }

    #[test]
    fn a_hash_is_written_and_read_as_hexadecimal() {
        let hash = EventHash::compute("s", [], b"");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("0".repeat(64).parse(), Ok(EventHash::NONE));
        for bad in ["", "0", &"G".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(bad.parse::<EventHash>(), Err(InvalidHash));
        }
    }
}
