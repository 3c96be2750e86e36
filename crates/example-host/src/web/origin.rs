//! Only our own pages may post to us. Every browser says where a form was, and no page can make it lie; so no form
//! needs a secret of its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::{App, pages};

/// Refuses every request that may change something and does not come from a page of ours.
pub(super) async fn only_our_own_forms(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let only_reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if only_reads
        || is_ours(
            request.headers(),
            &app.config.public_url.origin().ascii_serialization(),
        )
    {
        return next.run(request).await;
    }
    pages::message(
        StatusCode::FORBIDDEN,
        "That came from elsewhere",
        "Another site sent this, so nothing was done. Start from the home page.",
    )
}

fn is_ours(headers: &HeaderMap, own: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    // Browsers of before 2023 only say this much.
    headers.get(ORIGIN).is_some_and(|origin| origin == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://hirely.example";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn our_own_forms_are_taken() {
        assert!(is_ours(&headers(&[("sec-fetch-site", "same-origin")]), OWN));
        assert!(is_ours(&headers(&[("origin", OWN)]), OWN));
    }

    #[test]
    fn forms_of_others_are_not() {
        for other in [
            headers(&[]),
            headers(&[("sec-fetch-site", "cross-site")]),
            headers(&[("sec-fetch-site", "same-site"), ("origin", OWN)]),
            headers(&[("sec-fetch-site", "none")]),
            headers(&[("origin", "https://evil.example")]),
            headers(&[("origin", "https://hirely.example.evil.example")]),
            headers(&[("origin", "null")]),
        ] {
            assert!(!is_ours(&other, OWN), "{other:?}");
        }
    }
}
