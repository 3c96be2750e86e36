//! The whole export, read before anything is done with it: each line in its place, the root as it is said to be.

use std::collections::BTreeMap;
use std::time::Instant;

use assent_checkpoint::{Tree, VerifierKey};
use assent_contract::names::EVENT_STREAM;
use assent_contract::operation::VoidRecord;
use assent_contract::structured::End;
use assent_domain::ids::Sequence;
use assent_event_log::LogEntry;
use assent_event_log::operations::is_about;
use assent_permission_store::Source;

use super::line::Declared;
use super::lines::{Lines, ReadLine};
use super::place::Place;
use super::{ExportError, Manifest};
use crate::arguments::Moment;
use crate::exit::CommandError;
use crate::fold::messages::is_later;
use crate::output::{Output, TELL_EVERY, count};

/// An export that is whole, and what of it is wanted.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Where it is.
    pub(crate) place: Place,
    /// Which log it is of.
    pub(crate) source: Source,
    /// The messages up to the end of the export, or of what is wanted of it.
    pub(crate) tree: Tree,
    /// The last of these.
    pub(crate) last: Option<LogEntry>,
    /// What was declared void, as far as that is among them.
    pub(crate) voids: BTreeMap<u64, VoidRecord>,
    /// How many messages the export vouches for, wanted or not.
    pub(crate) whole: u64,
    /// How many bytes their lines are.
    pub(crate) bytes: u64,
}

impl Checked {
    /// Reads an export to its end. With a key, it has to be signed with it. Of what is wanted until a moment, the first
    /// later event is no part.
    pub(crate) fn read(
        place: Place,
        until: Option<Moment>,
        key: Option<&VerifierKey>,
        output: &mut Output,
    ) -> Result<Self, CommandError> {
        if let Some(key) = key {
            super::signature::require(&place, key)?;
        }
        let mut lines = Lines::open(&place.lines)?;
        let mut reading = Reading::new(until, place.manifest.clone());
        let vouched = place.manifest.as_ref().map(Manifest::last);
        let mut told = Instant::now();
        while vouched != Some(reading.whole.size()) {
            let Some(read) = lines.next()? else { break };
            reading.take(read)?;
            if TELL_EVERY < told.elapsed() {
                told = Instant::now();
                let size = reading.whole.size();
                output.remark(&format!("checking the export: message {size}"))?;
            }
        }
        reading.verify(vouched)?;
        if !lines.is_at_the_end()? {
            output.remark(
                "The lines go on after the last one that the manifest vouches for, as where an export was interrupted: \
                 they are passed over.",
            )?;
        }
        let bytes = lines.bytes();
        Ok(reading.into_checked(place, bytes))
    }

    /// How many messages of it are wanted.
    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// What is wanted of it, in words.
    pub(crate) fn in_words(&self) -> String {
        let wanted = count(self.size(), "message");
        let created = &self.source.created;
        if self.size() == self.whole {
            format!("{wanted} of the log that was created {created}")
        } else {
            format!(
                "the first {wanted} (out of {}) of the log that was created {created}",
                self.whole
            )
        }
    }
}

/// What was read so far.
struct Reading {
    until: Option<Moment>,
    manifest: Option<Manifest>,
    whole: Tree,
    /// As long as nothing came that is not wanted.
    is_wanted: bool,
    wanted: Tree,
    last: Option<LogEntry>,
    voids: BTreeMap<u64, VoidRecord>,
    end: Option<End>,
}

impl Reading {
    fn new(until: Option<Moment>, manifest: Option<Manifest>) -> Self {
        Self {
            until,
            manifest,
            whole: Tree::default(),
            is_wanted: true,
            wanted: Tree::default(),
            last: None,
            voids: BTreeMap::new(),
            end: None,
        }
    }

    fn take(&mut self, read: ReadLine) -> Result<(), ExportError> {
        let ReadLine { line, entry } = read;
        if self.end.is_some() {
            return Err(ExportError::EndWithin(self.whole.size()));
        }
        self.end = line.end;
        let hash = *entry.hash().as_bytes();
        self.whole.push(hash);
        self.is_wanted &= !self.until.is_some_and(|until| is_later(&entry, until));
        if !self.is_wanted {
            return Ok(());
        }
        self.wanted.push(hash);
        let said = |manifest: &Manifest| manifest.void.get(&entry.sequence().0).cloned();
        let declared: Option<Declared> =
            line.void.or_else(|| self.manifest.as_ref().and_then(said));
        if let Some(declared) = declared {
            let record = declared.about(&entry);
            if is_about(&record, &entry) {
                self.voids.insert(record.sequence, record);
            }
        }
        self.last = Some(entry);
        Ok(())
    }

    /// Whether it is whole.
    fn verify(&self, vouched: Option<u64>) -> Result<(), ExportError> {
        let found = self.whole.size();
        if let Some(expected) = vouched.filter(|expected| *expected != found) {
            return Err(ExportError::CutShort { expected, found });
        }
        if found == 0 {
            return Err(ExportError::Empty);
        }
        let expected = match (&self.manifest, &self.end) {
            (Some(manifest), _) => &manifest.root,
            (None, Some(end)) => &end.logroot,
            (None, None) => return Err(ExportError::NoEnd(found)),
        };
        let root = self.whole.root().to_string();
        if root != *expected {
            return Err(ExportError::OtherRoot {
                expected: expected.clone(),
                found: root,
            });
        }
        Ok(())
    }

    fn into_checked(self, place: Place, bytes: u64) -> Checked {
        let by_manifest = self.manifest.map(|manifest| manifest.created);
        let created = by_manifest.or_else(|| self.end.map(|end| end.logcreated));
        let created = created.unwrap_or_default();
        let mut voids = self.voids;
        for record in voids.values_mut() {
            record.log.clone_from(&created);
        }
        Checked {
            source: Source {
                stream: EVENT_STREAM.to_owned(),
                created,
            },
            tree: self.wanted,
            last: self.last,
            voids,
            whole: self.whole.size(),
            bytes,
            place,
        }
    }
}

impl Checked {
    /// The place of the last message that is wanted.
    pub(crate) fn last_sequence(&self) -> Sequence {
        Sequence(self.size())
    }
}
