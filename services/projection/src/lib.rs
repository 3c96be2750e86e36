//! The projection: follows the log of consent events, keeps what it adds up to in a view, and
//! answers what may be done for a user now.
//!
//! 1. [`app`] puts it together.
//! 2. `keep_up` follows the log: finds or rebuilds the view, catches up, goes on live.
//! 3. `announce` tells others what changed, each change once.
//! 4. `board` is where the view is served from; `answers` reads it, for NATS and for HTTP.

mod announce;
mod answers;
pub mod app;
mod board;
pub mod config;
mod failure;
mod http;
mod keep_up;
mod queries;
