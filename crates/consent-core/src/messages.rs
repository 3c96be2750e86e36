//! What a person is told: what happened, and what to do now. One place, so that a flow, a page and a log speak alike.

use assent_contract::problem::ErrorCode;
use assent_contract::values::{Permission, kinds_to_list};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;

use crate::flow_failure::{FlowFailure, Remark};
use crate::flow_state::{FlowState, OutcomeDetails, RefusalDetails};
use crate::observations::Mailbox;

/// What is said of a code that a newer gateway has stored.
const UNKNOWN_CODE: &str =
    "The request could not be completed, and nothing was granted. Start again.";

/// The sentences for a code, as it is stored with a flow or told with a problem. Codes are fixed words of ours, so nothing that
/// a browser brings is ever repeated.
pub fn of(code: &str) -> &'static str {
    let refusal = Refusal::ALL.iter().find(|refusal| refusal.code() == code);
    let failure = FlowFailure::ALL
        .iter()
        .find(|failure| failure.code() == code);
    let remark = Remark::ALL.iter().find(|remark| remark.code() == code);
    refusal
        .map(|refusal| for_refusal(*refusal))
        .or_else(|| failure.map(|failure| for_failure(*failure)))
        .or_else(|| remark.map(|remark| for_remark(*remark)))
        .or_else(|| ErrorCode::parse(code).map(for_error))
        .unwrap_or_else(|| {
            tracing::error!(code, "a code is not known, and has no sentence");
            UNKNOWN_CODE
        })
}

/// The sentences for a flow that has ended with this code; `None` where it is complete and there is nothing more to say.
pub(crate) fn for_outcome(code: Option<&str>, details: &OutcomeDetails) -> Option<String> {
    let code = code?;
    if let Some(refusal) = &details.microsoft {
        return Some(for_microsofts_refusal(code, refusal));
    }
    let Some(not_granted) = details.not_granted else {
        return Some(of(code).to_owned());
    };
    let names: Vec<_> = kinds_to_list(PermissionSet::from(not_granted).kinds())
        .into_iter()
        .map(Permission::as_str)
        .collect();
    let partial = for_remark(Remark::PartialGrant);
    let sentence = format!("{partial} Not granted: {}.", names.join(", "));
    Some(if code == Remark::PartialGrant.code() {
        sentence
    } else {
        format!("{sentence} {}", of(code))
    })
}

/// The sentences for a refusal of Microsoft's, with what it is called there.
fn for_microsofts_refusal(code: &str, refusal: &RefusalDetails) -> String {
    let is_undetermined = code == Refusal::Undetermined.code();
    let sentence = if is_undetermined && !refusal.numbers.is_empty() {
        UNKNOWN
    } else if refusal.is_beyond_consent {
        IN_THE_WAY
    } else {
        of(code)
    };
    let numbers = refusal
        .numbers
        .iter()
        .map(|number| format!("AADSTS{number}"));
    let names: Vec<String> = numbers.chain(refusal.error.clone()).collect();
    if names.is_empty() {
        return sentence.to_owned();
    }
    format!("{sentence} Microsoft answered {}.", names.join(" and "))
}

/// The sentence for a flow of which only the state is known; `None` while it goes on.
pub fn for_state(state: FlowState) -> Option<&'static str> {
    match state {
        FlowState::Pending => None,
        FlowState::AwaitingConfirmation => {
            Some("Almost done: the permissions still have to be confirmed.")
        }
        FlowState::Completed => Some("Done: the permissions were recorded."),
        FlowState::Declined => Some(for_refusal(Refusal::Declined)),
        FlowState::Undetermined => Some(for_refusal(Refusal::Undetermined)),
        FlowState::Expired => Some(for_refusal(Refusal::FlowExpired)),
        FlowState::Refused => Some(UNKNOWN_CODE),
    }
}

/// A detail as a sentence: they begin small, and end without a full stop.
pub fn as_sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(char::to_uppercase);
    let begun: String = first.into_iter().flatten().chain(letters).collect();
    format!("{begun}.")
}

/// Of `administrator_approval_required`, where no consent would help.
pub(crate) const IN_THE_WAY: &str = "Something of your organisation's own at Microsoft is in the way: a policy, a licence, \
     an assignment or its sign-in. Approving this request will not help before your Office 365 administrator has changed \
     that.";

/// Of `undetermined`, where Microsoft gave a reason that is not known here.
pub(crate) const UNKNOWN: &str = "Microsoft refused the request for a reason that is not known here, so nothing was \
     granted. Your Office 365 administrator can look the number up.";

/// What is told of a mailbox that can't be synced; `None` of one that can.
pub fn for_mailbox(mailbox: Mailbox) -> Option<&'static str> {
    mailbox.remark().map(for_remark)
}

/// What is told of a refusal.
const fn for_refusal(refusal: Refusal) -> &'static str {
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
    }
}

/// What is told of a flow that something was in the way of.
const fn for_failure(failure: FlowFailure) -> &'static str {
    match failure {
        FlowFailure::InteractionRequired => {
            "Microsoft wants you to confirm who you are first, for example with a second factor. Sign in at Microsoft, \
             do what it asks, and start again."
        }
        FlowFailure::SessionEnded => {
            "Your session at Microsoft is over, for example after a change of password. Sign in there again and start \
             again; what was granted before still stands."
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
const fn for_remark(remark: Remark) -> &'static str {
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
const fn for_error(code: ErrorCode) -> &'static str {
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
        ErrorCode::MessageIsAnEvent => "The message is an event, so it can't be declared void.",
    }
}
