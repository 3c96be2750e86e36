//! Flows, for whoever began them.

use assent_consent_core::flow::FlowView;
use assent_consent_core::use_cases::{confirm_grant, queries};
use assent_service_kit::{ApiJson, ApiPath};
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::bodies::Confirmation;
use super::errors::{ApiError, ConfirmFlow, GetFlow};
use super::{ApiState, Authenticated, WithSequence, with_sequence};

/// A flow that the caller started
///
/// What a browser brings back is only a hint: this is how the flow stands.
#[utoipa::path(
    get,
    path = "/v1/flows/{flow}",
    operation_id = "getFlow",
    params(
        ("flow" = Uuid, Path, description = "flow_id"),
    ),
    responses(
        (status = OK, description = "The flow", body = FlowView)
    ),
)]
pub(super) async fn get_flow(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
) -> Result<Json<FlowView>, ApiError<GetFlow>> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let view = queries::view_of_flow(&shared.gateway, &stored.value).await;
    Ok(Json(view))
}

/// Confirm a grant that came back and whose mailbox nobody could expect
///
/// With the confirm value that came with the browser, by whoever began the flow.
#[utoipa::path(
    post,
    path = "/v1/flows/{flow}/confirmation",
    operation_id = "confirmFlow",
    params(
        ("flow" = Uuid, Path, description = "flow_id"),
    ),
    request_body = Confirmation,
    responses(
        (status = OK, description = "The flow", body = FlowView, headers(("Assent-Sequence" = u64, description = "give it back as at_least to a read that has to reflect this write")))
    ),
)]
pub(super) async fn post_confirmation(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
    ApiJson(body): ApiJson<Confirmation>,
) -> Result<WithSequence<FlowView>, ApiError<ConfirmFlow>> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let (view, sequence) =
        confirm_grant::confirm_grant(&shared.gateway, stored, &body.confirm).await?;
    Ok(with_sequence(sequence.0, view))
}
