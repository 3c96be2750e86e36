//! What a flow ends in where its last step failed.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_domain::refusal::Refusal;

use assent_event_log::VoidError;

use super::view;
use crate::failure::Failure;
use crate::flow::{FlowFailure, FlowOutcome};
use crate::limits::{Limit, Limited};
use crate::log_trouble::LogTrouble;
use crate::reasons::{Forbidden, InvalidRequest, MessageIsAnEvent, NotFound, Unauthenticated};

/// A failure of each kind, and what a flow ends in that meets it.
fn failures() -> Vec<(Failure, FlowOutcome)> {
    let cause = || std::io::Error::other("x").into();
    let store = || "CONSENT_FLOWS".to_owned();
    let ours = || FlowOutcome::Failed(FlowFailure::InternalError);
    vec![
        (
            Failure::Refused(Refusal::Declined),
            FlowOutcome::Refused(Refusal::Declined),
        ),
        (
            Failure::ConcurrentChange,
            FlowOutcome::Failed(FlowFailure::ConcurrentChange),
        ),
        (
            Failure::MicrosoftUnreachable {
                cause: cause(),
                retry_after: None,
            },
            FlowOutcome::Failed(FlowFailure::MicrosoftUnavailable),
        ),
        (
            Failure::MicrosoftNonsense(cause()),
            FlowOutcome::Failed(FlowFailure::MicrosoftUnavailable),
        ),
        (
            Failure::LogUnavailable(cause()),
            FlowOutcome::Failed(FlowFailure::EventLogUnavailable),
        ),
        (
            Failure::LogNotBelieved(LogTrouble::CutShort {
                known: Sequence(2),
                last: Sequence(1),
            }),
            FlowOutcome::Failed(FlowFailure::EventLogDamaged),
        ),
        (
            Failure::Unreadable(cause()),
            FlowOutcome::Failed(FlowFailure::EventUnreadable),
        ),
        (
            Failure::StoreFull {
                store: store(),
                cause: cause(),
            },
            FlowOutcome::Failed(FlowFailure::StoreFull),
        ),
        (
            Failure::StoreUnavailable {
                store: store(),
                cause: cause(),
            },
            FlowOutcome::Failed(FlowFailure::StoreUnavailable),
        ),
        (
            Failure::ConsentsTenantAbsent,
            FlowOutcome::Failed(FlowFailure::TenantAbsent),
        ),
        (Failure::Invalid(InvalidRequest::Form), ours()),
        (Failure::Unauthenticated(Unauthenticated::NoTokenId), ours()),
        (Failure::Forbidden(Forbidden::OutOfReach), ours()),
        (Failure::NotFound(NotFound::Flow), ours()),
        (Failure::AmbiguousTenant(Vec::new()), ours()),
        (Failure::AlreadyAnswered, ours()),
        (
            Failure::MessageIsAnEvent(MessageIsAnEvent(VoidError::TooMany)),
            ours(),
        ),
        (
            Failure::TooMany(Limited {
                limit: Limit::Writes,
                retry_after: Duration::ZERO,
            }),
            ours(),
        ),
        (Failure::NotYetApplied, ours()),
        (Failure::Internal(cause()), ours()),
    ]
}

/// So nobody is told to try again in a moment where an operator has to act first.
#[test]
fn a_flow_ends_in_what_its_last_step_met() {
    for (failure, expected) in failures() {
        let what = failure.to_string();
        let outcome = FlowOutcome::from_failure(&failure);
        assert_eq!(outcome, expected, "{what}");
        // What is told on the API of a request is told of a flow, by the same code.
        if expected != FlowOutcome::Failed(FlowFailure::InternalError) {
            assert_eq!(
                view(outcome).code.as_deref(),
                Some(failure.code().as_str()),
                "{what}"
            );
        }
    }
}
