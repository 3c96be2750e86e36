//! The projection: follows the log of consent events, keeps what it adds up to in a view, and
//! answers what may be done for a user now.
//!
//! 1. [`app`] puts it together.
//! 2. `keep_up` follows the log: catches up, goes on live, and begins again after `trouble`.
//! 3. `find_view` finds the view of that log on disk, or builds it from the whole log.
//! 4. `announce` tells others what changed, each change once.
//! 5. `board` is where the view is served from; `answers` reads it, for NATS and for HTTP, and
//!    `snapshot` reads all of it, for whoever begins to follow the changes.

mod announce;
mod answers;
pub mod app;
mod board;
pub mod config;
mod failure;
mod find_view;
mod http;
mod keep_up;
mod queries;
mod snapshot;
mod trouble;
