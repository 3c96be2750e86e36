//! In what way a log is not the one that was written.

use assent_domain::ids::Sequence;
use assent_metrics::gateway::EVENT_LOG_CUT_SHORT;

/// In what way a log is not the one that was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogTrouble {
    /// The log lost its end.
    #[error("the event log ends at event {last}, but event {known} was recorded in it")]
    CutShort {
        /// The last sequence that is known.
        known: Sequence,
        /// The last one that is there.
        last: Sequence,
    },
    /// The log lost its end, and went on with other events.
    #[error("event {sequence} of the event log is not the one that was recorded there")]
    Rewritten {
        /// Where another event is than is known.
        sequence: Sequence,
        /// The last sequence that is there.
        last: Sequence,
    },
    /// The stream holds another log.
    #[error(
        "the event log was created anew, {created}, after event {known} was recorded in another"
    )]
    Replaced {
        /// The last sequence that is known of the earlier log.
        known: Sequence,
        /// When the log that is there was created.
        created: String,
        /// The last sequence of the log that is there.
        last: Sequence,
    },
}

impl LogTrouble {
    /// Where the log ends: what an operator has to name to accept it as it is.
    pub fn last(&self) -> Sequence {
        match self {
            Self::CutShort { last, .. }
            | Self::Rewritten { last, .. }
            | Self::Replaced { last, .. } => *last,
        }
    }

    /// Wakes an operator, by a log line that alarms are made of.
    pub fn alarm(&self) {
        EVENT_LOG_CUT_SHORT.increment(1);
        tracing::error!(
            operator_alarm = "event_log_cut_short",
            error = %self,
            log.last_sequence = %self.last(),
            "the event log is not the one that was written: nothing is decided until an operator has seen to it"
        );
    }
}
