//! Where a signed-in person stands, and what comes of an administrator's yes.

use std::collections::BTreeSet;

use super::AdminConsentRequest;
use crate::aadsts::{Code, Surface};
use crate::directory::Application;
use crate::identifiers::{ObjectId, TenantId};
use crate::interaction::{Question, Standing};
use crate::policy;
use crate::way_back::Return;
use crate::world::World;

pub(crate) fn standing(
    world: &World,
    base_url: &str,
    request: &AdminConsentRequest,
    tenant: TenantId,
    user: ObjectId,
) -> Standing {
    let found = world.directory.member(user);
    let application = world.directory.applications.get(&request.client);
    let (Some((home, person)), Some(application)) = (found, application) else {
        return Standing::WrongAccount(Code::UserAccountNotFound.at(Surface::AdminConsent));
    };
    if !request.authority.admits(tenant) {
        let name = request.authority.tenant(&world.directory);
        let error = Code::UserUnauthorized.at(Surface::AdminConsent).about(&[
            ("EmailHidden", &person.upn),
            ("tenant", name.map_or("", |tenant| tenant.name.as_str())),
        ]);
        return Standing::Done(request.back.refused(&error, base_url));
    }
    if !home.cloud.is_worldwide() {
        return Standing::WrongAccount(
            Code::ConfidentialClientCrossCloud.at(Surface::AdminConsent),
        );
    }
    let (scopes, app_roles) = asked(request, application);
    if !policy::may_consent_for_everyone(&person.roles, !app_roles.is_empty()) {
        return Standing::NeedsApproval(
            Code::GraphUserUnauthorized
                .at(Surface::AdminConsent)
                .about_application(application, &home.name),
        );
    }
    Standing::Ask(Question {
        scopes,
        app_roles,
        for_organization: true,
        offers_organization: true,
    })
}

/// Delegated and application permissions: by name, or all that are registered.
fn asked(
    request: &AdminConsentRequest,
    application: &Application,
) -> (BTreeSet<String>, BTreeSet<String>) {
    if request.asked.default {
        let registered = application
            .delegated_permissions
            .union(&request.asked.openid)
            .cloned()
            .collect();
        (registered, application.app_roles.clone())
    } else {
        (request.asked.names(), BTreeSet::new())
    }
}

/// An administrator accepted: records the grant for everybody, and goes back with what was asked for.
pub(crate) fn accept(
    world: &mut World,
    request: &AdminConsentRequest,
    tenant: TenantId,
    granted: &BTreeSet<String>,
    question: &Question,
) -> Return {
    if let Some(tenant) = world.directory.tenants.get_mut(&tenant) {
        tenant.grant_for_everyone(request.client, granted);
        if let Some(installation) = tenant.installations.get_mut(&request.client) {
            installation
                .app_roles
                .extend(question.app_roles.iter().cloned());
        }
    }
    let guid = tenant.to_string();
    let mut parameters = vec![("tenant", guid.as_str())];
    parameters.extend(request.scope.as_deref().map(|scope| ("scope", scope)));
    request.back.with(&parameters)
}
