//! The consent gateway's process.

use std::process::ExitCode;

use consent_gateway::{app, config, start};

fn main() -> ExitCode {
    assent_service_kit::run_with_flags(&config::PROGRAM, &start::FLAGS, app::run)
}
