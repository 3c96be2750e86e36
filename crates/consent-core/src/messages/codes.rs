//! What people are told of each code.

use assent_contract::problem::ErrorCode;
use assent_domain::refusal::Refusal;

use assent_contract::words::{FlowFailure, Remark};

/// What is told of a refusal.
pub(super) const fn for_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Forbidden => {
            "Only a Super Admin who may manage the company's settings can do this. Your own permissions are in Settings \
             > My account."
        }
        Refusal::AdministratorNotConfirmed => {
            "Confirm that you are an administrator for your company's Office 365 account. If you are not, make a link \
             and send it to one."
        }
        Refusal::NothingSelected => "Select at least one of Calendar, Contacts and Email.",
        Refusal::FullSyncRequired => {
            "The company's e-mail sync was set to limited meanwhile. Select full sync and start again; the limited level \
             can then be chosen for the administrator's consent itself."
        }
        Refusal::UnsupportedCloud => {
            "Organisations in GCC High, DoD or the cloud operated by 21Vianet can't be connected."
        }
        Refusal::OnPremisesExchange => {
            "The mailbox is on a server of your company's own. Only mailboxes in Exchange Online can be synced; ask \
             your IT team whether yours will be moved."
        }
        Refusal::TenantMismatch => {
            "This is another organisation at Microsoft than the one expected, so nothing was recorded. Start again, and \
             choose an account of your own organisation at Microsoft. If your company has moved to another organisation, \
             a Super Admin first switches back to \"Users individually authorize\" in Settings > Account, and then has \
             its administrator consent there."
        }
        Refusal::NotAnAdministrator => {
            "The person who accepted is not an administrator who may consent for the whole organisation. Ask a Cloud \
             Application Administrator, an Application Administrator, a Privileged Role Administrator or a Global \
             Administrator of your Office 365 account."
        }
        Refusal::ScopesMissing => {
            "Microsoft granted less than what was asked for, so nothing was recorded. If you accepted everything on \
             Microsoft's page, it needs some time to be effective everywhere: wait a minute, then start again. Otherwise \
             start again and accept everything."
        }
        Refusal::Declined => {
            "The request was declined, so nothing was granted. You can start again at any time."
        }
        Refusal::Undetermined => {
            "The request ended at Microsoft without an answer, so nothing was granted. If Microsoft asked for an \
             administrator's approval, send your Office 365 administrator a link; otherwise start again."
        }
        Refusal::AdministratorApprovalRequired => {
            "Your organisation wants an administrator to approve this, so asking Microsoft again will not help. Send \
             your Office 365 administrator a link to approve it."
        }
        Refusal::FlowExpired => {
            "The request has expired: its time is over, or what it asked for was taken back, declined or decided \
             otherwise meanwhile. Start again."
        }
        Refusal::FlowAlreadyUsed => {
            "This request was answered already. Look at the settings to see how; start again if need be."
        }
        Refusal::ManagedByAdministrator => {
            "Your company's Office 365 administrator decides this for everyone, so there is nothing to do here."
        }
        Refusal::AdministratorConsentRequired => {
            "The administrator's method is reached by an administrator's consent at Microsoft only. Start it in Settings > Account, or send \
             your Office 365 administrator a link."
        }
        Refusal::IdentityMismatch => {
            "The request was finished by another Microsoft account than the one expected, so nothing was recorded. \
             Start again: Microsoft then asks which account you mean. If you have another one by now, choose \"Use \
             another Microsoft account\" in Settings > My account."
        }
        Refusal::GuestAccount => {
            "You are a guest in that organisation at Microsoft, and guests have no mailbox there, so nothing was recorded. \
             Start again and sign in with the account of the organisation that your mailbox is in."
        }
        Refusal::PersonalAccount => {
            "That was a personal Microsoft account, and only mailboxes of an organisation can be connected, so nothing \
             was recorded. Start again and sign in with your work account."
        }
        Refusal::NotAdministratorConfigured => {
            "No administrator's consent is in force, so each user decides in Settings > My account."
        }
        Refusal::ConsentSuperseded => {
            "Another administrator consent is in force by now. Look at the settings to see which."
        }
        Refusal::ConsentWithdrawn => {
            "The permission was withdrawn at Microsoft, so nothing more is synchronized."
        }
    }
}

