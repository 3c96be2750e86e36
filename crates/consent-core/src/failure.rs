//! What a use case can end in besides success. How it is told over HTTP and NATS is others' business.

use std::error::Error;
use std::time::Duration;

use assent_contract::problem::ErrorCode;
use assent_contract::values::Cloud;
use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_event_log::Damage;
use assent_microsoft_identity::DiscoveryError;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kv_store::StoreError;
use crate::limits::Limited;
use crate::log_trouble::LogTrouble;
use crate::reasons::{Forbidden, InvalidRequest, MessageIsAnEvent, NotFound, Unauthenticated};

/// Any error, with its chain of sources. It is logged, and never shown.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why a use case did not succeed. As an error it is for our own log; what callers are told is in [`crate::messages`].
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rules don't allow it.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// The request can't be understood, or not by these means.
    #[error("the request is not valid: {0:?}")]
    Invalid(InvalidRequest),
    /// What the caller proves itself with is not accepted.
    #[error("the caller is not believed: {0:?}")]
    Unauthenticated(Unauthenticated),
    /// The caller's token does not reach this.
    #[error("the caller may not do this: {0:?}")]
    Forbidden(Forbidden),
    /// There is no such thing, or not for this caller.
    #[error("not found: {0:?}")]
    NotFound(NotFound),
    /// A name stands for tenants in several of Microsoft's clouds.
    #[error("the name stands for several tenants")]
    AmbiguousTenant(Vec<Candidate>),
    /// Microsoft says that the tenant of the consent in force is there no more.
    #[error("the tenant of the consent in force is there no more")]
    ConsentsTenantAbsent,
    /// This user's Microsoft account has answered about all that was to be asked.
    #[error("the user has answered already")]
    AlreadyAnswered,
    /// What was to be declared void is an event; how that is known.
    #[error("the message is an event")]
    MessageIsAnEvent(MessageIsAnEvent),
    /// There was too much of something.
    #[error("too many: {}", .0.limit.name())]
    TooMany(Limited),
    /// Others kept changing the same thing.
    #[error("others kept changing the same thing")]
    ConcurrentChange,
    /// What `at_least` names is not there yet.
    #[error("the position asked for is not applied yet")]
    NotYetApplied,
    /// The event log can't be reached; with it nothing else can, as all of it is in NATS.
    #[error("the event log can't be reached")]
    LogUnavailable(#[source] Cause),
    /// A store holds as much as it may.
    #[error("{store} is full")]
    StoreFull {
        /// The store.
        store: String,
        /// What it said.
        #[source]
        cause: Cause,
    },
    /// A store beside the log is not there, or does not answer, or takes nothing.
    #[error("{store} can't be used")]
    StoreUnavailable {
        /// The store.
        store: String,
        /// What it said.
        #[source]
        cause: Cause,
    },
    /// The log holds what can't be read.
    #[error("the event log holds what can't be read")]
    Unreadable(#[source] Cause),
    /// The log has lost events of an account or user.
    #[error("the event log has lost events")]
    Damaged(#[source] Box<Damage>),
    /// The log as a whole is not what was written, so nothing can be decided on it.
    #[error("the event log is not the one that was written")]
    LogNotBelieved(#[source] LogTrouble),
    /// Microsoft can't be reached, does not answer in time, or wants to be left alone for some time.
    #[error("Microsoft can't be reached")]
    MicrosoftUnreachable {
        /// What failed.
        #[source]
        cause: Cause,
        /// When Microsoft says that trying again makes sense.
        retry_after: Option<Duration>,
    },
    /// Microsoft's answer makes no sense, or faults us.
    #[error("Microsoft gave no usable answer")]
    MicrosoftNonsense(#[source] Cause),
    /// A fault of ours.
    #[error("a fault of ours")]
    Internal(#[source] Cause),
}

impl Failure {
    /// The code by which other programs know it.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => ErrorCode::Refused(*refusal),
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::AmbiguousTenant(_) => ErrorCode::AmbiguousTenant,
            Self::ConsentsTenantAbsent => ErrorCode::TenantAbsent,
            Self::AlreadyAnswered => ErrorCode::AlreadyAnswered,
            Self::MessageIsAnEvent(_) => ErrorCode::MessageIsAnEvent,
            Self::TooMany(_) => ErrorCode::TooManyRequests,
            Self::ConcurrentChange => ErrorCode::ConcurrentChange,
            Self::NotYetApplied => ErrorCode::NotYetApplied,
            Self::LogUnavailable(_) => ErrorCode::EventLogUnavailable,
            Self::StoreFull { .. } => ErrorCode::StoreFull,
            Self::StoreUnavailable { .. } => ErrorCode::StoreUnavailable,
            Self::Unreadable(_) => ErrorCode::EventUnreadable,
            Self::Damaged(_) | Self::LogNotBelieved(_) => ErrorCode::EventLogDamaged,
            Self::MicrosoftUnreachable { .. } => ErrorCode::MicrosoftUnavailable,
            Self::MicrosoftNonsense(_) => ErrorCode::MicrosoftNonsense,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }
}

/// One of several tenants that a name stands for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Candidate {
    cloud: Cloud,
    tenant_id: Uuid,
}

impl From<Tenant> for Candidate {
    fn from(tenant: Tenant) -> Self {
        Self {
            cloud: tenant.cloud.into(),
            tenant_id: tenant.id.0,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::TooMany(limited)
    }
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::UnknownTenant | DiscoveryError::NotOneTenant => {
                Self::Invalid(InvalidRequest::UnknownTenant)
            }
            DiscoveryError::Nonsense(_) | DiscoveryError::Ambiguous { .. } => {
                Self::MicrosoftNonsense(error.into())
            }
            DiscoveryError::Unreachable(_) | DiscoveryError::TimedOut => {
                Self::MicrosoftUnreachable {
                    retry_after: error.retry_after(),
                    cause: error.into(),
                }
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed => Self::ConcurrentChange,
            StoreError::Full { ref bucket, .. } => Self::StoreFull {
                store: bucket.clone(),
                cause: error.into(),
            },
            StoreError::Unavailable { ref bucket, .. } => Self::StoreUnavailable {
                store: bucket.clone(),
                cause: error.into(),
            },
            StoreError::OutOfReach(_) => Self::LogUnavailable(error.into()),
            StoreError::Unreadable(_) => Self::Internal(error.into()),
        }
    }
}
