//! The rows of two views side by side, in the order of their keys.

use std::collections::VecDeque;

use sled::IVec;

use super::NotCompared;
use crate::key;
use crate::table::{Damage, Table};
use crate::view::View;

const ROWS_AT_A_TIME: usize = 256;

/// Visits every row that either has: its key, its value in the one as it was when the walk began, and in the other.
pub(super) fn each_pair(
    walked: &View,
    other: &Table,
    mut visit: impl FnMut(&[u8], Option<&[u8]>, Option<&[u8]>) -> Result<(), NotCompared>,
) -> Result<(), NotCompared> {
    let mut others = Rows::new(other);
    loop {
        let rows = walked.next_rows()?;
        if rows.is_empty() {
            break;
        }
        for (key, value) in rows {
            while let Some((before, row)) = others.next_if(|other| other < key.as_slice())? {
                visit(&before, None, Some(&row))?;
            }
            let same = others.next_if(|other| other == key.as_slice())?;
            let other = same.map(|(_, row)| row);
            if value.is_some() || other.is_some() {
                visit(&key, value.as_deref(), other.as_deref())?;
            }
        }
    }
    while let Some((key, row)) = others.next_if(|_| true)? {
        visit(&key, None, Some(&row))?;
    }
    Ok(())
}

/// The rows of a view that nobody writes to.
struct Rows<'t> {
    table: &'t Table,
    read: VecDeque<(Vec<u8>, IVec)>,
    last: Option<Vec<u8>>,
}

impl<'t> Rows<'t> {
    const fn new(table: &'t Table) -> Self {
        Self {
            table,
            read: VecDeque::new(),
            last: None,
        }
    }

    fn next_if(
        &mut self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<(Vec<u8>, IVec)>, Damage> {
        if self.read.is_empty() {
            self.read_on()?;
        }
        Ok(self.read.pop_front_if(|(key, _)| wanted(key)))
    }

    fn read_on(&mut self) -> Result<(), Damage> {
        let read = &mut self.read;
        self.table
            .scan(key::ROWS, self.last.as_deref(), |key, value| {
                read.push_back((key.to_vec(), IVec::from(value)));
                Ok(read.len() < ROWS_AT_A_TIME)
            })?;
        if let Some((last, _)) = read.back() {
            self.last = Some(last.clone());
        }
        Ok(())
    }
}
