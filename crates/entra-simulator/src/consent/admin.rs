//! Consent for a whole organisation: who may give it, and what comes of it.

use std::collections::BTreeSet;

use crate::aadsts::{Code, Surface};
use crate::authorization_request::AdminConsentRequest;
use crate::directory::Application;
use crate::identifiers::{ObjectId, TenantId};
use crate::policy;
use crate::return_target::BrowserReturn;
use crate::screen::{ConsentCheck, ConsentPrompt};
use crate::state::SimulatedState;

pub(crate) fn check(
    state: &SimulatedState,
    base_url: &str,
    request: &AdminConsentRequest,
    tenant: TenantId,
    user: ObjectId,
) -> ConsentCheck {
    let found = state.directory.member(user);
    let application = state.directory.applications.get(&request.client);
    let (Some((home, person)), Some(application)) = (found, application) else {
        return ConsentCheck::WrongAccount(
            Code::UserAccountNotFound.error_on(Surface::AdminConsent),
        );
    };
    if !request.authority.admits(tenant) {
        let name = request.authority.tenant(&state.directory);
        let error = Code::UserUnauthorized
            .error_on(Surface::AdminConsent)
            .with_facts(&[
                ("EmailHidden", &person.upn),
                ("tenant", name.map_or("", |tenant| tenant.name.as_str())),
            ]);
        return ConsentCheck::Done(request.return_target.with_error(&error, base_url));
    }
    if !home.cloud.is_worldwide() {
        return ConsentCheck::WrongAccount(
            Code::ConfidentialClientCrossCloud.error_on(Surface::AdminConsent),
        );
    }
    let (scopes, app_roles) = permissions(request, application);
    if !policy::may_consent_for_everyone(&person.roles, !app_roles.is_empty()) {
        return ConsentCheck::NeedsApproval(
            Code::GraphUserUnauthorized
                .error_on(Surface::AdminConsent)
                .with_application(application, &home.name),
        );
    }
    ConsentCheck::Ask(ConsentPrompt {
        scopes,
        app_roles,
        for_organization: true,
        offers_organization: true,
    })
}

/// Delegated and application permissions: by name, or all that are registered.
fn permissions(
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
    state: &mut SimulatedState,
    request: &AdminConsentRequest,
    tenant: TenantId,
    granted: &BTreeSet<String>,
    prompt: &ConsentPrompt,
) -> BrowserReturn {
    if let Some(tenant) = state.directory.tenants.get_mut(&tenant) {
        tenant.grant_for_everyone(request.client, granted);
        if let Some(installation) = tenant.installations.get_mut(&request.client) {
            installation
                .app_roles
                .extend(prompt.app_roles.iter().cloned());
        }
    }
    let guid = tenant.to_string();
    let mut parameters = vec![("tenant", guid.as_str())];
    parameters.extend(request.scope.as_deref().map(|scope| ("scope", scope)));
    request.return_target.with_parameters(&parameters)
}
