//! The login hook's process.

use std::process::ExitCode;

use login_hook::{app, config};

fn main() -> ExitCode {
    assent_service_kit::run(&config::PROGRAM, app::run)
}
