//! `consentctl checkpoint`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::SignedDuration;

/// The commands about checkpoints.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Make a key that signs checkpoints: a private and a public file (read-only).
    #[command(after_help = "\
The name says whose log it is, and is the first line of each checkpoint. Files that are there are
never overwritten. Keep the private one off the machines that hold the log; give the public one
to everybody who keeps checkpoints.

Example:
  consentctl checkpoint keygen consent.example.com")]
    Keygen {
        /// The key's name, such as consent.example.com; without spaces and plus signs.
        name: String,
        /// The private key's file; the public one gets .pub behind it [default: NAME.key].
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Sign how many messages the log holds now, and the root over them (read-only).
    #[command(after_help = "\
Prints a signed note (C2SP tlog-checkpoint): the key's name, the size, the RFC 9162 root, an empty
line, the signature (Ed25519). Keep it where nobody who administers the log can change it: what is
changed, dropped or cut off in the log afterwards shows against it.

A leaf of the tree is the 32-byte hash by which the next event on a subject names a message
(SHA-256 of the subject, the sorted ce- headers and the body), of every message in the order of
the log, also of those that are no events. Reads the whole log, some seconds per million messages.

Example:
  consentctl checkpoint sign --key consent.example.com.key > checkpoint-2026-11-27.txt")]
    Sign {
        /// The private key's file.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Check that the log still holds what a checkpoint says (read-only).
    #[command(after_help = "\
A log that ends before, holds other messages or can't be read up to there is a finding (exit code
1), as is a signature of another key. A log that was restored with the same messages is none.

Examples:
  consentctl checkpoint verify checkpoint.txt --key consent.example.com.key.pub
  consentctl checkpoint verify checkpoint.txt --format prometheus")]
    Verify {
        /// The checkpoint.
        file: PathBuf,
        /// The public key, or its file; without it the signature is not checked.
        #[arg(long, value_name = "PUB")]
        key: Option<String>,
        /// How to say it.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Keep how long the log is and its root, and check each time that it still holds that (read-only).
    #[command(after_help = "\
FILE may be missing at first, or be a checkpoint that the key signed; afterwards it holds what was
found when the log was last as it had been. A log that got shorter or holds other messages, and
another key than before, are findings (exit code 1): then FILE stays as it is. Run it where nobody
who administers the log can change FILE. Each time it reads the whole log.

Examples:
  consentctl checkpoint watch --state log.state --key consent.example.com.key.pub
  consentctl checkpoint watch --state log.state --key consent.example.com.key.pub --every 10m
  consentctl checkpoint watch --state log.state --key ... --format prometheus > log.prom")]
    Watch {
        /// What is kept from one time to the next.
        #[arg(long, value_name = "FILE")]
        state: PathBuf,
        /// The public key, or its file: whose log it is.
        #[arg(long, value_name = "PUB")]
        key: String,
        /// Go on until Ctrl-C, with such a pause in between: 60s, 10m, 1h.
        #[arg(long, value_name = "TIME", value_parser = pause)]
        every: Option<std::time::Duration>,
        /// How to say it.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// Metrics for Prometheus; then the exit code is 0 whatever was found.
    Prometheus,
}

/// The text is no pause, or one that is too short or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time from 1s to 24h, such as 60s, 10m or 1h")]
struct InvalidPause;

fn pause(text: &str) -> Result<std::time::Duration, InvalidPause> {
    let pause: SignedDuration = text.parse().map_err(|_| InvalidPause)?;
    let (least, most) = (SignedDuration::from_secs(1), SignedDuration::from_hours(24));
    if pause < least || most < pause {
        return Err(InvalidPause);
    }
    pause.try_into().map_err(|_| InvalidPause)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{InvalidPause, pause};

    #[test]
    fn a_pause_is_neither_none_nor_for_ever() {
        for (text, seconds) in [("1s", 1), ("60s", 60), ("10m", 600), ("24h", 86400)] {
            assert_eq!(pause(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "60", "0s", "-60s", "999ms", "25h", "soon"] {
            assert_eq!(pause(bad), Err(InvalidPause), "{bad}");
        }
    }
}
