//! `checkpoint verify`: whether the log still holds what a checkpoint says.

use std::path::Path;

use assent_messaging::{Connection, ConnectionSettings};

use super::report::{self, Report};
use crate::arguments::Format;
use crate::exit::{CommandError, Outcome};
use crate::key_file;
use crate::log_root::{Kept, hold_against};
use crate::output::Output;

pub(super) async fn run(
    settings: ConnectionSettings,
    file: &Path,
    key: Option<&str>,
    format: Option<Format>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let key = key.map(key_file::verifier_key).transpose()?;
    let read = report::read(key_file::checkpoint(file, key.as_ref()), key.as_ref())?;
    let checkpoint = match read {
        Ok(checkpoint) => checkpoint,
        Err(report) => return report.show(format, output),
    };
    let kept = Kept {
        size: checkpoint.size,
        root: checkpoint.root,
    };
    let connection = Connection::connect(settings).await?;
    let (verdict, tree) = hold_against(&connection, Some(kept), output).await?;
    let mut report = match verdict {
        Some(verdict) => Report::of_log(&checkpoint.origin, kept, verdict, tree.as_ref()),
        None => Report::of_new(&checkpoint.origin, tree.as_ref()),
    };
    report.signature_checked = Some(key.is_some());
    report.show(format, output)
}
