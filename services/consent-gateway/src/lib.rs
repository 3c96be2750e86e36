//! The consent gateway: the only writer of consent events. It talks to Microsoft, takes
//! its callbacks, and answers the host application over HTTP and the login hook over NATS.
//!
//! Start at [`app`], which puts everything together; each file in `use_cases` is one thing
//! that somebody can ask for.

pub mod app;
mod asset;
mod brand;
mod browser;
pub mod config;
mod cutoff;
mod failure;
mod flow;
mod gateway;
mod hand_off;
mod ledger;
mod limits;
mod log_guard;
mod messaging_endpoints;
mod microsoft_standing;
mod names;
mod nats_watch;
mod observations;
mod pasted;
mod records;
mod representation;
mod return_to;
mod rights;
mod scopes;
mod session;
mod space;
pub mod start;
mod stores;
mod stripes;
mod use_cases;
mod view;
mod wording;

mod http;

#[cfg(test)]
mod test_gateway;
