//! Who may consent to what. Pure.
//!
//! A tenant's policy decides what an ordinary user may grant for their own account; directory roles decide who may
//! grant for everybody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::scopes;

/// Present in the `wids` of every member; it is not an administrator role.
pub(crate) const ORDINARY_MEMBER: Uuid = uuid!("b79fbf4d-3ef9-4689-8143-76b194e85509");

const GLOBAL_ADMINISTRATOR: Uuid = uuid!("62e90394-69f5-4237-9190-012177145e10");
const PRIVILEGED_ROLE_ADMINISTRATOR: Uuid = uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814");
const CLOUD_APPLICATION_ADMINISTRATOR: Uuid = uuid!("158c047a-c907-4556-b7ef-446551a6b5f7");
const APPLICATION_ADMINISTRATOR: Uuid = uuid!("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3");

/// The template id of a directory role, given as such or by one of the four names that matter for consent.
pub(crate) fn role(text: &str) -> Option<Uuid> {
    match text {
        "global_administrator" => Some(GLOBAL_ADMINISTRATOR),
        "privileged_role_administrator" => Some(PRIVILEGED_ROLE_ADMINISTRATOR),
        "cloud_application_administrator" => Some(CLOUD_APPLICATION_ADMINISTRATOR),
        "application_administrator" => Some(APPLICATION_ADMINISTRATOR),
        other => Uuid::parse_str(other).ok(),
    }
}

/// A tenant's setting for what its users may consent to by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConsentPolicy {
    /// "Let Microsoft manage your consent settings", the default of a new tenant: mail and calendars are closed.
    #[default]
    Managed,
    /// Users may consent to nothing.
    Off,
    /// Users may consent to whatever does not need an administrator.
    Legacy,
}

/// May an ordinary user grant this permission for their own account?
pub(crate) fn user_may_consent(policy: ConsentPolicy, scope: &str) -> bool {
    match policy {
        ConsentPolicy::Off => false,
        ConsentPolicy::Legacy => !scopes::needs_administrator(scope),
        ConsentPolicy::Managed => {
            scopes::OPENID_SCOPES.contains(&scope)
                || matches!(scope, "Mail.Send" | "Contacts.Read" | "User.Read")
        }
    }
}

/// What of `asked` this person may not grant, not even for their own account.
pub(crate) fn out_of_reach(
    policy: ConsentPolicy,
    roles: &BTreeSet<Uuid>,
    asked: &BTreeSet<String>,
) -> BTreeSet<String> {
    if may_consent_for_everyone(roles, false) {
        return BTreeSet::new();
    }
    asked
        .iter()
        .filter(|scope| !user_may_consent(policy, scope))
        .cloned()
        .collect()
}

/// May this person consent on behalf of the organisation? Application permissions of Microsoft Graph need the
/// stronger roles.
pub(crate) fn may_consent_for_everyone(
    roles: &BTreeSet<Uuid>,
    application_permissions: bool,
) -> bool {
    roles.contains(&GLOBAL_ADMINISTRATOR)
        || roles.contains(&PRIVILEGED_ROLE_ADMINISTRATOR)
        || (!application_permissions
            && (roles.contains(&CLOUD_APPLICATION_ADMINISTRATOR)
                || roles.contains(&APPLICATION_ADMINISTRATOR)))
}

/// Does the consent page offer "Consent on behalf of your organization"? Only to global administrators.
pub(crate) fn is_offered_the_organization(roles: &BTreeSet<Uuid>) -> bool {
    roles.contains(&GLOBAL_ADMINISTRATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> BTreeSet<Uuid> {
        names.iter().map(|name| role(name).unwrap()).collect()
    }

    fn asked(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_managed_default_leaves_little_to_users() {
        let wanted = asked(&[
            "openid",
            "Mail.Send",
            "Contacts.Read",
            "User.Read",
            "Mail.Read",
            "Calendars.ReadBasic",
        ]);
        let refused = out_of_reach(ConsentPolicy::Managed, &roles(&[]), &wanted);
        assert_eq!(refused, asked(&["Calendars.ReadBasic", "Mail.Read"]));
    }

    #[test]
    fn legacy_opens_what_needs_no_administrator_and_off_opens_nothing() {
        let wanted = asked(&["Mail.ReadWrite", "Directory.Read.All"]);
        assert_eq!(
            out_of_reach(ConsentPolicy::Legacy, &roles(&[]), &wanted),
            asked(&["Directory.Read.All"])
        );
        assert_eq!(
            out_of_reach(ConsentPolicy::Off, &roles(&[]), &asked(&["openid"])),
            asked(&["openid"])
        );
    }

    #[test]
    fn application_administrators_stop_at_application_permissions() {
        for name in [
            "cloud_application_administrator",
            "application_administrator",
        ] {
            assert!(may_consent_for_everyone(&roles(&[name]), false));
            assert!(!may_consent_for_everyone(&roles(&[name]), true));
            assert!(!is_offered_the_organization(&roles(&[name])));
        }
        for name in ["global_administrator", "privileged_role_administrator"] {
            assert!(may_consent_for_everyone(&roles(&[name]), true));
        }
        assert!(!may_consent_for_everyone(
            &BTreeSet::from([ORDINARY_MEMBER]),
            false
        ));
    }
}
