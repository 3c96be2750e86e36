//! Pages for people in front of a browser. Programs are told what is wrong by a [`Problem`]; people get a page that says it, where
//! the program has pages.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::extract;
use crate::problem::Problem;

/// The page that says what is wrong.
type Page = dyn Fn(&Problem) -> Option<Response> + Send + Sync;

/// The path that is meant by one that leads nowhere.
type Meant = fn(&str) -> Option<String>;

/// How a program tells people what is wrong: in pages rather than JSON.
#[derive(Clone)]
pub struct ErrorPages {
    page: Arc<Page>,
    meant: Meant,
}

impl ErrorPages {
    /// `page` says what is wrong; there is none for what nobody looks at. `meant` is the path that somebody meant who comes by one that leads nowhere, as it
    /// does with what a mail program took for a part of the address.
    pub fn new(
        page: impl Fn(&Problem) -> Option<Response> + Send + Sync + 'static,
        meant: Meant,
    ) -> Self {
        Self {
            page: Arc::new(page),
            meant,
        }
    }

    /// The answer as a page, where there is one; status and headers stay.
    pub(crate) fn render_into(&self, problem: &Problem, answer: &mut Response) -> bool {
        let Some(page) = (self.page)(problem) else {
            return false;
        };
        let (page, body) = page.into_parts();
        *answer.body_mut() = body;
        answer.headers_mut().remove(CONTENT_TYPE);
        answer.headers_mut().extend(page.headers);
        true
    }
}

impl fmt::Debug for ErrorPages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ErrorPages(..)")
    }
}

/// Whether whoever asks would rather read a page than JSON. Who says nothing of HTML is a program.
pub fn prefers_page(headers: &HeaderMap) -> bool {
    let accepted: Vec<(String, f32)> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .filter_map(weighed)
        .collect();
    let best = |wanted: &[&str]| {
        let weights = accepted
            .iter()
            .filter(|(kind, _)| wanted.contains(&kind.as_str()))
            .map(|(_, weight)| *weight);
        weights.reduce(f32::max)
    };
    let page = best(&["text/html", "application/xhtml+xml"]).unwrap_or(0.0);
    // What is named counts, and only else what it is a kind of.
    let json = best(&["application/json", "application/problem+json"])
        .or_else(|| best(&["application/*"]))
        .or_else(|| best(&["*/*"]));
    page > 0.0 && page >= json.unwrap_or(0.0)
}

/// Whether a program calls the API, whatever its HTTP library says by itself: Java's asks for `text/html` first. No browser
/// brings a token.
pub(crate) fn is_call(request: &Request) -> bool {
    let is_bearer = |value: &HeaderValue| {
        let scheme = value.as_bytes().get(..7);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    };
    let mut authorizations = request.headers().get_all(AUTHORIZATION).iter();
    request.uri().path().starts_with("/v1/") && authorizations.any(is_bearer)
}

/// A media type, and how much it is wanted.
fn weighed(accepted: &str) -> Option<(String, f32)> {
    let mut parts = accepted.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let weight = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
    Some((kind, weight))
}

/// Routes that are also found by addresses to which something was added on the way.
pub(crate) fn with_lenient_paths(routes: Router, people: &ErrorPages) -> Router {
    let state = (routes.clone(), people.meant);
    routes.fallback_service(axum::routing::any(retry_with_meant_path).with_state(state))
}

async fn retry_with_meant_path(
    State((routes, meant)): State<(Router, Meant)>,
    mut request: Request,
) -> Response {
    let may = request.method() == Method::GET || request.method() == Method::POST;
    let found = may.then(|| meant(request.uri().path())).flatten();
    let Some(uri) = found.and_then(|path| with_path(request.uri(), &path)) else {
        return extract::unknown_route().await.into_response();
    };
    *request.uri_mut() = uri;
    match TowerToHyperService::new(routes).call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let query = uri.query().map(|query| format!("?{query}"));
    let text = format!("{path}{}", query.unwrap_or_default());
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{HeaderMap, HeaderValue};

    use super::{ACCEPT, AUTHORIZATION, Request, is_call, prefers_page};

    #[test]
    fn a_page_is_for_those_who_would_rather_read_one() {
        let prefers = |accept: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for accept in accept {
                headers.append(ACCEPT, HeaderValue::from_static(accept));
            }
            prefers_page(&headers)
        };
        for page in [
            &["text/html"][..],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
            &["application/json;q=0.5, Text/HTML"],
            &["application/json", "text/html"],
            &["application/xhtml+xml;q=0.9"],
            &["text/html; charset=utf-8; q=0.3"],
            &["text/html, */*; q=0.01"],
            &["text/html;q=0.5, application/json;q=0, */*"],
        ] {
            assert!(prefers(page), "{page:?}");
        }
        for problem in [
            &[][..],
            &["*/*"],
            &["application/json"],
            &["application/problem+json, text/html;q=0.9"],
            &["text/html;q=0"],
            &["text/html;q=much"],
            &["text/html;q=NaN"],
            &["text/html;q=-1"],
            &["text/html;q=0.1, */*"],
            &["text/html;q=0.1, application/*;q=0.2, */*;q=0"],
            &["text/plain, text/*;q=0.1"],
        ] {
            assert!(!prefers(problem), "{problem:?}");
        }
    }
    #[test]
    fn who_brings_a_token_to_the_api_is_a_program() {
        for (path, authorization, is_program) in [
            ("/v1/accounts/acme", None, false),
            ("/v1/accounts/acme", Some("Basic c3RhZ2luZzp4"), false),
            ("/v1/accounts/acme", Some("Bearer x"), true),
            ("/v1/accounts/acme", Some("bearer x"), true),
            ("/settings/account", Some("Bearer x"), false),
        ] {
            let request = Request::builder().uri(path);
            let request = match authorization {
                Some(value) => request.header(AUTHORIZATION, value),
                None => request,
            };
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(is_call(&request), is_program, "{path} {authorization:?}");
        }
    }
}
