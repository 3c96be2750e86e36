//! What the description of the API says once: how callers prove who they are, and what problems may have besides.

use utoipa::Modify;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr};

/// What stands together, by how its path begins.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("/", "Assets"),
    ("/v1/accounts", "Accounts"),
    ("/v1/accounts/{account}/hand-offs", "Links"),
    ("/v1/accounts/{account}/users", "Users"),
    ("/v1/flows", "Flows"),
    ("/session", "Sessions"),
    ("/settings", "Settings"),
    ("/hand-off", "Administrators"),
    ("/administrator-confirmation", "Administrators"),
    ("/callbacks", "Administrators"),
];

/// Adds it to the description.
pub(super) struct Extras;

impl Modify for Extras {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let host = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "Signed by the host application (RS256, ES256, EdDSA): iss, aud, exp, sub = user_id, account = account_id, \
                 roles, permissions; name and account_name (for people to read, on pages for administrators); or, for the \
                 host's own services, scope. aud, roles, permissions and scope may each be a string (of scope: words \
                 separated by spaces) or a list of strings; what is null or absent is none. Times are numbers, whole or \
                 not. At most 8192 bytes.",
            ));
        components.add_security_scheme("host", SecurityScheme::Http(host.build()));
        let session = ApiKeyValue::with_description(
            "__Host-assent_session",
            "Set by POST /session; HttpOnly, SameSite=Lax. Where ASSENT_PUBLIC_URL is not https it is called assent_session.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut("Problem") {
            let store = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("Of store_full and store_unavailable: which."));
            problem.properties.insert("store".to_owned(), store.into());
            let candidates = ArrayBuilder::new()
                .items(Ref::from_schema_name("Candidate"))
                .description(Some(
                    "Of ambiguous_tenant: the tenants that the name stands for.",
                ));
            problem
                .properties
                .insert("candidates".to_owned(), candidates.into());
        }
    }
}
