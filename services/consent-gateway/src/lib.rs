//! The consent gateway: the only writer of consent events. It answers the host application over HTTP, the login hook over
//! NATS, and serves the pages.
//!
//! Start at [`app`], which puts everything together. What can be asked of it is `assent-consent-core`, what people see is
//! `assent-consent-pages`.

pub mod app;
pub mod config;
mod custody_key;
mod http;
mod messaging_endpoints;
mod nats_watch;
mod read_ahead;
mod space;
pub mod start;
mod stores;
