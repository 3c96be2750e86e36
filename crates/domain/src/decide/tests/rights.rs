//! Who may manage the company's settings; and the stable names of all refusals.

use crate::decide::{AccountManager, HostRights};
use crate::refusal::Refusal;
use crate::samples::ana;

#[test]
fn managing_the_company_takes_both_rights() {
    for (is_super_admin, manages_company_settings) in
        [(false, false), (true, false), (false, true), (true, true)]
    {
        let rights = HostRights {
            is_super_admin,
            manages_company_settings,
        };
        let manager = AccountManager::with_rights(ana(), rights);
        if is_super_admin && manages_company_settings {
            assert_eq!(manager.map(|manager| manager.user().clone()), Ok(ana()));
        } else {
            assert_eq!(manager, Err(Refusal::Forbidden), "{rights:?}");
        }
    }
}

#[test]
fn nobody_has_the_rights_by_default() {
    let manager = AccountManager::with_rights(ana(), HostRights::default());
    assert_eq!(manager, Err(Refusal::Forbidden));
}

#[test]
fn refusals_keep_their_names() {
    for (refusal, code) in [
        (Refusal::Forbidden, "forbidden"),
        (
            Refusal::AdministratorNotConfirmed,
            "administrator_not_confirmed",
        ),
        (Refusal::NothingSelected, "nothing_selected"),
        (Refusal::FullSyncRequired, "full_sync_required"),
        (Refusal::UnsupportedCloud, "unsupported_cloud"),
        (Refusal::OnPremisesExchange, "on_premises_exchange"),
        (Refusal::TenantMismatch, "tenant_mismatch"),
        (Refusal::NotAnAdministrator, "not_an_administrator"),
        (Refusal::ScopesMissing, "scopes_missing"),
        (Refusal::Declined, "declined"),
        (Refusal::Undetermined, "undetermined"),
        (
            Refusal::AdministratorApprovalRequired,
            "administrator_approval_required",
        ),
        (Refusal::FlowExpired, "flow_expired"),
        (Refusal::FlowAlreadyUsed, "flow_already_used"),
        (Refusal::ManagedByAdministrator, "managed_by_administrator"),
        (
            Refusal::AdministratorConsentRequired,
            "administrator_consent_required",
        ),
        (Refusal::IdentityMismatch, "identity_mismatch"),
        (
            Refusal::NotAdministratorConfigured,
            "not_administrator_configured",
        ),
        (Refusal::ConsentSuperseded, "consent_superseded"),
        (Refusal::ConsentWithdrawn, "consent_withdrawn"),
    ] {
        assert_eq!(refusal.code(), code);
    }
}
