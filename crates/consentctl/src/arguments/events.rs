//! `consentctl events`.

use assent_domain::ids::{AccountId, UserId};
use clap::{Args, Subcommand, ValueEnum};

use super::{ExportArguments, ImportArguments};

/// The commands about events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print events, oldest first (read-only).
    #[command(after_help = "\
Columns: sequence, time, type, account/user, what the event says.
An event that can't be read is shown as such; then the exit code is 1.

Examples:
  consentctl events list                               the first 100 events
  consentctl events list --from 101                    the next ones
  consentctl events list --limit 0 --type ModeChanged  every change of a company's mode
  consentctl events list --account acme                the company and all its users
  consentctl events list --account acme --user ana     one user, read directly")]
    List {
        /// Which events.
        #[command(flatten)]
        which: Which,
        /// Only this type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<Kind>,
        /// Begin with this event.
        #[arg(long, value_name = "SEQ", default_value_t = 1)]
        from: u64,
        /// End with this event.
        #[arg(long, value_name = "SEQ")]
        to: Option<u64>,
        /// How many events at the most; 0 means all.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Print new events as they come, until Ctrl-C (read-only).
    #[command(after_help = "\
Examples:
  consentctl events tail                    from now on
  consentctl events tail --from 1200        event 1200 and all after it
  consentctl events tail --account acme     one company and its users")]
    Tail {
        /// Only this company and its users.
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<AccountId>,
        /// Begin with this event rather than with the next new one.
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
    },
    /// Write the log into a file or a directory, from which it can be put back (read-only).
    #[command(after_help = "\
One message a line, as CloudEvents JSON, which any CloudEvents SDK reads: the attribute sequence is the
place in the log (20 digits, so that it orders as text), prevhash the hash of the event before on its
subject. A message that is no event is a line {\"foreign\": {sequence, subject, headers, data_base64}}.
What was declared void is kept with it. Nothing secret is in an export that is not in the log; it says
of everybody what they consented to, so only you can read it.

A directory has events.ndjson, manifest.json (which log, how far, the root over all messages, what is
void) and, with --key, manifest.sig, which is a checkpoint that names the manifest. It grows: the same
command again adds what was recorded since, or refuses if the log is another one by then. A file that
is there is refused. Killed in the middle, what was there before stays as it was.

Examples:
  consentctl events export --to /backup/assent                              a directory, again each night
  consentctl events export --to /backup/assent --key log.key                ... signed
  consentctl events export --to log.ndjson --until 2026-11-23T10:00:00Z     a file, as of a moment")]
    Export(ExportArguments),
    /// Put an export back as the log: into a log that is empty, or not there (writes).
    #[command(after_help = "\
The whole export is read first: each line in its place, the root as it is said to be, the signature if
--key is given. Then the messages are written at the same places with the same headers and bodies, what
was declared void is recorded again, and the log is read back. It needs every consent-gateway and
projection stopped, and the gateway's own NATS user; it refuses while one of them answers. Interrupted,
it leaves a log on which no gateway starts: run it again, and it goes on.

--dry-run writes nothing and may be run at any time, as an operator: it says what of the log would be
gone, and whose permission would change. Run it before the log is put away: what users have revoked
since would be on again. With --json each difference is a line, and the last line is the summary.

Headers whose names begin with Nats- are the transport's: they are neither exported nor put back.

Examples:
  consentctl events import /backup/assent --dry-run                         what would change?
  consentctl events import /backup/assent --until 2026-11-23T10:00:00Z --dry-run
  ASSENT_NATS_USER=gateway consentctl events import /backup/assent --key log.example.com+5b0d2a7e+A...")]
    Import(ImportArguments),
}

/// Whose events.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// Only this company and its users (the whole log is read to find them).
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountId>,
    /// Only this user of the company (read directly).
    #[arg(long, value_name = "USER", requires = "account")]
    pub(crate) user: Option<UserId>,
}

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Kind {
    /// The company changed its method or its e-mail sync.
    ModeChanged,
    /// An administrator consented for the company.
    AdminConsentGranted,
    /// A user has more permissions.
    UserScopeGranted,
    /// A user has fewer permissions, or said no.
    UserScopeRevoked,
}
