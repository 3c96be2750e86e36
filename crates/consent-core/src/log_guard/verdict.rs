//! What the log says against the mark of it.

use assent_contract::event_hash::EventHash;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, ReadError, StreamStatus};

use super::Mark;
use crate::log_trouble::LogTrouble;

/// How a log and the mark of it go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkComparison {
    /// The event is there.
    Agrees,
    /// The log is long enough, but the event at that place can't be read.
    MarkDamaged(Sequence),
    /// The log is not the one that was written.
    Trouble(LogTrouble),
}

/// What follows from where the log stands and what is at the place of the mark.
fn judge(mark: Option<&Mark>, status: &StreamStatus, there: Option<EventHash>) -> MarkComparison {
    let Some(mark) = mark else {
        return MarkComparison::Agrees;
    };
    let (known, last) = (mark.sequence(), status.last_sequence);
    if mark.log() != status.created {
        return MarkComparison::Trouble(LogTrouble::Replaced {
            known,
            created: status.created.to_string(),
            last,
        });
    }
    if last < known {
        return MarkComparison::Trouble(LogTrouble::CutShort { known, last });
    }
    match there {
        // An empty log has no event to compare.
        _ if known == Sequence(0) => MarkComparison::Agrees,
        Some(hash) if mark.is_of(hash) => MarkComparison::Agrees,
        Some(_) => MarkComparison::Trouble(LogTrouble::Rewritten {
            sequence: known,
            last,
        }),
        None => MarkComparison::MarkDamaged(known),
    }
}

/// Asks the log, and judges.
pub async fn look(log: &EventLog, mark: Option<&Mark>) -> Result<MarkComparison, ReadError> {
    let status = log.status().await?;
    let there = match mark {
        Some(mark) => log.entry(mark.sequence()).await?.map(|entry| entry.hash()),
        None => None,
    };
    Ok(judge(mark, &status, there))
}

#[cfg(test)]
mod tests {
    use assent_event_log::StreamIdentity;

    use super::*;

    fn status(created: &str, last: u64) -> StreamStatus {
        StreamStatus {
            created: StreamIdentity::new(created),
            first_sequence: Sequence(1),
            last_sequence: Sequence(last),
            messages: last,
            missing: 0,
            leader: None,
            leads_since: None,
            replicas: 1,
        }
    }

    fn mark(sequence: u64, hash: u8) -> Mark {
        let log = StreamIdentity::new("then");
        Mark::new(&log, Sequence(sequence), [hash; 32].into())
    }

    #[test]
    fn a_log_is_believed_while_it_holds_the_marked_event() {
        let there = Some([1; 32].into());
        let agrees = |mark: Option<&Mark>, last| judge(mark, &status("then", last), there);
        assert_eq!(agrees(None, 0), MarkComparison::Agrees);
        assert_eq!(agrees(Some(&mark(0, 0)), 0), MarkComparison::Agrees);
        assert_eq!(agrees(Some(&mark(7, 1)), 7), MarkComparison::Agrees);
        assert_eq!(agrees(Some(&mark(7, 1)), 9), MarkComparison::Agrees);
        let unreadable = judge(Some(&mark(7, 1)), &status("then", 7), None);
        assert_eq!(unreadable, MarkComparison::MarkDamaged(Sequence(7)));
    }

    #[test]
    fn a_log_that_is_shorter_or_another_is_not_believed() {
        let there = Some([1; 32].into());
        for (status, mark) in [
            (status("then", 6), mark(7, 1)),
            (status("then", 0), mark(7, 1)),
            (status("then", 9), mark(7, 2)),
            (status("now", 9), mark(7, 1)),
            (status("now", 3), mark(7, 1)),
        ] {
            let MarkComparison::Trouble(trouble) = judge(Some(&mark), &status, there) else {
                panic!("{status:?}");
            };
            assert_eq!(trouble.last(), status.last_sequence);
        }
    }

    #[test]
    fn only_a_later_mark_of_the_same_log_takes_the_place_of_another() {
        assert!(mark(7, 1).is_before(&mark(8, 2)));
        assert!(!mark(7, 1).is_before(&mark(7, 2)));
        assert!(!mark(8, 1).is_before(&mark(7, 2)));
        let other = Mark::new(&StreamIdentity::new("now"), Sequence(9), [1; 32].into());
        assert!(!mark(7, 1).is_before(&other));
    }
}
