//! `/{tenant}/oauth2/v2.0/devicecode`: not played, and said so as Entra says things, so that a library understands it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::aadsts::{Code, Surface};
use crate::authority::Authority;
use crate::simulator::Simulator;

pub(crate) async fn refuse(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    let state = simulator.state();
    let known = Authority::parse_in_this_cloud(&state.directory, &segment, Surface::Token);
    let error = known.err().unwrap_or_else(|| {
        Code::UnsupportedGrantType
            .error_on(Surface::Token)
            .with_facts(&[("name", "device_code")])
    });
    error.into_response(&simulator.base_url, &headers)
}
