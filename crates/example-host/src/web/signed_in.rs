//! The browser comes back from Microsoft's consent page, by way of Assent's gateway.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use uuid::Uuid;

use super::pages::message;
use super::parameters::Parameters;
use super::{App, SignedIn};
use crate::assent::CallError;
use crate::assent::flow::{Flow, FlowState};
use crate::error_chain::with_sources;
use crate::notice::{Notice, Offer};

/// `GET /signed-in?flow=…&outcome=…`, and `&confirm=…` where the flow waits for us to confirm it.
///
/// Anybody can make this up, so it decides nothing: it only says which flow to ask about.
pub(super) async fn back_from_consent(
    State(app): State<Arc<App>>,
    SignedIn { name, session }: SignedIn,
    parameters: Parameters,
) -> Response {
    let flow = parameters.single("flow").and_then(|flow| flow.parse().ok());
    let Some(flow): Option<Uuid> = flow else {
        return message(
            StatusCode::BAD_REQUEST,
            "This address does not say what happened",
            "It is not quite the one that you were sent back to. The home page shows what is permitted now.",
        );
    };
    let confirmed = match parameters.single("confirm") {
        Some(confirm) => Some(app.gateway.confirm(session.user, flow, confirm).await),
        None => None,
    };
    let ended = match confirmed {
        // Another tab of the same visit was here first: what has become of it is what there is to say.
        Some(Err(CallError::Refused { code, .. })) if code == "flow_already_used" => None,
        confirmed => confirmed,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        let flow = app.gateway.flow(session.user, flow).await;
        flow.map(|flow| (flow, None))
    };
    let sequence = ended.as_ref().ok().and_then(|(_, sequence)| *sequence);
    let notice = notice_for(ended.map(|(flow, _)| flow));
    if session.is_silent {
        tracing::info!(
            user = session.user.id,
            outcome = notice.text,
            "back from Microsoft"
        );
    }
    app.sessions.change(&name, |session| {
        session.outcome = (!session.is_silent).then_some(notice);
        // The next visit is one that the person makes.
        session.is_silent = false;
        session.at_least = session.at_least.max(sequence);
    });
    // Away from this address: reloading it must not confirm again.
    Redirect::to("/").into_response()
}

fn notice_for(ended: Result<Flow, CallError>) -> Notice {
    let (title, text, offer) = match ended {
        Ok(flow) => {
            let (title, otherwise, offer) = describe(flow.state);
            let text = flow.detail.unwrap_or_else(|| otherwise.to_owned());
            (title, text, offer)
        }
        Err(CallError::Refused { code, detail }) => {
            tracing::info!(code, "a flow's outcome was refused");
            ("Nothing has changed", detail, None)
        }
        Err(error @ (CallError::NoAnswer(_) | CallError::Token(_))) => {
            tracing::warn!(
                error = %with_sources(&error),
                "a flow's outcome is unknown"
            );
            let text =
                "How it ended cannot be asked just now. Your settings show what is permitted.";
            (
                "Back from Microsoft",
                text.to_owned(),
                Some(Offer::MyAccountSettings),
            )
        }
    };
    Notice { title, text, offer }
}

/// A title, a sentence for where Assent has none, and an offer for each state of a flow.
fn describe(state: FlowState) -> (&'static str, &'static str, Option<Offer>) {
    let settings = Some(Offer::MyAccountSettings);
    match state {
        FlowState::Completed => (
            "Your choice was recorded",
            "Microsoft 365 is connected.",
            None,
        ),
        FlowState::Pending | FlowState::AwaitingConfirmation => (
            "Not finished yet",
            "Microsoft has not answered everything. Start again from your settings.",
            settings,
        ),
        FlowState::Declined => ("Microsoft 365 is not connected", "You said no.", settings),
        FlowState::Undetermined | FlowState::Expired | FlowState::Refused => (
            "Microsoft 365 is not connected",
            "Nothing was granted. You can start again from your settings.",
            settings,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assents_own_sentence_comes_first() {
        let flow = |detail: Option<&str>| {
            notice_for(Ok(Flow {
                state: FlowState::Declined,
                detail: detail.map(str::to_owned),
            }))
        };

        assert_eq!(flow(Some("It was declined.")).text, "It was declined.");
        assert_eq!(flow(None).text, "You said no.");
    }

    #[test]
    fn a_flow_of_somebody_else_changes_nothing() {
        let notice = notice_for(Err(CallError::Refused {
            code: "not_found".to_owned(),
            detail: "There is no such flow.".to_owned(),
        }));

        assert_eq!(notice.title, "Nothing has changed");
    }
}
