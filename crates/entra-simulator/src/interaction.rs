//! A visit to the sign-in and consent pages: who is in front of the browser, what they are asked, what comes of it.
//!
//! Pages and the control API walk through the same functions: [`begin`], [`choose_account`], [`answer`]. What a person
//! has to do next is worked out afresh at every step, so a grant that changed in between is seen.

use std::collections::BTreeSet;

use crate::aadsts::{Code, Surface};
use crate::consent::{self, issue_code};
use crate::identifiers::{ObjectId, TenantId};
use crate::random;
use crate::screen::{ConsentAnswer, ConsentCheck, Interaction, PageRequest, Screen};
use crate::state::SimulatedState;

/// An open page is good for this long.
const LIFETIME_SECONDS: i64 = 30 * 60;

/// Opens a visit. Someone signed in already is not asked who they are, unless the request insists.
pub(crate) fn begin(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    request: PageRequest,
) -> Screen {
    let id = random::secret("");
    let signed_in = state
        .sessions
        .get(browser)
        .copied()
        .and_then(|user| state.directory.member(user))
        .filter(|member| {
            member.1.enabled
                && request
                    .login_hint()
                    .is_none_or(|hint| hint.eq_ignore_ascii_case(&member.1.upn))
        });
    let user = signed_in.map(|(tenant, user)| (tenant.id, user.id));
    let (insists, silent) = match &request {
        PageRequest::AdminConsent(_) => (false, None),
        PageRequest::Authorize(request) => (request.prompt.insists_on_sign_in(), request.silent()),
    };
    if let (None, Some(request)) = (user, silent) {
        return Screen::Return(request.login_required(base_url));
    }
    let user = user.filter(|_| !insists);
    let expires_at = state.clock.now() + LIFETIME_SECONDS;
    state.interactions.insert(
        id.clone(),
        Interaction {
            browser: browser.to_owned(),
            request: request.clone(),
            user,
            expires_at,
        },
    );
    match user {
        Some((tenant, user)) => proceed(state, base_url, id, request, tenant, user),
        None => Screen::PickAccount {
            interaction: id,
            request,
        },
    }
}

/// Somebody said who they are. They stay signed in in this browser.
pub(crate) fn choose_account(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    id: &str,
    user: ObjectId,
) -> Screen {
    let Some(interaction) = open(state, browser, id) else {
        return over();
    };
    let Some((tenant, member)) = state.directory.member(user) else {
        return Screen::DeadEnd(Code::UserAccountNotFound.error_on(Surface::Authorize));
    };
    if !member.enabled {
        return Screen::DeadEnd(Code::UserDisabled.error_on(Surface::Authorize));
    }
    let tenant = tenant.id;
    state.sessions.insert(browser.to_owned(), user);
    if let Some(known) = state.interactions.get_mut(id) {
        known.user = Some((tenant, user));
    }
    proceed(
        state,
        base_url,
        id.to_owned(),
        interaction.request,
        tenant,
        user,
    )
}

/// "Use another account".
pub(crate) fn sign_out(state: &mut SimulatedState, browser: &str, id: &str) -> Screen {
    let Some(interaction) = open(state, browser, id) else {
        return over();
    };
    state.sessions.remove(browser);
    if let Some(known) = state.interactions.get_mut(id) {
        known.user = None;
    }
    Screen::PickAccount {
        interaction: id.to_owned(),
        request: interaction.request,
    }
}

/// Somebody answered. Leaving is possible before signing in; everything else needs a person and a prompt.
pub(crate) fn answer(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    id: &str,
    answer: &ConsentAnswer,
) -> Screen {
    let Some(interaction) = open(state, browser, id) else {
        return over();
    };
    let (for_organization, only) = match answer {
        ConsentAnswer::Cancel => {
            state.interactions.remove(id);
            return Screen::Return(interaction.request.return_target().with_cancellation());
        }
        ConsentAnswer::Decline => (None, None),
        ConsentAnswer::Accept {
            for_organization,
            only,
        } => (Some(*for_organization), only.clone()),
    };
    let Some((tenant, user)) = interaction.user else {
        return Screen::PickAccount {
            interaction: id.to_owned(),
            request: interaction.request,
        };
    };
    let prompt = match check_consent(state, base_url, &interaction.request, tenant, user) {
        ConsentCheck::Ask(prompt) => prompt,
        other @ (ConsentCheck::Done(_)
        | ConsentCheck::NeedsApproval(_)
        | ConsentCheck::WrongAccount(_)) => {
            return show(state, id.to_owned(), interaction.request, user, other);
        }
    };
    state.interactions.remove(id);
    let Some(ticked) = for_organization else {
        return Screen::Return(interaction.request.declined(base_url));
    };
    let granted: BTreeSet<String> = match only {
        Some(only) => prompt.scopes.intersection(&only).cloned().collect(),
        None => prompt.scopes.clone(),
    };
    Screen::Return(match &interaction.request {
        PageRequest::AdminConsent(request) => {
            consent::admin::accept(state, request, tenant, &granted, &prompt)
        }
        PageRequest::Authorize(request) => {
            let client = request.client;
            if let Some(tenant) = state.directory.tenants.get_mut(&tenant) {
                if ticked && prompt.offers_organization {
                    tenant.grant_for_everyone(client, &granted);
                } else {
                    tenant.grant_for_user(client, user, &granted);
                }
            }
            issue_code(state, request, tenant, user)
        }
    })
}

fn open(state: &SimulatedState, browser: &str, id: &str) -> Option<Interaction> {
    let now = state.clock.now();
    state
        .interactions
        .get(id)
        .filter(|interaction| interaction.browser == browser && now < interaction.expires_at)
        .cloned()
}

fn over() -> Screen {
    Screen::DeadEnd(Code::SignInIsOver.error_on(Surface::Authorize))
}

fn check_consent(
    state: &mut SimulatedState,
    base_url: &str,
    request: &PageRequest,
    tenant: TenantId,
    user: ObjectId,
) -> ConsentCheck {
    match request {
        PageRequest::AdminConsent(request) => {
            consent::admin::check(state, base_url, request, tenant, user)
        }
        PageRequest::Authorize(request) => {
            consent::user::check(state, base_url, request, tenant, user)
        }
    }
}

fn proceed(
    state: &mut SimulatedState,
    base_url: &str,
    id: String,
    request: PageRequest,
    tenant: TenantId,
    user: ObjectId,
) -> Screen {
    let check = check_consent(state, base_url, &request, tenant, user);
    show(state, id, request, user, check)
}

fn show(
    state: &mut SimulatedState,
    id: String,
    request: PageRequest,
    user: ObjectId,
    check: ConsentCheck,
) -> Screen {
    match check {
        ConsentCheck::Done(back) => {
            state.interactions.remove(&id);
            Screen::Return(back)
        }
        ConsentCheck::Ask(prompt) => Screen::Consent {
            interaction: id,
            request,
            user,
            prompt,
        },
        ConsentCheck::NeedsApproval(error) => Screen::NeedsApproval {
            interaction: id,
            error,
        },
        ConsentCheck::WrongAccount(error) => Screen::WrongAccount {
            interaction: id,
            error,
        },
    }
}
