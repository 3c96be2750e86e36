//! `consentctl blocked`.

use clap::Subcommand;

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
