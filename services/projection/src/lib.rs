//! The projection: follows the log of consent events, keeps what it adds up to in a view, and
//! answers what may be done for a user now.
//!
//! 1. [`app`] puts it together.
//! 2. `projector` follows the log: catches up, goes on live, and begins again after a `follow_failure`.
//! 3. `view_loader` finds the view of that log on disk, or builds it from the whole log.
//! 4. `entries` is what the view takes in of the log; `voids` knows which messages of the log are void;
//!    `unblock` folds anew whom they blocked.
//!    `log_checker` reads the log again, to see that it still holds what the view was built from, and
//!    `log_findings` tells; `rows_checker` sees that the view is what was written.
//! 5. `change_announcer` tells others what changed, each change once.
//! 6. `rebuild` builds the view anew where an operator asks for it, beside the one that is served.
//! 7. `served_view` is where the view is served from; `answers` reads it, for NATS and for HTTP, and
//!    `authzen` does so in the words of a standard;
//!    `snapshot` reads all of it, for whoever begins to follow the changes; `replica` is what an operator asks
//!    of each projection by itself.

mod announce_error;
mod answers;
pub mod app;
mod authzen;
mod change_announcer;
pub mod config;
mod entries;
mod follow_failure;
mod http;
mod log_checker;
mod log_findings;
mod log_reader;
mod projector;
mod queries;
mod query_failure;
mod rebuild;
mod replica;
mod rows_checker;
mod served_view;
mod snapshot;
mod unblock;
mod view_loader;
mod voids;
