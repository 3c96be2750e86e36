//! What may not happen, each by its name. A refusal leaves the log as it was.

/// Why a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The caller has not the rights.
    #[error("only a Super Admin who may manage company settings can do this")]
    Forbidden,
    /// The box "I am an administrator of our Office 365 account" was not ticked.
    #[error("confirm that you are an administrator of your company's Office 365 account")]
    AdministratorNotConfirmed,
    /// No permission was selected.
    #[error("select at least one of calendar, contacts and email")]
    NothingSelected,
    /// The company syncs e-mail in part only.
    #[error(
        "select full email sync first; the limited level can then be chosen for the \
         administrator's consent itself"
    )]
    FullSyncRequired,
    /// The tenant is in a cloud that is not served.
    #[error("tenants in GCC High, DoD or the cloud operated by 21Vianet are not served")]
    UnsupportedCloud,
    /// The mailboxes are on the company's own servers.
    #[error("companies with on-premises Exchange servers are not served")]
    OnPremisesExchange,
    /// The tenant named, or that of Microsoft's answer, is another than expected.
    #[error(
        "this is another tenant than the one expected; a company that has moved to another tenant \
         switches to user_individual first, and then has its administrator consent there"
    )]
    TenantMismatch,
    /// Whoever accepted did not prove to be an administrator.
    #[error("the person who accepted is not an administrator of the Office 365 account")]
    NotAnAdministrator,
    /// Microsoft granted less than what was selected.
    #[error("Microsoft granted less than what was asked for")]
    ScopesMissing,
    /// The person said no at Microsoft.
    #[error("the request was declined")]
    Declined,
    /// It is not known what the person at Microsoft wanted.
    #[error("the request ended at Microsoft without an answer")]
    Undetermined,
    /// Microsoft does not let this user consent.
    #[error("your company's Office 365 administrator has to approve this")]
    AdministratorApprovalRequired,
    /// The flow took too long, or the company moved on meanwhile.
    #[error("the request has expired; start again")]
    FlowExpired,
    /// The flow has ended already.
    #[error("the request was already answered; start again if need be")]
    FlowAlreadyUsed,
    /// The administrator's method rules, and users can neither grant nor revoke.
    #[error("your company's Office 365 administrator decides this for everyone")]
    ManagedByAdministrator,
    /// The administrator's method is only reached through Microsoft.
    #[error("switch to the administrator's method by completing an administrator consent")]
    AdministratorConsentRequired,
    /// Somebody else finished the flow.
    #[error("the request was finished by another Microsoft account than the one expected")]
    IdentityMismatch,
    /// A guest's mailbox is not in the tenant.
    #[error("guests of the tenant have no mailbox in it")]
    GuestAccount,
    /// A personal account is in no tenant.
    #[error("a personal account has no mailbox in any organisation")]
    PersonalAccount,
    /// There is no administrator's consent to grant from.
    #[error("the account is not configured by an administrator")]
    NotAdministratorConfigured,
    /// The consent is no longer the one in force.
    #[error("another administrator consent is in force by now")]
    ConsentSuperseded,
}

impl Refusal {
    /// The stable name by which other programs know the refusal.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::AdministratorNotConfirmed => "administrator_not_confirmed",
            Self::NothingSelected => "nothing_selected",
            Self::FullSyncRequired => "full_sync_required",
            Self::UnsupportedCloud => "unsupported_cloud",
            Self::OnPremisesExchange => "on_premises_exchange",
            Self::TenantMismatch => "tenant_mismatch",
            Self::NotAnAdministrator => "not_an_administrator",
            Self::ScopesMissing => "scopes_missing",
            Self::Declined => "declined",
            Self::Undetermined => "undetermined",
            Self::AdministratorApprovalRequired => "administrator_approval_required",
            Self::FlowExpired => "flow_expired",
            Self::FlowAlreadyUsed => "flow_already_used",
            Self::ManagedByAdministrator => "managed_by_administrator",
            Self::AdministratorConsentRequired => "administrator_consent_required",
            Self::IdentityMismatch => "identity_mismatch",
            Self::GuestAccount => "guest_account",
            Self::PersonalAccount => "personal_account",
            Self::NotAdministratorConfigured => "not_administrator_configured",
            Self::ConsentSuperseded => "consent_superseded",
        }
    }
}
