//! What sync workers and our own services can ask for over NATS.

use std::sync::Arc;

use assent_contract::custody::{CustodyQuery, Deposit, TokenRequest};
use assent_contract::names;
use assent_messaging::{Endpoint, Request, ServiceError};
use assent_service_kit::extract::{read_openly, read_strictly};
use assent_service_kit::telemetry::processing;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use crate::custody::Custody;
use crate::deposit::deposit;
use crate::failure::Failure;
use crate::hand_out::{Wanted, hand_out};
use crate::overview::overview;
use crate::status::status;
use crate::user_key::UserKey;

/// A question that names nothing.
#[derive(Debug, Deserialize)]
struct Nothing {}

/// The endpoints of the micro service. What other people's programs ask is read strictly, as over HTTP; what only programs of
/// ours ask may have fields that this one does not know.
pub(crate) fn endpoints(custody: &Arc<Custody>) -> Vec<Endpoint> {
    Vec::from([
        endpoint(
            custody,
            "get",
            names::TOKEN_GET,
            read_strictly,
            |custody, request: TokenRequest| async move {
                let wanted = Wanted {
                    whose: UserKey {
                        account: request.account_id,
                        user: request.user_id,
                    },
                    permission: request.permission,
                    minimum_seconds: request.minimum_seconds,
                    at_least: request.at_least,
                };
                hand_out(&custody, wanted).await
            },
        ),
        endpoint(
            custody,
            "status",
            names::CUSTODY_STATUS,
            read_openly,
            |custody, query: CustodyQuery| async move { status(&custody, query).await },
        ),
        endpoint(
            custody,
            "overview",
            names::CUSTODY_OVERVIEW,
            read_openly,
            |custody, _: Nothing| async move { Ok(overview(&custody).await) },
        ),
        endpoint(
            custody,
            "deposit",
            names::CUSTODY_DEPOSIT,
            read_openly,
            |custody, command: Deposit| async move { deposit(&custody, command).await },
        ),
    ])
}

fn endpoint<Q, A, F, Fut>(
    custody: &Arc<Custody>,
    name: &'static str,
    subject: &'static str,
    read: fn(&[u8]) -> Result<Q, String>,
    answer: F,
) -> Endpoint
where
    Q: Send + 'static,
    A: Serialize,
    F: Fn(Arc<Custody>, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
{
    let custody = Arc::clone(custody);
    Endpoint::new(name, subject, move |request: Request| {
        let (custody, answer) = (Arc::clone(&custody), answer.clone());
        let span = processing(subject, request.traceparent.as_deref());
        let handled = async move {
            let asked = read(&request.payload).map_err(|wrong| {
                // By the field's name, and nothing of its values: one of them may be a token.
                Failure::Invalid(format!("the request is not a {name} request: {wrong}"))
            })?;
            let answer = answer(custody, asked).await?;
            serde_json::to_vec(&answer).map_err(|error| Failure::Internal(error.into()))
        };
        async move { handled.await.map_err(ServiceError::from) }.instrument(span)
    })
}
