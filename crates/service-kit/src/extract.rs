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
mod objects;

use objects::Object;
pub use objects::{object, optional_object};

use deserialize_errors::{describe_json, describe_parameters, describe_unknown};

/// A JSON body. A field that `T` does not know, at any depth, is refused.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

/// A JSON object of a standard that grows: fields that `T` does not know are passed over. Whatever can't be read is 400, another
/// media type too.
#[derive(Debug, Clone, Copy)]
pub struct OpenJson<T>(pub T);

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
        read_strictly(&body)
            .map(Self)
            .map_err(Problem::invalid_request)
    }
}

impl<S, T> FromRequest<S> for OpenJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::invalid_request(
                "send the body as application/json",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        read_openly(&body)
            .map(Self)
            .map_err(Problem::invalid_request)
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

/// Reads a JSON object that may have no other fields, at any depth. What is wrong with it is said by the field's name, and
/// without any value: that may be a token in the wrong place.
pub fn read_strictly<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut unknown = None;
    let mut note = |path: serde_ignored::Path<'_>| {
        unknown.get_or_insert_with(|| describe_unknown(&path));
    };
    let known_only = serde_ignored::Deserializer::new(&mut json, &mut note);
    let read = serde_path_to_error::deserialize::<_, Object<T>>(known_only);
    let value = read.map_err(|error| describe_json(&error))?;
    json.end().map_err(|_| GOES_ON)?;
    match unknown {
        None => Ok(value.0),
        Some(refusal) => Err(refusal),
    }
}

/// The same, with fields that are not known passed over.
pub fn read_openly<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize::<_, Object<T>>(&mut json);
    let value = read.map_err(|error| describe_json(&error))?;
    json.end().map_err(|_| GOES_ON)?;
    Ok(value.0)
}

const GOES_ON: &str = "the body goes on after the JSON value";

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
