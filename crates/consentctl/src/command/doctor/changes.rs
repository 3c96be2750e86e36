//! Whether the stream of changes ends with a message of ours that agrees with the log.
//!
//! The projections look for it all the time, and mend what they find. So a problem here is one that
//! is being mended, or one that nobody mends.

use assent_event_log::EventLog;
use assent_messaging::Connection;
use assent_service_kit::error_chain::with_sources;

use super::check::{Check, CheckKind};
use crate::told::{self, LastTold};

const NAME: CheckKind = CheckKind::Changes;
const ADVICE: &str = "projection mends this by itself: see that one runs, and look at its /readyz";

pub(super) async fn check(connection: &Connection) -> Check {
    let unread = |says: String| Check::problem(NAME, says, "look at the log of nats-server");
    let position = match told::last(connection).await {
        Ok(LastTold::Ours(position)) => position,
        Ok(LastTold::Nothing) => return Check::ok(NAME, "none told yet"),
        Ok(LastTold::Foreign { number, subject }) => {
            let says = format!("message {number}, on {subject}, is none of ours");
            return Check::problem(NAME, says, ADVICE);
        }
        Err(error) => return unread(with_sources(&error).to_string()),
    };
    let log = match EventLog::open(connection).await {
        Ok(log) => log,
        Err(error) => {
            let says = format!("told of a log that is not there: {}", with_sources(&error));
            return Check::problem(NAME, says, "see to the log first");
        }
    };
    match told::disagreement(&position, &log).await {
        Ok(None) => Check::ok(NAME, format!("told up to event {}", position.through)),
        Ok(Some(says)) => Check::problem(NAME, says, ADVICE),
        Err(error) => unread(with_sources(&error).to_string()),
    }
}
