//! How many connections are served, and for how long each may keep the server waiting.

use std::num::NonZeroUsize;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

/// How many connections are answered beyond the cap, for liveness, readiness and metrics alone.
pub(super) const RESERVE: usize = 16;

/// No more than these unless somebody configures more: idle ones cost memory as well.
const USUALLY_MOST: usize = 4096;

/// A quarter of the open files is left for NATS, Microsoft, the view and the logs; within these bounds.
const LEFT_FOR_OTHERS: std::ops::RangeInclusive<usize> = 48..=512;

/// Fewer make no server.
const FEWEST: usize = 16;

/// What connections may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many are served at once.
    pub most: usize,
    /// How long a connection may take to send the head of a request, counted from when the server began to wait for
    /// it: so it is the limit for connections that send nothing and for idle ones as well.
    pub head_within: Duration,
    /// How long the other side may take to read an answer that does not fit into the buffers between.
    pub read_within: Duration,
}

impl ConnectionLimits {
    /// The limits for this process. More connections than its open files allow are never taken.
    pub fn for_this_process(most: Option<NonZeroUsize>, head_within: Duration) -> Self {
        let files = getrlimit(Resource::Nofile).current;
        let files = files.map_or(usize::MAX, |files| {
            usize::try_from(files).unwrap_or(usize::MAX)
        });
        let possible = possible(files);
        let wanted = most.map_or(USUALLY_MOST, NonZeroUsize::get);
        if most.is_some() && wanted > possible {
            tracing::warn!(
                wanted,
                possible,
                "the limit of open files (ulimit -n) does not allow as many connections as configured"
            );
        }
        Self {
            most: wanted.min(possible),
            head_within,
            ..Self::default()
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            most: USUALLY_MOST,
            head_within: Duration::from_secs(10),
            read_within: Duration::from_secs(15),
        }
    }
}

/// How many connections a process with so many open files can serve.
fn possible(files: usize) -> usize {
    let others = (files / 4).clamp(*LEFT_FOR_OTHERS.start(), *LEFT_FOR_OTHERS.end());
    files
        .saturating_sub(others.saturating_add(RESERVE))
        .max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_everything_else() {
        for (files, connections) in [(0, 16), (80, 16), (128, 64), (1_024, 752), (20_000, 19_472)] {
            assert_eq!(possible(files), connections, "{files}");
        }
        assert!(possible(usize::MAX) > USUALLY_MOST);
    }

    #[test]
    fn what_is_configured_counts_as_far_as_it_is_possible() {
        let limits =
            |most| ConnectionLimits::for_this_process(NonZeroUsize::new(most), Duration::ZERO);
        assert_eq!(limits(17).most, 17);
        assert!(limits(usize::MAX).most < usize::MAX);
        assert!((FEWEST..=USUALLY_MOST).contains(&limits(0).most));
    }
}
