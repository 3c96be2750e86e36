//! The token broker's process.

use std::process::ExitCode;

use token_broker::{app, config};

fn main() -> ExitCode {
    assent_service_kit::run(&config::PROGRAM, app::run)
}
