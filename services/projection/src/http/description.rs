//! The description of all of this, as it is served.

use std::sync::LazyLock;

use assent_contract::problem::ErrorCode;
use assent_service_kit::Problem;
use assent_service_kit::openapi;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assent projection",
        version = "1.0.0",
        description = "What may be done for each user now: in our own words, and in those of the AuthZEN Authorization API \
            1.0, which are answered alike. What is not known to be permitted is not.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    security(("host" = ["permissions:read"])),
    tags(
        (name = "Permissions", description = "What may be done for a user now"),
        (name = "AuthZEN", description = "The same as a policy decision point of the AuthZEN Authorization API 1.0: subject \
            {type: user, id}, action {name: sync}, resource {type: permission, id: calendar, contacts, email.send or \
            email.read}. A user is of an account: name it in resource.properties.account_id or \
            subject.properties.account_id, unless the token is of one account. Fields that are not described are passed over"),
        (name = "Operation", description = "For whoever runs the projection")
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
struct About;

/// What is said once.
pub(super) fn about() -> utoipa::openapi::OpenApi {
    About::openapi()
}

pub(super) static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let standard = super::authzen::routes().into_openapi();
    let codes = ErrorCode::all().map(ErrorCode::as_str);
    openapi::to_json_with(super::routes().into_openapi(), standard, codes)
});

/// This description
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    tag = "Operation",
    responses((status = OK, description = "An OpenAPI document", body = Object)),
    security()
)]
pub(super) async fn describe() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI.as_str()).into_response()
}

/// How callers prove who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token that the host application signed for one of its own services, with the scope permissions:read. aud \
                 and scope may each be a string (of scope: words separated by spaces) or a list of strings. A token with an \
                 account claim reaches that account only. At most 8192 bytes.",
            ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("host", SecurityScheme::Http(scheme.build()));
    }
}
