//! What belongs to a refusal on the wire: its status, its title, and who can mend it.

use assent_domain::refusal::Refusal;

use crate::meaning::Mender;

/// 422 where the request itself asks for what is never possible, 409 where the state of things is against it.
pub(super) const fn status_of_refusal(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Forbidden => 403,
        Refusal::AdministratorNotConfirmed
        | Refusal::NothingSelected
        | Refusal::UnsupportedCloud
        | Refusal::OnPremisesExchange => 422,
        Refusal::FlowExpired => 410,
        Refusal::FullSyncRequired
        | Refusal::TenantMismatch
        | Refusal::NotAnAdministrator
        | Refusal::ScopesMissing
        | Refusal::Declined
        | Refusal::Undetermined
        | Refusal::AdministratorApprovalRequired
        | Refusal::FlowAlreadyUsed
        | Refusal::ManagedByAdministrator
        | Refusal::AdministratorConsentRequired
        | Refusal::IdentityMismatch
        | Refusal::GuestAccount
        | Refusal::PersonalAccount
        | Refusal::NotAdministratorConfigured
        | Refusal::ConsentSuperseded
        | Refusal::ConsentWithdrawn => 409,
    }
}

/// The refusal in words, the same at every occurrence.
pub(super) const fn title_of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Forbidden => "You may not do this",
        Refusal::AdministratorNotConfirmed => "Nobody says to be an administrator",
        Refusal::NothingSelected => "Nothing is selected",
        Refusal::FullSyncRequired => "The company's e-mail sync is limited",
        Refusal::UnsupportedCloud => "The tenant's cloud is not served",
        Refusal::OnPremisesExchange => "The mailboxes are on-premises",
        Refusal::TenantMismatch => "Another tenant is expected",
        Refusal::NotAnAdministrator => "No administrator accepted",
        Refusal::ScopesMissing => "Microsoft granted too little",
        Refusal::Declined => "The request was declined",
        Refusal::Undetermined => "The request ended without an answer",
        Refusal::AdministratorApprovalRequired => "An administrator has to approve",
        Refusal::FlowExpired => "The request has expired",
        Refusal::FlowAlreadyUsed => "The request was answered already",
        Refusal::ManagedByAdministrator => "Managed by the Office 365 administrator",
        Refusal::AdministratorConsentRequired => "An administrator's consent is needed",
        Refusal::IdentityMismatch => "Another Microsoft account is expected",
        Refusal::GuestAccount => "A guest has no mailbox here",
        Refusal::PersonalAccount => "A personal account has no mailbox",
        Refusal::NotAdministratorConfigured => "No administrator's consent is in force",
        Refusal::ConsentSuperseded => "Another consent is in force",
        Refusal::ConsentWithdrawn => "The consent was withdrawn at Microsoft",
    }
}

/// Who can do something about the refusal, and what.
pub(super) const fn remedy_of_refusal(refusal: Refusal) -> (Mender, &'static str) {
    match refusal {
        Refusal::Forbidden => (
            Mender::SuperAdmin,
            "let a Super Admin do it who may manage the company's settings; the host's token says who that is",
        ),
        Refusal::AdministratorNotConfirmed => (
            Mender::Person,
            "tick \"I am an administrator for our Office 365 account\", or make a link and send it to one",
        ),
        Refusal::NothingSelected => (
            Mender::Person,
            "select at least one of calendar, contacts and e-mail",
        ),
        Refusal::FullSyncRequired => (
            Mender::SuperAdmin,
            "set the company's e-mail sync to full and start again; the limited level can then be chosen for the consent itself",
        ),
        Refusal::UnsupportedCloud => (
            Mender::Nobody,
            "tenants in GCC High, DoD or the cloud operated by 21Vianet can't be connected",
        ),
        Refusal::OnPremisesExchange => (
            Mender::Administrator,
            "move the mailboxes to Exchange Online; nothing can be synced before",
        ),
        Refusal::TenantMismatch => (
            Mender::Person,
            "start again with an account of the expected tenant; where the company has moved to another one, a Super Admin first switches back to user_individual",
        ),
        Refusal::NotAnAdministrator => (
            Mender::Administrator,
            "let a Global Administrator, a Privileged Role Administrator or a (Cloud) Application Administrator accept",
        ),
        Refusal::ScopesMissing => (
            Mender::Person,
            "wait a minute, start again and accept everything: a consent needs some time to be effective everywhere at Microsoft",
        ),
        Refusal::Declined => (
            Mender::Person,
            "start again, if the person wants it after all; nothing was granted",
        ),
        Refusal::Undetermined => (
            Mender::Person,
            "start again; where Microsoft asks for an administrator's approval, make a link for one",
        ),
        Refusal::AdministratorApprovalRequired => (
            Mender::Administrator,
            "approve it for the organisation, by the link that the user makes in Settings > My account",
        ),
        Refusal::FlowExpired => (
            Mender::Person,
            "start again: its time is over, or the company or the user decided otherwise meanwhile",
        ),
        Refusal::FlowAlreadyUsed => (
            Mender::Person,
            "look at the settings, which show how it was answered; start again if need be",
        ),
        Refusal::ManagedByAdministrator => (
            Mender::SuperAdmin,
            "leave it to the Office 365 administrator, or switch back to user_individual",
        ),
        Refusal::AdministratorConsentRequired => (
            Mender::SuperAdmin,
            "start the administrator's consent in Settings > Company, or send the administrator a link",
        ),
        Refusal::IdentityMismatch => (
            Mender::Person,
            "start again as the expected Microsoft account, or choose another one in Settings > My account",
        ),
        Refusal::GuestAccount => (
            Mender::Person,
            "start again with the account of the organisation that the mailbox is in",
        ),
        Refusal::PersonalAccount => (Mender::Person, "start again with a work account"),
        Refusal::NotAdministratorConfigured => (
            Mender::Person,
            "grant the permissions in Settings > My account: under this method each user decides",
        ),
        Refusal::ConsentSuperseded => (
            Mender::Host,
            "ask for a login decision again, which rests on the consent in force by now",
        ),
        Refusal::ConsentWithdrawn => (
            Mender::Administrator,
            "consent again at Microsoft, or by Settings > Company; the next login notices. Where each user decides, the user grants again",
        ),
    }
}
