//! Who may consent to what. Pure.
//!
//! A tenant's policy decides what an ordinary user may grant for their own account; directory roles decide who may
//! grant for everybody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::aadsts::Code;
use crate::directory::{Application, Tenant};
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
    /// Users may consent to what the tenant classified as low impact, if the publisher is verified.
    Low,
}

/// Nothing but signing in: no risk, whoever published the application. Also what Microsoft proposes to classify as low.
pub(crate) fn basic_sign_in() -> BTreeSet<String> {
    let openid = scopes::OPENID_SCOPES.into_iter();
    openid.chain(["User.Read"]).map(str::to_owned).collect()
}

fn is_basic_sign_in(scope: &str) -> bool {
    scopes::OPENID_SCOPES.contains(&scope) || scope == "User.Read"
}

/// What of `asked` the tenant's policy does not leave to ordinary users, not even for their own account.
fn out_of_reach<'a>(
    tenant: &Tenant,
    application: &Application,
    asked: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    let may_grant = |scope: &str| match tenant.policy {
        ConsentPolicy::Off => false,
        ConsentPolicy::Legacy => !scopes::needs_administrator(scope),
        ConsentPolicy::Low => {
            application.publisher_verified
                && !scopes::needs_administrator(scope)
                && tenant.low_permissions.contains(scope)
        }
        ConsentPolicy::Managed => {
            is_basic_sign_in(scope) || matches!(scope, "Mail.Send" | "Contacts.Read")
        }
    };
    asked.iter().filter(move |scope| !may_grant(scope))
}

/// What stops somebody with these roles from granting `asked` for their own account, if anything does.
pub(crate) fn obstacle(
    tenant: &Tenant,
    application: &Application,
    roles: &BTreeSet<Uuid>,
    asked: &BTreeSet<String>,
) -> Option<Code> {
    if may_consent_for_everyone(roles, false) {
        return None;
    }
    let assignment_required = tenant
        .installations
        .get(&application.client_id)
        .is_some_and(|installation| installation.assignment_required);
    let beyond_sign_in = asked.iter().any(|scope| !is_basic_sign_in(scope));
    let code = if application.risky && beyond_sign_in {
        Code::AdminConsentRequiredDueToRiskyApp
    } else if (!application.publisher_verified && beyond_sign_in)
        || assignment_required
        || out_of_reach(tenant, application, asked).next().is_some()
    {
        Code::AdminConsentRequired
    } else {
        return None;
    };
    // Where there is a workflow, people are offered to ask an administrator instead of being sent away.
    Some(if tenant.admin_consent_workflow {
        Code::AdminConsentRequiredRequestAccess
    } else {
        code
    })
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
    use crate::seed::SeedDocument;

    fn roles(names: &[&str]) -> BTreeSet<Uuid> {
        names.iter().map(|name| role(name).unwrap()).collect()
    }

    fn asked(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// What ordinary users of a tenant with this policy may not grant to an application with a verified publisher.
    fn refused(policy: ConsentPolicy, wanted: &[&str]) -> BTreeSet<String> {
        let (mut tenant, application) = tenant_and_application();
        tenant.policy = policy;
        let wanted = asked(wanted);
        out_of_reach(&tenant, &application, &wanted)
            .cloned()
            .collect()
    }

    fn tenant_and_application() -> (Tenant, Application) {
        let seed = r#"{ "tenants": [{ "name": "One", "domain": "one.example" }],
            "applications": [{ "name": "App", "installed_in": ["one.example"] }] }"#;
        let mut directory = SeedDocument::parse(seed).unwrap().build().unwrap();
        let (_, tenant) = directory.tenants.pop_first().unwrap();
        let (_, application) = directory.applications.pop_first().unwrap();
        (tenant, application)
    }

    #[test]
    fn the_managed_default_leaves_little_to_users() {
        let wanted = [
            "openid",
            "Mail.Send",
            "Contacts.Read",
            "User.Read",
            "Mail.Read",
            "Calendars.ReadBasic",
        ];
        assert_eq!(
            refused(ConsentPolicy::Managed, &wanted),
            asked(&["Calendars.ReadBasic", "Mail.Read"])
        );
    }

    #[test]
    fn legacy_opens_what_needs_no_administrator_and_off_opens_nothing() {
        assert_eq!(
            refused(
                ConsentPolicy::Legacy,
                &["Mail.ReadWrite", "Directory.Read.All"]
            ),
            asked(&["Directory.Read.All"])
        );
        assert_eq!(refused(ConsentPolicy::Off, &["openid"]), asked(&["openid"]));
    }

    #[test]
    fn low_opens_what_was_classified_so_to_verified_publishers() {
        assert_eq!(
            refused(ConsentPolicy::Low, &["openid", "User.Read", "Mail.Send"]),
            asked(&["Mail.Send"])
        );
        let (mut tenant, mut application) = tenant_and_application();
        tenant.policy = ConsentPolicy::Low;
        // A permission that needs an administrator cannot be classified.
        tenant.low_permissions = asked(&["Mail.Send", "Directory.Read.All"]);
        let wanted = asked(&["Mail.Send", "Directory.Read.All"]);
        let left: Vec<&String> = out_of_reach(&tenant, &application, &wanted).collect();
        assert_eq!(left, ["Directory.Read.All"]);
        application.publisher_verified = false;
        assert_eq!(out_of_reach(&tenant, &application, &wanted).count(), 2);
    }

    #[test]
    fn an_obstacle_has_the_number_of_its_cause() {
        let (mut tenant, mut application) = tenant_and_application();
        tenant.policy = ConsentPolicy::Legacy;
        let mail = asked(&["openid", "Mail.Read"]);
        let code = |tenant: &Tenant, application: &Application, scopes: &BTreeSet<String>| {
            obstacle(tenant, application, &roles(&[]), scopes)
        };
        assert_eq!(code(&tenant, &application, &mail), None);
        application.publisher_verified = false;
        assert_eq!(
            code(&tenant, &application, &mail),
            Some(Code::AdminConsentRequired)
        );
        assert_eq!(code(&tenant, &application, &asked(&["User.Read"])), None);
        application.risky = true;
        assert_eq!(
            code(&tenant, &application, &mail),
            Some(Code::AdminConsentRequiredDueToRiskyApp)
        );
        tenant.admin_consent_workflow = true;
        assert_eq!(
            code(&tenant, &application, &mail),
            Some(Code::AdminConsentRequiredRequestAccess)
        );
        let administrator = roles(&["application_administrator"]);
        assert_eq!(obstacle(&tenant, &application, &administrator, &mail), None);
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
