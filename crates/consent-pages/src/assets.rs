//! What pages refer to: the stylesheet, the script and the host application's logo.

use std::sync::LazyLock;

use assent_consent_core::failure::Failure;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Shared;
use crate::asset::Asset;
use crate::problem::ApiError;

/// The one script. No page needs it.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "text/javascript; charset=utf-8",
        include_str!("../assets/pages.js"),
    )
});

/// An SVG is a document, too, and whoever opens its address opens it on our origin: there it may do nothing.
const AS_A_PICTURE: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) async fn stylesheet(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
) -> Response {
    serve(&shared.site.brand.stylesheet, query.as_deref())
}

pub(super) async fn script(RawQuery(query): RawQuery) -> Response {
    serve(&SCRIPT, query.as_deref())
}

pub(super) async fn logo(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let Some(logo) = &shared.site.brand.logo else {
        return ApiError::from(Failure::NotFound("the application has no logo here"))
            .into_response();
    };
    let mut response = serve(logo, query.as_deref());
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(AS_A_PICTURE),
    );
    response
}

/// Browsers ask for it, whatever a page says; "not found" would be an error in their consoles.
pub(super) async fn favicon() -> Response {
    let keep = [(CACHE_CONTROL, "public, max-age=86400")];
    (StatusCode::NO_CONTENT, keep).into_response()
}

fn serve(asset: &Asset, query: Option<&str>) -> Response {
    // During an update one site may be asked for what another one has: that is answered, but not to be kept.
    let keep = if asset.is_meant_by(query) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, keep),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.content.clone()).into_response()
}
