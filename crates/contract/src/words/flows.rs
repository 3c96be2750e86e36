//! The words about flows and links.

use assent_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::ErrorCode;
use crate::words;

words! {
    "flow state"
    /// The state of a flow as others see it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum FlowState {
        /// The browser is at Microsoft, or on its way.
        Pending = "pending",
            Nobody: "wait until the person has answered; a flow that nobody answers expires by itself";
        /// Microsoft's answer is proved, and a person still has to confirm it.
        AwaitingConfirmation = "awaiting_confirmation",
            Person: "confirm on the page that the flow has led to, within ten minutes";
        /// What was asked is recorded.
        Completed = "completed",
            Nobody: "nothing is left to do; a code beside it says what is not as it was asked for";
        /// The person said no at Microsoft.
        Declined = "declined",
            Person: "start again, if the person wants it after all; nothing was granted";
        /// Nobody can tell how it went.
        Undetermined = "undetermined",
            Person: "start again; the code beside the state says what was in the way";
        /// Its time was over before an answer came.
        Expired = "expired",
            Person: "start again, and answer at Microsoft before the flow's time is over";
        /// The rules did not allow it.
        Refused = "refused",
            Nobody: "look up the code beside the state, which says which rule and who can change what it rests on";
    }
}

words! {
    "flow code"
    /// What was in the way, where it was nobody's answer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FlowFailure {
        /// Microsoft wants the person to do something first.
        InteractionRequired = "interaction_required",
            Person: "sign in at Microsoft, do what it asks there (a second factor, new terms), and start again";
        /// The person's session at Microsoft is over.
        SessionEnded = "session_ended",
            Person: "sign in at Microsoft again and start again; what was granted before still stands";
        /// Without a page Microsoft can't tell who it is.
        LoginRequired = "login_required",
            Person: "sign in at Microsoft in this browser; the next login of the application tries again";
        /// Without a page Microsoft does not go on: there is no consent (any more) that covers what is wanted.
        ConsentRequired = "consent_required",
            Administrator: "consent again at Microsoft, or by Settings > Company; where each user decides, the user grants again";
        /// Microsoft says that there is no consent.
        ConsentMissing = "consent_missing",
            Person: "start again and accept on Microsoft's page; who has just accepted waits a minute first";
        /// Microsoft still says so to an administrator who has accepted.
        ConsentNotYetEffective = "consent_not_yet_effective",
            Administrator: "wait a minute and start again: a consent needs some time to be effective everywhere at Microsoft";
        /// The tenant, or our application in it, is not there or is switched off.
        TenantAbsent = ErrorCode::TenantAbsent.as_str(),
            Administrator: "allow the application in the tenant (Enterprise applications), then start again";
        /// Microsoft refuses our registration, credential or request.
        ApplicationMisconfigured = "application_misconfigured",
            Operator: "look for operator_alarm microsoft_refused_us in the gateway's log, and correct the app registration or \
                       its credential";
        /// Microsoft did not answer, or not sensibly.
        MicrosoftUnavailable = ErrorCode::MicrosoftUnavailable.as_str(),
            Nobody: "start again in a moment; if it lasts, see Microsoft's service health and the gateway's way to the internet";
        /// Microsoft's answer carried an ID token that proves nothing.
        InvalidIdToken = ErrorCode::InvalidIdToken.as_str(),
            Operator: "start again once; if it happens twice, compare ASSENT_ENTRA_AUTHORITY and ASSENT_ENTRA_CLIENT_ID with the \
                       app registration, and see that the machine's clock is right";
        /// The administrator's link was cancelled or is over.
        HandOffClosed = "hand_off_closed",
            SuperAdmin: "make another link and send that";
        /// Others kept changing the same thing.
        ConcurrentChange = ErrorCode::ConcurrentChange.as_str(),
            Person: "look at the settings, and start again if something is missing";
        /// The consent could not be recorded.
        EventLogUnavailable = ErrorCode::EventLogUnavailable.as_str(),
            Operator: "see that nats-server runs and can be reached (consentctl doctor); then the person starts again";
        /// The log is damaged, so nothing can be recorded until it is restored.
        EventLogDamaged = ErrorCode::EventLogDamaged.as_str(),
            Operator: "consentctl doctor names what is damaged; restore the stream from a backup (deploy/README.md)";
        /// The log holds an event of the account or user that can't be read.
        EventUnreadable = ErrorCode::EventUnreadable.as_str(),
            Operator: "consentctl blocked list says which message can't be read, why, and the way back";
        /// There is no room to record the consent.
        StoreFull = ErrorCode::StoreFull.as_str(),
            Operator: "consentctl doctor says which store is full; find out who fills it, or raise ASSENT_STORE_MEGABYTES";
        /// A store beside the log that the flow needs can't be used.
        StoreUnavailable = ErrorCode::StoreUnavailable.as_str(),
            Operator: "consentctl doctor says which store and why; the gateway makes one that is gone again, empty";
        /// A fault of ours.
        InternalError = ErrorCode::InternalError.as_str(),
            Operator: "look in the gateway's log for the flow's id, and report it; the person may start again";
        /// Whoever took the callback never said how it went.
        Interrupted = "interrupted",
            Person: "look at the settings, which show what was recorded, and start again if something is missing";
    }
}

words! {
    "flow remark"
    /// What there is to say of a flow that went well, but for something.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Remark {
        /// Microsoft granted less than what was asked for.
        PartialGrant = "partial_grant",
            Person: "start again for the rest, or leave it so: what was granted counts";
        /// The mailbox is on a server of the company's own.
        OnPremisesExchange = Refusal::OnPremisesExchange.code(),
            Administrator: "move the mailbox to Exchange Online; what was granted counts as soon as it is there";
        /// There is no mailbox in Exchange Online.
        MailboxUnavailable = "mailbox_unavailable",
            Administrator: "give the person a licence with a mailbox; what was granted counts as soon as there is one";
    }
}

words! {
    "link state"
    /// How a link stands, in one word.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum HandOffState {
        /// Nobody has looked at it.
        Waiting = "waiting",
            Person: "forward the link to whoever is to approve";
        /// Somebody has looked at it.
        Opened = "opened",
            Administrator: "go on from the page of the link; programs that scan mail open links, too";
        /// Somebody has gone to Microsoft with it.
        Started = "started",
            Administrator: "answer at Microsoft; the link can be opened again if that was left";
        /// The last attempt was refused; another one may be made.
        Refused = "refused",
            Administrator: "look up the code beside the state, and try again from the same link";
        /// An administrator has consented.
        Completed = "completed",
            Nobody: "nothing is left to do: the link has served";
        /// The link was taken back.
        Cancelled = "cancelled",
            Person: "make another link, if it is still wanted";
        /// Its time is over, or what it asks for is out of date.
        Expired = "expired",
            Person: "make another link: one ends after seven days, and when the company decides otherwise";
    }
}
