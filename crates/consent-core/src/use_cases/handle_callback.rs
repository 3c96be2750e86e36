//! Taking a callback: finding the flow it claims to belong to, once.
//!
//! Anybody can send a browser to a callback. It changes nothing unless it brings the secret `state` of a flow that waits
//! for exactly this callback. And a person's own visit may be the second one: browsers fetch ahead, people reload and
//! lose their connection. So whoever comes afterwards goes where the first visit went, and whoever comes in the middle
//! of it waits for its end. What there is to confirm is only for whoever brings the code as well: the `state` alone is
//! known to whoever began the flow and sent its link to somebody else.

use assent_microsoft_identity::{
    AccountChoice, AuthorizationCode, CallbackError, ErrorClass, UnverifiedAdminConsentCallback,
    UnverifiedAuthorizeCallback, state_of,
};
use url::Url;

use crate::failure::Failure;
use crate::flow::{ErrorSource, Flow, FlowOutcome, FlowSecret, FlowStage, Purpose, States};
use crate::gateway::Gateway;
use crate::kv_store::{StoreError, Versioned};
use crate::reasons::InvalidRequest;
use crate::use_cases::conclude_flow::conclude;
use crate::use_cases::continue_admin_consent::{lead_on, too_often};
use crate::use_cases::find_flow::find_flow;
use crate::use_cases::flow_progress::return_url;
use crate::use_cases::redeem::CodeExchange;
use crate::use_cases::returning_browser::ReturningBrowser;
use crate::use_cases::visit::Visit;
use crate::use_cases::{
    ask_again, continue_admin_consent, finish_admin_consent, finish_connection, finish_own_consent,
};

/// A callback that leads nowhere.
#[derive(Debug)]
pub struct CallbackFailure {
    /// Why.
    pub failure: Failure,
    /// Where whoever began the flow is waited for, if it names one of ours.
    pub return_target: Option<Url>,
}

impl From<Failure> for CallbackFailure {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            return_target: None,
        }
    }
}

/// The callback of Microsoft's admin-consent page.
pub async fn admin_consent(
    gateway: &Gateway,
    query: &str,
    returning: &ReturningBrowser,
) -> Result<Url, CallbackFailure> {
    let leads_here = |states: &States, state: &FlowSecret| {
        let digest = states.admin_consent.as_ref();
        digest.is_some_and(|digest| state.matches(digest))
    };
    let callback = match UnverifiedAdminConsentCallback::parse(query) {
        Ok(callback) => callback,
        Err(error) => return unreadable(gateway, query, leads_here, error).await,
    };
    let (_, mut stored) = find(gateway, &callback.state, leads_here).await?;
    let mut visit = Visit::begin();
    loop {
        let flow = &stored.value;
        if flow.is_expired(gateway.now()) {
            return Ok(return_url(gateway, flow, None));
        }
        let (id, is_first) = (flow.id, matches!(flow.stage, FlowStage::AtAdminConsent));
        let led_on = match (&flow.stage, &callback.outcome) {
            (FlowStage::AtAdminConsent, Err(error)) => {
                let outcome =
                    FlowOutcome::from_microsoft(error, ErrorSource::Browser, &flow.purpose);
                return Ok(conclude(gateway, stored, outcome).await?);
            }
            // It has no code: the person's own visit, whichever it is, has to be led on.
            (FlowStage::AtAdminConsent | FlowStage::AtAuthorize { .. }, Ok(tenant)) => {
                let lead_on = continue_admin_consent::continue_admin_consent;
                lead_on(gateway, stored, *tenant, (returning, is_first)).await?
            }
            (FlowStage::Redeeming, _) => {
                if !visit.waits().await {
                    return Ok(return_url(gateway, flow, None));
                }
                None
            }
            (
                FlowStage::AtAuthorize { .. }
                | FlowStage::AwaitingConfirmation { .. }
                | FlowStage::AwaitingAdministrator { .. }
                | FlowStage::Ended { .. },
                _,
            ) => return Ok(return_url(gateway, flow, None)),
        };
        match led_on {
            Some(url) => return Ok(url),
            None => stored = again(gateway, id).await?,
        }
    }
}

