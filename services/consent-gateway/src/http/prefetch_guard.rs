//! Whoever only looks changes nothing.
//!
//! A GET of ours may take a callback, record a grant, or note that a link was opened. Axum answers a HEAD with the GET's
//! handler, mail scanners and link checkers ask with HEAD, and browsers fetch what nobody has asked for yet, or what a
//! page names as a picture of its own. So all of these are turned away before any handler, wherever a GET is not known to be a pure read: a route that is added
//! later is safe before anybody thinks of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use assent_contract::problem::ErrorCode;
use assent_service_kit::Problem;
use assent_service_kit::problem::HttpProblem;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;

use super::OPENAPI;

/// Reads, and nothing but reads.
const PURE: [&str; 4] = ["/v1/", "/assets/", "/openapi.json", "/favicon.ico"];

/// Turns away whoever only looks.
pub(super) async fn turn_away(request: Request, next: Next) -> Response {
    if is_pure(request.uri().path()) {
        return next.run(request).await;
    }
    if request.method() == Method::HEAD {
        return without_a_handler(request.extensions().get());
    }
    let headers = request.headers();
    let is_nobodys = is_ahead_of_time(headers) || is_part_of_a_page(request.uri().path(), headers);
    if request.method() == Method::GET && is_nobodys {
        return ahead_of_time();
    }
    next.run(request).await
}

/// Whether a request reads, and nothing else.
pub(super) fn is_pure_read(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && is_pure(request.uri().path())
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|pure| {
        if pure.ends_with('/') {
            path.starts_with(pure)
        } else {
            path == *pure
        }
    })
}

/// What else there is at this address.
fn without_a_handler(path: Option<&MatchedPath>) -> Response {
    let allowed = path.and_then(|path| METHODS.get(path.as_str()));
    let allowed = allowed.map_or("GET", String::as_str);
    let problem = Problem::new(HttpProblem::MethodNotAllowed);
    let mut response = problem.into_response();
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// The methods of each route, as it is described; a test holds the description and the router together.
static METHODS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Document {
        paths: BTreeMap<String, serde_json::Map<String, Value>>,
    }
    let document = serde_json::from_str(&OPENAPI);
    let paths = document.map(|document: Document| document.paths);
    let paths = paths.unwrap_or_default().into_iter();
    paths
        .map(|(path, methods)| {
            let methods = methods.keys().map(|method| method.to_uppercase());
            (path, methods.collect::<Vec<_>>().join(","))
        })
        .collect()
});

/// `Sec-Purpose: prefetch` today, with or without a parameter; the others in older browsers.
fn is_ahead_of_time(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .into_iter()
        .flat_map(|name| headers.get_all(name))
        .filter_map(|value| value.to_str().ok())
        .map(str::to_ascii_lowercase)
        .any(|purpose| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| purpose.contains(word))
        })
}

/// A picture, a script, a request of a page's own script: no person went there. The settings look at themselves now and
/// then, which only reads.
fn is_part_of_a_page(path: &str, headers: &HeaderMap) -> bool {
    let mode = headers.get("sec-fetch-mode");
    mode.is_some_and(|mode| mode != "navigate") && !path.starts_with("/settings/")
}

/// Not kept by the browser, which comes again when the person really goes there.
fn ahead_of_time() -> Response {
    let mut response = Problem::new(ErrorCode::FetchedAhead.definition())
    .detail("this address does something, and is fetched neither ahead of time nor by a page; open it to go there")
    .into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{METHODS, is_ahead_of_time, is_part_of_a_page, is_pure};

    #[test]
    fn the_methods_of_a_route_are_known() {
        assert_eq!(METHODS.get("/hand-off/{token}").unwrap(), "GET,POST");
        assert_eq!(
            METHODS.get("/callbacks/microsoft/authorize").unwrap(),
            "GET"
        );
    }

    #[test]
    fn what_is_fetched_ahead_says_so_in_one_of_several_ways() {
        let ahead = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            is_ahead_of_time(&headers)
        };
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("purpose", "Prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(ahead(name, value), "{name}: {value}");
        }
        assert!(!ahead("sec-fetch-mode", "navigate"));
        assert!(!ahead("purpose", "conversation"));
    }

    #[test]
    fn only_a_navigation_is_a_persons() {
        let is_part = |path: &str, mode: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-mode", HeaderValue::from_static(mode));
            is_part_of_a_page(path, &headers)
        };
        let callback = "/callbacks/microsoft/authorize";
        for mode in ["no-cors", "cors", "same-origin", "websocket"] {
            assert!(is_part(callback, mode), "{mode}");
        }
        assert!(!is_part(callback, "navigate"));
        assert!(!is_part("/settings/company", "cors"));
        assert!(!is_part_of_a_page(callback, &HeaderMap::new()));
    }

    #[test]
    fn a_path_is_a_pure_read_by_name_or_not_at_all() {
        for pure in ["/v1/flows/x", "/assets/pages.css", "/openapi.json"] {
            assert!(is_pure(pure), "{pure}");
        }
        for other in [
            "/",
            "/session",
            "/settings/account",
            "/callbacks/microsoft/authorize",
            "/openapi.json/x",
            "/v1",
        ] {
            assert!(!is_pure(other), "{other}");
        }
    }
}
