//! The simulator over real HTTP: every flow, and every rule by which it refuses.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]
#![expect(
    clippy::panic,
    reason = "a test stops where something is not as it should be"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "an index into JSON that is missing is a failed test"
)]

mod admin_consent;
mod authorize;
mod autodiscover;
mod client_authentication;
mod consent_policies;
mod continuous_access;
mod control;
mod device_code;
mod fixture;
mod forgeries;
mod graph;
mod instance_discovery;
mod mailboxes;
mod metadata;
mod msal;
mod pages;
mod process;
mod refresh;
mod refusals;
mod request_ids;
mod sign_out;
mod silent;
mod tls;
mod token;