/// The callback of Microsoft's sign-in page.
pub async fn authorize(
    gateway: &Gateway,
    query: &str,
    returning: &ReturningBrowser,
) -> Result<Url, CallbackFailure> {
    let callback = match UnverifiedAuthorizeCallback::parse(query) {
        Ok(callback) => callback,
        Err(error) => return unreadable(gateway, query, States::lead_to_authorize, error).await,
    };
    let (state, mut stored) = find(gateway, &callback.state, States::lead_to_authorize).await?;
    let code = callback.outcome.as_ref().ok();
    let code = code.map(AuthorizationCode::expose);
    let mut visit = Visit::begin();
    let (stored, exchange) = loop {
        let (id, now) = (stored.value.id, gateway.now());
        if stored.value.is_expired(now) {
            return Ok(return_url(gateway, &stored.value, None));
        }
        if let Some(way) = stored.value.take(&state, code, now) {
            // From here on the callback is ours: another copy of it finds the flow taken.
            match gateway.flows.change(stored).await {
                Ok(stored) => break (stored, CodeExchange::from(way)),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(Failure::from(error).into()),
            }
        } else if stored.value.is_at_work(now) && visit.waits().await {
            // It has ended, or goes on.
        } else if let Some(url) = return_url_again(gateway, stored, code, returning).await? {
            return Ok(url);
        }
        stored = again(gateway, id).await?;
    };
    let finished = match (&stored.value.purpose, callback.outcome) {
        (Purpose::AdministratorConsent { .. }, Ok(code)) => {
            finish_admin_consent::finish_admin_consent(gateway, stored, exchange, code, returning)
                .await
        }
        (Purpose::OwnConsent { .. }, Ok(code)) => {
            // It holds all that a consent may need: too much for every request's stack.
            Box::pin(finish_own_consent::finish_own_consent(
                gateway, stored, exchange, code,
            ))
            .await
        }
        (Purpose::Connection { .. }, Ok(code)) => {
            Box::pin(finish_connection::finish_connection(
                gateway, stored, exchange, code,
            ))
            .await
        }
        (Purpose::AdministratorConsent { .. }, Err(error))
            if error.class == ErrorClass::ConsentMissing =>
        {
            ask_again::without_consent(gateway, stored, exchange.tenant).await
        }
        (Purpose::AdministratorConsent { .. } | Purpose::Connection { .. }, Err(error)) => {
            let outcome =
                FlowOutcome::from_microsoft(&error, ErrorSource::Browser, &stored.value.purpose);
            conclude(gateway, stored, outcome).await
        }
        (Purpose::OwnConsent { .. }, Err(error)) => {
            finish_own_consent::refused(gateway, stored, &error).await
        }
    };
    Ok(finished?)
}

/// Where a later visit goes: where the first one went, to another page or with another value to confirm with if that is
/// still awaited and the visit brings the code. `None` where the flow has gone on meanwhile.
async fn return_url_again(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    code: Option<&str>,
    returning: &ReturningBrowser,
) -> Result<Option<Url>, Failure> {
    let flow = &mut stored.value;
    // What is given out is written down. Beyond what anybody does, what was given out before has to do.
    let may_have_more = code.is_some() && !flow.has_ended() && !too_often(gateway, flow);
    let is_the_visit = may_have_more && code.is_some_and(|code| flow.was_taken_with(code));
    if is_the_visit && let Some(tenant) = flow.is_led_on() {
        return ask_again::lead_on_again(gateway, stored, tenant.into()).await;
    }
    // Another copy took the flow and it was led on, so the way that this one came is spent.
    if may_have_more
        && flow.is_led_in(&returning.browser)
        && let Some(tenant) = flow.is_led_on()
    {
        let browser = Some(returning.browser.digest());
        let by_its_own_way = (AccountChoice::Silent, browser);
        return lead_on(gateway, stored, tenant.into(), by_its_own_way).await;
    }
    let (mut confirm, mut page) = (None, None);
    if is_the_visit {
        (confirm, page) = (flow.another_confirm(), flow.another_page(gateway.now()));
    }
    if confirm.is_some() || page.is_some() {
        match gateway.flows.change(stored).await {
            Ok(changed) => stored = changed,
            Err(StoreError::Changed) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(match page {
        Some(page) => gateway.addresses.administrator_confirmation(&page),
        None => return_url(gateway, &stored.value, confirm.as_deref()),
    }))
}

async fn again(gateway: &Gateway, id: uuid::Uuid) -> Result<Versioned<Flow>, CallbackFailure> {
    let found = find_flow(gateway, id).await?;
    found.ok_or_else(|| forged(None))
}

fn forged(return_target: Option<Url>) -> CallbackFailure {
    tracing::warn!(
        security_event = "unknown_state",
        "a callback brought no state of ours"
    );
    CallbackFailure {
        failure: Failure::Invalid(InvalidRequest::UnknownState),
        return_target,
    }
}

async fn find(
    gateway: &Gateway,
    state: &str,
    leads_here: impl Fn(&States, &FlowSecret) -> bool,
) -> Result<(FlowSecret, Versioned<Flow>), CallbackFailure> {
    let state = FlowSecret::parse(state).ok_or_else(|| forged(None))?;
    let stored = again(gateway, state.flow).await?;
    if !leads_here(&stored.value.states, &state) {
        return Err(forged(Some(return_url(gateway, &stored.value, None))));
    }
    Ok((state, stored))
}

/// What Microsoft has not sent. Where it brings the `state` all the same, the browser goes back to the application.
async fn unreadable(
    gateway: &Gateway,
    query: &str,
    leads_here: impl Fn(&States, &FlowSecret) -> bool,
    error: CallbackError,
) -> Result<Url, CallbackFailure> {
    let failure = Failure::Invalid(InvalidRequest::Callback(error));
    let Some(state) = state_of(query) else {
        return Err(failure.into());
    };
    let (_, stored) = find(gateway, &state, leads_here).await?;
    Ok(return_url(gateway, &stored.value, None))
}

#[cfg(test)]
mod tests;
