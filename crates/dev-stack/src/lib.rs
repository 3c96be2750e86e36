//! Everything Assent needs around it to run on one developer's machine: a real NATS server, the host application that
//! signs tokens, and our own programs as processes.
//!
//! Tests, the demo and the benchmarks stand on the same pieces:
//!
//! - [`NatsServer`]: a nats-server of its own, with the users and permissions of `deploy/nats`. The program is found on
//!   `PATH` or fetched once ([`nats_server::find_or_fetch`]).
//! - [`HostApplication`]: the application whose users and administrators call us: an issuer, its keys, its tokens.
//! - [`Program`]: one of our own programs as a process, with its own environment and log.
//! - [`Stack`]: all of these, put together.
//! - [`previous_release`]: the services as they were in the release before.
//! - [`browser`]: a real Chromium, for pages that people see.
//! - [`actors`]: those who act in a story on a stack: users, logins, services, people at Microsoft.
//!
//! Nothing here is part of a deployment. Every value cleans up after itself when dropped, and any number of them may run
//! side by side: each has its own ports, directories and passwords. So a program that is interrupted must leave by
//! returning, not by `exit`.

pub mod actors;
pub mod browser;
mod host_application;
pub mod nats_server;
pub mod previous_release;
mod program;
mod stack;

mod fetch_once;
mod port;
mod process;
mod target;
mod vault_keys;
mod wait;

pub use host_application::{AUDIENCE, HostApplication, HostApplicationError, TokenBuilder};
pub use nats_server::{NatsServer, NatsServerError, NatsUser};
pub use port::{PortError, ReservedPort};
pub use program::{Program, ProgramError, ProgramPlan};
pub use stack::{
    CommandError, Ports, SIMULATOR_CLIENT_ID, SIMULATOR_CLIENT_SECRET, SIMULATOR_HOST_CLIENT_ID,
    Stack, StackError, StackOptions,
};
pub use target::{TargetError, profile_directory, tools_directory};
pub use vault_keys::VaultKeys;
pub use wait::wait_for;
