//! A history in sentences: what was granted or revoked, when, by whom.

use assent_domain::event::{Authority, Event, RevocationReason};
use assent_domain::ids::{Sequence, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync};
use assent_event_log::RecordedEvent;
use std::sync::Arc;

use crate::labels::{self, When};

/// One line of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: When,
    pub(super) what: String,
    pub(super) by: String,
}

/// How much of it is shown at first.
const SHORT: usize = 8;
/// How much of it is on one page.
const PAGE: usize = 200;

/// The lines, the newest first.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) recent: Vec<Entry>,
    /// For those who ask for more.
    pub(super) older: Vec<Entry>,
    /// How many are older still, and on the next page.
    pub(super) left_out: usize,
    /// The next page has what came before this event.
    pub(super) next: Option<u64>,
    /// Newer ones are on another page.
    pub(super) is_continued: bool,
}

/// The lines for these events, or for those before one of them. `late`: those that came too late and count for nothing.
pub(super) fn entries<'a>(
    events: impl IntoIterator<Item = &'a Arc<RecordedEvent>>,
    me: &UserId,
    late: &[Sequence],
    before: Option<Sequence>,
) -> Told {
    let mut events: Vec<_> = events
        .into_iter()
        .filter(|recorded| before.is_none_or(|before| recorded.sequence < before))
        .collect();
    events.sort_unstable_by_key(|recorded| std::cmp::Reverse(recorded.sequence));
    let left_out = events.len().saturating_sub(PAGE);
    events.truncate(PAGE);
    let last = events.last().filter(|_| left_out != 0);
    let next = last.map(|recorded| recorded.sequence.0);
    let lines = events.into_iter().map(|recorded| {
        let (what, by) = told(&recorded.decoded.event, me);
        let what = if late.contains(&recorded.sequence) {
            format!(
                "{what}; it came after the company had changed its method, so it counts for nothing"
            )
        } else {
            what
        };
        Entry {
            at: When(recorded.decoded.metadata.time),
            what,
            by,
        }
    });
    let mut recent: Vec<_> = lines.collect();
    let is_continued = before.is_some();
    let shown = if is_continued { PAGE } else { SHORT };
    let older = recent.split_off(recent.len().min(shown));
    Told {
        recent,
        older,
        left_out,
        next,
        is_continued,
    }
}

fn told(event: &Event, me: &UserId) -> (String, String) {
    match event {
        Event::ModeChanged(changed) => {
            let what = match (changed.from.method, changed.to.method) {
                (AuthorizationMethod::UserIndividual, AuthorizationMethod::AdminConfigured) => {
                    "The company changed to Office 365 administrator configured".to_owned()
                }
                (AuthorizationMethod::AdminConfigured, AuthorizationMethod::UserIndividual) => {
                    "The company changed to users individually authorize; what everybody had ended"
                        .to_owned()
                }
                (AuthorizationMethod::UserIndividual, AuthorizationMethod::UserIndividual)
                | (AuthorizationMethod::AdminConfigured, AuthorizationMethod::AdminConfigured) => {
                    match changed.to.email_sync {
                        EmailSync::Limited => "The company changed to Limited sync of e-mail",
                        EmailSync::Full => "The company changed to Full sync of e-mail",
                    }
                    .to_owned()
                }
            };
            (what, someone(&changed.changed_by, me))
        }
        Event::AdminConsentGranted(granted) => (
            format!(
                "An Office 365 administrator consented for everyone: {}",
                labels::list(granted.permissions)
            ),
            format!(
                "{}, accepted at Microsoft by {}",
                someone(&granted.requested_by, me),
                granted.granted_by.0
            ),
        ),
        Event::UserScopeGranted(granted) => {
            let what = labels::list(granted.permissions);
            match granted.authority {
                Authority::User => (format!("Granted: {what}"), someone(&granted.user, me)),
                Authority::AdministratorConsent(_) => (
                    format!("Granted at sign-in: {what}"),
                    "the administrator's consent".to_owned(),
                ),
            }
        }
        Event::UserScopeRevoked(revoked) => {
            let what = labels::list_kinds(revoked.permissions);
            let what = match revoked.reason {
                RevocationReason::UserRevoked => format!("Revoked: {what}"),
                RevocationReason::UserDeclined => format!("Declined at Microsoft: {what}"),
                RevocationReason::MicrosoftWithdrawn => format!("Withdrawn at Microsoft: {what}"),
            };
            let by = revoked
                .revoked_by
                .as_ref()
                .map_or_else(|| "Microsoft".to_owned(), |user| someone(user, me));
            (what, by)
        }
    }
}

fn someone(user: &UserId, me: &UserId) -> String {
    if user == me {
        "you".to_owned()
    } else {
        user.to_string()
    }
}

#[cfg(test)]
mod tests;
