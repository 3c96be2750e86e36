//! What every service program shares. Nothing here knows what a consent is.
//!
//! A service's `main.rs` describes itself in a [`Program`] and hands [`run`] a
//! function that receives its configuration and a [`Runtime`]:
//!
//! ```no_run
//! use assent_service_kit::config::ListenAddress;
//! use assent_service_kit::{Health, Program, Runtime, StartError, Variable, run, serve};
//!
//! static PROGRAM: Program = Program {
//!     name: "greeter",
//!     version: "0.1.0",
//!     about: "Greets whoever asks.",
//!     variables: &[Variable {
//!         name: "ASSENT_LISTEN",
//!         help: "address and port to listen on",
//!         default: Some("127.0.0.1:8080"),
//!         secret: false,
//!     }],
//!     known_names: &["ASSENT_LISTEN"],
//! };
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     listen: ListenAddress,
//! }
//!
//! async fn start(config: Config, runtime: Runtime) -> Result<(), StartError> {
//!     let router = axum::Router::new();
//!     serve(&runtime, config.listen, router, Health::new()).await?;
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     run(&PROGRAM, start)
//! }
//! ```
//!
//! Read the modules in the order below: how a program starts and stops, what it
//! is told, what it tells others, and how it answers HTTP.

pub mod program;

pub mod runtime;

pub mod config;

pub mod telemetry;

pub mod error_chain;

pub mod metrics;

pub mod health;

mod complaints;

pub mod problem;

pub mod extract;

pub mod openapi;

pub mod error_pages;

pub mod bearer;

pub mod return_to;

pub mod server;

mod request;

mod request_id;

mod systemd;

pub use bearer::{BearerError, BearerVerifier, Caller};
pub use complaints::follow_complaints;
pub use error_pages::ErrorPages;
pub use extract::{ApiJson, ApiPath, ApiQuery, OpenJson};
pub use health::{Dependency, Health};
pub use problem::Problem;
pub use program::{
    Flag, GivenFlags, Misconfigured, NeedsOperator, NotReachable, Program, StartError, Variable,
    run, run_with_flags,
};
pub use runtime::Runtime;
pub use server::{BODY_LIMIT, Bound, ConnectionLimits, Listen, ServeError, bind, serve};
