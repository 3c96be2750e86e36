//! `consentctl events`.

use assent_domain::ids::{AccountId, UserId};
use clap::{Args, Subcommand, ValueEnum};

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
