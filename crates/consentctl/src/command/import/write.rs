//! Writing an import. First the gateway's mark of where the log ends, so that no gateway takes what an interrupted import
//! leaves for the log; then what was declared void; then the messages, each batch only where the one before it ended.

use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, OBSERVATION_BUCKET, OPERATION_STREAM};
use assent_contract::structured::LoggedMessage;
use assent_domain::ids::Sequence;
use assent_event_log::operations::MAX_VOID;
use assent_event_log::{
    EventLog, LogEntry, Mark, OpenError, RESTORED_AT_ONCE, RestoreError, StreamSettings, VoidError,
    create_or_check_operations,
};
use assent_messaging::{Bucket, BucketError, BucketSettings, Connection, JetStreamError};

use super::target::Target;
use crate::exit::CommandError;
use crate::export::Checked;
use crate::fold::messages::Messages;
use crate::output::{Output, count};

/// What the bucket of the mark may hold where it has to be made: what a gateway gives it that is not told otherwise.
const BUCKET_BYTES: i64 = 96 * 1024 * 1024;
/// A batch is no larger than this, if it has more than one message.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Within how long the server describes a stream.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why the import is not whole.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(
        "an import writes in the gateway's place: this needs its own NATS user (ASSENT_NATS_USER=gateway)"
    )]
    NotTheGateway(#[source] JetStreamError),
    #[error(
        "too many messages would be void: {MAX_VOID} records are possible, {there} are there, and {more} would be added"
    )]
    TooManyVoids { there: u64, more: usize },
    #[error("the mark of the log's end can't be set, and nothing was written into the log")]
    Mark(#[source] BucketError),
    #[error("the mark of the log's end can't be written down")]
    MarkText(#[source] serde_json::Error),
    #[error(
        "what was declared void can't be recorded, and nothing was written into the log: run the import again"
    )]
    Void(#[source] VoidError),
    #[error(
        "the import stopped after message {after} of {last}, and no gateway starts on that: run it again, and it goes on from there"
    )]
    Stopped {
        after: Sequence,
        last: Sequence,
        #[source]
        source: RestoreError,
    },
    #[error(
        "the root over the log is {found} after the import, not {expected}: something else wrote to it"
    )]
    OtherRoot { expected: String, found: String },
}

pub(super) async fn import(
    connection: &Connection,
    export: &Checked,
    target: Target,
    replicas: usize,
    output: &mut Output,
) -> Result<EventLog, CommandError> {
    require_room_for_voids(connection, export).await?;
    let held = target.held();
    let (log, settings) = match target {
        Target::There { log, .. } => {
            let state = connection.stream_state(EVENT_STREAM, DEADLINE).await;
            let state = state.map_err(|error| CommandError::NotReachable(error.into()))?;
            let replicas = state.map_or(replicas, |state| state.replicas());
            (log, StreamSettings { replicas })
        }
        Target::NotThere => {
            let settings = StreamSettings { replicas };
            let log = EventLog::create_or_check(connection, settings).await;
            (log.map_err(not_made)?, settings)
        }
    };
    set_mark(connection, &log, settings, export).await?;
    if !export.voids.is_empty() {
        create_or_check_operations(connection, settings).await?;
    }
    for record in export.voids.values() {
        let restored = log.restore_void(record).await;
        restored.map_err(|error| not_done(Interrupted::Void(error)))?;
    }
    write(&log, export, held, output).await?;
    log.tell_of_restored().await;
    verify(&log, export, output).await?;
    Ok(log)
}

async fn require_room_for_voids(
    connection: &Connection,
    export: &Checked,
) -> Result<(), CommandError> {
    let there = connection.stream_state(OPERATION_STREAM, DEADLINE).await;
    let there = there.map_err(|error| CommandError::NotReachable(error.into()))?;
    let there = there.map_or(0, |state| state.last_sequence);
    let more = export.voids.len();
    let most = usize::try_from(MAX_VOID.saturating_sub(there)).unwrap_or(usize::MAX);
    if most < more {
        return Err(not_done(Interrupted::TooManyVoids { there, more }));
    }
    Ok(())
}

