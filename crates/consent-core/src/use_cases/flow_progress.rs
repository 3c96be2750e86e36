//! How far a flow got, told: in the log, to whoever made the hand-off, and to the browser by where it goes.

use std::convert::Infallible;

use assent_metrics::gateway::FLOWS_ENDED;
use assent_service_kit::error_chain::with_sources;
use url::Url;

use crate::flow::{Flow, FlowState, Purpose, Route};
use crate::gateway::Gateway;
use crate::return_to;

/// Whoever asked for an administrator sees how it went. A consent has been noted by whoever recorded it.
pub(crate) async fn note_on_hand_off(gateway: &Gateway, flow: &Flow) {
    let Purpose::AdministratorConsent {
        route: Route::HandOff { id, .. },
        ..
    } = flow.purpose
    else {
        return;
    };
    let view = flow.view(gateway.now());
    let Some(code) = view.code.filter(|_| view.state != FlowState::Completed) else {
        return;
    };
    let noted = gateway.hand_offs.change(&flow.account, id, |link| {
        link.refused(flow.id, &code, gateway.now());
        Ok::<(), Infallible>(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(error = %with_sources(&error), "how a link went was not noted");
    }
}

/// Says in the log how far a flow got, and counts it where it has ended.
pub(crate) fn log_progress(gateway: &Gateway, flow: &Flow) {
    let view = flow.view(gateway.now());
    if flow.has_ended() {
        let code = view.code.clone().unwrap_or_else(|| "none".to_owned());
        let (purpose, outcome) = (flow.purpose.as_str(), view.state.as_str());
        FLOWS_ENDED
            .with([purpose.to_owned(), outcome.to_owned(), code])
            .increment(1);
    }
    tracing::info!(
        flow.id = %flow.id,
        flow.state = view.state.as_str(),
        flow.code = view.code,
        account.id = %flow.account,
        "a flow went on"
    );
}

/// Where the browser of a flow belongs, as it stands.
pub(crate) fn return_url(gateway: &Gateway, flow: &Flow, confirm: Option<&str>) -> Url {
    let view = flow.view(gateway.now());
    let url = flow
        .return_to
        .clone()
        .unwrap_or_else(|| gateway.addresses.default_return(&flow.purpose).clone());
    let parameters = return_to::OutcomeParameters {
        flow: flow.id,
        outcome: view.state,
        reason: view.code.as_deref(),
        confirm,
    };
    return_to::with_outcome(url, &parameters)
}
