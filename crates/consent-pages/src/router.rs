//! Which address shows which page.

use std::sync::Arc;

use assent_service_kit::BearerVerifier;
use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::settings::{account, company};
use crate::site::Site;
use crate::{
    administrator_page, assets, callbacks, confirmation_page, hand_off_page, outcome_page, session,
};

/// What every handler shares.
#[derive(Debug, Clone)]
pub(crate) struct PageState {
    pub(crate) site: Arc<Site>,
    pub(crate) verifier: Arc<BearerVerifier>,
}

/// The routes of all pages, of what they refer to, and of Microsoft's callbacks.
pub fn router(site: Arc<Site>, verifier: Arc<BearerVerifier>) -> Router {
    let (pages, _) = routes().split_for_parts();
    pages.with_state(PageState { site, verifier })
}

/// The description of all of them.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<PageState> {
    OpenApiRouter::new()
        .routes(routes!(callbacks::admin_consent))
        .routes(routes!(callbacks::authorize))
        .routes(routes!(hand_off_page::open, hand_off_page::begin))
        .routes(routes!(outcome_page::hand_off))
        .routes(
            routes!(administrator_page::open, administrator_page::decide)
                .map(|methods| methods.head(administrator_page::no_head)),
        )
        .routes(routes!(assets::stylesheet))
        .routes(routes!(assets::script))
        .routes(routes!(assets::logo))
        .routes(routes!(assets::favicon))
        .routes(routes!(session::open))
        .routes(routes!(session::end))
        .routes(routes!(company::open))
        .routes(routes!(company::changes::save_email_sync))
        .routes(routes!(company::changes::save_method))
        .routes(routes!(company::administrator::begin_consent))
        .routes(routes!(company::administrator::make_link))
        .routes(routes!(company::administrator::cancel_link))
        .routes(routes!(account::open))
        .routes(routes!(account::save))
        .routes(routes!(account::use_another))
        .routes(routes!(confirmation_page::confirm))
        .routes(routes!(account::make_link))
        .routes(routes!(account::cancel_link))
}
