//! Why a flow came to nothing where nobody said no, and what is to be said of one that went well: each by its code.

use assent_contract::problem::ErrorCode;
use assent_domain::refusal::Refusal;

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:expr,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every one of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable name.
            pub(crate) const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

codes! {
/// What was in the way, where it was nobody's answer.
FlowFailure {
    /// Microsoft wants the person to do something first.
    InteractionRequired = "interaction_required",
    /// The person's session at Microsoft is over.
    SessionEnded = "session_ended",
    /// Microsoft says that there is no consent.
    ConsentMissing = "consent_missing",
    /// Microsoft still says so to an administrator who has accepted.
    ConsentNotYetEffective = "consent_not_yet_effective",
    /// The tenant, or our application in it, is not there or is switched off.
    TenantAbsent = ErrorCode::TenantAbsent.as_str(),
    /// Microsoft refuses our registration, credential or request.
    ApplicationMisconfigured = "application_misconfigured",
    /// Microsoft did not answer, or not sensibly.
    MicrosoftUnavailable = ErrorCode::MicrosoftUnavailable.as_str(),
    /// Microsoft's answer carried an ID token that proves nothing.
    InvalidIdToken = ErrorCode::InvalidIdToken.as_str(),
    /// The administrator's link was cancelled or is over.
    HandOffClosed = "hand_off_closed",
    /// Others kept changing the same thing.
    ConcurrentChange = ErrorCode::ConcurrentChange.as_str(),
    /// The consent could not be recorded.
    EventLogUnavailable = ErrorCode::EventLogUnavailable.as_str(),
    /// The log is damaged, so nothing can be recorded until it is restored.
    EventLogDamaged = ErrorCode::EventLogDamaged.as_str(),
    /// The log holds an event of the account or user that can't be read.
    EventUnreadable = ErrorCode::EventUnreadable.as_str(),
    /// There is no room to record the consent.
    StoreFull = ErrorCode::StoreFull.as_str(),
    /// A store beside the log that the flow needs can't be used.
    StoreUnavailable = ErrorCode::StoreUnavailable.as_str(),
    /// A fault of ours.
    InternalError = ErrorCode::InternalError.as_str(),
    /// Whoever took the callback never said how it went.
    Interrupted = "interrupted",
}
}

codes! {
/// What there is to say of a flow that went well, but for something.
Remark {
    /// Microsoft granted less than what was asked for.
    PartialGrant = "partial_grant",
    /// The mailbox is on a server of the company's own.
    OnPremisesExchange = Refusal::OnPremisesExchange.code(),
    /// There is no mailbox in Exchange Online.
    MailboxUnavailable = "mailbox_unavailable",
}
}
