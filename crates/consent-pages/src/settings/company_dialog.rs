//! The dialog in which a Super Admin chooses what an Office 365 administrator is asked for.

use crate::session::Ticked;
use assent_consent_core::failure::Failure;
use assent_consent_core::gateway::{TenantName, tenant_name};
use assent_consent_core::use_cases::start_admin_consent::AdministratorConsentRequest;
use assent_domain::permissions::{EmailLevel, PermissionSet};
use serde::Deserialize;
use utoipa::ToSchema;

use super::is_ticked;
use super::notice::Notice;

/// What is filled in: at first what is in force, after a mistake what was sent.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are boxes to tick")]
pub(super) struct Dialog {
    pub(super) is_open: bool,
    pub(super) administrator_confirmed: bool,
    pub(super) permissions: PermissionSet,
    /// The level that e-mail has, or would have if it were ticked.
    pub(super) is_full: bool,
    pub(super) tenant: String,
    pub(super) mailboxes_in_exchange_online: bool,
    pub(super) problem: Option<Notice>,
}

impl Dialog {
    /// Filled in with these permissions.
    pub(super) fn with_permissions(permissions: PermissionSet) -> Self {
        Self {
            permissions,
            is_full: permissions.email != EmailLevel::Limited,
            ..Self::default()
        }
    }
}

/// What was sent.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DialogForm {
    #[schema(value_type = Option<Ticked>, nullable = false)]
    administrator_confirmed: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    calendar: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    contacts: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    email: Option<String>,
    #[schema(value_type = Option<assent_contract::values::EmailSync>, nullable = false)]
    email_level: Option<String>,
    #[schema(nullable = false)]
    tenant: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    mailboxes_in_exchange_online: Option<String>,
    #[schema(pattern = "^[0-9]{1,19}$")]
    pub(super) seen: String,
    /// The link that this form makes, however often it is sent.
    #[schema(format = Uuid, nullable = false)]
    pub(super) link: Option<String>,
}

impl DialogForm {
    pub(super) fn permissions(&self) -> PermissionSet {
        let email = match (is_ticked(self.email.as_ref()), self.email_level.as_deref()) {
            (false, _) => EmailLevel::None,
            (true, Some("limited")) => EmailLevel::Limited,
            (true, _) => EmailLevel::Full,
        };
        PermissionSet {
            calendar: is_ticked(self.calendar.as_ref()),
            contacts: is_ticked(self.contacts.as_ref()),
            email,
        }
    }

    /// The Super Admin knows better than what was seen of mailboxes.
    pub(super) fn mailboxes_in_exchange_online(&self) -> bool {
        is_ticked(self.mailboxes_in_exchange_online.as_ref())
    }

    pub(super) fn tenant(&self) -> Result<Option<TenantName>, Failure> {
        let typed = self.tenant.as_deref();
        tenant_name(typed.filter(|name| !name.trim().is_empty()), None)
    }

    pub(super) fn selection(&self) -> Result<AdministratorConsentRequest, Failure> {
        Ok(AdministratorConsentRequest {
            administrator_confirmed: is_ticked(self.administrator_confirmed.as_ref()),
            permissions: self.permissions(),
            tenant: self.tenant()?,
            mailboxes_in_exchange_online: self.mailboxes_in_exchange_online(),
            return_to: None,
        })
    }

    /// The dialog again, as it was filled in, and what is wrong.
    pub(super) fn refill(&self, problem: Notice) -> Dialog {
        Dialog {
            is_open: true,
            administrator_confirmed: is_ticked(self.administrator_confirmed.as_ref()),
            is_full: self.email_level.as_deref() != Some("limited"),
            tenant: self.tenant.clone().unwrap_or_default(),
            mailboxes_in_exchange_online: self.mailboxes_in_exchange_online(),
            problem: Some(problem),
            ..Dialog::with_permissions(self.permissions())
        }
    }
}
