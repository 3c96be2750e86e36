//! The projection's process.

use std::process::ExitCode;

use projection::{app, config};

fn main() -> ExitCode {
    assent_service_kit::run(&config::PROGRAM, app::run)
}
