//! What pages refer to: the stylesheet, the script and the host application's logo.

use std::sync::LazyLock;

use assent_consent_core::failure::Failure;
use assent_consent_core::reasons::NotFound;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::PageState;
use crate::asset::Asset;
use crate::page_errors::{Logo, PageErrors};
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

/// The stylesheet of the pages
#[utoipa::path(
    get,
    path = "/assets/pages.css",
    operation_id = "stylesheet",
    params(
        ("v" = Option<String>, Query, description = "A digest of the content. With it, browsers keep the answer for a year."),
    ),
    responses(
        (status = OK, description = "the stylesheet", content_type = "text/css", body = String)
    ),
    security()
)]
pub(super) async fn stylesheet(
    State(shared): State<PageState>,
    RawQuery(query): RawQuery,
) -> Response {
    serve(&shared.site.brand.stylesheet, query.as_deref())
}

/// The script of the pages, which work without it
#[utoipa::path(
    get,
    path = "/assets/pages.js",
    operation_id = "script",
    params(
        ("v" = Option<String>, Query, description = "A digest of the content. With it, browsers keep the answer for a year."),
    ),
    responses(
        (status = OK, description = "the script", content_type = "text/javascript", body = String)
    ),
    security()
)]
pub(super) async fn script(RawQuery(query): RawQuery) -> Response {
    serve(&SCRIPT, query.as_deref())
}

/// The logo of the host application
#[utoipa::path(
    get,
    path = "/assets/logo",
    operation_id = "logo",
    params(
        ("v" = Option<String>, Query, description = "A digest of the content. With it, browsers keep the answer for a year."),
    ),
    responses(
        (status = OK, description = "the logo", content((String = "image/svg+xml"), (String = "image/png"), (String = "image/jpeg"), (String = "image/webp"))),
        PageErrors<Logo>
    ),
    security()
)]
pub(super) async fn logo(State(shared): State<PageState>, RawQuery(query): RawQuery) -> Response {
    let Some(logo) = &shared.site.brand.logo else {
        return ApiError::from(Failure::NotFound(NotFound::Logo)).into_response();
    };
    let mut response = serve(logo, query.as_deref());
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(AS_A_PICTURE),
    );
    response
}

/// There is none; browsers ask for it
#[utoipa::path(
    get,
    path = "/favicon.ico",
    operation_id = "favicon",
    responses(
        (status = NO_CONTENT, description = "nothing")
    ),
    security()
)]
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
