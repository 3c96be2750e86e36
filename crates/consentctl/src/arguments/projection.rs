//! `consentctl projection`.

use assent_domain::ids::AccountId;
use clap::{Args, Subcommand};

/// The commands about the projections and their views.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectionCommand {
    /// Show each projection: how much of the log it has applied, and how its view is (read-only).
    #[command(after_help = "\
Asks every replica that is running, also one that has no view to answer queries from. Exit code 1 if
one of them can't answer queries, or found that the log is not what its view was built from; 69 if
none answers. Each compares the log with its view after a start, a lost connection and a change of
leader, and once a day; with --compare it begins at once, and you see later what came of it.

Examples:
  consentctl projection status
  consentctl projection status --json | jq '.replicas[] | {instance, lag, blocked}'")]
    Status {
        /// Have each compare the log with its view now.
        #[arg(long)]
        compare: bool,
    },
    /// Compare what all projections hold, by one digest for each (read-only).
    #[command(after_help = "\
Each reads all of its rows, a second or so per million; they go on answering meanwhile. While the log
grows they are asked for the digest of one sequence. Exit code 1 if they differ at one sequence, or if
one can't tell; 69 if none answers.

Examples:
  consentctl projection digest
  consentctl projection digest --json | jq -r '.[].digest' | sort -u")]
    Digest,
    /// Let go of users who are held back, as the log lost events: what it says of them counts again (writes).
    #[command(
        name = "accept-log",
        after_help = "\
Where the log no longer holds what a view was built from (it was cut, or an older copy took its place),
the view is built anew, and users of whom the log says that more is permitted than was known before are
held back: a no of theirs may be what is lost. consentctl blocked list names them. First restore the log
if you can, or say each lost no again; then decide with this that the log is right as it is.

Example:
  consentctl projection accept-log --yes"
    )]
    AcceptLog {
        /// Don't ask first.
        #[arg(long)]
        yes: bool,
    },
    /// Build the view anew from the log, beside the one that is served, compare the two, and swap them (writes;
    /// read-only with --dry-run).
    #[command(after_help = "\
Queries are answered all the while, and no change is told twice. One projection is rebuilt after another.
Each goes on by itself: whoever asks again while one is under way joins it, also after the projection
was stopped or killed. The new view takes the place of the old one only if it is of the same log and is
what the log adds up to; whatever was different is named. It needs as much disk again, for a while.

Exit code 1 if something was different, or if a projection refuses; 69 if none answers.

Examples:
  consentctl projection rebuild --dry-run          what would change?
  consentctl projection rebuild --yes
  consentctl projection rebuild --account acme     only this company and its users, from their own events
  consentctl projection rebuild --replica 4be3...  only this projection, by its name in projection status")]
    Rebuild(RebuildArguments),
}

/// What to rebuild, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct RebuildArguments {
    /// Only this company and its users: each is folded from its own events.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountId>,
    /// Compare, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only the projection of this name, as projection status shows it.
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) replica: Option<String>,
    /// Don't ask first.
    #[arg(long)]
    pub(crate) yes: bool,
}
