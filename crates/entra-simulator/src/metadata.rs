//! OpenID metadata and the published keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::aadsts::Surface;
use crate::authority::Authority;
use crate::directory::{Cloud, Tenant};
use crate::faults::Endpoint;
use crate::simulator::Simulator;

pub(crate) async fn openid_configuration(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Metadata).await {
        return fault;
    }
    let state = simulator.state();
    match Authority::parse(&state.directory, &segment, Surface::Metadata) {
        Ok(authority) => Json(document(
            &simulator.base_url,
            &segment,
            authority.tenant(&state.directory),
        ))
        .into_response(),
        Err(error) => error.into_response(&simulator.base_url, &headers),
    }
}

pub(crate) async fn keys(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Jwks).await {
        return fault;
    }
    let state = simulator.state();
    match Authority::parse(&state.directory, &segment, Surface::Metadata) {
        Ok(authority) => {
            let tenant = authority.tenant(&state.directory).map(|tenant| tenant.id.0);
            Json(state.keys.to_jwks(&simulator.base_url, tenant)).into_response()
        }
        Err(error) => error.into_response(&simulator.base_url, &headers),
    }
}

/// What the metadata say about a cloud: region scope, sub-scope, cloud instance, Graph host.
struct Region(
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
);

fn region(cloud: Cloud) -> Region {
    match cloud {
        Cloud::Commercial => Region("EU", None, "microsoftonline.com", "graph.microsoft.com"),
        Cloud::Gcc => Region(
            "NA",
            Some("GCC"),
            "microsoftonline.com",
            "graph.microsoft.com",
        ),
        Cloud::GccHigh => Region(
            "USGov",
            Some("DODCON"),
            "microsoftonline.us",
            "graph.microsoft.us",
        ),
        Cloud::Dod => Region(
            "USGov",
            Some("DOD"),
            "microsoftonline.us",
            "dod-graph.microsoft.us",
        ),
        Cloud::China => Region(
            "CN",
            None,
            "partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
        ),
    }
}

fn document(base_url: &str, segment: &str, tenant: Option<&Tenant>) -> Value {
    // Entra answers with the GUID in every address, even where the tenant was asked for by a domain.
    let path = tenant.map_or_else(|| segment.to_owned(), |tenant| tenant.id.to_string());
    let issuer = tenant.map_or_else(|| "{tenantid}".to_owned(), |tenant| tenant.id.to_string());
    let Region(scope, sub_scope, instance, graph) =
        tenant.map_or_else(|| region(Cloud::Commercial), |tenant| region(tenant.cloud));
    let mut document = json!({
        "issuer": format!("{base_url}/{issuer}/v2.0"),
        "authorization_endpoint": format!("{base_url}/{path}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base_url}/{path}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base_url}/{path}/discovery/v2.0/keys"),
        "userinfo_endpoint": format!("https://{graph}/oidc/userinfo"),
        "end_session_endpoint": format!("{base_url}/{path}/oauth2/v2.0/logout"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "request_uri_parameter_supported": false,
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email",
        ],
        "tenant_region_scope": tenant.map(|_| scope),
        "cloud_instance_name": instance,
        "cloud_graph_host_name": if tenant.is_some_and(|tenant| !tenant.cloud.is_worldwide()) { graph } else { "graph.windows.net" },
        "msgraph_host": graph,
        "rbac_url": "https://pas.windows.net",
    });
    if let (Some(sub_scope), Some(fields)) = (sub_scope, document.as_object_mut()) {
        fields.insert("tenant_region_sub_scope".to_owned(), json!(sub_scope));
    }
    document
}
