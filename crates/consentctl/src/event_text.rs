//! Events and their values as English text.

use assent_contract::values;
use assent_domain::event::{
    AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
    UserScopeRevoked, Verification,
};
use assent_domain::ids::{ConsentId, Tenant};
use assent_domain::mode::{AuthorizationMethod, EmailSync};
use assent_domain::permissions::{EmailLevel, Kinds, Permission, PermissionSet};

/// Describes an event, without when it was and of whom it speaks.
pub(crate) fn describe(event: &Event) -> String {
    match event {
        Event::ModeChanged(event) => mode_changed(event),
        Event::AdminConsentGranted(event) => consent_granted(event),
        Event::UserScopeGranted(event) => scope_granted(event),
        Event::UserScopeRevoked(event) => scope_revoked(event),
    }
}

fn mode_changed(event: &ModeChanged) -> String {
    let (from, to) = (event.from, event.to);
    let mut changes = Vec::new();
    if from.method != to.method {
        let rests_on = match event.consent {
            Some(id) => format!(", resting on {}", consent(id)),
            None => String::new(),
        };
        let (from, to) = (method(from.method), method(to.method));
        changes.push(format!("the method from {from} to {to}{rests_on}"));
    }
    if from.email_sync != to.email_sync {
        let (from, to) = (email_sync(from.email_sync), email_sync(to.email_sync));
        changes.push(format!("email sync from {from} to {to}"));
    }
    format!("{} changed {}", event.changed_by, changes.join(", and "))
}

fn consent_granted(event: &AdminConsentGranted) -> String {
    format!(
        "administrator {} consented to {} for the whole company ({}), asked by {}, proved by {}",
        event.granted_by,
        permissions(event.permissions),
        consent(event.consent),
        event.requested_by,
        proof(&event.verification),
    )
}

fn scope_granted(event: &UserScopeGranted) -> String {
    let authority = match event.authority {
        Authority::User => "the user's own choice".to_owned(),
        Authority::AdministratorConsent(id) => format!("administrator {}", consent(id)),
    };
    format!("granted {} by {authority}", permissions(event.permissions))
}

fn scope_revoked(event: &UserScopeRevoked) -> String {
    let what = kinds(event.permissions);
    let by = match &event.revoked_by {
        Some(user) => format!(" by {user}"),
        None => String::new(),
    };
    match event.reason {
        RevocationReason::UserRevoked => format!("revoked {what}{by}"),
        RevocationReason::UserDeclined => format!("declined {what} at Microsoft{by}"),
        RevocationReason::MicrosoftWithdrawn => {
            format!("lost {what}: Microsoft says that the consent is gone")
        }
    }
}

/// Lists a set of permissions: "calendar, email (limited)".
pub(crate) fn permissions(set: PermissionSet) -> String {
    listed(set.kinds().iter().map(|kind| match kind {
        Permission::Calendar | Permission::Contacts => permission(kind).to_owned(),
        Permission::Email => format!("email ({})", email_level(set.email)),
    }))
}

fn kinds(kinds: Kinds) -> String {
    listed(kinds.iter().map(|kind| permission(kind).to_owned()))
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(", ")
}

/// The public name of a permission.
pub(crate) fn permission(permission: Permission) -> &'static str {
    values::Permission::from(permission).as_str()
}

/// The public name of an e-mail level.
pub(crate) fn email_level(level: EmailLevel) -> &'static str {
    values::EmailLevel::from(level).as_str()
}

/// The public name of an authorization method.
pub(crate) fn method(method: AuthorizationMethod) -> &'static str {
    values::Method::from(method).as_str()
}

/// The public name of an e-mail sync.
pub(crate) fn email_sync(sync: EmailSync) -> &'static str {
    values::EmailSync::from(sync).as_str()
}

/// Names a tenant by its id and its cloud.
pub(crate) fn tenant(tenant: Tenant) -> String {
    let cloud = values::Cloud::from(tenant.cloud).as_str();
    format!("{} ({cloud})", tenant.id)
}

/// Says whose mailbox it is: "that of ... in tenant ...", or "nobody's".
pub(crate) fn mailbox(person: Option<values::PersonId>) -> String {
    person.map_or_else(
        || "nobody's".to_owned(),
        |person| {
            format!(
                "that of {} in tenant {}",
                person.object_id, person.tenant_id
            )
        },
    )
}

/// Says how an administrator was proved: by roles, by a tenant-wide grant, or by both.
pub(crate) fn proof(verification: &Verification) -> String {
    let roles = verification.roles.iter().map(|role| format!("role {role}"));
    let grant = verification
        .tenant_wide_grant
        .then(|| "the tenant-wide grant".to_owned());
    listed(roles.chain(grant))
}

/// Names a consent by the part of its id that tells when it was given, which is all that tells one
/// consent of a company from another.
fn consent(id: ConsentId) -> String {
    let id = id.to_string();
    format!("consent {}…", id.get(..13).unwrap_or(&id))
}

#[cfg(test)]
mod tests;
