//! A stand-in for Microsoft Entra, and for the parts of Microsoft Graph that a consent gateway needs, and a
//! host application that syncs.
//!
//! It signs people in without passwords, asks them for consent on real pages, issues codes and tokens, and refuses
//! what Microsoft refuses, in Microsoft's words. It knows nothing of whoever uses it. [`start`] runs it in this
//! process; the binary `entra-simulator` does the same from the command line. Tests drive it over its control API,
//! which the crate's README describes.
//!
//! To read it: [`story`] is what it knows at first. `directory` and `policy` are the rules, without any input or
//! output. `interaction` is a visit to the pages, which `authorize` and `admin_consent` begin, `pages` shows, `consent`
//! decides and `return_target` ends. `token`, `client_authentication` and `id_token` are the token endpoint. What is refused, and in
//! which words, is one table in `aadsts`. `control` is the tests' way in.

mod aadsts;
mod admin_consent;
mod authority;
mod authorization_request;
mod authorize;
mod autodiscover;
mod bounded;
mod claims;
mod client_authentication;
mod client_info;
mod clock;
mod consent;
mod control;
mod device_code;
mod directory;
mod faults;
mod graph;
mod html;
mod id_token;
mod identifiers;
mod instance_discovery;
mod interaction;
mod keys;
mod mailboxes;
mod metadata;
mod pages;
mod parameters;
mod policy;
mod random;
mod refreshes;
mod request_ids;
mod return_target;
mod scopes;
mod screen;
mod seed;
mod server;
mod sign_out;
mod simulator;
mod state;
pub mod story;
mod tls;
mod token;

pub use seed::{SeedDocument, SeedDocumentError, SeedError};
pub use server::{Running, Seed, Settings, StartError, Transport, start};