/// Sets the mark that the gateway holds the log against: it ends where the import ends.
async fn set_mark(
    connection: &Connection,
    log: &EventLog,
    settings: StreamSettings,
    export: &Checked,
) -> Result<(), CommandError> {
    let Some(last) = &export.last else {
        return Ok(());
    };
    let failed = |error| not_done(Interrupted::Mark(error));
    let bucket = BucketSettings {
        name: OBSERVATION_BUCKET.to_owned(),
        max_age: Duration::ZERO,
        replicas: settings.replicas,
        max_bytes: BUCKET_BYTES,
        anew: true,
        allow_rollup: true,
    };
    let bucket = Bucket::open_or_create(connection, bucket)
        .await
        .map_err(failed)?;
    let mark = Mark::new(log.identity(), last.sequence(), last.hash());
    let mark = serde_json::to_vec(&mark);
    let mark = mark.map_err(|error| not_done(Interrupted::MarkText(error)))?;
    match bucket.get(Mark::KEY).await.map_err(failed)? {
        Some(there) => bucket.update(Mark::KEY, mark, there.revision).await,
        None => bucket.create(Mark::KEY, mark).await,
    }
    .map(drop)
    .map_err(failed)
}

async fn write(
    log: &EventLog,
    export: &Checked,
    held: Sequence,
    output: &mut Output,
) -> Result<(), CommandError> {
    let mut messages = Messages::of_export(export)?;
    let mut batch: Vec<LoggedMessage> = Vec::with_capacity(RESTORED_AT_ONCE);
    let (mut bytes, mut written) = (0_usize, held);
    let last = export.last_sequence();
    let stopped = |after, source| {
        not_done(Interrupted::Stopped {
            after,
            last,
            source,
        })
    };
    loop {
        let read = messages.next(output).await?;
        let is_over = read.is_empty();
        for entry in read.iter().filter(|entry| held < entry.sequence()) {
            let size = entry.payload().len();
            if RESTORED_AT_ONCE <= batch.len() || (BATCH_BYTES < bytes.saturating_add(size)) {
                log.restore(&batch)
                    .await
                    .map_err(|error| stopped(written, error))?;
                written = last_of(&batch, written);
                batch.clear();
                bytes = 0;
            }
            bytes = bytes.saturating_add(size);
            batch.push(LogEntry::to_export(entry));
        }
        if is_over {
            log.restore(&batch)
                .await
                .map_err(|error| stopped(written, error))?;
            return Ok(());
        }
    }
}

fn last_of(batch: &[LoggedMessage], before: Sequence) -> Sequence {
    batch.last().map_or(before, |last| Sequence(last.sequence))
}

/// Reads the log back.
async fn verify(log: &EventLog, export: &Checked, output: &mut Output) -> Result<(), CommandError> {
    output.remark(&format!("reading back {}", count(export.size(), "message")))?;
    let mut messages = Messages::of_log(log, Sequence(0), None).await?;
    let mut tree = assent_checkpoint::Tree::default();
    loop {
        let batch = messages.next(output).await?;
        if batch.is_empty() {
            break;
        }
        for entry in &batch {
            tree.push(*entry.hash().as_bytes());
        }
    }
    let (expected, found) = (export.tree.root(), tree.root());
    if expected == found && tree.size() == export.size() {
        return Ok(());
    }
    Err(CommandError::Finding(
        Interrupted::OtherRoot {
            expected: expected.to_string(),
            found: found.to_string(),
        }
        .into(),
    ))
}

/// An operator may look at everything, and write nothing.
fn not_made(error: OpenError) -> CommandError {
    if let OpenError::JetStream(source @ JetStreamError::NotPermitted { .. }) = error {
        return CommandError::NotReachable(Interrupted::NotTheGateway(source).into());
    }
    error.into()
}

fn not_done(why: Interrupted) -> CommandError {
    CommandError::NotDone(why.into())
}
