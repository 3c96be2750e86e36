//! People in front of a browser. Programs are told what is wrong by a [`Problem`]; people get a page that says it, where
//! the program has pages.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::extract;
use crate::problem::Problem;

/// The page that says what is wrong.
type Page = dyn Fn(&Problem) -> Option<Response> + Send + Sync;

/// The path that is meant by one that leads nowhere.
type Meant = fn(&str) -> Option<String>;

/// How a program answers people.
#[derive(Clone)]
pub struct ForPeople {
    page: Arc<Page>,
    meant: Meant,
}

impl ForPeople {
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
    pub(crate) fn page_of(&self, problem: &Problem, answer: &mut Response) -> bool {
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

impl fmt::Debug for ForPeople {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ForPeople(..)")
    }
}

/// Whether whoever asks would rather read a page than JSON. Who says nothing of HTML is a program.
pub fn prefers_page(headers: &HeaderMap) -> bool {
    let accepted = || {
        headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|accept| accept.to_str().ok())
            .flat_map(|accept| accept.split(','))
            .filter_map(weighed)
    };
    let best = |wanted: fn(&str) -> bool| {
        accepted()
            .filter(|(kind, _)| wanted(kind))
            .map(|(_, weight)| weight)
            .fold(0.0, f32::max)
    };
    let page = best(|kind| kind == "text/html" || kind == "application/xhtml+xml");
    let json = best(|kind| kind == "application/json" || kind == "application/problem+json");
    page > 0.0 && page >= json
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
pub(crate) fn forgiving(routes: Router, people: &ForPeople) -> Router {
    let state = (routes.clone(), people.meant);
    routes.fallback_service(axum::routing::any(once_more).with_state(state))
}

async fn once_more(
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
    use axum::http::{HeaderMap, HeaderValue};

    use super::{ACCEPT, prefers_page};

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
            &["text/plain, text/*;q=0.1"],
        ] {
            assert!(!prefers(problem), "{problem:?}");
        }
    }
}
