//! `checkpoint watch`: keeps how long the log is and its root, and checks each time that it still holds that.

use std::path::Path;
use std::time::Duration;

use assent_checkpoint::VerifierKey;
use assent_messaging::{Connection, ConnectionSettings};
use assent_service_kit::error_chain::with_sources;
use jiff::Timestamp;

use super::report::{self, Kind, Report};
use super::state::{Found, KeptState};
use crate::arguments::Format;
use crate::exit::{CommandError, Outcome};
use crate::key_file;
use crate::log_root::{Kept, hold_against};
use crate::output::Output;

pub(super) async fn run(
    settings: ConnectionSettings,
    state: &Path,
    key: &str,
    every: Option<Duration>,
    format: Option<Format>,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let watch = Watch {
        state,
        key: key_file::verifier_key(key)?,
        connection: Connection::connect(settings).await?,
    };
    let Some(pause) = every else {
        return watch.once(output).await?.show(format, output);
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut outcome = Outcome::Clean;
    loop {
        let round = async {
            match watch.once(output).await {
                Ok(report) => {
                    if report.show_in_a_row(format, output)? == Outcome::Finding {
                        outcome = Outcome::Finding;
                    }
                }
                // It is looked at again: being out of reach says nothing about the log.
                Err(error @ CommandError::NotReachable(_)) => {
                    output.remark(&with_sources(&error).to_string())?;
                }
                Err(error) => return Err(error),
            }
            output.flush()?;
            tokio::time::sleep(pause).await;
            Ok(())
        };
        tokio::select! {
            biased;
            _ = &mut interrupted => return Ok(outcome),
            ended = round => ended?,
        }
    }
}

struct Watch<'a> {
    state: &'a Path,
    key: VerifierKey,
    connection: Connection,
}

impl Watch<'_> {
    async fn once(&self, output: &mut Output) -> Result<Report, CommandError> {
        let origin = self.key.name();
        let (kept, held_at) = match KeptState::read(self.state)? {
            Found::Nothing => (None, None),
            Found::State(state) if state.key != self.key.to_string() => {
                let says = format!(
                    "{} was kept under another key: {}",
                    self.state.display(),
                    state.key
                );
                return Ok(Report::of_other(origin, Kind::OtherKey, says));
            }
            Found::State(state) => (Some(state.kept()), Some(state.held_at)),
            Found::Other(bytes) => {
                let signed = key_file::signed_checkpoint(self.state, &bytes, Some(&self.key));
                match report::read(signed, Some(&self.key))? {
                    Ok(checkpoint) => {
                        let (size, root) = (checkpoint.size, checkpoint.root);
                        (Some(Kept { size, root }), None)
                    }
                    Err(report) => return Ok(report),
                }
            }
        };
        let (verdict, tree) = hold_against(&self.connection, kept, output).await?;
        let mut report = match (kept, verdict) {
            (Some(kept), Some(verdict)) => Report::of_log(origin, kept, verdict, tree.as_ref()),
            (Some(_), None) | (None, _) => Report::of_new(origin, tree.as_ref()),
        };
        report.held_at = held_at;
        if let Some(tree) = tree.filter(|_| report.ok) {
            let now = Timestamp::now();
            KeptState::new(&self.key, Kept::of(&tree), now).write(self.state)?;
            report.held_at = Some(now);
        }
        Ok(report)
    }
}
