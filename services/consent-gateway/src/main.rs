//! The consent gateway's process.

use std::process::ExitCode;

use consent_gateway::{app, config};

fn main() -> ExitCode {
    assent_service_kit::run(&config::PROGRAM, app::run)
}
