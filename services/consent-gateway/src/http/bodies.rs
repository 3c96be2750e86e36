//! What callers send, and what can be said of it without knowing the account.

use assent_consent_core::failure::Failure;
use assent_consent_core::gateway::tenant_name;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::return_to;
use assent_consent_core::use_cases::start_admin_consent::AdministratorConsentRequest;
use assent_consent_core::use_cases::start_own_consent::{ConsentRequest, Named, ReturnTarget};
use assent_contract::command::ExpectedIdentity;
use assent_contract::values::{
    Cloud, EmailSync, Method, Permission, PermissionSet, PersonId, kinds_from_list,
};
use assent_domain::mode::Mode;
use assent_microsoft_identity::LoginHint;
use assent_service_kit::config::Origin;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// `?at_least=`
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AtLeast {
    /// The Assent-Sequence of a write that the answer has to reflect; 504 if it does not within 2 s.
    #[param(maximum = 18_446_744_073_709_551_615_usize)]
    pub(super) at_least: Option<u64>,
}

/// `PUT …/authorization-method`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAuthorizationMethod)]
pub(super) struct NewMode {
    method: Method,
    email_sync: EmailSync,
}

impl From<NewMode> for Mode {
    fn from(body: NewMode) -> Self {
        Self {
            method: body.method.into(),
            email_sync: body.email_sync.into(),
        }
    }
}

/// `POST …/admin-consents`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAdminConsent {
    #[serde(default)]
    #[schema(required)]
    administrator_confirmed: bool,
    permissions: PermissionSet,
    /// GUID or domain, in any script; an e-mail address or a web address that has one of them will do, and is kept nowhere.
    tenant: Option<String>,
    /// Which of Microsoft's clouds is meant, where the name stands for tenants in several (ambiguous_tenant).
    tenant_cloud: Option<Cloud>,
    /// A Super Admin's word against on_premises_exchange: it is recorded in the log of the service.
    #[serde(default)]
    #[schema(default = false)]
    mailboxes_in_exchange_online: bool,
    /// Of an origin that ASSENT_RETURN_ORIGINS names; it loses flow, outcome, reason and confirm of its own before ours are
    /// added.
    #[schema(format = Uri)]
    return_to: Option<String>,
}

impl NewAdminConsent {
    pub(super) fn check(self, origins: &[Origin]) -> Result<AdministratorConsentRequest, Failure> {
        Ok(AdministratorConsentRequest {
            administrator_confirmed: self.administrator_confirmed,
            permissions: self.permissions.into(),
            tenant: tenant_name(self.tenant.as_deref(), self.tenant_cloud)?,
            mailboxes_in_exchange_online: self.mailboxes_in_exchange_online,
            return_to: checked(self.return_to.as_deref(), origins)?,
        })
    }
}

/// `POST …/grants`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGrant {
    permissions: Vec<Permission>,
    /// Who the user is at Microsoft. Whoever else finishes the flow is refused (identity_mismatch). In a token with the scope
    /// identities:vouch it is the host application's word, and spares the confirmation; in another one it never does.
    #[schema(value_type = Option<PersonId>)]
    microsoft_identity: Option<ExpectedIdentity>,
    /// By what name Microsoft's sign-in page knows the account that is meant: the claim login_hint of its ID token, or its user
    /// name. It saves a click and proves nothing; it stands in authorize_url and is kept nowhere. Without it, where nobody is
    /// expected, and in any case after a flow of this user was finished by another account than expected, Microsoft lets the
    /// person choose an account (prompt=select_account).
    #[schema(min_length = 1, max_length = 1024)]
    login_hint: Option<String>,
    /// Of an origin that ASSENT_RETURN_ORIGINS names; it loses flow, outcome, reason and confirm of its own before ours are
    /// added.
    #[schema(format = Uri)]
    return_to: Option<String>,
}

impl NewGrant {
    /// `may_vouch`: whether whoever sends it speaks for the host application, too.
    pub(super) fn check(
        self,
        origins: &[Origin],
        may_vouch: bool,
    ) -> Result<ConsentRequest, Failure> {
        Ok(ConsentRequest {
            ticked: kinds_from_list(&self.permissions),
            identity: match self.microsoft_identity {
                Some(identity) if may_vouch => Named::Vouched(identity),
                Some(identity) => Named::Claimed(identity),
                None => Named::Nobody { until_now: None },
            },
            login_hint: login_hint(self.login_hint.as_deref())?,
            return_target: ReturnTarget::Host(checked(self.return_to.as_deref(), origins)?),
        })
    }
}

fn login_hint(text: Option<&str>) -> Result<Option<LoginHint>, Failure> {
    text.map(LoginHint::parse)
        .transpose()
        .map_err(|error| Failure::Invalid(InvalidRequest::LoginHint(error)))
}

/// `POST …/confirmation`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    pub(super) confirm: String,
}

fn checked(return_to: Option<&str>, origins: &[Origin]) -> Result<Option<url::Url>, Failure> {
    return_to
        .map(|url| return_to::check(url, origins))
        .transpose()
}
