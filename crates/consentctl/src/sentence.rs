//! What an event says, in a sentence.

use assent_domain::event::{Authority, Event, RevocationReason, Verification};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{EmailLevel, Kinds, Permission, PermissionSet};

/// The name of the event's type.
pub(crate) const fn name(event: &Event) -> &'static str {
    match event {
        Event::ModeChanged(_) => "ModeChanged",
        Event::AdminConsentGranted(_) => "AdminConsentGranted",
        Event::UserScopeGranted(_) => "UserScopeGranted",
        Event::UserScopeRevoked(_) => "UserScopeRevoked",
    }
}

/// What it says.
pub(crate) fn sentence(event: &Event) -> String {
    match event {
        Event::ModeChanged(changed) => {
            let how = if changed.from.method == changed.to.method {
                format!(
                    "email sync from {} to {}",
                    sync(changed.from),
                    sync(changed.to)
                )
            } else {
                let sync = sync(changed.to);
                format!("method to {}, email sync {sync}", method(changed.to.method))
            };
            format!("{how}, by {}", changed.changed_by)
        }
        Event::AdminConsentGranted(granted) => format!(
            "administrator {} of tenant {} consented to {}; asked by {}; proved by {}",
            granted.granted_by,
            granted.tenant.id,
            permissions(granted.permissions),
            granted.requested_by,
            proof(&granted.verification)
        ),
        Event::UserScopeGranted(granted) => {
            let authority = match granted.authority {
                Authority::User => "by the user".to_owned(),
                Authority::AdministratorConsent(consent) => {
                    format!("automatically, under administrator consent {consent}")
                }
            };
            let (what, epoch) = (permissions(granted.permissions), granted.epoch.0);
            format!("granted {what} {authority} (epoch {epoch})")
        }
        Event::UserScopeRevoked(revoked) => {
            let (what, epoch) = (kinds(revoked.permissions), revoked.epoch.0);
            match revoked.reason {
                RevocationReason::UserRevoked => format!("revoked {what} (epoch {epoch})"),
                RevocationReason::UserDeclined => {
                    format!("declined {what} at Microsoft (epoch {epoch})")
                }
                RevocationReason::MicrosoftWithdrawn => {
                    format!("{what} withdrawn at Microsoft (epoch {epoch})")
                }
            }
        }
    }
}

/// A permission set in words.
pub(crate) fn permissions(set: PermissionSet) -> String {
    let email = match set.email {
        EmailLevel::None => None,
        EmailLevel::Limited => Some("email (limited)"),
        EmailLevel::Full => Some("email (full)"),
    };
    let parts: Vec<_> = [
        set.calendar.then_some("calendar"),
        set.contacts.then_some("contacts"),
        email,
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A permission by its name.
pub(crate) const fn permission(permission: Permission) -> &'static str {
    match permission {
        Permission::Calendar => "calendar",
        Permission::Contacts => "contacts",
        Permission::Email => "email",
    }
}

/// A method in words.
pub(crate) const fn method(method: AuthorizationMethod) -> &'static str {
    match method {
        AuthorizationMethod::UserIndividual => "user_individual",
        AuthorizationMethod::AdminConfigured => "admin_configured",
    }
}

/// What proved that it was an administrator.
pub(crate) fn proof(verification: &Verification) -> String {
    let role = (!verification.roles.is_empty()).then_some("role");
    let grant = verification.tenant_wide_grant.then_some("grant");
    role.into_iter()
        .chain(grant)
        .collect::<Vec<_>>()
        .join(" and ")
}

fn kinds(kinds: Kinds) -> String {
    kinds.iter().map(permission).collect::<Vec<_>>().join(", ")
}

const fn sync(mode: Mode) -> &'static str {
    match mode.email_sync {
        EmailSync::Limited => "limited",
        EmailSync::Full => "full",
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::{Event, ModeChanged, RevocationReason, UserScopeRevoked};
    use assent_domain::ids::{AccountId, Epoch, UserId};
    use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
    use assent_domain::permissions::{Permission, PermissionSet};

    use super::{permissions, sentence};

    #[test]
    fn sets_read_as_lists() {
        assert_eq!(
            permissions(PermissionSet::EVERYTHING),
            "calendar, contacts, email (full)"
        );
        assert_eq!(permissions(PermissionSet::NOTHING), "nothing");
    }

    #[test]
    fn a_change_of_method_and_one_of_sync_read_differently() {
        let mode = |method, email_sync| Mode { method, email_sync };
        let individual = AuthorizationMethod::UserIndividual;
        let mut changed = ModeChanged {
            account: AccountId::parse("acme").unwrap(),
            from: mode(individual, EmailSync::Full),
            to: mode(individual, EmailSync::Limited),
            consent: None,
            changed_by: UserId::parse("sue").unwrap(),
        };
        let said = sentence(&Event::ModeChanged(changed.clone()));
        assert_eq!(said, "email sync from full to limited, by sue");
        changed.to.method = AuthorizationMethod::AdminConfigured;
        let said = sentence(&Event::ModeChanged(changed));
        assert_eq!(
            said,
            "method to admin_configured, email sync limited, by sue"
        );
    }

    #[test]
    fn the_reasons_of_a_revocation_read_differently() {
        let said = |reason| {
            sentence(&Event::UserScopeRevoked(UserScopeRevoked {
                account: AccountId::parse("acme").unwrap(),
                user: UserId::parse("ana").unwrap(),
                epoch: Epoch(2),
                permissions: [Permission::Email].into_iter().collect(),
                reason,
                revoked_by: None,
            }))
        };
        assert_eq!(
            said(RevocationReason::UserRevoked),
            "revoked email (epoch 2)"
        );
        assert_eq!(
            said(RevocationReason::UserDeclined),
            "declined email at Microsoft (epoch 2)"
        );
        let withdrawn = said(RevocationReason::MicrosoftWithdrawn);
        assert_eq!(withdrawn, "email withdrawn at Microsoft (epoch 2)");
    }
}
