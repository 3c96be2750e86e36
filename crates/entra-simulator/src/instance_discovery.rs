//! `/common/discovery/instance`: which sign-in hosts there are, and which of them are names for the same cloud.
//!
//! Microsoft's libraries ask here whether an authority is one, and under which other names its tokens may be cached.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use url::Url;

use crate::aadsts::{Aadsts, Code, Surface};
use crate::faults::Endpoint;
use crate::parameters::Parameters;
use crate::simulator::Simulator;

/// The names of one cloud: the one to connect to, the one to cache under, and all of them.
struct Cloud {
    network: &'static str,
    cache: &'static str,
    aliases: &'static [&'static str],
}

/// As Microsoft publishes them.
const CLOUDS: [Cloud; 5] = [
    Cloud {
        network: "login.microsoftonline.com",
        cache: "login.windows.net",
        aliases: &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    },
    Cloud {
        network: "login.partner.microsoftonline.cn",
        cache: "login.partner.microsoftonline.cn",
        aliases: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    },
    Cloud {
        network: "login.microsoftonline.de",
        cache: "login.microsoftonline.de",
        aliases: &["login.microsoftonline.de"],
    },
    Cloud {
        network: "login.microsoftonline.us",
        cache: "login.microsoftonline.us",
        aliases: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    },
    Cloud {
        network: "login-us.microsoftonline.com",
        cache: "login-us.microsoftonline.com",
        aliases: &["login-us.microsoftonline.com"],
    },
];

pub(crate) async fn instance(
    State(simulator): State<Arc<Simulator>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Discovery).await {
        return fault;
    }
    match answer(&simulator.base_url, &query.unwrap_or_default()) {
        Ok(document) => Json(document).into_response(),
        Err(error) => error.into_response(&simulator.base_url, &headers),
    }
}

fn answer(base_url: &str, query: &str) -> Result<Value, Aadsts> {
    let parameters = Parameters::parse(query, Surface::Metadata)?;
    let version = parameters.require("api-version")?;
    let malformed = || Code::MalformedDiscoveryRequest.error_on(Surface::Metadata);
    let asked =
        Url::parse(parameters.require("authorization_endpoint")?).map_err(|_| malformed())?;
    let own = Url::parse(base_url).map_err(|_| malformed())?;
    let host = if asked.origin() == own.origin() {
        base_url.to_owned()
    } else {
        let host = asked
            .host_str()
            .filter(|_| asked.scheme() == "https" && asked.port().is_none());
        let known = |host: &&str| CLOUDS.iter().any(|cloud| cloud.aliases.contains(host));
        let host = host
            .filter(known)
            .ok_or_else(|| Code::NoSuchInstanceForDiscovery.error_on(Surface::Metadata))?;
        format!("https://{host}")
    };
    let mut path = asked.path_segments().into_iter().flatten();
    let tenant = path
        .next()
        .filter(|tenant| !tenant.is_empty())
        .ok_or_else(malformed)?;
    let version_2 = if path.any(|segment| segment == "v2.0") {
        "/v2.0"
    } else {
        ""
    };
    let mut document = json!({
        "tenant_discovery_endpoint": format!("{host}/{tenant}{version_2}/.well-known/openid-configuration"),
        "api-version": version,
    });
    // The first version only said whether the host is one.
    if version != "1.0"
        && let Some(fields) = document.as_object_mut()
    {
        fields.insert("metadata".to_owned(), metadata(&own));
    }
    Ok(document)
}

/// Microsoft's clouds, and ourselves where we go by another name.
fn metadata(own: &Url) -> Value {
    let published = CLOUDS.iter().map(|cloud| {
        json!({
            "preferred_network": cloud.network, "preferred_cache": cloud.cache, "aliases": cloud.aliases,
        })
    });
    let host = own.host_str().unwrap_or_default();
    let is_published = CLOUDS.iter().any(|cloud| cloud.aliases.contains(&host));
    let ourselves = (!is_published).then(|| {
        let name = own
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        // Some libraries know a host with its port, others without.
        let mut aliases = vec![name.as_str(), host];
        aliases.dedup();
        json!({ "preferred_network": name, "preferred_cache": name, "aliases": aliases })
    });
    ourselves.into_iter().chain(published).collect()
}
