//! What a page says first: how the last thing went.

use assent_consent_core::failure::Failure;
use assent_consent_core::flow::{FlowState, FlowView};
use assent_consent_core::messages;
use axum::http::StatusCode;
use jiff::Timestamp;

use crate::page;
use crate::page_query::{Done, PageQuery};
use crate::problem::problem_from;
use crate::session::InSession;

/// A box at the top of a page.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) kind: Kind,
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// How much it matters. Each has a sign of its own on the page, for colours tell nothing to some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Success,
    Warning,
    Problem,
}

impl Kind {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    /// Whether a screen reader should interrupt.
    pub(super) const fn role(self) -> &'static str {
        match self {
            Self::Success | Self::Warning => "status",
            Self::Problem => "alert",
        }
    }
}

impl Done {
    fn notice(self) -> Notice {
        let (kind, title, text) = match self {
            Self::FullSync => (
                Kind::Success,
                "Full sync is on",
                "Users can now grant sending, reading and syncing of e-mail. Whoever granted sending only is not asked \
                 again; it can be extended in Settings > My account.",
            ),
            Self::LimitedSync => (
                Kind::Success,
                "Limited sync is on",
                "From now on e-mail is only sent. Replies are no longer synced.",
            ),
            Self::UsersAuthorize => (
                Kind::Success,
                "Users individually authorize",
                "Each user now chooses in Settings > My account, or when signing in the next time. Nothing is synced for \
                 anybody until then.",
            ),
            Self::Revoked => (
                Kind::Success,
                "Saved",
                "What you unticked is off, and no longer synced.",
            ),
            Self::Unchanged => (Kind::Success, "Saved", "There was nothing to change."),
            Self::LinkCancelled => (
                Kind::Success,
                "The link is cancelled",
                "Whoever opens it is told that it is over.",
            ),
            Self::ChangedMeanwhile => (
                Kind::Warning,
                "Somebody changed these settings meanwhile",
                "So nothing was changed just now. Below is how things stand; choose again if need be.",
            ),
        };
        Notice {
            kind,
            title,
            text: text.to_owned(),
        }
    }
}

impl PageQuery {
    /// What to say, where `flow` is what we know ourselves of the flow that the address names, and `completed` what a
    /// page says of one that went well.
    pub(super) fn notice(
        &self,
        session: &InSession,
        flow: Option<&FlowView>,
        completed: (&'static str, &'static str),
        now: Timestamp,
    ) -> Option<Notice> {
        let of_flow = flow.and_then(|flow| of_flow(flow, completed));
        of_flow.or_else(|| self.just_done(session, now).map(Done::notice))
    }

    /// What a form led to that was sent in this session a moment ago.
    fn just_done(&self, session: &InSession, now: Timestamp) -> Option<Done> {
        let (done, told) = (self.done?, self.told.as_deref()?);
        let vouched = session.secret.vouched(done.as_str(), told, now);
        vouched.then_some(done)
    }
}

/// How a flow ended, or stands.
fn of_flow(flow: &FlowView, completed: (&'static str, &'static str)) -> Option<Notice> {
    if flow.state == FlowState::Completed && flow.code.is_none() {
        let (title, text) = completed;
        return Some(Notice {
            kind: Kind::Success,
            title,
            text: text.to_owned(),
        });
    }
    let notice = of_words(flow.state, flow.code.as_deref())?;
    let text = flow.detail.clone().unwrap_or(notice.text);
    Some(Notice { text, ..notice })
}

fn of_words(state: FlowState, code: Option<&str>) -> Option<Notice> {
    let (kind, title) = match (state, code) {
        (FlowState::Pending, _) => return None,
        (FlowState::Completed, Some(_)) => (Kind::Warning, "Recorded, with a remark"),
        (FlowState::Completed, None) => (Kind::Success, "Done"),
        (FlowState::AwaitingConfirmation, _) => (Kind::Warning, "One step is left"),
        (FlowState::Declined, _) => (Kind::Warning, "Declined"),
        (FlowState::Undetermined, _) => (Kind::Warning, "No answer from Microsoft"),
        (FlowState::Expired, _) => (Kind::Warning, "The request has expired"),
        (FlowState::Refused, Some("administrator_approval_required")) => {
            (Kind::Warning, "An administrator has to approve this")
        }
        (FlowState::Refused, _) => (Kind::Problem, "Nothing was granted"),
    };
    let of_code = code.map(messages::for_code);
    let text = of_code.or_else(|| messages::for_state(state));
    Some(Notice {
        kind,
        title,
        text: text.unwrap_or_default().to_owned(),
    })
}

/// Why a form of ours was not carried out, and the status to say it with.
pub(super) fn of_failure(failure: Failure) -> Result<(StatusCode, Notice), Failure> {
    let kept = matches!(
        failure,
        Failure::Refused(_)
            | Failure::Invalid(_)
            | Failure::AmbiguousTenant(_)
            | Failure::ConsentsTenantAbsent
            | Failure::MessageIsAnEvent(_)
            | Failure::TooMany(_)
            | Failure::StoreFull { .. }
            | Failure::ConcurrentChange
            | Failure::MicrosoftUnreachable { .. }
            | Failure::MicrosoftNonsense(_)
    );
    if !kept {
        return Err(failure);
    }
    let problem = problem_from(failure);
    let text = match (problem.code(), problem.public_detail()) {
        // Its detail says which part of the form is meant.
        ("invalid_request", Some(detail)) => messages::as_sentence(detail),
        // It is the same from here, whether the tenant is gone or was named.
        ("tenant_absent", _) => messages::for_code("tenant_mismatch").to_owned(),
        _ => page::of_problem(&problem),
    };
    let notice = Notice {
        kind: Kind::Problem,
        title: "Nothing was changed",
        text,
    };
    Ok((problem.status(), notice))
}

#[cfg(test)]
mod tests;
