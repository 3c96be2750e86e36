//! Finds or fetches what tests run on that is no part of this workspace: `fetch-tools nats-server`, `fetch-tools browser`.
//! `fetch-tools previous-release` only looks whether that can be built.
//!
//! Ends with 69 where something has to be installed first, or the history fetched, which it names.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use assent_dev_stack::previous_release::{self, PreviousReleaseError};
use assent_dev_stack::{browser, nats_server, tools_directory};

/// `EX_UNAVAILABLE` of `sysexits.h`.
const NOT_INSTALLED: u8 = 69;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let tools = tools_directory()?;
    match std::env::args().nth(1).as_deref() {
        Some("nats-server") => {
            let server = nats_server::find_or_fetch(&tools)?;
            writeln!(std::io::stdout(), "{}", server.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Some("browser") => match browser::find_or_fetch(&tools) {
            Ok(found) => {
                writeln!(std::io::stdout(), "{}", found.chromium.display())?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                let missing = error.not_installed().ok_or(error)?;
                writeln!(std::io::stderr(), "{missing}")?;
                Ok(ExitCode::from(NOT_INSTALLED))
            }
        },
        Some("previous-release") => match previous_release::require_available() {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(missing @ PreviousReleaseError::NotInHistory { .. }) => {
                writeln!(std::io::stderr(), "{missing}")?;
                Ok(ExitCode::from(NOT_INSTALLED))
            }
            Err(error) => Err(error.into()),
        },
        _ => Err("which of them: nats-server, browser or previous-release?".into()),
    }
}
