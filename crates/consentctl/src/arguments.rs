//! The command line, and the help that explains it.

use std::path::PathBuf;

use assent_domain::ids::{AccountId, Sequence, UserId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

const OVERVIEW: &str = "\
Examples:
  consentctl doctor                          is everything there, and as it must be?
  consentctl account acme                    how the company gives consent, and who did it
  consentctl explain acme ana                why each permission of Ana is on or off
  consentctl explain acme ana --at 1200      ... and what it was after event 1200
  consentctl events tail --account acme      watch what happens
  consentctl events list --json | jq .says   the log, for a program
  consentctl blocked list                    who can't be read, why, and the way back

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

/// How to connect to NATS.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArguments {
    /// Address of the NATS server, or several separated by commas [default: nats://127.0.0.1:4222].
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) nats_url: Option<String>,
    /// User name at NATS.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) nats_user: Option<String>,
    /// A .creds file to sign in to NATS with.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_creds_file: Option<PathBuf>,
    /// CA certificates of the NATS server; requires TLS.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_ca_file: Option<PathBuf>,
    /// Subject prefix for replies (default: `_INBOX_<user>`, or `_INBOX` without a user).
    #[arg(long, global = true, value_name = "PREFIX")]
    pub(crate) nats_inbox_prefix: Option<String>,
    /// Read a TOML file; its keys are the variables without ASSENT_, in lower case.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what was recorded (read-only).
    #[command(subcommand)]
    Events(EventsCommand),
    /// Show, and get past, messages of the log that can't be read (list, show: read-only; void: writes).
    #[command(subcommand)]
    Blocked(BlockedCommand),
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
    /// Check that everything is there, and as it must be (read-only).
    #[command(after_help = "\
Each check is one line: ok, or a problem and what to do about it.
Exit code 1 if there is a problem, 69 if NATS can't be reached.

Example:
  consentctl doctor --nats-url nats://nats.internal:4222")]
    Doctor,
}

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
}

/// The commands about messages that can't be read.
#[derive(Debug, Subcommand)]
pub(crate) enum BlockedCommand {
    /// List the accounts and users that can't be read: since when, why, and what permits it again (read-only).
    #[command(after_help = "\
Nothing may be done for them until then. Asks the projection who they are, and the log why.
Exit code 1 if there are any.

Examples:
  consentctl blocked list
  consentctl blocked list --json | jq -r '.blocked[].since'")]
    List {
        /// How many at the most; 0 means all.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show a message of the log as it is stored, and why it can't be read (read-only).
    #[command(after_help = "\
Example:
  consentctl blocked show 1200")]
    Show {
        /// Its place in the log.
        #[arg(value_name = "SEQ")]
        sequence: u64,
    },
    /// Declare a message void that is no event: from then on every reader passes over it (writes).
    #[command(after_help = "\
For a message that is no event at all: an answer that somebody had stored in the log, a torn write.
The gateway records it, with the reason, for ever; it can't be taken back. A message that can be
read as an event is never void, whether or not it fits; neither is one of a type that only a newer
program knows: start that program instead.

Don't put names or e-mail addresses of customers' users into the reason.

Example:
  consentctl blocked void 1200 --reason \"an answer of the server's, ticket 4711\"")]
    Void {
        /// Its place in the log.
        #[arg(value_name = "SEQ")]
        sequence: u64,
        /// Why, in up to 500 characters.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who you are [default: the name of your login on this machine].
        #[arg(long, value_name = "NAME")]
        operator: Option<String>,
        /// Don't ask first.
        #[arg(long)]
        yes: bool,
    },
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

/// A point in time, by the log or by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After this event.
    After(Sequence),
    /// At this time.
    Time(Timestamp),
}

/// The text is neither of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sequence such as 1200, or a time such as 2026-11-23T10:00:00Z")]
pub(crate) struct InvalidMoment;

impl Moment {
    fn parse(text: &str) -> Result<Self, InvalidMoment> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::After(Sequence(sequence)));
        }
        text.parse().map(Self::Time).map_err(|_| InvalidMoment)
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::Sequence;
    use clap::{CommandFactory as _, Parser as _};

    use super::{Arguments, InvalidMoment, Moment};

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_moment_is_a_sequence_or_a_time() {
        assert_eq!(Moment::parse("12"), Ok(Moment::After(Sequence(12))));
        let time = "2026-11-23T10:00:00Z";
        assert_eq!(Moment::parse(time), Ok(Moment::Time(time.parse().unwrap())));
        for bad in ["", "-1", "yesterday", "2026-11-23", "2026-11-23T10:00:00"] {
            assert_eq!(Moment::parse(bad), Err(InvalidMoment), "{bad}");
        }
    }

    #[test]
    fn no_option_takes_a_password() {
        let password = ["consentctl", "doctor", "--nats-password", "x"];
        assert!(Arguments::try_parse_from(password).is_err());
    }
}
