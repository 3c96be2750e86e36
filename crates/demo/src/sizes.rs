//! How much of a machine each program takes: on disk, in memory at rest, and how long from its start until it is ready.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use assent_dev_stack::{Program, Stack, StackOptions};

/// What was done at the start has ended by then, and what is done at rest has begun.
const AT_REST_AFTER: Duration = Duration::from_secs(5);

/// Prints a table, as Markdown.
pub(crate) async fn tell() -> anyhow::Result<()> {
    let mut screen = std::io::stdout();
    let mut stack = Stack::start(StackOptions::default())
        .await
        .context("the stack did not come up")?;
    let mut started = Vec::new();
    let projections = stack.projections.iter_mut();
    let brokers = stack.token_brokers.iter_mut();
    for program in [&mut stack.gateway, &mut stack.login_hook]
        .into_iter()
        .chain(projections)
        .chain(brokers)
    {
        program.terminate().await.context("it did not end")?;
        let begun = Instant::now();
        program.restart().await?;
        started.push((&*program, begun.elapsed()));
    }
    tokio::time::sleep(AT_REST_AFTER).await;
    writeln!(
        screen,
        "| program | on disk, stripped | memory at rest | from start to ready |\n|---|---|---|---|"
    )?;
    for (program, took) in started {
        let process = program.process_id().context("it does not run")?;
        writeln!(
            screen,
            "| {} | {} MB | {} MB | {} ms |",
            name(program),
            megabytes(stripped(program.binary())?),
            megabytes(resident(process)?),
            took.as_millis()
        )?;
    }
    let nats = stack.nats().process_id().context("nats-server is gone")?;
    let held = megabytes(resident(nats)?);
    writeln!(screen, "| nats-server | | {held} MB | |")?;
    Ok(())
}

fn name(program: &Program) -> String {
    let name = program.binary().file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// How large the program is without what only debuggers read.
fn stripped(binary: &Path) -> anyhow::Result<u64> {
    let place = std::env::temp_dir().join(format!("assent-sizes-{}", std::process::id()));
    let ended = Command::new("strip")
        .arg("-o")
        .arg(&place)
        .arg(binary)
        .status();
    let ended = ended.context("strip can't be run")?;
    ensure!(ended.success(), "strip ended with {ended}");
    let size = std::fs::metadata(&place)?.len();
    std::fs::remove_file(&place)?;
    Ok(size)
}

/// Bytes of memory that a process holds.
fn resident(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.context("no VmRSS")?.trim().trim_end_matches(" kB");
    Ok(kilobytes.trim().parse::<u64>()?.saturating_mul(1024))
}

/// With one decimal.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
