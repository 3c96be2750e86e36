//! The command line, and the help that explains it.

mod blocked;
mod check;
mod checkpoint;
mod connection;
mod events;
mod moment;
mod projection;
mod schema;
mod transfer;
mod vault;
mod verify;

use std::path::PathBuf;

use assent_domain::ids::{AccountId, UserId};
use clap::{Parser, Subcommand};

pub(crate) use blocked::BlockedCommand;
pub(crate) use check::{CheckArguments, CheckFormat};
pub(crate) use checkpoint::{CheckpointCommand, Format};
pub(crate) use connection::ConnectionArguments;
pub(crate) use events::{EventsCommand, Kind, Which};
pub(crate) use moment::Moment;
pub(crate) use projection::{ProjectionCommand, RebuildArguments};
pub(crate) use schema::SchemaCommand;
pub(crate) use transfer::{ExportArguments, ImportArguments, ReplayArguments};
pub(crate) use vault::VaultCommand;
pub(crate) use verify::VerifyArguments;

const OVERVIEW: &str = "\
Examples:
  Is everything there, and as it must be?
  consentctl doctor                          each check, and what to do about a problem
  consentctl check --format nagios           the same for programs that monitor

  Why?
  consentctl explain acme ana                why each permission of Ana is on or off
  consentctl explain acme ana --at 1200      ... and what it was after event 1200
  consentctl account acme                    how the company gives consent, and who did it
  consentctl errors tenant_mismatch          what a code means, who can mend it, and how

  What happened, and what happens now?
  consentctl events tail --account acme      watch it
  consentctl events list --json | jq .says   the log, for a program

  What do the projections hold?
  consentctl projection status               each of them, and how its view is
  consentctl projection digest               whether all hold the same
  consentctl projection rebuild --dry-run    whether each is what the log adds up to

  Is it all there, and is it still what it was?
  consentctl verify --since checkpoint.txt   is the log whole, and does it still hold that?
  consentctl checkpoint sign --key log.key   a signed statement of all that was recorded so far
  consentctl replay --to /tmp/view           what the log adds up to, built anew
  consentctl events export --to backup       the log as a directory, from which it can be put back

  With which keys are refresh tokens sealed?
  consentctl vault status --dir vault-keys   each key, and how many tokens it seals

  What can't be read?
  consentctl blocked list                    who is blocked, why, and the way back

  For programs in any language:
  consentctl schema asyncapi                 the subjects, the messages and their errors
  consentctl schema events                   a JSON Schema for each event

  For your shell:
  consentctl completions bash                what completes command lines
  consentctl man | man -l -                  the manual

Exit codes:
  0   all is well
  1   something was found: it is named in the output
  64  the command line or the configuration can't be used
  69  NATS can't be reached or does not permit it, or the log is not there

The connection is configured as the services' is: ASSENT_NATS_URL, ASSENT_NATS_USER,
ASSENT_NATS_PASSWORD (or ASSENT_NATS_PASSWORD_FILE), ASSENT_NATS_CREDS_FILE,
ASSENT_NATS_CA_FILE, ASSENT_NATS_INBOX_PREFIX; an option wins over its variable, and a
variable over the file. A password is never an option: others could read it there.";

/// Reads the log of consent events, explains what follows from it, and checks the installation.
///
/// Each command says whether it is read-only or writes. Those that are read-only may be run at any time.
#[derive(Debug, Parser)]
#[command(name = "consentctl", version, after_help = OVERVIEW)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Write JSON: one document, or a line of JSON for each event.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what was recorded (list, tail, export: read-only; import: writes).
    #[command(subcommand)]
    Events(EventsCommand),
    /// Show, and get past, messages of the log that can't be read (list, show: read-only; void: writes).
    #[command(subcommand)]
    Blocked(BlockedCommand),
    /// Make, and check, signed statements of all that was recorded so far (read-only).
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),
    /// Make, show, rotate and retire the keys that refresh tokens are sealed with (status: read-only; else writes).
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Show how a company gives consent: its method, the consent in force, and its history (read-only).
    #[command(after_help = "\
Examples:
  consentctl account acme
  consentctl account acme --json | jq .consent.granted_by")]
    Account {
        /// The company.
        account: AccountId,
    },
    /// Explain why each permission of a user is on or off (read-only).
    #[command(after_help = "\
