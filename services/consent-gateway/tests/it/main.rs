//! The gateway in this process, on a real NATS server and with a simulated Microsoft, by a clock that the test puts on.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod administrator_consent;
mod api;
mod bad_input;
mod callers;
mod clouds;
mod custody;
mod description;
mod expiries;
mod failures;
mod fixture;
mod operations;
mod pages;
mod withdrawals;
