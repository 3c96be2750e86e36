//! The words about a view that is built anew as an operator asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

words! {
    "rebuild stage"
    /// What a rebuild of a view is doing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum RebuildStage {
        /// Waiting until the projection follows the log.
        Waiting = "waiting",
            Operator: "wait a moment; /readyz of the projection says what it waits for";
        /// Folding the events of the log.
        Folding = "folding",
            Nobody: "wait: some seconds per million events";
        /// Comparing with what is served, row by row.
        Comparing = "comparing",
            Nobody: "wait: some seconds per million users";
        /// Bringing the new view to where the one that is served is, to take its place.
        Swapping = "swapping",
            Nobody: "wait a moment; queries are answered from the old view until then";
        /// It ended: what came of it is told beside this.
        Ended = "ended",
            Nobody: "nothing is wrong: this is as it should be";
    }
}

words! {
    "rebuild refusal"
    /// Why a rebuild of a view changed nothing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum RebuildRefusal {
        /// The log is not the one that the view which is served is of.
        AnotherLog = "another_log",
            Operator: "run consentctl doctor: the log is not what it was, and may have to be restored from a backup (deploy/README.md)";
        /// The log does not hold any more what the view which is served was built from.
        LogLostEvents = "log_lost_events",
            Operator: "run consentctl doctor: the log is not what it was, and may have to be restored from a backup (deploy/README.md)";
        /// An event is missing from the log.
        EventMissing = "event_missing",
            Operator: "run consentctl doctor, which names it, and restore the stream from a backup (deploy/README.md)";
        /// What was built is not what the log adds up to.
        NotTheFold = "not_the_fold",
            Operator: "run consentctl doctor, and look at the log of nats-server";
        /// There is no room for a second view.
        NoSpace = "no_space",
            Operator: "make room on the disk of the projection, then ask again";
        /// The projection was stopped or killed again and again while it was at it.
        Interrupted = "interrupted",
            Operator: "look at the log of the projection, then ask again";
        /// What was built could not be written or read.
        Broken = "broken",
            Operator: "look at the log of the projection and at its disk, then ask again";
    }
}
