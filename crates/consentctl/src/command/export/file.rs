//! An export into one file, which is not there yet.

use std::path::{Path, PathBuf};

use assent_contract::structured::End;
use assent_domain::ids::Sequence;
use assent_event_log::EventLog;

use super::writer::{Writer, not_written, sync_directory};
use super::{Exported, nothing};
use crate::arguments::ExportArguments;
use crate::exit::CommandError;
use crate::fold::messages::Messages;
use crate::fold::voids::Voids;
use crate::output::Output;

#[derive(Debug, thiserror::Error)]
#[error("{0} is there already; name a file that is not there yet")]
struct IsThere(PathBuf);

pub(super) fn require_free(to: &Path) -> Result<(), CommandError> {
    if to.symlink_metadata().is_ok() {
        return Err(CommandError::Usage(IsThere(to.to_owned()).into()));
    }
    Ok(())
}

pub(super) async fn export<'a>(
    log: &EventLog,
    voids: Voids,
    arguments: &'a ExportArguments,
    output: &mut Output,
) -> Result<Exported<'a>, CommandError> {
    let to = arguments.to.as_path();
    let directory = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut messages = Messages::of_log(log, Sequence(0), arguments.until).await?;
    let mut writer = Writer::begin(directory, to)?;
    let mut void = 0;
    loop {
        let batch = messages.next(output).await?;
        if batch.is_empty() {
            break;
        }
        for entry in batch {
            let declared = voids.about(&entry);
            void += usize::from(declared.is_some());
            writer.add(entry, declared.map(Into::into))?;
        }
    }
    let (sequence, foreign) = (writer.tree().size(), writer.foreign());
    if sequence == 0 {
        return Err(nothing());
    }
    let root = writer.tree().root().to_string();
    let created = messages.source().created.clone();
    let end = End {
        logcreated: created.clone(),
        logroot: root.clone(),
    };
    let file = writer.finish(Some(end))?;
    if let Err(error) = file.persist_noclobber(to) {
        require_free(to)?;
        return Err(not_written(to, error));
    }
    sync_directory(directory)?;
    Ok(Exported {
        to,
        sequence,
        before: 0,
        foreign,
        void,
        root,
        created,
        signed_by: None,
    })
}
