//! Taking a callback: finding the flow it claims to belong to, once.
//!
//! Anybody can send a browser to a callback. It changes nothing unless it brings the
//! secret `state` of a flow that waits for exactly this callback.

use std::convert::Infallible;

use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    ErrorClass, UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback,
};
use assent_service_kit::telemetry::chain;
use jiff::Timestamp;
use url::Url;

use crate::browser::BrowserSecret;
use crate::failure::Failure;
use crate::flow::{Digest, Ending, Flow, FlowState, Purpose, Route, Said, Stage, State, States};
use crate::gateway::Gateway;
use crate::records::{StoreError, Stored};
use crate::return_to;
use crate::use_cases::find_flow::find_flow;
use crate::use_cases::redeem::Proof;
use crate::use_cases::{
    ask_again, continue_admin_consent, finish_admin_consent, finish_own_consent, learn,
};

/// The browser that brings a callback.
#[derive(Debug)]
pub(crate) struct Returning {
    pub(crate) browser: BrowserSecret,
    /// The session of our settings pages that it is in, if it is in one.
    pub(crate) session: Option<Digest>,
}

/// The callback of Microsoft's admin-consent page.
pub(crate) async fn admin_consent(
    gateway: &Gateway,
    query: &str,
    returning: &Returning,
) -> Result<Url, Failure> {
    let callback = UnverifiedAdminConsentCallback::parse(query).map_err(invalid)?;
    let stored = find(gateway, &callback.state, |states| {
        states.admin_consent.as_ref()
    })
    .await?;
    match &stored.value.stage {
        Stage::AtAdminConsent => {}
        Stage::AtAuthorize { .. }
        | Stage::Redeeming
        | Stage::AwaitingConfirmation { .. }
        | Stage::AwaitingAdministrator { .. }
        | Stage::Ended { .. } => return Err(Refusal::FlowAlreadyUsed.into()),
    }
    match callback.outcome {
        Ok(tenant) => {
            continue_admin_consent::continue_admin_consent(gateway, stored, tenant, returning).await
        }
        Err(error) => {
            let ending = Ending::from_microsoft(&error, Said::ByTheBrowser, &stored.value.purpose);
            end(gateway, stored, ending).await
        }
    }
}

/// The callback of Microsoft's sign-in page.
pub(crate) async fn authorize(
    gateway: &Gateway,
    query: &str,
    returning: &Returning,
) -> Result<Url, Failure> {
    let callback = UnverifiedAuthorizeCallback::parse(query).map_err(invalid)?;
    let mut stored = find(gateway, &callback.state, |states| states.authorize.as_ref()).await?;
    let Stage::AtAuthorize {
        tenant,
        nonce,
        pkce_verifier,
    } = stored.value.stage
    else {
        return Err(Refusal::FlowAlreadyUsed.into());
    };
    // From here on the callback is ours: another copy of it finds the flow used.
    stored.value.stage = Stage::Redeeming;
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    let proof = Proof {
        tenant: tenant.map(Into::into),
        nonce,
        pkce_verifier,
    };

    match (&stored.value.purpose, callback.outcome) {
        (Purpose::AdministratorConsent { .. }, Ok(code)) => {
            finish_admin_consent::finish_admin_consent(gateway, stored, proof, code, returning)
                .await
        }
        (Purpose::OwnConsent { .. }, Ok(code)) => {
            // It holds all that a consent may need: too much for every request's stack.
            Box::pin(finish_own_consent::finish_own_consent(
                gateway, stored, proof, code,
            ))
            .await
        }
        (Purpose::AdministratorConsent { .. }, Err(error))
            if error.class == ErrorClass::ConsentMissing =>
        {
            ask_again::without_consent(gateway, stored, proof.tenant).await
        }
        (Purpose::AdministratorConsent { .. }, Err(error)) => {
            let ending = Ending::from_microsoft(&error, Said::ByTheBrowser, &stored.value.purpose);
            end(gateway, stored, ending).await
        }
        (Purpose::OwnConsent { .. }, Err(error)) => {
            finish_own_consent::refused(gateway, stored, &error).await
        }
    }
}

async fn find(
    gateway: &Gateway,
    state: &str,
    digest: impl Fn(&States) -> Option<&Digest>,
) -> Result<Stored<Flow>, Failure> {
    let forged = || {
        tracing::warn!(
            security_event = "unknown_state",
            "a callback brought no state of ours"
        );
        Failure::Invalid("this link belongs to no request of ours; start again".to_owned())
    };
    let state = State::parse(state).ok_or_else(forged)?;
    let stored = find_flow(gateway, state.flow).await?.ok_or_else(forged)?;
    if !digest(&stored.value.states).is_some_and(|digest| state.matches(digest)) {
        return Err(forged());
    }
    if stored.value.is_expired(Timestamp::now()) {
        return Err(Refusal::FlowExpired.into());
    }
    Ok(stored)
}

/// Ends a flow, and sends the browser back.
pub(crate) async fn end(
    gateway: &Gateway,
    mut stored: Stored<Flow>,
    ending: Ending,
) -> Result<Url, Failure> {
    learn::ended(gateway, &stored.value, &ending).await;
    stored.value.stage = Stage::from(ending);
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    note_on_the_link(gateway, &stored.value).await;
    Ok(way_back(gateway, &stored.value, None))
}

/// Whoever asked for an administrator sees how it went. A consent has been noted by whoever recorded it.
async fn note_on_the_link(gateway: &Gateway, flow: &Flow) {
    let Purpose::AdministratorConsent {
        route: Route::HandOff { id, .. },
        ..
    } = flow.purpose
    else {
        return;
    };
    let view = flow.view(Timestamp::now());
    let Some(code) = view.code.filter(|_| view.state != FlowState::Completed) else {
        return;
    };
    let noted = gateway.hand_offs.change(&flow.account, id, |link| {
        link.refused(flow.id, &code, Timestamp::now());
        Ok::<(), Infallible>(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(error = %chain(&error), "how a link went was not noted");
    }
}

/// Where the browser goes from here.
pub(crate) fn way_back(gateway: &Gateway, flow: &Flow, confirm: Option<&str>) -> Url {
    went_on(flow);
    landing(gateway, flow, confirm)
}

/// Says in the log how far a flow got.
pub(crate) fn went_on(flow: &Flow) {
    let view = flow.view(Timestamp::now());
    tracing::info!(
        flow.id = %flow.id,
        flow.state = view.state.as_str(),
        flow.code = view.code,
        account.id = %flow.account,
        "a flow went on"
    );
}

/// Where the browser of a flow belongs, as it stands.
pub(crate) fn landing(gateway: &Gateway, flow: &Flow, confirm: Option<&str>) -> Url {
    let view = flow.view(Timestamp::now());
    let url = flow
        .return_to
        .clone()
        .unwrap_or_else(|| gateway.addresses.after(&flow.purpose).clone());
    let landing = return_to::Landing {
        flow: flow.id,
        outcome: view.state,
        reason: view.code.as_deref(),
        confirm,
    };
    return_to::with_outcome(url, &landing)
}

/// Whoever changed the flow first has taken the callback.
pub(crate) fn used(error: StoreError) -> Failure {
    match error {
        StoreError::Changed => Refusal::FlowAlreadyUsed.into(),
        StoreError::Full { .. }
        | StoreError::OutOfReach(_)
        | StoreError::Unavailable { .. }
        | StoreError::Unreadable(_) => error.into(),
    }
}

fn invalid(error: assent_microsoft_identity::CallbackError) -> Failure {
    Failure::Invalid(error.to_string())
}

#[cfg(test)]
mod tests;
