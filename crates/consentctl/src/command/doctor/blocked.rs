//! Whether anybody is blocked, and the way out.

use assent_messaging::Connection;

use super::check::{Check, CheckKind, Quantity};
use crate::output::count;
use crate::projection;

pub(super) async fn check(connection: &Connection) -> Check {
    let kind = CheckKind::Blocked;
    let advice = "consentctl blocked list says why, and what permits it again";
    let found = match projection::blocked(connection, None, 1).await {
        Ok(found) => found,
        Err(unanswered) => {
            let says = format!("not known: {}", unanswered.to_line());
            return Check::problem(kind, says, "update the projection, or look at its log");
        }
    };
    let first = found.blocked.first().map(|first| {
        let account = &first.whose.account_id;
        match &first.whose.user_id {
            Some(user) => format!("user {user} of account {account}"),
            None => format!("account {account}"),
        }
    });
    let check = match (first, found.orphans) {
        (Some(first), _) => {
            let others = match found.total.saturating_sub(1) {
                0 => String::new(),
                others => format!(", and {}", count(others, "other")),
            };
            let says = format!("{first}{others}: nothing is effective there");
            Check::problem(kind, says, advice)
        }
        (None, 0) => Check::ok(kind, "nobody"),
        (None, orphans) => {
            let says = format!(
                "nobody; {} of the log can't be read and names nobody",
                count(orphans, "message")
            );
            Check::problem(
                kind,
                says,
                "consentctl events list --limit 0 shows it; consentctl blocked void passes over it",
            )
        }
    };
    check.measuring(Quantity::Blocked, found.total)
}
