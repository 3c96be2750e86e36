//! A point in the log.

use assent_domain::ids::Sequence;
use jiff::Timestamp;

/// A point in time, by the log or by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After this event.
    After(Sequence),
    /// At this time.
    Time(Timestamp),
}

/// The text is neither of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sequence such as 1200, or a time such as 2026-11-23T10:00:00Z")]
pub(crate) struct InvalidMoment;

impl Moment {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidMoment> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::After(Sequence(sequence)));
        }
        text.parse().map(Self::Time).map_err(|_| InvalidMoment)
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::Sequence;

    use super::{InvalidMoment, Moment};

    #[test]
    fn a_moment_is_a_sequence_or_a_time() {
        assert_eq!(Moment::parse("12"), Ok(Moment::After(Sequence(12))));
        let time = "2026-11-23T10:00:00Z";
        assert_eq!(Moment::parse(time), Ok(Moment::Time(time.parse().unwrap())));
        for bad in ["", "-1", "yesterday", "2026-11-23", "2026-11-23T10:00:00"] {
            assert_eq!(Moment::parse(bad), Err(InvalidMoment), "{bad}");
        }
    }
}
