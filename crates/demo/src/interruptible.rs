//! Work that Ctrl-C ends, with everything that it started.

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// What a shell tells of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs `work` until it ends, or until Ctrl-C or SIGTERM. Either way by returning: what it had started is dropped, and
/// so gone.
pub(crate) fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            // Ctrl-C reaches our programs too, and their end must not be told as a failure.
            biased;
            _ = interrupt.recv() => interrupted(),
            _ = terminate.recv() => interrupted(),
            done = work => match done {
                Ok(()) => Ok(ExitCode::SUCCESS),
                // What was expected and what came; a backtrace of this program would say nothing.
                Err(error) => {
                    writeln!(std::io::stderr(), "\nFAILED: {error:#}")?;
                    Ok(ExitCode::FAILURE)
                }
            },
        }
    })
}

fn interrupted() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr(), "\ninterrupted; everything is stopped")?;
    Ok(ExitCode::from(INTERRUPTED))
}
