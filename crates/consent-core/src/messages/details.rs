//! What programs, and whoever reads their logs, are told of a failure beyond its code.

use std::borrow::Cow;

use assent_contract::names::EVENT_STREAM;
use assent_domain::refusal::Refusal;

use super::{limits, reasons};
use crate::failure::Failure;

/// The `detail` of a failure; `None` where its code and title say all that is for callers.
pub fn detail(failure: &Failure) -> Option<Cow<'static, str>> {
    let fixed = match failure {
        Failure::Invalid(reason) => return Some(reasons::invalid_request(reason)),
        Failure::MessageIsAnEvent(reason) => return Some(reasons::message_is_an_event(reason)),
        Failure::StoreFull { store, .. } => return Some(store_full(store).into()),
        Failure::StoreUnavailable { store, .. } => {
            let detail = format!(
                "{store} cannot be used just now, and what was asked needs it; what was granted stands on the log, and can \
                 be taken back"
            );
            return Some(detail.into());
        }
        Failure::Refused(refusal) => refusal_detail(*refusal),
        Failure::Unauthenticated(reason) => reasons::unauthenticated(*reason),
        Failure::Forbidden(reason) => reasons::forbidden(*reason),
        Failure::NotFound(what) => reasons::not_found(*what),
        Failure::AmbiguousTenant(_) => {
            "this name stands for tenants in several of Microsoft's clouds; say which by tenant_cloud"
        }
        Failure::ConsentsTenantAbsent => {
            "Microsoft knows the tenant of the consent in force no more; switch to user_individual first, then ask the \
             administrator of the tenant that the company is in now"
        }
        Failure::AlreadyAnswered => {
            "the user has answered about all of it, with this Microsoft account"
        }
        Failure::TooMany(limited) => limits::sentence(limited.limit),
        Failure::ConcurrentChange => {
            "somebody else changed it at the same time; read it again and decide anew"
        }
        Failure::Unreadable(_) => {
            "the event log holds an event of this account or user that can't be read; an operator was alarmed"
        }
        Failure::Damaged(_) => {
            "events of this account or user are damaged in the event log, so nothing can be decided until they are \
             restored; an operator was alarmed"
        }
        Failure::LogNotBelieved(_) => {
            "the event log is not the one that was written, so nothing can be decided until an operator has seen to it"
        }
        Failure::NotYetApplied
        | Failure::LogUnavailable(_)
        | Failure::MicrosoftUnreachable { .. }
        | Failure::MicrosoftNonsense(_)
        | Failure::Internal(_) => return None,
    };
    Some(fixed.into())
}

/// Where the log itself is full, nothing can be taken back, either.
fn store_full(store: &str) -> String {
    if store == EVENT_STREAM {
        format!(
            "the event log {store} is full, so nothing can be recorded until an operator has made room; permissions are as \
             they were"
        )
    } else {
        format!(
            "{store} is full, so nothing that needs it can begin; what is on the log stands, and can be taken back"
        )
    }
}

const fn refusal_detail(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Forbidden => "only a Super Admin who may manage company settings can do this",
        Refusal::AdministratorNotConfirmed => {
            "confirm that you are an administrator of your company's Office 365 account"
        }
        Refusal::NothingSelected => "select at least one of calendar, contacts and email",
        Refusal::FullSyncRequired => {
            "select full email sync first; the limited level can then be chosen for the \
         administrator's consent itself"
        }
        Refusal::UnsupportedCloud => {
            "tenants in GCC High, DoD or the cloud operated by 21Vianet are not served"
        }
        Refusal::OnPremisesExchange => "companies with on-premises Exchange servers are not served",
        Refusal::TenantMismatch => {
            "this is another tenant than the one expected; a company that has moved to another tenant \
         switches to user_individual first, and then has its administrator consent there"
        }
        Refusal::NotAnAdministrator => {
            "the person who accepted is not an administrator of the Office 365 account"
        }
        Refusal::ScopesMissing => "Microsoft granted less than what was asked for",
        Refusal::Declined => "the request was declined",
        Refusal::Undetermined => "the request ended at Microsoft without an answer",
        Refusal::AdministratorApprovalRequired => {
            "your company's Office 365 administrator has to approve this"
        }
        Refusal::FlowExpired => "the request has expired; start again",
        Refusal::FlowAlreadyUsed => "the request was already answered; start again if need be",
        Refusal::ManagedByAdministrator => {
            "your company's Office 365 administrator decides this for everyone"
        }
        Refusal::AdministratorConsentRequired => {
            "switch to the administrator's method by completing an administrator consent"
        }
        Refusal::IdentityMismatch => {
            "the request was finished by another Microsoft account than the one expected"
        }
        Refusal::GuestAccount => "guests of the tenant have no mailbox in it",
        Refusal::PersonalAccount => "a personal account has no mailbox in any organisation",
        Refusal::NotAdministratorConfigured => "the account is not configured by an administrator",
        Refusal::ConsentSuperseded => "another administrator consent is in force by now",
        Refusal::ConsentWithdrawn => {
            "Microsoft says that the consent is withdrawn, so nothing is granted under it"
        }
    }
}
