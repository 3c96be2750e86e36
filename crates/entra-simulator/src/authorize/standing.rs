//! Where a signed-in person stands: done, asked for consent, or stopped.

use std::collections::BTreeSet;

use super::prompt::Prompt;
use super::{AuthorizeRequest, issue_code};
use crate::aadsts::{Code, Surface};
use crate::directory::{Application, Tenant, User};
use crate::identifiers::{ObjectId, TenantId};
use crate::interaction::{Question, Standing};
use crate::policy;
use crate::world::World;

pub(crate) fn standing(
    world: &mut World,
    base_url: &str,
    request: &AuthorizeRequest,
    tenant: TenantId,
    user: ObjectId,
) -> Standing {
    let found = world.directory.member(user);
    let application = world.directory.applications.get(&request.client);
    let (Some((home, person)), Some(application)) = (found, application) else {
        return Standing::WrongAccount(Code::UserAccountNotFound.at(Surface::Authorize));
    };
    if let Some(code) = obstacle(request, home, person, tenant) {
        let name = request.authority.tenant(&world.directory);
        let name = name.map_or(home.name.as_str(), |tenant| tenant.name.as_str());
        let error = code
            .at(Surface::Authorize)
            .about(&[("EmailHidden", &person.upn)])
            .about_application(application, name);
        return Standing::WrongAccount(error);
    }
    let missing = missing(request, home, application, user);
    if missing.is_empty() {
        return Standing::Done(issue_code(world, request, tenant, user));
    }
    if request.prompt == Prompt::None {
        let error = Code::DelegationDoesNotExist
            .at(Surface::Authorize)
            .about_application(application, &home.name);
        return Standing::Done(request.back.refused(&error, base_url));
    }
    match policy::obstacle(home, application, &person.roles, &missing) {
        Some(code) => Standing::NeedsApproval(
            code.at(Surface::Authorize)
                .about_application(application, &home.name),
        ),
        None => Standing::Ask(Question {
            scopes: missing,
            app_roles: BTreeSet::new(),
            for_organization: false,
            offers_organization: policy::is_offered_the_organization(&person.roles),
        }),
    }
}

/// What keeps this account out, whatever it would consent to.
fn obstacle(
    request: &AuthorizeRequest,
    home: &Tenant,
    person: &User,
    tenant: TenantId,
) -> Option<Code> {
    if !request.authority.admits(tenant) {
        return Some(Code::UserUnauthorized);
    }
    if !home.cloud.is_worldwide() {
        return Some(Code::ConfidentialClientCrossCloud);
    }
    let installation = home.installations.get(&request.client)?;
    if !installation.enabled {
        return Some(Code::UnauthorizedClientApplicationDisabled);
    }
    (!installation.admits(person.id)).then_some(Code::EntitlementGrantsNotFound)
}

/// What has to be consented to before there can be a code.
fn missing(
    request: &AuthorizeRequest,
    home: &Tenant,
    application: &Application,
    user: ObjectId,
) -> BTreeSet<String> {
    let held = home.effective(request.client, user);
    let asks_again = request.prompt == Prompt::Consent;
    let asked: BTreeSet<String> = match (request.asked.default, held.is_empty() || asks_again) {
        (false, _) => request.asked.names(),
        (true, true) => application
            .delegated_permissions
            .union(&request.asked.openid)
            .cloned()
            .collect(),
        // Any grant will do for `.default`: it means "whatever there is".
        (true, false) => BTreeSet::new(),
    };
    if asks_again {
        asked
    } else {
        asked.difference(&held).cloned().collect()
    }
}
