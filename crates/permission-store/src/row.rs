//! Rows as bytes: compact, because there are millions, and fixed by
//! [`SCHEMA_VERSION`](crate::cursor::SCHEMA_VERSION).
//!
//! A row begins with its kind. Numbers are variable in length (seven bits a byte, the lowest
//! first), a set of permissions is one byte, ids of Microsoft are their sixteen bytes.

mod read;
mod write;

use assent_domain::account::AccountState;
use assent_domain::user::UserState;

use crate::projected::Projected;

/// Bytes that are no row of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row can't be read")]
pub(crate) struct NoRow;

const BLOCKED: u8 = 0;
const USER_INDIVIDUAL: u8 = 1;
const AWAITING_SWITCH: u8 = 2;
const ADMIN_CONFIGURED: u8 = 3;
const USER: u8 = 4;
const USER_WITH_IDENTITY: u8 = 5;

/// Of the byte that says what a user answered: which of the user's noes follow it, at these bits
/// beside the three kinds. Most users have said no to nothing, and their rows carry nothing of it.
const NOES: u32 = 3;

/// A state that has a row.
pub(crate) trait Stored: Sized {
    fn write(state: &Projected<Self>) -> Vec<u8>;
    fn read(row: &[u8]) -> Result<Projected<Self>, NoRow>;
}

impl Stored for AccountState {
    fn write(state: &Projected<Self>) -> Vec<u8> {
        write::account(state)
    }

    fn read(row: &[u8]) -> Result<Projected<Self>, NoRow> {
        read::account(row)
    }
}

impl Stored for UserState {
    fn write(state: &Projected<Self>) -> Vec<u8> {
        write::user(state)
    }

    fn read(row: &[u8]) -> Result<Projected<Self>, NoRow> {
        read::user(row)
    }
}

#[cfg(test)]
mod tests;