/// What is told of a flow that something was in the way of.
pub(super) const fn for_failure(failure: FlowFailure) -> &'static str {
    match failure {
        FlowFailure::InteractionRequired => {
            "Microsoft wants you to confirm who you are first, for example with a second factor. Sign in at Microsoft, \
             do what it asks, and start again."
        }
        FlowFailure::SessionEnded => {
            "Your session at Microsoft is over, for example after a change of password. Sign in there again and start \
             again; what was granted before still stands."
        }
        FlowFailure::LoginRequired => {
            "Microsoft can't tell in this browser who you are. Sign in with Microsoft once more; what was granted stands."
        }
        FlowFailure::ConsentRequired => {
            "Microsoft says that the consent that this rests on is not there (any more). Whoever gave it, you or your Office \
             365 administrator, has to give it again."
        }
        FlowFailure::ConsentMissing => {
            "Microsoft says that nobody has consented to this. Start again and accept on Microsoft's page; if you have just \
             accepted, wait a minute first, because Microsoft needs some time until a consent is effective everywhere."
        }
        FlowFailure::ConsentNotYetEffective => {
            "You have accepted, but the consent is not effective everywhere at Microsoft yet, so nothing was recorded. \
             Wait a minute, then start again: Microsoft will not ask a second time."
        }
        FlowFailure::TenantAbsent => {
            "Your organisation at Microsoft does not know this application, or has switched it off. Ask your Office \
             365 administrator to allow it, then start again. If you have an account elsewhere by now, start again \
             with that."
        }
        FlowFailure::ApplicationMisconfigured => {
            "Something is wrong between this service and Microsoft; it is not your fault, and nothing has changed for \
             you. An operator was alarmed; try again later."
        }
        FlowFailure::InvalidIdToken => {
            "Microsoft's answer did not prove who you are, so nothing was recorded. Start again; if it happens twice, \
             tell whoever runs this service."
        }
        FlowFailure::HandOffClosed => {
            "This link was cancelled or has expired, so nothing was recorded. Ask whoever sent it for another one."
        }
        FlowFailure::Interrupted => {
            "We were interrupted while this was being recorded, and can't say how far it got. The settings show how \
             things stand; start again if something is missing."
        }
        FlowFailure::MicrosoftUnavailable => for_error(ErrorCode::MicrosoftUnavailable),
        FlowFailure::ConcurrentChange => for_error(ErrorCode::ConcurrentChange),
        FlowFailure::EventLogUnavailable => for_error(ErrorCode::EventLogUnavailable),
        FlowFailure::EventLogDamaged => for_error(ErrorCode::EventLogDamaged),
        FlowFailure::EventUnreadable => for_error(ErrorCode::EventUnreadable),
        FlowFailure::InternalError => for_error(ErrorCode::InternalError),
        FlowFailure::StoreFull => for_error(ErrorCode::StoreFull),
        FlowFailure::StoreUnavailable => for_error(ErrorCode::StoreUnavailable),
    }
}

/// What is told of a flow that went well, but for something.
pub(super) const fn for_remark(remark: Remark) -> &'static str {
    match remark {
        Remark::PartialGrant => {
            "Done, but Microsoft granted only a part of what was asked for. Start again for the rest, or leave it so."
        }
        Remark::OnPremisesExchange => for_refusal(Refusal::OnPremisesExchange),
        Remark::MailboxUnavailable => {
            "Microsoft has no mailbox in Exchange Online for this account: it has no licence for one, or it is inactive \
             or deleted. Ask your IT team; what you granted counts as soon as there is one."
        }
    }
}

/// What is told of an error.
pub(super) const fn for_error(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Refused(refusal) => for_refusal(refusal),
        ErrorCode::Forbidden => for_refusal(Refusal::Forbidden),
        ErrorCode::TenantAbsent => for_failure(FlowFailure::TenantAbsent),
        ErrorCode::InvalidIdToken => for_failure(FlowFailure::InvalidIdToken),
        ErrorCode::Gone => for_refusal(Refusal::FlowExpired),
        ErrorCode::AlreadyAnswered => for_refusal(Refusal::FlowAlreadyUsed),
        ErrorCode::InvalidRequest => {
            "That could not be understood, so nothing was changed. Open the settings again."
        }
        ErrorCode::Unauthenticated => {
            "The application could not show who you are. Go back to it and open the settings again; if it happens \
             twice, tell whoever runs it."
        }
        ErrorCode::NotFound => {
            "There is no such request of yours, or not any more. Open the settings again."
        }
        ErrorCode::AmbiguousTenant => {
            "This domain stands for several organisations at Microsoft. Enter the tenant id instead: it stands in the \
             Microsoft Entra admin center, under Overview."
        }
        ErrorCode::ConcurrentChange => {
            "Somebody else changed the same permissions at the same time. Look at the settings and start again if need \
             be."
        }
        ErrorCode::TooManyRequests => {
            "This was done very often within a short time. Nothing is lost: wait a minute, and do it again."
        }
        ErrorCode::EventUnreadable => {
            "The record of this account can't be read, so nothing is allowed until it can. An operator was alarmed."
        }
        ErrorCode::EventLogUnavailable => {
            "The record of consents can't be reached just now, so nothing has changed. Try again in a moment."
        }
        ErrorCode::EventLogDamaged => {
            "A part of the record of consents is damaged, so nothing can be granted or changed until it is restored. \
             What you take back is recorded all the same. An operator was alarmed."
        }
        ErrorCode::StoreFull => {
            "There is no room to begin or record anything new just now. What was granted stands. An operator has to make \
             room; try again later."
        }
        ErrorCode::StoreUnavailable => {
            "A part of this service can't be used just now. What was granted stands, and nothing was lost of it. Try again \
             in a moment; the settings show what was recorded."
        }
        ErrorCode::HostKeysUnavailable => {
            "Who you are could not be checked just now, so nothing was changed. Open the settings again in a moment."
        }
        ErrorCode::MicrosoftUnavailable | ErrorCode::MicrosoftNonsense => {
            "Microsoft could not answer just now, so nothing was recorded. Start again in a moment."
        }
        ErrorCode::PayloadTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::MethodNotAllowed => {
            "What was sent is not what a page of ours sends, so nothing was changed. Start again from the application."
        }
        ErrorCode::Timeout
        | ErrorCode::InternalError
        | ErrorCode::TooManyConnections
        | ErrorCode::NotYetApplied
        | ErrorCode::ViewNotReady => {
            "The answer could not be given just now. Try again in a moment; if it happens again, tell whoever runs this \
             service."
        }
        ErrorCode::FetchedAhead => {
            "This address does something, so it is not fetched ahead of time. Open it to go there."
        }
        ErrorCode::NotPermitted | ErrorCode::NoRefreshToken => {
            "This is not allowed now, so nothing is synchronized. Settings > My account shows what is."
        }
        ErrorCode::ReauthenticationRequired => {
            "Microsoft wants you to sign in again before anything more is synchronized. What was granted stands."
        }
        ErrorCode::MessageIsAnEvent => "The message is an event, so it can't be declared void.",
    }
}
