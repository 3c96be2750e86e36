use assent_domain::account::{AccountState, Authorization, Consent};
use assent_domain::ids::{
    Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId,
};
use assent_domain::mode::EmailSync;
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_domain::user::{LastNo, UserState};
use uuid::Uuid;

use super::{
    ADMIN_CONFIGURED, AWAITING_SWITCH, BLOCKED, NOES, NoRow, USER, USER_INDIVIDUAL,
    USER_WITH_IDENTITY,
};
use crate::projected::Projected;

pub(super) fn account(row: &[u8]) -> Result<Projected<AccountState>, NoRow> {
    let mut row = Row(row);
    let kind = row.byte()?;
    if kind == BLOCKED {
        return row.blocked();
    }
    let email_sync = match row.byte()? {
        0 => EmailSync::Limited,
        1 => EmailSync::Full,
        _ => return Err(NoRow),
    };
    let epoch = Epoch(row.number()?);
    let last_sequence = Sequence(row.number()?);
    let authorization = match kind {
        USER_INDIVIDUAL => Authorization::default(),
        AWAITING_SWITCH => Authorization::UserIndividual {
            awaiting_switch: Some(row.consent()?),
        },
        ADMIN_CONFIGURED => Authorization::AdminConfigured {
            consent: row.consent()?,
        },
        _ => return Err(NoRow),
    };
    row.end(AccountState {
        authorization,
        email_sync,
        epoch,
        last_sequence,
    })
}

pub(super) fn user(row: &[u8]) -> Result<Projected<UserState>, NoRow> {
    let mut row = Row(row);
    let kind = row.byte()?;
    if kind == BLOCKED {
        return row.blocked();
    }
    let own = row.set()?;
    let automatic = row.set()?;
    let (answered, last_no) = row.answers()?;
    let epoch = Epoch(row.number()?);
    let last_sequence = Sequence(row.number()?);
    let identity = match kind {
        USER => None,
        USER_WITH_IDENTITY => Some(MicrosoftIdentity {
            tenant: row.tenant()?,
            object_id: ObjectId(row.uuid()?),
        }),
        _ => return Err(NoRow),
    };
    row.end(UserState {
        epoch,
        own,
        automatic,
        answered,
        last_no,
        identity,
        last_sequence,
    })
}

struct Row<'a>(&'a [u8]);

impl Row<'_> {
    fn byte(&mut self) -> Result<u8, NoRow> {
        let (first, rest) = self.0.split_first().ok_or(NoRow)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, NoRow> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return if number >> shift == bits {
                    Ok(number)
                } else {
                    Err(NoRow)
                };
            }
        }
        Err(NoRow)
    }

    fn answers(&mut self) -> Result<(Kinds, LastNo), NoRow> {
        let byte = self.byte()?;
        if byte >> (2 * NOES) != 0 {
            return Err(NoRow);
        }
        let said_no = kinds(byte >> NOES);
        let mut no = |is_there: bool| {
            if !is_there {
                return Ok(Sequence(0));
            }
            // One that is left out has one way to be written.
            match self.number()? {
                0 => Err(NoRow),
                at => Ok(Sequence(at)),
            }
        };
        let last_no = LastNo {
            calendar: no(said_no.calendar)?,
            contacts: no(said_no.contacts)?,
            email: no(said_no.email)?,
        };
        Ok((kinds(byte), last_no))
    }

    fn set(&mut self) -> Result<PermissionSet, NoRow> {
        let byte = self.byte()?;
        let email = match byte >> 2 {
            0 => EmailLevel::None,
            1 => EmailLevel::Limited,
            2 => EmailLevel::Full,
            _ => return Err(NoRow),
        };
        Ok(PermissionSet {
            calendar: byte & 0b1 != 0,
            contacts: byte & 0b10 != 0,
            email,
        })
    }

    fn uuid(&mut self) -> Result<Uuid, NoRow> {
        let (bytes, rest) = self.0.split_first_chunk::<16>().ok_or(NoRow)?;
        self.0 = rest;
        Ok(Uuid::from_bytes(*bytes))
    }

    fn tenant(&mut self) -> Result<Tenant, NoRow> {
        let cloud = match self.byte()? {
            0 => Cloud::Worldwide,
            1 => Cloud::GccHigh,
            2 => Cloud::Dod,
            3 => Cloud::China,
            _ => return Err(NoRow),
        };
        Ok(Tenant {
            cloud,
            id: TenantId(self.uuid()?),
        })
    }

    fn consent(&mut self) -> Result<Consent, NoRow> {
        Ok(Consent {
            id: ConsentId(self.uuid()?),
            permissions: self.set()?,
            tenant: self.tenant()?,
            recorded_at: Sequence(self.number()?),
        })
    }

    fn blocked<S>(mut self) -> Result<Projected<S>, NoRow> {
        let at = Sequence(self.number()?);
        if self.0.is_empty() {
            Ok(Projected::Blocked { at })
        } else {
            Err(NoRow)
        }
    }

    fn end<S>(self, state: S) -> Result<Projected<S>, NoRow> {
        if self.0.is_empty() {
            Ok(Projected::Known(state))
        } else {
            Err(NoRow)
        }
    }
}

/// The lowest three bits.
const fn kinds(bits: u8) -> Kinds {
    Kinds {
        calendar: bits & 0b1 != 0,
        contacts: bits & 0b10 != 0,
        email: bits & 0b100 != 0,
    }
}
