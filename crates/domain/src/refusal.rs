//! What may not happen, each by its name. A refusal leaves the log as it was.

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why a command was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        #[error("{}", self.code())]
        pub enum Refusal {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Refusal {
            /// Every refusal.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable name by which other programs know the refusal.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// What is against it, as a sentence for whoever looks the code up. Begins with a space.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

refusals! {
    /// The caller has not the rights.
    Forbidden = "forbidden",
    /// The box "I am an administrator of our Office 365 account" was not ticked.
    AdministratorNotConfirmed = "administrator_not_confirmed",
    /// No permission was selected.
    NothingSelected = "nothing_selected",
    /// The company syncs e-mail in part only.
    FullSyncRequired = "full_sync_required",
    /// The tenant is in a cloud that is not served.
    UnsupportedCloud = "unsupported_cloud",
    /// The mailboxes are on the company's own servers.
    OnPremisesExchange = "on_premises_exchange",
    /// The tenant named, or that of Microsoft's answer, is another than expected.
    TenantMismatch = "tenant_mismatch",
    /// Whoever accepted did not prove to be an administrator.
    NotAnAdministrator = "not_an_administrator",
    /// Microsoft granted less than what was selected.
    ScopesMissing = "scopes_missing",
    /// The person said no at Microsoft.
    Declined = "declined",
    /// It is not known what the person at Microsoft wanted.
    Undetermined = "undetermined",
    /// Microsoft does not let this user consent.
    AdministratorApprovalRequired = "administrator_approval_required",
    /// The flow took too long, or the company moved on meanwhile.
    FlowExpired = "flow_expired",
    /// The flow has ended already.
    FlowAlreadyUsed = "flow_already_used",
    /// The administrator's method rules, and users can neither grant nor revoke.
    ManagedByAdministrator = "managed_by_administrator",
    /// The administrator's method is only reached through Microsoft.
    AdministratorConsentRequired = "administrator_consent_required",
    /// Somebody else finished the flow.
    IdentityMismatch = "identity_mismatch",
    /// A guest's mailbox is not in the tenant.
    GuestAccount = "guest_account",
    /// A personal account is in no tenant.
    PersonalAccount = "personal_account",
    /// There is no administrator's consent to grant from.
    NotAdministratorConfigured = "not_administrator_configured",
    /// The consent is no longer the one in force.
    ConsentSuperseded = "consent_superseded",
    /// Microsoft says that the consent is gone.
    ConsentWithdrawn = "consent_withdrawn",
}
