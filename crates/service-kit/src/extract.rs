//! Reading requests, with every refusal a [`Problem`].
//!
//! Refusals name the field and what was expected, and never the value: it may
//! be a token in the wrong place.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::problem::{HttpProblem, Problem};

mod deserialize_errors;

use deserialize_errors::{describe_json, describe_parameters, describe_unknown};

/// A JSON body. A field that `T` does not know, at any depth, is refused.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

/// The parameters in the path.
#[derive(Debug, Clone, Copy)]
pub struct ApiPath<T>(pub T);

/// The parameters in the query.
#[derive(Debug, Clone, Copy)]
pub struct ApiQuery<T>(pub T);

impl<S, T> FromRequest<S> for ApiJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(HttpProblem::UnsupportedMediaType)
                .detail("send the body as application/json"));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let mut unknown = None;
        let mut note = |path: serde_ignored::Path<'_>| {
            unknown.get_or_insert_with(|| describe_unknown(&path));
        };
        let known_only = serde_ignored::Deserializer::new(&mut json, &mut note);
        let value = serde_path_to_error::deserialize(known_only)
            .map_err(|error| Problem::invalid_request(describe_json(&error)))?;
        json.end()
            .map_err(|_| Problem::invalid_request("the body goes on after the JSON value"))?;
        match unknown {
            None => Ok(Self(value)),
            Some(refusal) => Err(Problem::invalid_request(refusal)),
        }
    }
}

impl<S, T> FromRequestParts<S> for ApiPath<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(Problem::invalid_request("a part of the path is not valid"))
            }
            Err(rejection) => Err(Problem::bug(rejection)),
        }
    }
}

impl<S, T> FromRequestParts<S> for ApiQuery<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid_request(format!(
                "the query is not valid: {}",
                describe_parameters(&innermost(&rejection))
            ))),
        }
    }
}

/// 404 for a path no route matches.
pub(crate) async fn unknown_route() -> Problem {
    Problem::not_found("no such path; see /openapi.json where there is one")
}

/// 405 for a path whose route knows other methods; axum adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::new(HttpProblem::MethodNotAllowed)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    media_type.is_some_and(|media_type| {
        media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    })
}

fn unreadable(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(HttpProblem::PayloadTooLarge);
    }
    Problem::invalid_request("the body could not be read")
}

/// The text of the last error in the chain: the parser's own.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
