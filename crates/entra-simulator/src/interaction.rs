//! A visit to the sign-in and consent pages: who is in front of the browser, what they are asked, what comes of it.
//!
//! Pages and the control API walk through the same functions: [`begin`], [`choose_account`], [`answer`]. What a person
//! has to do next is worked out afresh at every step, so a grant that changed in between is seen.

mod screen;

use std::collections::BTreeSet;

pub(crate) use screen::{Answer, Question, Refusal, Request, Screen, Standing};

use crate::aadsts::{Code, Surface};
use crate::identifiers::{ObjectId, TenantId};
use crate::random;
use crate::world::World;
use crate::{admin_consent, authorize};

/// An open page is good for this long.
const LIFETIME_SECONDS: i64 = 30 * 60;

/// A visit that is not over.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    browser: String,
    request: Request,
    user: Option<(TenantId, ObjectId)>,
    expires_at: i64,
}

/// Opens a visit. Someone signed in already is not asked who they are, unless the request insists.
pub(crate) fn begin(world: &mut World, base_url: &str, browser: &str, request: Request) -> Screen {
    let id = random::secret("");
    let signed_in = world
        .sessions
        .get(browser)
        .copied()
        .and_then(|user| world.directory.member(user))
        .filter(|member| {
            member.1.enabled
                && request
                    .login_hint()
                    .is_none_or(|hint| hint.eq_ignore_ascii_case(&member.1.upn))
        });
    let user = signed_in.map(|(tenant, user)| (tenant.id, user.id));
    let (insists, silent) = match &request {
        Request::AdminConsent(_) => (false, None),
        Request::Authorize(request) => (request.prompt.insists_on_sign_in(), request.silent()),
    };
    if let (None, Some(request)) = (user, silent) {
        return Screen::Return(request.login_required(base_url));
    }
    let user = user.filter(|_| !insists);
    let expires_at = world.clock.now() + LIFETIME_SECONDS;
    world.interactions.insert(
        id.clone(),
        Interaction {
            browser: browser.to_owned(),
            request: request.clone(),
            user,
            expires_at,
        },
    );
    match user {
        Some((tenant, user)) => proceed(world, base_url, id, request, tenant, user),
        None => Screen::PickAccount {
            interaction: id,
            request,
        },
    }
}

/// Somebody said who they are. They stay signed in in this browser.
pub(crate) fn choose_account(
    world: &mut World,
    base_url: &str,
    browser: &str,
    id: &str,
    user: ObjectId,
) -> Screen {
    let Some(interaction) = open(world, browser, id) else {
        return over();
    };
    let Some((tenant, member)) = world.directory.member(user) else {
        return Screen::DeadEnd(Code::UserAccountNotFound.at(Surface::Authorize));
    };
    if !member.enabled {
        return Screen::DeadEnd(Code::UserDisabled.at(Surface::Authorize));
    }
    let tenant = tenant.id;
    world.sessions.insert(browser.to_owned(), user);
    if let Some(known) = world.interactions.get_mut(id) {
        known.user = Some((tenant, user));
    }
    proceed(
        world,
        base_url,
        id.to_owned(),
        interaction.request,
        tenant,
        user,
    )
}

/// "Use another account".
pub(crate) fn sign_out(world: &mut World, browser: &str, id: &str) -> Screen {
    let Some(interaction) = open(world, browser, id) else {
        return over();
    };
    world.sessions.remove(browser);
    if let Some(known) = world.interactions.get_mut(id) {
        known.user = None;
    }
    Screen::PickAccount {
        interaction: id.to_owned(),
        request: interaction.request,
    }
}

/// Somebody answered. Leaving is possible before signing in; everything else needs a person and a question.
pub(crate) fn answer(
    world: &mut World,
    base_url: &str,
    browser: &str,
    id: &str,
    answer: &Answer,
) -> Screen {
    let Some(interaction) = open(world, browser, id) else {
        return over();
    };
    let (for_organization, only) = match answer {
        Answer::Cancel => {
            world.interactions.remove(id);
            return Screen::Return(interaction.request.back().cancelled());
        }
        Answer::Decline => (None, None),
        Answer::Accept {
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
    let question = match standing(world, base_url, &interaction.request, tenant, user) {
        Standing::Ask(question) => question,
        other @ (Standing::Done(_) | Standing::NeedsApproval(_) | Standing::WrongAccount(_)) => {
            return show(world, id.to_owned(), interaction.request, user, other);
        }
    };
    world.interactions.remove(id);
    let Some(ticked) = for_organization else {
        return Screen::Return(interaction.request.declined(base_url));
    };
    let granted: BTreeSet<String> = match only {
        Some(only) => question.scopes.intersection(&only).cloned().collect(),
        None => question.scopes.clone(),
    };
    Screen::Return(match &interaction.request {
        Request::AdminConsent(request) => {
            admin_consent::accept(world, request, tenant, &granted, &question)
        }
        Request::Authorize(request) => {
            let client = request.client;
            if let Some(tenant) = world.directory.tenants.get_mut(&tenant) {
                if ticked && question.offers_organization {
                    tenant.grant_for_everyone(client, &granted);
                } else {
                    tenant.grant_for_user(client, user, &granted);
                }
            }
            authorize::issue_code(world, request, tenant, user)
        }
    })
}

fn open(world: &World, browser: &str, id: &str) -> Option<Interaction> {
    let now = world.clock.now();
    world
        .interactions
        .get(id)
        .filter(|interaction| interaction.browser == browser && now < interaction.expires_at)
        .cloned()
}

fn over() -> Screen {
    Screen::DeadEnd(Code::SignInIsOver.at(Surface::Authorize))
}

fn standing(
    world: &mut World,
    base_url: &str,
    request: &Request,
    tenant: TenantId,
    user: ObjectId,
) -> Standing {
    match request {
        Request::AdminConsent(request) => {
            admin_consent::standing(world, base_url, request, tenant, user)
        }
        Request::Authorize(request) => authorize::standing(world, base_url, request, tenant, user),
    }
}

fn proceed(
    world: &mut World,
    base_url: &str,
    id: String,
    request: Request,
    tenant: TenantId,
    user: ObjectId,
) -> Screen {
    let standing = standing(world, base_url, &request, tenant, user);
    show(world, id, request, user, standing)
}

fn show(
    world: &mut World,
    id: String,
    request: Request,
    user: ObjectId,
    standing: Standing,
) -> Screen {
    match standing {
        Standing::Done(back) => {
            world.interactions.remove(&id);
            Screen::Return(back)
        }
        Standing::Ask(question) => Screen::Consent {
            interaction: id,
            request,
            user,
            question,
        },
        Standing::NeedsApproval(error) => Screen::NeedsApproval {
            interaction: id,
            error,
        },
        Standing::WrongAccount(error) => Screen::WrongAccount {
            interaction: id,
            error,
        },
    }
}
