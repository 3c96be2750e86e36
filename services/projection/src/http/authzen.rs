//! The `AuthZEN` Authorization API 1.0 over HTTP. What is malformed is 400; who is unknown may do nothing, which is a decision.

use assent_service_kit::openapi::with_error_responses;
use assent_service_kit::{ApiQuery, OpenJson, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AtLeast, Reader, Shared};
use crate::authzen::asked::Reach;
use crate::authzen::decision::{Decision, DecisionWord};
use crate::authzen::entities::{
    Action, ActionSearchRequest, EvaluationRequest, EvaluationsRequest, Resource,
    ResourceSearchRequest, Subject, SubjectSearchRequest,
};
use crate::authzen::evaluate::{self, Decisions};
use crate::authzen::search::{self, Found};
use crate::query_failure::QueryFailure;

#[derive(OpenApi)]
#[openapi(components(schemas(DecisionWord)))]
struct Standard;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Standard::openapi())
        .routes(with_error_responses(routes!(evaluation), evaluation))
        .routes(with_error_responses(routes!(evaluations), evaluations))
        .routes(with_error_responses(
            routes!(search_subjects),
            search_subjects,
        ))
        .routes(with_error_responses(
            routes!(search_resources),
            search_resources,
        ))
        .routes(with_error_responses(
            routes!(search_actions),
            search_actions,
        ))
        .routes(with_error_responses(routes!(configuration), configuration))
}

impl Reader {
    fn reach(&self) -> Reach<'_> {
        Reach(self.0.account.as_deref())
    }
}

/// Whether a user's permission may be synced now
#[utoipa::path(
    post,
    path = "/access/v1/evaluation",
    operation_id = "evaluate",
    tag = "AuthZEN",
    params(AtLeast),
    request_body(content = EvaluationRequest, example = json!({
        "subject": {"type": "user", "id": "ana"},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": "calendar", "properties": {"account_id": "acme"}}
    })),
    responses((status = OK, description = "The decision, and why", body = Decision)),
    security(("host" = ["permissions:read"]))
)]
async fn evaluation(
    State(shared): State<Shared>,
    reader: Reader,
    ApiQuery(query): ApiQuery<AtLeast>,
    OpenJson(body): OpenJson<EvaluationRequest>,
) -> Result<Json<Decision>, QueryFailure> {
    let decision = evaluate::one(&shared.served, reader.reach(), query.at_least, body).await?;
    Ok(Json(decision))
}

/// Many evaluations at once
///
/// All are true of one moment. What one of them leaves out is as the top level says: its own subject, action or resource takes
/// the place of the default one, which only lends a type, an id, a name or properties that are absent. One that can't be
/// carried out is denied, with an error in its context.
#[utoipa::path(
    post,
    path = "/access/v1/evaluations",
    operation_id = "evaluateMany",
    tag = "AuthZEN",
    params(AtLeast),
    request_body(content = EvaluationsRequest, example = json!({
        "subject": {"type": "user", "id": "ana", "properties": {"account_id": "acme"}},
        "action": {"name": "sync"},
        "evaluations": [
            {"resource": {"type": "permission", "id": "calendar"}},
            {"resource": {"type": "permission", "id": "email.read"}}
        ],
        "options": {"evaluations_semantic": "execute_all"}
    })),
    responses((status = OK, description = "The decisions, in the order of the request", body = Decisions)),
    security(("host" = ["permissions:read"]))
)]
async fn evaluations(
    State(shared): State<Shared>,
    reader: Reader,
    ApiQuery(query): ApiQuery<AtLeast>,
    OpenJson(body): OpenJson<EvaluationsRequest>,
) -> Result<Json<Decisions>, QueryFailure> {
    let decisions = evaluate::many(&shared.served, reader.reach(), query.at_least, body).await?;
    Ok(Json(decisions))
}

/// Whose permission may be synced
#[utoipa::path(
    post,
    path = "/access/v1/search/subject",
    operation_id = "searchSubjects",
    tag = "AuthZEN",
    params(AtLeast),
    request_body(content = SubjectSearchRequest, example = json!({
        "subject": {"type": "user"},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": "calendar", "properties": {"account_id": "acme"}},
        "page": {"limit": 100}
    })),
    responses((status = OK, description = "Users of the account, in the order of their ids", body = Found<Subject>)),
    security(("host" = ["permissions:read"]))
)]
async fn search_subjects(
    State(shared): State<Shared>,
    reader: Reader,
    ApiQuery(query): ApiQuery<AtLeast>,
    OpenJson(body): OpenJson<SubjectSearchRequest>,
) -> Result<Json<Found<Subject>>, QueryFailure> {
    let found = search::subjects(&shared.served, reader.reach(), query.at_least, body).await?;
    Ok(Json(found))
}

