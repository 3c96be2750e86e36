//! Which address shows which page.

use std::sync::Arc;

use assent_service_kit::BearerVerifier;
use axum::Router;
use axum::routing::{get, post};

use crate::settings::{account, company};
use crate::site::Site;
use crate::{
    administrator_page, assets, callbacks, confirmation_page, hand_off_page, outcome_page, session,
};

/// What every handler shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) site: Arc<Site>,
    pub(crate) verifier: Arc<BearerVerifier>,
}

/// The routes of all pages, of what they refer to, and of Microsoft's callbacks.
pub fn router(site: Arc<Site>, verifier: Arc<BearerVerifier>) -> Router {
    Router::new()
        .route(
            "/callbacks/microsoft/admin-consent",
            get(callbacks::admin_consent),
        )
        .route("/callbacks/microsoft/authorize", get(callbacks::authorize))
        .route(
            "/hand-off/{token}",
            get(hand_off_page::open).post(hand_off_page::begin),
        )
        .route("/hand-off-outcome", get(outcome_page::hand_off))
        .route(
            "/administrator-confirmation/{page}",
            get(administrator_page::open)
                .post(administrator_page::decide)
                .head(administrator_page::no_head),
        )
        .route("/assets/pages.css", get(assets::stylesheet))
        .route("/assets/pages.js", get(assets::script))
        .route("/assets/logo", get(assets::logo))
        .route("/favicon.ico", get(assets::favicon))
        .route("/session", post(session::open))
        .route("/session/end", post(session::end))
        .route("/settings/company", get(company::open))
        .route(
            "/settings/company/email-sync",
            post(company::save_email_sync),
        )
        .route("/settings/company/method", post(company::save_method))
        .route(
            "/settings/company/administrator-consent",
            post(company::begin_consent),
        )
        .route(
            "/settings/company/administrator-links",
            post(company::make_link),
        )
        .route(
            "/settings/company/administrator-links/{link}/cancellation",
            post(company::cancel_link),
        )
        .route("/settings/account", get(account::open))
        .route("/settings/account/permissions", post(account::save))
        .route(
            "/settings/account/another-microsoft-account",
            post(account::use_another),
        )
        .route(
            "/settings/account/confirmation",
            post(confirmation_page::confirm),
        )
        .route(
            "/settings/account/administrator-links",
            post(account::make_link),
        )
        .route(
            "/settings/account/administrator-links/{link}/cancellation",
            post(account::cancel_link),
        )
        .with_state(Shared { site, verifier })
}
