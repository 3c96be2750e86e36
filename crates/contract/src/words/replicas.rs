//! The words about a projection.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

words! {
    "projection state"
    /// What a projection is doing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum ReplicaState {
        /// Looking for its view, or waiting for the log.
        Starting = "starting",
            Operator: "wait a moment; its /readyz says what it waits for";
        /// Building a view from the whole log.
        Rebuilding = "rebuilding",
            Nobody: "wait: some seconds per million events; consentctl projection status says how far it is";
        /// Catching up with the log: it answers over HTTP, and leaves the queries on NATS to other replicas.
        CatchingUp = "catching_up",
            Nobody: "wait until it has applied the log; if it stays behind, look at its log and its machine";
        /// Answering queries.
        Serving = "serving",
            Nobody: "nothing is wrong: this is as it should be";
        /// Answering nothing: the log that its view is of is gone.
        Withheld = "withheld",
            Operator: "consentctl doctor says what is wrong with the log; restore the stream from a backup (deploy/README.md)";
    }
}

words! {
    "log comparison"
    /// What a comparison of the log with a view found.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum LogCheckResult {
        /// None has ended yet.
        NotYet = "not_yet",
            Nobody: "wait: the projection reads the log again once in a while";
        /// The log holds what the view was built from.
        Same = "same",
            Nobody: "nothing is wrong: this is as it should be";
        /// The log gives no message where there was one.
        Missing = "missing",
            Operator: "consentctl doctor names what is missing; restore the stream from a backup (deploy/README.md)";
        /// The log has another message where the view was built from one.
        Different = "different",
            Operator: "find out who changed the log, and restore the stream from a backup (deploy/README.md)";
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the macro takes no attributes of variants"
)]
impl Default for LogCheckResult {
    fn default() -> Self {
        Self::NotYet
    }
}
