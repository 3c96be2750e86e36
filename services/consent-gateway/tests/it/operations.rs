//! The operations of the API.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const USER: &str = "/v1/accounts/acme/users/ana";

/// Every operation for which a token is needed, on `ana` of `acme`, with a body that is good.
pub(crate) fn operations() -> [(Method, String, Option<Value>); 13] {
    let id = Uuid::nil();
    let permissions = json!({"calendar": true, "contacts": false, "email": "limited"});
    let consent = json!({"administrator_confirmed": true, "permissions": permissions});
    let approval = json!({"purpose": "approval", "permissions": permissions});
    let method = json!({"method": "user_individual", "email_sync": "full"});
    let grant = json!({"permissions": ["calendar"]});
    [
        (Method::GET, "/v1/accounts/acme".to_owned(), None),
        (
            Method::PUT,
            "/v1/accounts/acme/authorization-method".to_owned(),
            Some(method),
        ),
        (
            Method::POST,
            "/v1/accounts/acme/admin-consents".to_owned(),
            Some(consent),
        ),
        (Method::GET, USER.to_owned(), None),
        (Method::POST, format!("{USER}/grants"), Some(grant)),
        (Method::DELETE, format!("{USER}/grants/calendar"), None),
        (Method::DELETE, format!("{USER}/sessions"), None),
        (Method::GET, format!("/v1/flows/{id}"), None),
        (
            Method::POST,
            format!("/v1/flows/{id}/confirmation"),
            Some(json!({"confirm": "x"})),
        ),
        (Method::GET, "/v1/accounts/acme/hand-offs".to_owned(), None),
        (
            Method::POST,
            "/v1/accounts/acme/hand-offs".to_owned(),
            Some(approval),
        ),
        (
            Method::GET,
            format!("/v1/accounts/acme/hand-offs/{id}"),
            None,
        ),
        (
            Method::DELETE,
            format!("/v1/accounts/acme/hand-offs/{id}"),
            None,
        ),
    ]
}