Reads the company's events and the user's from the log, and derives from them what may be done
for the user, and because of which events. Without --at it also compares that with what the
projection answers; a difference is a finding (exit code 1).

Examples:
  consentctl explain acme ana
  consentctl explain acme ana --at 1200
  consentctl explain acme ana --at 2026-11-23T10:00:00Z")]
    Explain {
        /// The company.
        account: AccountId,
        /// The user.
        user: UserId,
        /// As it was after this event, or at this time (RFC 3339).
        #[arg(long, value_name = "TIME|SEQ", value_parser = Moment::parse)]
        at: Option<Moment>,
    },
    /// Look at each projection and its view, and decide what it rests on (accept-log: writes; else read-only).
    #[command(subcommand)]
    Projection(ProjectionCommand),
    /// Prove that the log is whole and unchanged, and what was made of it agrees with it (read-only).
    #[command(after_help = "\
Reads the whole log: whether each message is there and can be read, each event names the one
before it on its subject, the log still holds what a checkpoint says, the stream of changes and the
projection have got to a place of this log, and each projection's view is what the log adds up to.
Each is a line: ok, a FINDING with the first place, or unknown, where it can't be told from what
was given. Takes some seconds per million messages, and the same memory however long the histories
are; the view that is made of the log goes into the directory for temporary files (TMPDIR).

Examples:
  consentctl verify
  consentctl verify --since checkpoint.txt --key consent.example.com.key.pub
  consentctl verify --json | jq '.checks[] | select(.verdict == \"finding\")'")]
    Verify(VerifyArguments),
    /// Build a view of the log in a directory of its own, and say what it adds up to (read-only).
    #[command(after_help = "\
The view is built as a projection builds it: its digest is the one that a projection answers (GET /v1/digest)
at the same sequence. No projection is asked or touched; a directory on your own disk is written.
What was declared void is passed over. How far it is goes to standard error.

Examples:
  consentctl replay --to /tmp/view                                what the log adds up to now
  consentctl replay --to /tmp/view --until 1200                   ... and did after event 1200
  consentctl replay --to /tmp/view --from backup                  what an export adds up to
  consentctl replay --to /tmp/view --until 2026-11-23T10:00:00Z --json | jq -r .digest")]
    Replay(ReplayArguments),
    /// Check that everything is there, and as it must be (read-only).
    #[command(after_help = "\
Each check is one line: ok, or a problem and what to do about it.
Exit code 1 if there is a problem, 69 if NATS can't be reached.

Example:
  consentctl doctor --nats-url nats://nats.internal:4222")]
    Doctor,
    /// Check as doctor does, for programs that monitor (read-only).
    #[command(after_help = "\
The certificates that the NATS servers show are checked without being asked for; so is what the
gateway says of its certificate for Microsoft. --format prometheus writes metrics and exits with 0
whenever it wrote them; --format nagios exits with 0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN. The
others exit as doctor does.

Examples:
  consentctl check --format prometheus > /var/lib/node_exporter/assent.prom
  consentctl check --format nagios --quick
  consentctl check --certificate /etc/assent/entra.pem --json | jq '.checks[] | select(.ok | not)'")]
    Check(CheckArguments),
    /// Say what a code, a state, a reason or an alarm means, who can mend it, and how (read-only).
    #[command(after_help = "\
The words are those of answers (code, state, reason, decision), of log lines (operator_alarm,
security_event) and of this program (checks, and the error codes that --json tells). It connects
to nothing. A word that nobody says ends in exit code 64, and the nearest ones are named.

Examples:
  consentctl errors                     all of them
  consentctl errors tenant_mismatch     one of them, in full
  consentctl errors --json | jq -r '.words[] | select(.who == \"operator\") | .word'")]
    Errors {
        /// The word, as it stands in the answer or the log line; without it all are listed.
        #[arg(value_name = "CODE")]
        word: Option<String>,
    },
    /// Print what describes Assent's messages to programs in any language (read-only).
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print what completes this program's command lines in a shell (read-only).
    #[command(after_help = "\
Examples:
  consentctl completions bash > /etc/bash_completion.d/consentctl
  consentctl completions zsh > ~/.zfunc/_consentctl")]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual pages, or write each into a directory (read-only).
    #[command(after_help = "\
Examples:
  consentctl man | man -l -
  consentctl man --to ~/.local/share/man/man1")]
    Man {
        /// Write each page into a file of its own in this directory, which is made if need be.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests;
