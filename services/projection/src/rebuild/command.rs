//! The operators' command, over NATS.

use std::sync::Arc;

use assent_contract::rebuild::RebuildView;
use assent_contract::{names, strict};
use assent_messaging::{Endpoint, Request, ServiceError};
use tokio::task::spawn_blocking;

use super::rebuilds::Rebuilds;
use crate::query_failure::QueryFailure;

/// The endpoint of one replica. It answers at once, and goes on. What it does not understand it does not do: a misspelt
/// `dry_run` must not count as none.
pub(crate) fn endpoint(rebuilds: &Arc<Rebuilds>, instance: &str) -> Endpoint {
    let (rebuilds, instance) = (Arc::clone(rebuilds), instance.to_owned());
    let subject = names::rebuild_view(&instance);
    Endpoint::new("rebuild-view", subject, move |request: Request| {
        let (rebuilds, instance) = (Arc::clone(&rebuilds), instance.clone());
        async move {
            // Fields without names, which serde would take for a command too, are none.
            if request.payload.trim_ascii_start().first() != Some(&b'{') {
                let detail = "the request is not a rebuild-view command: no object".to_owned();
                return Err(QueryFailure::Invalid(detail).into());
            }
            let asked: RebuildView = strict::from_slice(&request.payload).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ServiceError::from(QueryFailure::Invalid(format!(
                    "the request is not a rebuild-view command: line {line}, column {column}"
                )))
            })?;
            // It is written down before it is answered.
            let report = spawn_blocking(move || rebuilds.ask(&instance, &asked)).await;
            let report = report.map_err(|_| QueryFailure::NotReady)??;
            serde_json::to_vec(&report).map_err(|error| QueryFailure::Internal(error).into())
        }
    })
}
