//! The values that rows are made of, each written and read in one place.

use assent_domain::account::Consent;
use assent_domain::ids::{
    Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Sequence, Tenant, TenantId,
};
use assent_domain::mode::EmailSync;
use assent_domain::permissions::{EmailLevel, Kinds, PermissionSet};
use assent_domain::user::LastEvents;
use uuid::Uuid;

use super::NoRow;

/// A value within a row.
pub(super) trait Part: Sized {
    fn write(&self, row: &mut Vec<u8>);
    /// Takes the value from the front of what is left of a row.
    fn read(row: &mut &[u8]) -> Result<Self, NoRow>;
}

impl Part for u8 {
    fn write(&self, row: &mut Vec<u8>) {
        row.push(*self);
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let (first, rest) = row.split_first().ok_or(NoRow)?;
        *row = rest;
        Ok(*first)
    }
}

/// Seven bits a byte, the lowest first; each number in one way only.
impl Part for u64 {
    fn write(&self, row: &mut Vec<u8>) {
        let mut number = *self;
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                row.push(low & 0x7f);
                return;
            }
            row.push(low | 0x80);
        }
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let mut number = 0_u64;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = u8::read(row)?;
            let bits = Self::from(byte & 0x7f);
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
}

impl Part for Uuid {
    fn write(&self, row: &mut Vec<u8>) {
        row.extend_from_slice(self.as_bytes());
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let (bytes, rest) = row.split_first_chunk::<16>().ok_or(NoRow)?;
        *row = rest;
        Ok(Self::from_bytes(*bytes))
    }
}

/// Wrappers of one value, and values made of others in this order.
macro_rules! made_of {
    ($($name:ident($inner:ty)),+; $($whole:ident { $($field:ident),+ }),+) => {
        $(impl Part for $name {
            fn write(&self, row: &mut Vec<u8>) {
                self.0.write(row);
            }

            fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
                <$inner>::read(row).map(Self)
            }
        })+
        $(impl Part for $whole {
            fn write(&self, row: &mut Vec<u8>) {
                $(self.$field.write(row);)+
            }

            fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
                Ok(Self { $($field: Part::read(row)?),+ })
            }
        })+
    };
}

made_of! {
    Sequence(u64), Epoch(u64), TenantId(Uuid), ObjectId(Uuid), ConsentId(Uuid);
    Tenant { cloud, id },
    MicrosoftIdentity { tenant, object_id },
    Consent { id, permissions, tenant, recorded_at }
}

/// Values that stand for one of a few, each with its byte.
macro_rules! one_of {
    ($($name:ident { $($variant:ident = $byte:literal),+ }),+) => {
        $(impl Part for $name {
            fn write(&self, row: &mut Vec<u8>) {
                row.push(match self {
                    $(Self::$variant => $byte,)+
                });
            }

            fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
                match u8::read(row)? {
                    $($byte => Ok(Self::$variant),)+
                    _ => Err(NoRow),
                }
            }
        })+
    };
}

one_of! {
    EmailSync { Limited = 0, Full = 1 },
    Cloud { Worldwide = 0, GccHigh = 1, Dod = 2, China = 3 }
}

impl Part for PermissionSet {
    fn write(&self, row: &mut Vec<u8>) {
        let email = match self.email {
            EmailLevel::None => 0,
            EmailLevel::Limited => 1,
            EmailLevel::Full => 2,
        };
        row.push(u8::from(self.calendar) | u8::from(self.contacts) << 1 | email << 2);
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let byte = u8::read(row)?;
        let email = match byte >> 2 {
            0 => EmailLevel::None,
            1 => EmailLevel::Limited,
            2 => EmailLevel::Full,
            _ => return Err(NoRow),
        };
        Ok(Self {
            calendar: byte & 0b1 != 0,
            contacts: byte & 0b10 != 0,
            email,
        })
    }
}

/// What a user has answered, in three bits, and which of it was a no, in three more; then where each
/// no was. Most users have said no to nothing, and their rows carry nothing of it. Of the others a bit says that a byte
/// follows: what was declined, and what stayed behind with another mailbox.
pub(super) struct Answers {
    pub(super) answered: Kinds,
    pub(super) last_no: LastEvents,
    pub(super) declined: Kinds,
    pub(super) left_behind: Kinds,
}

const NOES: u32 = 3;
const HAS_REMARK: u8 = 1 << (2 * NOES);

impl Part for Answers {
    fn write(&self, row: &mut Vec<u8>) {
        let remark = bits(self.declined) | bits(self.left_behind) << NOES;
        let has_remark = if remark == 0 { 0 } else { HAS_REMARK };
        row.push(bits(self.answered) | bits(self.last_no.after(Sequence(0))) << NOES | has_remark);
        if remark != 0 {
            row.push(remark);
        }
        write_those_there(self.last_no, row);
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let byte = u8::read(row)?;
        if (byte & !HAS_REMARK) >> (2 * NOES) != 0 {
            return Err(NoRow);
        }
        // One that says nothing has one way to be written: it is left out.
        let remark = match byte & HAS_REMARK {
            0 => 0,
            _ => match u8::read(row)? {
                0 => return Err(NoRow),
                remark => remark,
            },
        };
        if remark >> (2 * NOES) != 0 {
            return Err(NoRow);
        }
        Ok(Self {
            answered: kinds(byte),
            declined: kinds(remark),
            left_behind: kinds(remark >> NOES),
            last_no: read_those_there(kinds(byte >> NOES), row)?,
        })
    }
}

/// Which permissions there was such an event about, in three bits; then where each was.
impl Part for LastEvents {
    fn write(&self, row: &mut Vec<u8>) {
        row.push(bits(self.after(Sequence(0))));
        write_those_there(*self, row);
    }

    fn read(row: &mut &[u8]) -> Result<Self, NoRow> {
        let byte = u8::read(row)?;
        if byte >> NOES != 0 {
            return Err(NoRow);
        }
        read_those_there(kinds(byte), row)
    }
}

fn write_those_there(last: LastEvents, row: &mut Vec<u8>) {
    let there = last.after(Sequence(0));
    for (is_there, at) in [
        (there.calendar, last.calendar),
        (there.contacts, last.contacts),
        (there.email, last.email),
    ] {
        if is_there {
            at.write(row);
        }
    }
}

fn read_those_there(there: Kinds, row: &mut &[u8]) -> Result<LastEvents, NoRow> {
    let mut last = |is_there: bool| {
        if !is_there {
            return Ok(Sequence(0));
        }
        // One that is left out has one way to be written.
        match Sequence::read(row)? {
            Sequence(0) => Err(NoRow),
            at => Ok(at),
        }
    };
    Ok(LastEvents {
        calendar: last(there.calendar)?,
        contacts: last(there.contacts)?,
        email: last(there.email)?,
    })
}

fn bits(kinds: Kinds) -> u8 {
    u8::from(kinds.calendar) | u8::from(kinds.contacts) << 1 | u8::from(kinds.email) << 2
}

/// The lowest three bits.
const fn kinds(bits: u8) -> Kinds {
    Kinds {
        calendar: bits & 0b1 != 0,
        contacts: bits & 0b10 != 0,
        email: bits & 0b100 != 0,
    }
}
