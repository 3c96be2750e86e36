//! A user's own consent: whether it is there, may be asked for, or is out of reach.

use std::collections::BTreeSet;

use super::code::issue_code;
use crate::aadsts::{Code, Surface, Words};
use crate::authorization_request::{AuthorizeRequest, Prompt};
use crate::directory::{Application, Tenant, User};
use crate::identifiers::{ObjectId, TenantId};
use crate::policy;
use crate::screen::{ConsentCheck, ConsentPrompt, SignedIn};
use crate::state::{SilentConsent, SimulatedState};

pub(crate) fn check(
    state: &mut SimulatedState,
    base_url: &str,
    request: &AuthorizeRequest,
    who: SignedIn,
) -> ConsentCheck {
    let SignedIn { tenant, user, .. } = who;
    let found = state.directory.member(user);
    let application = state.directory.applications.get(&request.client);
    let (Some((home, person)), Some(application)) = (found, application) else {
        return ConsentCheck::WrongAccount(Code::UserAccountNotFound.error_on(Surface::Authorize));
    };
    if let Some(code) = obstacle(request, home, person, tenant) {
        let name = request.authority.tenant(&state.directory);
        let name = name.map_or(home.name.as_str(), |tenant| tenant.name.as_str());
        let told = |code: Code| {
            code.error_on(Surface::Authorize)
                .with_facts(&[("EmailHidden", &person.upn)])
                .with_application(application, name)
        };
        if request.prompt != Prompt::None {
            return ConsentCheck::WrongAccount(told(code));
        }
        // Where no page may be shown, the wrong account is somebody who has to choose another.
        let code = if code == Code::UserUnauthorized {
            Code::InteractionRequired
        } else {
            code
        };
        return ConsentCheck::Done(request.return_target.with_error(&told(code), base_url));
    }
    let missing = missing(request, home, application, user);
    if missing.is_empty() {
        return ConsentCheck::Done(issue_code(state, request, who));
    }
    if request.prompt == Prompt::None {
        let words = Words {
            error: match state.options.silent_consent {
                SilentConsent::InteractionRequired => None,
                SilentConsent::ConsentRequired => Some("consent_required".to_owned()),
            },
            suberror: None,
        };
        let code = Code::DelegationDoesNotExist;
        let error = code
            .error_on(Surface::Authorize)
            .told_as(code.number(), words)
            .with_application(application, &home.name);
        return ConsentCheck::Done(request.return_target.with_error(&error, base_url));
    }
    match policy::obstacle(home, application, &person.roles, &missing) {
        Some(code) => ConsentCheck::NeedsApproval(
            code.error_on(Surface::Authorize)
                .with_application(application, &home.name),
        ),
        None => ConsentCheck::Ask(ConsentPrompt {
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
