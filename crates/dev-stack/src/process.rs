//! A child process that never outlives its owner.

use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::wait_for;

/// A running child. Children stay in our process group, so that Ctrl-C, or a test runner that gives up on us, reaches
/// them too; dropping this kills the child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self {
            child: command.spawn()?,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, or nothing while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// SIGKILL, and wait until it is gone. A process that is gone already is fine.
    pub(crate) fn kill(&mut self) {
        if self.child.kill().is_ok() {
            // The status of a killed process tells nothing.
            self.child.wait().ok();
        }
    }

    /// Sends a signal. It may have ended since it was looked at: whoever waits for an effect finds out.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, signal).ok();
        }
    }

    /// SIGTERM, and wait for it to end on its own; killed, and nothing returned, if it takes longer than `patience`.
    pub(crate) async fn terminate(&mut self, patience: Duration) -> Option<ExitStatus> {
        if let Some(status) = self.ended() {
            return Some(status);
        }
        self.signal(Signal::TERM);
        let ended = wait_for(patience, async || self.ended()).await;
        if ended.is_none() {
            self.kill();
        }
        ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log, for an error message.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(count))
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
