//! The description of an API (OpenAPI 3.1), derived from its handlers.
//!
//! `#[utoipa::path]` says of a handler what it answers when all is well. What it answers else follows from its signature:
//! each extractor and each error says by [`ErrorResponses`] which problems it can end a request with, and
//! [`with_error_responses`] collects them.

use std::collections::BTreeMap;
use std::future::Future;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Header, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::extract::{ApiJson, ApiPath, ApiQuery, OpenJson};
use crate::problem::{HttpProblem, MEDIA_TYPE, Problem, ProblemType};
use finish::finish;
pub use finish::{list_words, tag_by_path};
use strict_bodies::close_request_bodies;

mod finish;
mod strict_bodies;

/// The problems that an extractor or an error can end a request with.
pub trait ErrorResponses {
    /// Each problem, once.
    fn problem_types() -> Vec<ProblemType>;
}

/// A handler whose signature says how it can fail.
pub trait DescribedHandler<Arguments> {
    /// The problems of all its extractors and of its error.
    fn problem_types() -> Vec<ProblemType>;
}

macro_rules! described_handler {
    ($($argument:ident),*) => {
        impl<Handler, Answer, Success, Failure, $($argument),*> DescribedHandler<($($argument,)*)> for Handler
        where
            Handler: Fn($($argument),*) -> Answer,
            Answer: Future<Output = Result<Success, Failure>>,
            Failure: ErrorResponses,
            $($argument: ErrorResponses,)*
        {
            fn problem_types() -> Vec<ProblemType> {
                let mut all = Failure::problem_types();
                $(all.extend($argument::problem_types());)*
                all
            }
        }
    };
}

described_handler!(A);
described_handler!(A, B);
described_handler!(A, B, C);
described_handler!(A, B, C, D);
described_handler!(A, B, C, D, E);

/// Adds a handler's error responses to the description of its route, which `routes!` made of it.
pub fn with_error_responses<S, Arguments, H: DescribedHandler<Arguments>>(
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
    _: H,
) -> UtoipaMethodRouter<S> {
    let all = error_responses(H::problem_types(), &[MEDIA_TYPE]);
    for operation in paths.paths.values_mut().flat_map(operations) {
        operation.responses.responses.extend(all.clone());
    }
    (schemas, paths, router)
}

/// Describes error responses by status, in each of these media types. What any request may end in comes by itself.
pub fn error_responses(
    problems: Vec<ProblemType>,
    media_types: &[&str],
) -> BTreeMap<String, RefOr<Response>> {
    let anywhere = [
        HttpProblem::InternalError,
        HttpProblem::Timeout,
        HttpProblem::TooManyConnections,
    ];
    let mut by_status = BTreeMap::<String, Vec<ProblemType>>::new();
    let anywhere = anywhere.map(ProblemType::from);
    for problem in problems.into_iter().chain(anywhere) {
        let told = by_status.entry(problem.status.as_str().to_owned());
        let told = told.or_default();
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    let described = |(status, problems): (String, Vec<ProblemType>)| {
        (status, error_response(&problems, media_types).into())
    };
    by_status.into_iter().map(described).collect()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn error_response(problems: &[ProblemType], media_types: &[&str]) -> Response {
    let told = problems
        .iter()
        .map(|problem| format!("`{}`: {}", problem.code, problem.title));
    let description = told.collect::<Vec<_>>().join("; ");
    let mut response = ResponseBuilder::new().description(description);
    for media_type in media_types {
        let schema: RefOr<Schema> = if *media_type == MEDIA_TYPE {
            Ref::from_schema_name(Problem::name()).into()
        } else {
            String::schema()
        };
        response = response.content(
            *media_type,
            ContentBuilder::new().schema(Some(schema)).build(),
        );
    }
    if problems.iter().any(|problem| problem.retry_after.is_some()) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer);
        let mut header = Header::new(seconds.minimum(Some(0)));
        header.description = Some("seconds".to_owned());
        response = response.header("Retry-After", header);
    }
    response.build()
}

/// The document as JSON text, as it is served: no request body has other fields than those that are described. `codes` are
/// those that a problem can have.
pub fn to_json(document: OpenApi, codes: impl IntoIterator<Item = &'static str>) -> String {
    to_json_with(document, OpenApi::default(), codes)
}

/// The same, with operations ([`OpenJson`]) whose request bodies may have more fields.
pub fn to_json_with(
    mut document: OpenApi,
    open: OpenApi,
    codes: impl IntoIterator<Item = &'static str>,
) -> String {
    close_request_bodies(&mut document);
    document.merge(open);
    finish(&mut document, codes);
    // Text, numbers and lists only: each has a JSON form.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

impl ToSchema for Problem {}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let reference =
            || text().format(Some(SchemaFormat::KnownFormat(KnownFormat::UriReference)));
        let status = ObjectBuilder::new().schema_type(Type::Integer);
        ObjectBuilder::new()
            .description(Some("RFC 9457. Members of a problem's own may follow."))
            .property("type", reference())
            .property("title", text())
            .property("status", status)
            .property("detail", text())
            .property("instance", reference())
            .property("code", text())
            .required("type")
            .required("title")
            .required("status")
            .required("code")
            .into()
    }
}

/// Whoever answers with a problem as it is can end a request as any other may, or call it invalid.
impl ErrorResponses for Problem {
    fn problem_types() -> Vec<ProblemType> {
        vec![HttpProblem::InvalidRequest.into()]
    }
}

impl ErrorResponses for HeaderMap {
    fn problem_types() -> Vec<ProblemType> {
        Vec::new()
    }
}

impl ErrorResponses for RawQuery {
    fn problem_types() -> Vec<ProblemType> {
        Vec::new()
    }
}

impl<S> ErrorResponses for State<S> {
    fn problem_types() -> Vec<ProblemType> {
        Vec::new()
    }
}

impl<T> ErrorResponses for ApiPath<T> {
    fn problem_types() -> Vec<ProblemType> {
        vec![HttpProblem::InvalidRequest.into()]
    }
}

impl<T> ErrorResponses for ApiQuery<T> {
    fn problem_types() -> Vec<ProblemType> {
        vec![HttpProblem::InvalidRequest.into()]
    }
}

impl<T> ErrorResponses for OpenJson<T> {
    fn problem_types() -> Vec<ProblemType> {
        let problems = [HttpProblem::InvalidRequest, HttpProblem::PayloadTooLarge];
        problems.map(ProblemType::from).to_vec()
    }
}

impl<T> ErrorResponses for ApiJson<T> {
    fn problem_types() -> Vec<ProblemType> {
        let problems = [
            HttpProblem::InvalidRequest,
            HttpProblem::PayloadTooLarge,
            HttpProblem::UnsupportedMediaType,
        ];
        problems.map(ProblemType::from).to_vec()
    }
}
