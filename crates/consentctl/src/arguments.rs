//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use assent_domain::ids::{AccountId, Sequence, UserId};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

/// Reads the log of Microsoft 365 consent: who consented to what, when, and what follows from it.
#[derive(Debug, Parser)]
#[command(
    name = "consentctl",
    version,
    after_help = "Examples:\n  \
        consentctl doctor\n  \
        consentctl events list --account acme\n  \
        consentctl events tail --json\n  \
        consentctl account acme\n  \
        consentctl explain acme ana\n  \
        consentctl explain acme ana --at 2026-05-04T12:00:00Z\n\n\
        Exit codes: 0 all is well, 1 a finding, 64 wrong usage, 69 not reachable.\n\n\
        NATS is configured as for the services: ASSENT_NATS_URL, ASSENT_NATS_USER,\n\
        ASSENT_NATS_PASSWORD (or ASSENT_NATS_PASSWORD_FILE), ASSENT_NATS_CREDS_FILE,\n\
        ASSENT_NATS_CA_FILE."
)]
pub(crate) struct Arguments {
    /// Print JSON: one document, or one line for each event
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Address of the NATS server, instead of ASSENT_NATS_URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) nats_url: Option<String>,
    /// User name at NATS, instead of ASSENT_NATS_USER
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) nats_user: Option<String>,
    /// Credentials file for NATS, instead of ASSENT_NATS_CREDS_FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_creds_file: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The events themselves
    #[command(subcommand)]
    Events(Events),
    /// A company: its method, its consent, its history
    Account {
        /// The account id
        account: AccountId,
    },
    /// Why each permission of a user is on or off: the events that made it so
    Explain {
        /// The account id
        account: AccountId,
        /// The user id
        user: UserId,
        /// As of a sequence or a time (RFC 3339) in the past
        #[arg(long, value_name = "TIME|SEQ")]
        at: Option<At>,
    },
    /// What is wrong with this installation, and what to do about it
    Doctor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Print events of the past, oldest first
    List(List),
    /// Print events as they come, until Ctrl-C
    Tail(Tail),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this account
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Only of this user of the account
    #[arg(long, requires = "account")]
    pub(crate) user: Option<UserId>,
    /// Only of this type, such as ModeChanged
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// From this sequence on
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(crate) from: u64,
    /// Up to this sequence
    #[arg(long, value_name = "SEQ")]
    pub(crate) to: Option<u64>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only of this account
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Begin with this sequence instead of the next new event
    #[arg(long, value_name = "SEQ")]
    pub(crate) from: Option<u64>,
}

/// A point in the past.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// After this event.
    Sequence(Sequence),
    /// At this time, by the events' own times.
    Time(Timestamp),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(Sequence(sequence)));
        }
        text.parse()
            .map(Self::Time)
            .map_err(|_| "expected a sequence, or a time such as 2026-05-04T12:00:00Z".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
