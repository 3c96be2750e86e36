//! Logs for the tests: legal ones mostly, with duplicates of ids, unreadable entries and events
//! that can't follow thrown in.

use assent_domain::event::{
    AdminConsentGranted, Aggregate, Authority, Event, ModeChanged, RevocationReason,
    UserScopeGranted, UserScopeRevoked, Verification,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId,
    UserId,
};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_permission_store::{Content, Entry, Source};
use uuid::Uuid;

const ACCOUNTS: [&str; 3] = ["acme", "acme-eu", "umbrella"];
const USERS: [&str; 4] = ["ana", "ben", "ana-2", "zoe"];

pub(crate) fn source() -> Source {
    created("2026-11-23T10:00:00Z")
}

pub(crate) fn created(when: &str) -> Source {
    Source {
        stream: "CONSENT_EVENTS".to_owned(),
        created: when.to_owned(),
    }
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// The hash that the tests give an entry.
pub(crate) fn hash(sequence: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&sequence.to_be_bytes());
    hash
}

pub(crate) fn granted(sequence: u64, account_id: &str, user_id: &str) -> Entry {
    let event = Event::UserScopeGranted(UserScopeGranted {
        account: account(account_id),
        user: user(user_id),
        epoch: Epoch(0),
        permissions: PermissionSet::EVERYTHING,
        authority: Authority::User,
        identity: MicrosoftIdentity {
            tenant: tenant(),
            object_id: ObjectId(Uuid::from_u128(sequence.into())),
        },
        scopes: Vec::new(),
    });
    entry(sequence, event)
}

pub(crate) fn entry(sequence: u64, event: Event) -> Entry {
    Entry {
        sequence: Sequence(sequence),
        aggregate: Some(event.aggregate()),
        content: Content::Event(event),
        hash: hash(sequence),
    }
}

pub(crate) fn unreadable(sequence: u64, aggregate: Option<Aggregate>) -> Entry {
    Entry {
        sequence: Sequence(sequence),
        aggregate,
        content: Content::Unreadable,
        hash: hash(sequence),
    }
}

pub(crate) fn tenant() -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(1)),
    }
}

/// What the nth number of a log stands for: a deterministic log from arbitrary numbers.
pub(crate) fn log(numbers: &[u32]) -> Vec<Entry> {
    let mut modes = [(Mode::default(), 0_u64); ACCOUNTS.len()];
    let mut entries: Vec<Entry> = Vec::new();
    for number in numbers {
        let mut dice = Dice(*number);
        let which = dice.below(ACCOUNTS.len());
        let company = account(ACCOUNTS[which]);
        let person = user(USERS[dice.below(USERS.len())]);
        let (mode, epoch) = &mut modes[which];
        let sequence = entries.len() as u64 + 1;
        match dice.below(20) {
            0 => entries.push(unreadable(sequence, None)),
            1 => {
                let aggregate = if dice.below(3) == 0 {
                    Aggregate::Account(company)
                } else {
                    Aggregate::User(company, person)
                };
                entries.push(unreadable(sequence, Some(aggregate)));
            }
            2 => {
                let change = mode_change(company, *mode, *mode, None);
                entries.push(entry(sequence, change));
            }
            3..=4 => {
                let consent = ConsentId(Uuid::from_u128(sequence.into()));
                entries.push(entry(sequence, consent_granted(&company, consent)));
                if mode.method == AuthorizationMethod::UserIndividual {
                    let to = Mode {
                        method: AuthorizationMethod::AdminConfigured,
                        ..*mode
                    };
                    let change = mode_change(company, *mode, to, Some(consent));
                    entries.push(entry(sequence + 1, change));
                    (*mode, *epoch) = (to, *epoch + 1);
                }
            }
            5 => {
                let to = Mode {
                    method: AuthorizationMethod::UserIndividual,
                    email_sync: if dice.below(2) == 0 {
                        EmailSync::Limited
                    } else {
                        EmailSync::Full
                    },
                };
                let change = mode_change(company, *mode, to, None);
                entries.push(entry(sequence, change));
                if to.method != mode.method {
                    *epoch += 1;
                }
                *mode = to;
            }
            6..=8 => {
                let event = Event::UserScopeRevoked(UserScopeRevoked {
                    account: company,
                    user: person,
                    epoch: Epoch(epoch.saturating_sub(dice.below(2) as u64)),
                    permissions: Kinds {
                        calendar: dice.below(2) == 0,
                        contacts: dice.below(2) == 0,
                        email: dice.below(2) == 0,
                    },
                    reason: RevocationReason::UserRevoked,
                    revoked_by: None,
                });
                entries.push(entry(sequence, event));
            }
            _ => {
                let authority = match mode.method {
                    AuthorizationMethod::UserIndividual => Authority::User,
                    AuthorizationMethod::AdminConfigured => {
                        Authority::AdministratorConsent(ConsentId(Uuid::nil()))
                    }
                };
                let event = Event::UserScopeGranted(UserScopeGranted {
                    account: company,
                    user: person,
                    epoch: Epoch(*epoch),
                    permissions: PermissionSet {
                        calendar: dice.below(2) == 0,
                        contacts: dice.below(2) == 0,
                        email: EmailLevel::Full,
                    },
                    authority,
                    identity: MicrosoftIdentity {
                        tenant: tenant(),
                        object_id: ObjectId(Uuid::from_u128(dice.below(3) as u128)),
                    },
                    scopes: Vec::new(),
                });
                entries.push(entry(sequence, event));
            }
        }
    }
    entries
}

fn mode_change(account: AccountId, from: Mode, to: Mode, consent: Option<ConsentId>) -> Event {
    Event::ModeChanged(ModeChanged {
        account,
        from,
        to,
        consent,
        changed_by: user("super"),
    })
}

fn consent_granted(account: &AccountId, consent: ConsentId) -> Event {
    Event::AdminConsentGranted(AdminConsentGranted {
        account: account.clone(),
        consent,
        tenant: tenant(),
        permissions: PermissionSet::EVERYTHING,
        scopes: Vec::new(),
        requested_by: user("super"),
        granted_by: ObjectId(Uuid::from_u128(9)),
        verification: Verification {
            roles: Vec::new(),
            tenant_wide_grant: true,
        },
    })
}

/// Small choices out of one number.
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).unwrap();
        let value = self.0 % bound;
        self.0 /= bound;
        value as usize
    }
}
