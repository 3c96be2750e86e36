//! The token broker: keeps refresh tokens sealed, hands sync workers an access token while the permission is effective, and
//! notices what was withdrawn at Microsoft.
//!
//! Three rules shape it. *No token without an effective permission*, at a named sequence of the log. *Nothing effective,
//! nothing kept.* *Only Microsoft's word is a withdrawal*: a session that ended, a fault of ours or a bad hour of
//! Microsoft's changes nobody's consent.
//!
//! Read in this order:
//!
//! 1. [`app`] puts everything together; [`config`] is what it is told.
//! 2. `permissions` knows what is effective, as sync workers do.
//! 3. `custody` is what is held: one refresh token a user, tried at Microsoft one at a time (`flights`), and written back;
//!    `standing` whether it has a use; `stores` where it is, with the `receipts`.
//! 4. `hand_out` is the use case of sync workers; `deposit`, `status`, `overview` and `report` those of the others.
//! 5. `verify` tries a token for its own sake, and says what is gone (`withdrawals`); `clock` has every token tried in its
//!    turn, within a `budget`; `endings` destroys what nothing is effective for.
//! 6. `http` and `messaging_endpoints` are who may ask, and how; `failure` is what they are refused with.

pub mod app;
pub mod config;

mod http;
mod messaging_endpoints;

mod hand_out;

mod overview;

mod deposit;
mod report;
mod status;

mod budget;
mod clock;
mod counted;
mod endings;
mod verify;
mod withdrawals;

mod custody;
mod flights;
mod receipts;
mod standing;
mod stores;

mod access_tokens;
mod permissions;

mod failure;
mod readiness;
mod user_key;
