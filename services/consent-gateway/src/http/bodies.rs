//! What callers send, and what can be said of it without knowing the account.

use assent_consent_core::failure::Failure;
use assent_consent_core::gateway::tenant_name;
use assent_consent_core::return_to;
use assent_consent_core::use_cases::start_admin_consent::Selection;
use assent_consent_core::use_cases::start_own_consent::{ConsentRequest, Named, ReturnTarget};
use assent_contract::command::ExpectedIdentity;
use assent_contract::values::{
    Cloud, EmailSync, Method, Permission, PermissionSet, kinds_from_list,
};
use assent_domain::mode::Mode;
use assent_microsoft_identity::LoginHint;
use assent_service_kit::config::Origin;
use serde::Deserialize;

/// `?at_least=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtLeast {
    pub(super) at_least: Option<u64>,
}

/// `PUT …/authorization-method`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAdminConsent {
    #[serde(default)]
    administrator_confirmed: bool,
    permissions: PermissionSet,
    tenant: Option<String>,
    tenant_cloud: Option<Cloud>,
    #[serde(default)]
    mailboxes_in_exchange_online: bool,
    return_to: Option<String>,
}

impl NewAdminConsent {
    pub(super) fn check(self, origins: &[Origin]) -> Result<Selection, Failure> {
        Ok(Selection {
            administrator_confirmed: self.administrator_confirmed,
            permissions: self.permissions.into(),
            tenant: tenant_name(self.tenant.as_deref(), self.tenant_cloud)?,
            mailboxes_in_exchange_online: self.mailboxes_in_exchange_online,
            return_to: checked(self.return_to.as_deref(), origins)?,
        })
    }
}

/// `POST …/grants`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGrant {
    permissions: Vec<Permission>,
    microsoft_identity: Option<ExpectedIdentity>,
    login_hint: Option<String>,
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
        .map_err(|error| Failure::Invalid(format!("login_hint: {error}")))
}

/// `POST …/confirmation`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    pub(super) confirm: String,
}

fn checked(return_to: Option<&str>, origins: &[Origin]) -> Result<Option<url::Url>, Failure> {
    return_to
        .map(|url| return_to::check(url, origins))
        .transpose()
}
