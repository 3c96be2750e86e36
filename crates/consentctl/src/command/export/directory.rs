//! An export into a directory, which grows with the log each time.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use assent_checkpoint::SigningKey;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry};

use super::writer::{TEMPORARY, Writer, not_written, sync_directory};
use super::{Exported, name_of, nothing};
use crate::arguments::{ExportArguments, Moment};
use crate::exit::CommandError;
use crate::export::lines::Lines;
use crate::export::place::{EVENTS, MANIFEST, SIGNATURE};
use crate::export::{Checked, Manifest, Place, line::Declared, signature};
use crate::fold::messages::Messages;
use crate::fold::voids::Voids;
use crate::output::Output;

/// Why a directory does not serve.
#[derive(Debug, thiserror::Error)]
enum DirectoryRefused {
    #[error("another export writes to {0} at this moment")]
    InUse(PathBuf),
    #[error(
        "{path} is not empty and holds no export (it holds {found}); name a directory that is not there yet"
    )]
    NotOurs { path: PathBuf, found: String },
    #[error(
        "{0} is an export of another log, or the log was changed since; export into another directory"
    )]
    OtherLog(PathBuf),
    #[error(
        "{path} holds the log up to message {held} already, further than asked for; export into another directory"
    )]
    HoldsMore { path: PathBuf, held: u64 },
    #[error("{0} is signed: name the key to sign it with again")]
    IsSigned(PathBuf),
}

pub(super) async fn export<'a>(
    log: &EventLog,
    voids: &Voids,
    arguments: &'a ExportArguments,
    key: Option<&SigningKey>,
    output: &mut Output,
) -> Result<Exported<'a>, CommandError> {
    let to = arguments.to.as_path();
    let _only_one = lock(to)?;
    let before = match what_is_there(to)? {
        Some(place) => {
            if place.signature.is_some() && key.is_none() {
                return Err(CommandError::Usage(
                    DirectoryRefused::IsSigned(to.to_owned()).into(),
                ));
            }
            let checked = Checked::read(place, None, None, output)?;
            require_fit(log, &checked, to, arguments.until).await?;
            Some(checked)
        }
        None => None,
    };
    let held = before.as_ref().map_or(0, Checked::size);
    let mut messages = Messages::of_log(log, Sequence(held), arguments.until).await?;
    let mut writer = Writer::begin(to, &to.join(EVENTS))?;
    if let Some(before) = before {
        writer.go_on(&before.place.lines, before.bytes, before.tree)?;
    }
    loop {
        let batch = messages.next(output).await?;
        if batch.is_empty() {
            break;
        }
        batch
            .into_iter()
            .try_for_each(|entry| writer.add(entry, None))?;
    }
    let (tree, foreign) = (writer.tree().clone(), writer.foreign());
    let sequence = tree.size();
    if sequence == 0 {
        return Err(nothing());
    }
    let void = declared(log, voids, sequence).await?;
    let (created, root) = (messages.source().created.clone(), tree.root().to_string());
    let exported = Exported {
        to,
        sequence,
        before: held,
        foreign,
        void: void.len(),
        root: root.clone(),
        created: created.clone(),
        signed_by: name_of(key),
    };
    let manifest = Manifest::new(&created, sequence, root, void).write();
    let manifest = manifest.map_err(|error| not_written(&to.join(MANIFEST), error))?;
    let signed = key
        .map(|key| signature::sign(&manifest, &tree, key))
        .transpose()?;
    // The lines first: what the manifest vouches for must be there. Lines that it does not vouch for are passed over.
    let lines = writer.finish(None)?;
    let named = lines.persist(to.join(EVENTS));
    named.map_err(|error| not_written(&to.join(EVENTS), error))?;
    sync_directory(to)?;
    replace(to, MANIFEST, &manifest)?;
    if let Some(signed) = signed {
        replace(to, SIGNATURE, signed.as_bytes())?;
    }
    Ok(exported)
}

/// What was declared void of the messages up to one.
async fn declared(
    log: &EventLog,
    voids: &Voids,
    last: u64,
) -> Result<BTreeMap<u64, Declared>, CommandError> {
    let mut found = BTreeMap::new();
    for sequence in voids.places().take_while(|sequence| *sequence <= last) {
        let entry = log.entry(Sequence(sequence)).await?;
        if let Some(record) = entry.and_then(|entry| voids.about(&entry)) {
            found.insert(sequence, record.into());
        }
    }
    Ok(found)
}

/// Makes the directory where it is not there, and keeps other exports out of it.
fn lock(to: &Path) -> Result<File, CommandError> {
    let failed = |source| not_written(to, source);
    let mut directory = DirBuilder::new();
    directory
        .recursive(true)
        .mode(0o700)
        .create(to)
        .map_err(failed)?;
    let lock = File::open(to).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(CommandError::Usage(
            DirectoryRefused::InUse(to.to_owned()).into(),
        )),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The export that is there, if there is one. What an interrupted one left is removed.
fn what_is_there(to: &Path) -> Result<Option<Place>, CommandError> {
    let failed = |source| not_written(to, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(to).map_err(failed)? {
        let name = entry
            .map_err(failed)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(TEMPORARY) {
            fs::remove_file(to.join(name)).map_err(failed)?;
        } else {
            names.push(name);
        }
    }
    if names.iter().any(|name| name == MANIFEST) {
        return Ok(Some(Place::find(to)?));
    }
    // Lines without a manifest: an export was interrupted at its very end.
    let is_ours = |name: &String| {
        name == EVENTS
            && Lines::open(&to.join(EVENTS))
                .is_ok_and(|mut lines| matches!(lines.next(), Ok(Some(_))))
    };
    match names.iter().find(|name| !is_ours(name)) {
        None => Ok(None),
        Some(found) => {
            let (path, found) = (to.to_owned(), found.clone());
            Err(CommandError::Usage(
                DirectoryRefused::NotOurs { path, found }.into(),
            ))
        }
    }
}

/// Whether the log goes on where the export ends.
async fn require_fit(
    log: &EventLog,
    export: &Checked,
    to: &Path,
    until: Option<Moment>,
) -> Result<(), CommandError> {
    let held = export.size();
    let there = log.entry(Sequence(held)).await?;
    let fits = export.source.created == log.identity().as_str()
        && there.map(|entry| entry.hash()) == export.last.as_ref().map(LogEntry::hash);
    let path = to.to_owned();
    if !fits {
        return Err(CommandError::NotDone(
            DirectoryRefused::OtherLog(path).into(),
        ));
    }
    let ends_earlier = until.is_some_and(|until| {
        let last = export.last.as_ref();
        last.is_some_and(|last| crate::fold::messages::is_later(last, until))
    });
    if ends_earlier {
        return Err(CommandError::Usage(
            DirectoryRefused::HoldsMore { path, held }.into(),
        ));
    }
    Ok(())
}

/// Puts a small file in the place of another, at once and whole.
fn replace(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), CommandError> {
    let path = directory.join(name);
    let failed = |source: std::io::Error| not_written(&path, source);
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    sync_directory(directory)
}
