//! What the log's errors mean to a use case.

use std::time::Duration;

use assent_contract::store::Store;
use assent_domain::account::IllegalEvent;
use assent_event_log::{ReadError, VoidError};
use assent_metrics::gateway::{DAMAGED_HISTORIES, UNREADABLE_AGGREGATES};
use assent_service_kit::error_chain::with_sources;

use crate::failure::Failure;
use crate::limits::{Limit, Limited};
use crate::reasons::{MessageIsAnEvent, NotFound};

pub(super) fn unreadable(illegal: IllegalEvent) -> Failure {
    Failure::Unreadable(illegal.into())
}

pub(super) fn unreadable_or_unavailable(error: ReadError) -> Failure {
    match error {
        ReadError::Unreadable { .. } | ReadError::BrokenChain { .. } => {
            tracing::error!(
                operator_alarm = "unreadable_aggregate",
                error = %with_sources(&error),
                "an aggregate of the event log can't be read"
            );
            UNREADABLE_AGGREGATES.increment(1);
            Failure::Unreadable(error.into())
        }
        ReadError::Damaged(damage) => {
            tracing::error!(
                operator_alarm = "event_log_damaged",
                error = %damage,
                log.subject = %damage.subject,
                log.missing = %damage.missing,
                nats.server = %damage.server,
                "the event log has lost events"
            );
            DAMAGED_HISTORIES.increment(1);
            Failure::Damaged(damage)
        }
        ReadError::NotThere | ReadError::JetStream(_) => Failure::LogUnavailable(error.into()),
    }
}

pub(super) fn not_declared_void(error: VoidError) -> Failure {
    match error {
        VoidError::NotThere { .. } => Failure::NotFound(NotFound::Message),
        VoidError::IsAnEvent { .. } | VoidError::IsNewerEvent { .. } => {
            Failure::MessageIsAnEvent(MessageIsAnEvent(error))
        }
        VoidError::TooMany => Failure::TooMany(Limited {
            limit: Limit::Voids,
            retry_after: Duration::from_mins(1),
        }),
        VoidError::Read(error) => unreadable_or_unavailable(error),
        VoidError::Full { .. } => Failure::StoreFull {
            store: Store::Operations.name().to_owned(),
            cause: error.into(),
        },
        VoidError::OutcomeUnknown(_) => Failure::StoreUnavailable {
            store: Store::Operations.name().to_owned(),
            cause: error.into(),
        },
    }
}
