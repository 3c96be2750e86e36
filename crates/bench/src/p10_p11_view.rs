//! P10: how much disk and memory a view of very many users takes. P11: how long its projection is away when it is restarted.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};
use assent_dev_stack::NatsUser;
use assent_event_log::EventLog;
use assent_permission_store::{Opened, Source, View};

use crate::Size;
use crate::catalogue;
use crate::fixture;
use crate::many_users::{FEW, ManyUsers};
use crate::measure::peak_memory;
use crate::table::Row;

/// What the projection may have, in MiB.
const MOST_MEMORY: f64 = 512.0;
/// As the projection has it.
const CACHE: u64 = 128 * 1024 * 1024;
/// What the operating system counts in.
const BLOCK: u64 = 512;

/// The rows of P10 and then that of P11, for which the projection is restarted.
pub(crate) async fn measure(many: &mut ManyUsers, size: Size) -> anyhow::Result<[Vec<Row>; 2]> {
    let connection = fixture::connect(many.stack.nats(), NatsUser::Projection).await?;
    let log = EventLog::open(&connection).await?;
    let source = Source {
        stream: "CONSENT_EVENTS".to_owned(),
        created: log.identity().to_string(),
    };
    let directory = many.stack.projection_data(0);
    let projection = many
        .stack
        .projections
        .first_mut()
        .context("there is no projection")?;
    let memory = peak_memory(&format!(
        "/proc/{}/status",
        projection.process_id().unwrap_or_default()
    ));
    let (mut ready, mut opened, mut rows) = (Vec::new(), Vec::new(), 0);
    for _ in 0..size.rounds {
        projection.terminate().await;
        let began = Instant::now();
        let view = open(&directory, &source)?;
        opened.push(began.elapsed().as_secs_f64());
        rows = tokio::task::block_in_place(|| view.bytes_of_rows())?;
        drop(view);
        let began = Instant::now();
        projection.restart().await?;
        ready.push(began.elapsed().as_secs_f64());
    }
    let followed = bytes_in(&directory)?;
    projection.terminate().await;
    std::fs::remove_dir_all(&directory)?;
    projection.restart_unready().await?;
    many.applied().await?;
    let rebuilt = bytes_in(&directory)?;
    let users = f64::from(u32::try_from(many.users + FEW)?);
    let each = |bytes: u64| u32::try_from(bytes / 1024).map(|kib| f64::from(kib) * 1024.0 / users);
    let of_rows = each(rows)?;
    let space = |entry, bytes, of_what| {
        let how = format!(
            "the files of a view of {} users that {of_what}; the ceiling is keys and values alone",
            many.users
        );
        let on_disk = Vec::from([each(bytes)?]);
        anyhow::Ok(Row::new(entry, on_disk, Vec::from([of_rows]), how))
    };
    let grown = space(&catalogue::DISK, followed, "followed the log as it grew")?;
    let anew = space(
        &catalogue::DISK_REBUILT,
        rebuilt,
        "was built anew from the log",
    )?;
    let memory = Row::new(
        &catalogue::MEMORY,
        Vec::from([memory]),
        Vec::from([MOST_MEMORY]),
        format!(
            "the most that the process had while {} users were applied and asked for",
            many.users
        ),
    );
    let restart = Row::new(
        &catalogue::RESTART,
        ready,
        opened,
        format!(
            "from the start of the process until /readyz says so, with {} users in the view; the ceiling opens the same \
             files",
            many.users
        ),
    );
    Ok([
        [grown, anew, memory]
            .map(|row| row.of_users(many.users))
            .into(),
        Vec::from([restart.of_users(many.users)]),
    ])
}

fn open(directory: &Path, source: &Source) -> anyhow::Result<View> {
    match tokio::task::block_in_place(|| View::open(directory, source, CACHE))? {
        Opened::Resumed(view) => Ok(*view),
        Opened::Fresh { why, .. } => bail!("the view is not there: {why}"),
    }
}

/// What the files of a folder take on the disk.
fn bytes_in(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes = bytes.saturating_add(if metadata.is_dir() {
            bytes_in(&entry.path())?
        } else {
            metadata.blocks().saturating_mul(BLOCK)
        });
    }
    Ok(bytes)
}
