//! The consent gateway: the only writer of consent events. It talks to Microsoft, takes
//! its callbacks, and answers the host application over HTTP and the login hook over NATS.
//!
//! Start at [`app`], which puts everything together; each file in `use_cases` is one thing
//! that somebody can ask for.

pub mod app;
mod asset;
mod brand;
pub mod config;
mod failure;
mod flow;
mod gateway;
mod hand_off;
mod ledger;
mod log_guard;
mod messaging_endpoints;
mod microsoft_standing;
mod nats_watch;
mod observations;
mod records;
mod representation;
mod return_to;
mod rights;
mod scopes;
mod session;
pub mod start;
mod use_cases;
mod view;
mod wording;

mod http;

#[cfg(test)]
mod test_gateway;
