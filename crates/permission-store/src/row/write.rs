use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::ids::{Cloud, Sequence, Tenant};
use assent_domain::mode::EmailSync;
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_domain::user::{LastNo, UserState};

use super::{
    ADMIN_CONFIGURED, AWAITING_SWITCH, BLOCKED, NOES, USER, USER_INDIVIDUAL, USER_WITH_IDENTITY,
};
use crate::projected::Projected;

pub(super) fn account(state: &Projected<AccountState>) -> Vec<u8> {
    let mut row = Row(Vec::with_capacity(48));
    match state {
        Projected::Blocked { at } => row.blocked(*at),
        Projected::Known(state) => {
            let (kind, consent) = match &state.authorization {
                Authorization::UserIndividual {
                    awaiting_switch: None,
                } => (USER_INDIVIDUAL, None),
                Authorization::UserIndividual {
                    awaiting_switch: Some(consent),
                } => (AWAITING_SWITCH, Some(consent)),
                Authorization::AdminConfigured { consent } => (ADMIN_CONFIGURED, Some(consent)),
            };
            row.byte(kind);
            row.byte(match state.email_sync {
                EmailSync::Limited => 0,
                EmailSync::Full => 1,
            });
            row.number(state.epoch.0);
            row.number(state.last_sequence.0);
            if let Some(consent) = consent {
                row.consent(consent);
            }
        }
    }
    row.0
}

pub(super) fn user(state: &Projected<UserState>) -> Vec<u8> {
    let mut row = Row(Vec::with_capacity(48));
    match state {
        Projected::Blocked { at } => row.blocked(*at),
        Projected::Known(state) => {
            row.byte(match state.identity {
                None => USER,
                Some(_) => USER_WITH_IDENTITY,
            });
            row.set(state.own);
            row.set(state.automatic);
            row.answers(state.answered, state.last_no);
            row.number(state.epoch.0);
            row.number(state.last_sequence.0);
            if let Some(identity) = &state.identity {
                row.tenant(identity.tenant);
                row.0.extend_from_slice(identity.object_id.0.as_bytes());
            }
        }
    }
    row.0
}

struct Row(Vec<u8>);

impl Row {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn blocked(&mut self, at: Sequence) {
        self.byte(BLOCKED);
        self.number(at.0);
    }

    fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.byte(low & 0x7f);
                return;
            }
            self.byte(low | 0x80);
        }
    }

    fn answers(&mut self, answered: Kinds, last_no: LastNo) {
        let said_no = last_no.said_after(Sequence(0));
        self.byte(bits(answered) | bits(said_no) << NOES);
        for (is_there, at) in [
            (said_no.calendar, last_no.calendar),
            (said_no.contacts, last_no.contacts),
            (said_no.email, last_no.email),
        ] {
            if is_there {
                self.number(at.0);
            }
        }
    }

    fn set(&mut self, set: PermissionSet) {
        let email = match set.email {
            EmailLevel::None => 0,
            EmailLevel::Limited => 1,
            EmailLevel::Full => 2,
        };
        self.byte(u8::from(set.calendar) | u8::from(set.contacts) << 1 | email << 2);
    }

    fn tenant(&mut self, tenant: Tenant) {
        self.byte(match tenant.cloud {
            Cloud::Worldwide => 0,
            Cloud::GccHigh => 1,
            Cloud::Dod => 2,
            Cloud::China => 3,
        });
        self.0.extend_from_slice(tenant.id.0.as_bytes());
    }

    fn consent(&mut self, consent: &Consent) {
        self.0.extend_from_slice(consent.id.0.as_bytes());
        self.set(consent.permissions);
        self.tenant(consent.tenant);
        self.number(consent.recorded_at.0);
    }
}

fn bits(kinds: Kinds) -> u8 {
    u8::from(kinds.calendar) | u8::from(kinds.contacts) << 1 | u8::from(kinds.email) << 2
}
