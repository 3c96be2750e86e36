//! Rows as bytes: compact, because there are millions, and fixed by
//! [`SCHEMA_VERSION`](crate::cursor::SCHEMA_VERSION).
//!
//! A row begins with its kind. Numbers are variable in length (seven bits a byte, the lowest
//! first), a set of permissions is one byte, ids of Microsoft are their sixteen bytes.

mod part;

use assent_domain::account::{AccountState, Authorization};
use assent_domain::user::{LastEvents, UserState};

use crate::projected::Projected;
use part::{Answers, Part};

/// Bytes that are no row of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row can't be read")]
pub(crate) struct NoRow;

/// What every row begins with.
const BLOCKED: u8 = 0;
const USER_INDIVIDUAL: u8 = 1;
const AWAITING_SWITCH: u8 = 2;
const ADMIN_CONFIGURED: u8 = 3;
const USER: u8 = 4;
const USER_WITH_IDENTITY: u8 = 5;
/// Of whom something was withdrawn at Microsoft: few are, and the others' rows carry nothing of it.
const USER_WITHDRAWN: u8 = 6;
const USER_WITH_IDENTITY_WITHDRAWN: u8 = 7;

/// A state that has a row.
pub(crate) trait Stored: Sized {
    fn write_known(&self, row: &mut Vec<u8>);
    fn read_known(kind: u8, row: &mut &[u8]) -> Result<Self, NoRow>;

    fn write(projected: &Projected<Self>) -> Vec<u8> {
        let mut row = Vec::with_capacity(48);
        match projected {
            Projected::Known(state) => state.write_known(&mut row),
            Projected::Blocked { at } => {
                BLOCKED.write(&mut row);
                at.write(&mut row);
            }
        }
        row
    }

    fn read(mut row: &[u8]) -> Result<Projected<Self>, NoRow> {
        let row = &mut row;
        let projected = match u8::read(row)? {
            BLOCKED => Projected::Blocked {
                at: Part::read(row)?,
            },
            kind => Projected::Known(Self::read_known(kind, row)?),
        };
        if row.is_empty() {
            Ok(projected)
        } else {
            Err(NoRow)
        }
    }
}

impl Stored for AccountState {
    fn write_known(&self, row: &mut Vec<u8>) {
        let (kind, consent) = match &self.authorization {
            Authorization::UserIndividual {
                awaiting_switch: None,
            } => (USER_INDIVIDUAL, None),
            Authorization::UserIndividual {
                awaiting_switch: Some(consent),
            } => (AWAITING_SWITCH, Some(consent)),
            Authorization::AdminConfigured { consent } => (ADMIN_CONFIGURED, Some(consent)),
        };
        kind.write(row);
        self.email_sync.write(row);
        self.epoch.write(row);
        self.last_sequence.write(row);
        if let Some(consent) = consent {
            consent.write(row);
        }
    }

    fn read_known(kind: u8, row: &mut &[u8]) -> Result<Self, NoRow> {
        Ok(Self {
            email_sync: Part::read(row)?,
            epoch: Part::read(row)?,
            last_sequence: Part::read(row)?,
            authorization: match kind {
                USER_INDIVIDUAL => Authorization::default(),
                AWAITING_SWITCH => Authorization::UserIndividual {
                    awaiting_switch: Some(Part::read(row)?),
                },
                ADMIN_CONFIGURED => Authorization::AdminConfigured {
                    consent: Part::read(row)?,
                },
                _ => return Err(NoRow),
            },
        })
    }
}

impl Stored for UserState {
    fn write_known(&self, row: &mut Vec<u8>) {
        let is_withdrawn = self.last_withdrawal != LastEvents::default();
        let kind = match (self.identity, is_withdrawn) {
            (None, false) => USER,
            (Some(_), false) => USER_WITH_IDENTITY,
            (None, true) => USER_WITHDRAWN,
            (Some(_), true) => USER_WITH_IDENTITY_WITHDRAWN,
        };
        kind.write(row);
        self.own.write(row);
        self.automatic.write(row);
        let answers = Answers {
            answered: self.answered,
            last_no: self.last_no,
            declined: self.declined,
            left_behind: self.left_behind,
        };
        answers.write(row);
        self.epoch.write(row);
        self.last_sequence.write(row);
        if let Some(identity) = &self.identity {
            identity.write(row);
        }
        if is_withdrawn {
            self.last_withdrawal.write(row);
        }
    }

    fn read_known(kind: u8, row: &mut &[u8]) -> Result<Self, NoRow> {
        let (own, automatic) = (Part::read(row)?, Part::read(row)?);
        let answers: Answers = Part::read(row)?;
        Ok(Self {
            own,
            automatic,
            answered: answers.answered,
            last_no: answers.last_no,
            declined: answers.declined,
            left_behind: answers.left_behind,
            epoch: Part::read(row)?,
            last_sequence: Part::read(row)?,
            identity: match kind {
                USER | USER_WITHDRAWN => None,
                USER_WITH_IDENTITY | USER_WITH_IDENTITY_WITHDRAWN => Some(Part::read(row)?),
                _ => return Err(NoRow),
            },
            last_withdrawal: match kind {
                USER_WITHDRAWN | USER_WITH_IDENTITY_WITHDRAWN => there(Part::read(row)?)?,
                _ => LastEvents::default(),
            },
        })
    }
}

/// A row that says that there is something has one way to say so.
fn there(last: LastEvents) -> Result<LastEvents, NoRow> {
    if last == LastEvents::default() {
        return Err(NoRow);
    }
    Ok(last)
}

#[cfg(test)]
mod tests;
