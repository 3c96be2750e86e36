//! A visit to the sign-in and consent pages: who is in front of the browser, what they are asked, what comes of it.
//!
//! Pages and the control API walk through the same functions: [`begin`], [`choose_account`], [`answer`]. What a person
//! has to do next is worked out afresh at every step, so a grant that changed in between is seen.

use std::collections::BTreeSet;

use crate::aadsts::{Code, Surface};
use crate::clock::Moment;
use crate::consent::{self, issue_code};
use crate::directory::{Tenant, User};
use crate::identifiers::ObjectId;
use crate::random;
use crate::screen::{ConsentAnswer, ConsentCheck, Interaction, PageRequest, Screen, SignedIn};
use crate::state::{BrowserSession, SimulatedState};

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
    let known = known_in(state, browser, &request);
    let insists = match &request {
        PageRequest::AdminConsent(_) => false,
        PageRequest::Authorize(asked) => {
            if let (Err(code), Some(silent)) = (known, asked.silent()) {
                return Screen::Return(silent.refused(code, base_url));
            }
            asked.prompt.insists_on_sign_in()
        }
    };
    let user = known.ok().filter(|_| !insists);
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
        Some(who) => proceed(state, base_url, id, request, who),
        None => Screen::PickAccount {
            interaction: id,
            request,
        },
    }
}

/// Who is signed in in this browser already and need not do so again; or why nobody is.
fn known_in(
    state: &SimulatedState,
    browser: &str,
    request: &PageRequest,
) -> Result<SignedIn, Code> {
    let session = state
        .sessions
        .get(browser)
        .copied()
        .ok_or(Code::UserInformationNotProvided)?;
    let (home, person) = state
        .directory
        .member(session.user)
        .filter(|(_, person)| {
            let hint = request.login_hint();
            person.enabled
                && session.signed_in.order > person.revoked.browser_sessions
                && hint.is_none_or(|hint| hint.eq_ignore_ascii_case(&person.upn))
        })
        .ok_or(Code::UserInformationNotProvided)?;
    match more_is_needed(state.clock.now(), home, person, session.signed_in) {
        Some(More::SignInAgain) => Err(Code::SessionOlderThanSignInFrequency),
        Some(More::SecondFactor) => Err(Code::UserStrongAuthClientAuthNRequired),
        None => Ok(SignedIn {
            tenant: home.id,
            user: person.id,
            at: session.signed_in,
        }),
    }
}

/// What a tenant's policies want of somebody who signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    SignInAgain,
    SecondFactor,
}

pub(crate) fn more_is_needed(
    now: i64,
    home: &Tenant,
    person: &User,
    signed_in: Moment,
) -> Option<More> {
    let lapsed = home
        .sign_in_frequency
        .is_some_and(|seconds| now >= signed_in.seconds + i64::from(seconds));
    if lapsed {
        Some(More::SignInAgain)
    } else if signed_in.order < person.revoked.single_factor {
        Some(More::SecondFactor)
    } else {
        None
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
    let who = SignedIn {
        tenant: tenant.id,
        user,
        at: state.clock.moment(),
    };
    let session = BrowserSession {
        user,
        signed_in: who.at,
    };
    state.sessions.insert(browser.to_owned(), session);
    if let Some(known) = state.interactions.get_mut(id) {
        known.user = Some(who);
    }
    proceed(state, base_url, id.to_owned(), interaction.request, who)
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
    let Some(who) = interaction.user else {
        return Screen::PickAccount {
            interaction: id.to_owned(),
            request: interaction.request,
        };
    };
    let prompt = match check_consent(state, base_url, &interaction.request, who) {
        ConsentCheck::Ask(prompt) => prompt,
        other @ (ConsentCheck::Done(_)
        | ConsentCheck::NeedsApproval(_)
        | ConsentCheck::WrongAccount(_)) => {
            return show(state, id.to_owned(), interaction.request, who.user, other);
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
            consent::admin::accept(state, request, who.tenant, &granted, &prompt)
        }
        PageRequest::Authorize(request) => {
            let client = request.client;
            if let Some(tenant) = state.directory.tenants.get_mut(&who.tenant) {
                if ticked && prompt.offers_organization {
                    tenant.grant_for_everyone(client, &granted);
                } else {
                    tenant.grant_for_user(client, who.user, &granted);
                }
            }
            issue_code(state, request, who)
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
    who: SignedIn,
) -> ConsentCheck {
    match request {
        PageRequest::AdminConsent(request) => {
            consent::admin::check(state, base_url, request, who.tenant, who.user)
        }
        PageRequest::Authorize(request) => consent::user::check(state, base_url, request, who),
    }
}

fn proceed(
    state: &mut SimulatedState,
    base_url: &str,
    id: String,
    request: PageRequest,
    who: SignedIn,
) -> Screen {
    let check = check_consent(state, base_url, &request, who);
    show(state, id, request, who.user, check)
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
