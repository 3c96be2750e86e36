//! What the login hook, the token broker and operators can ask for over NATS.

use std::sync::Arc;

use assent_consent_core::failure::Failure;
use assent_consent_core::gateway::Gateway;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::return_to;
use assent_consent_core::use_cases::begin_connection::begin_connection;
use assent_consent_core::use_cases::prompt_at_login::prompt_at_login;
use assent_consent_core::use_cases::record_automatic_grant::record_automatic_grant;
use assent_consent_core::use_cases::record_withdrawal::record_withdrawal;
use assent_consent_core::use_cases::start_own_consent::{ConsentRequest, Named, ReturnTarget};
use assent_consent_core::use_cases::void_message::void_message;
use assent_consent_pages::problem_from;
use assent_contract::command::{
    BeginConnection, BeginUserConsent, RecordAutomaticGrant, RecordWithdrawal, VoidMessage,
};
use assent_contract::names;
use assent_contract::values::kinds_from_list;
use assent_messaging::{Endpoint, Request, ServiceError};
use assent_metrics::service::ERRORS;
use assent_microsoft_identity::LoginHint;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::processing;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

/// The endpoints of the micro service.
pub(crate) fn endpoints(gateway: &Arc<Gateway>) -> Vec<Endpoint> {
    Vec::from([
        endpoint(
            gateway,
            "record-automatic-grant",
            names::COMMAND_RECORD_AUTOMATIC_GRANT,
            |gateway, command: RecordAutomaticGrant| async move {
                record_automatic_grant(&gateway, command).await
            },
        ),
        endpoint(
            gateway,
            "begin-user-consent",
            names::COMMAND_BEGIN_USER_CONSENT,
            |gateway, command: BeginUserConsent| async move {
                let return_to = command
                    .return_to
                    .as_deref()
                    .map(|url| return_to::check(url, &gateway.return_origins))
                    .transpose()?;
                let request = ConsentRequest {
                    ticked: kinds_from_list(&command.permissions),
                    identity: command
                        .microsoft_identity
                        .map_or(Named::Nobody { until_now: None }, Named::Vouched),
                    // It only saves typing: one that is none is no reason to ask nobody.
                    login_hint: command
                        .login_hint
                        .and_then(|hint| LoginHint::parse(&hint.0).ok()),
                    return_target: ReturnTarget::Host(return_to),
                };
                let (account, user) = (&command.account_id, &command.user_id);
                prompt_at_login(&gateway, account, user, request, command.unless_answered).await
            },
        ),
        endpoint(
            gateway,
            "begin-connection",
            names::COMMAND_BEGIN_CONNECTION,
            |gateway, command: BeginConnection| async move { begin_connection(&gateway, command).await },
        ),
        endpoint(
            gateway,
            "record-withdrawal",
            names::COMMAND_RECORD_WITHDRAWAL,
            |gateway, command: RecordWithdrawal| async move {
                record_withdrawal(&gateway, command).await
            },
        ),
        endpoint(
            gateway,
            "void-message",
            names::COMMAND_VOID_MESSAGE,
            |gateway, command: VoidMessage| async move { void_message(&gateway, command).await },
        ),
    ])
}

fn endpoint<C, A, F, Fut>(
    gateway: &Arc<Gateway>,
    name: &'static str,
    subject: &'static str,
    handle: F,
) -> Endpoint
where
    C: DeserializeOwned + Send,
    A: Serialize,
    F: Fn(Arc<Gateway>, C) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
{
    let gateway = Arc::clone(gateway);
    Endpoint::new(name, subject, move |request: Request| {
        let gateway = Arc::clone(&gateway);
        let span = processing(subject, request.traceparent.as_deref());
        let handled = async move {
            let command = serde_json::from_slice(&request.payload).map_err(|error| {
                // What is wrong with it, without any of its values.
                Failure::Invalid(InvalidRequest::Command {
                    name,
                    line: error.line(),
                    column: error.column(),
                })
            })?;
            let answer = handle(gateway, command).await?;
            serde_json::to_vec(&answer).map_err(|error| Failure::Internal(error.into()))
        };
        async move { handled.await.map_err(service_error) }.instrument(span)
    })
}

/// The answer that tells a failure: the same problem as over HTTP.
fn service_error(failure: Failure) -> ServiceError {
    let code = failure.code();
    let problem = problem_from(failure);
    ERRORS.with(["nats", code.as_str()]).increment(1);
    if let Some(cause) = problem.internal_cause() {
        tracing::error!(%code, error = %with_sources(cause), "a command failed");
    }
    let body = assent_contract::problem::Problem {
        retry_after: problem.retry_after_seconds(),
        ..assent_contract::problem::Problem::new(code, problem.public_detail().unwrap_or_default())
    };
    ServiceError {
        status: code.status(),
        code: code.as_str().to_owned(),
        // A problem of strings and a number always has a JSON form.
        body: serde_json::to_vec(&body).unwrap_or_default(),
    }
}