/// What of a user's may be synced
#[utoipa::path(
    post,
    path = "/access/v1/search/resource",
    operation_id = "searchResources",
    tag = "AuthZEN",
    params(AtLeast),
    request_body(content = ResourceSearchRequest, example = json!({
        "subject": {"type": "user", "id": "ana", "properties": {"account_id": "acme"}},
        "action": {"name": "sync"},
        "resource": {"type": "permission"}
    })),
    responses((status = OK, description = "Permissions", body = Found<Resource>)),
    security(("host" = ["permissions:read"]))
)]
async fn search_resources(
    State(shared): State<Shared>,
    reader: Reader,
    ApiQuery(query): ApiQuery<AtLeast>,
    OpenJson(body): OpenJson<ResourceSearchRequest>,
) -> Result<Json<Found<Resource>>, QueryFailure> {
    let found = search::resources(&shared.served, reader.reach(), query.at_least, body).await?;
    Ok(Json(found))
}

/// What may be done with a user's permission
#[utoipa::path(
    post,
    path = "/access/v1/search/action",
    operation_id = "searchActions",
    tag = "AuthZEN",
    params(AtLeast),
    request_body(content = ActionSearchRequest, example = json!({
        "subject": {"type": "user", "id": "ana"},
        "resource": {"type": "permission", "id": "calendar", "properties": {"account_id": "acme"}}
    })),
    responses((status = OK, description = "`sync`, or nothing", body = Found<Action>)),
    security(("host" = ["permissions:read"]))
)]
async fn search_actions(
    State(shared): State<Shared>,
    reader: Reader,
    ApiQuery(query): ApiQuery<AtLeast>,
    OpenJson(body): OpenJson<ActionSearchRequest>,
) -> Result<Json<Found<Action>>, QueryFailure> {
    let found = search::actions(&shared.served, reader.reach(), query.at_least, body).await?;
    Ok(Json(found))
}

/// Where a policy decision point has its endpoints.
#[derive(Debug, Serialize, ToSchema)]
struct PdpMetadata {
    /// Its address.
    #[schema(format = Uri)]
    policy_decision_point: String,
    #[schema(format = Uri)]
    access_evaluation_endpoint: String,
    #[schema(format = Uri)]
    access_evaluations_endpoint: String,
    #[schema(format = Uri)]
    search_subject_endpoint: String,
    #[schema(format = Uri)]
    search_resource_endpoint: String,
    #[schema(format = Uri)]
    search_action_endpoint: String,
}

/// Where the endpoints are
///
/// By ASSENT_PROJECTION_URL; without it, by the address at which the request came, which is taken for plain http.
#[utoipa::path(
    get,
    path = "/.well-known/authzen-configuration",
    operation_id = "discover",
    tag = "AuthZEN",
    responses((status = OK, description = "The metadata of the policy decision point", body = PdpMetadata)),
    security()
)]
async fn configuration(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<PdpMetadata>, Problem> {
    let base = match &shared.own_url {
        Some(url) => url.as_str().to_owned(),
        None => address_of(&headers)?,
    };
    Ok(Json(PdpMetadata {
        access_evaluation_endpoint: format!("{base}/access/v1/evaluation"),
        access_evaluations_endpoint: format!("{base}/access/v1/evaluations"),
        search_subject_endpoint: format!("{base}/access/v1/search/subject"),
        search_resource_endpoint: format!("{base}/access/v1/search/resource"),
        search_action_endpoint: format!("{base}/access/v1/search/action"),
        policy_decision_point: base,
    }))
}

/// Where whoever sent the request has reached us. It is told to nobody else, so nobody can be led astray by it.
fn address_of(headers: &HeaderMap) -> Result<String, Problem> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]_".contains(letter);
    match host {
        Some(host) if !host.is_empty() && host.chars().all(is_host) => Ok(format!("http://{host}")),
        Some(_) | None => Err(Problem::invalid_request("the request names no host")),
    }
}
