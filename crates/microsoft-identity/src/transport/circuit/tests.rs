//! The breaker with a clock of the test's own.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct Clocked {
    circuit: Circuit,
    now: Instant,
}

impl Clocked {
    fn new() -> Self {
        Self {
            circuit: Circuit::new(),
            now: Instant::now(),
        }
    }

    fn call(&mut self, verdict: CallOutcome) {
        let ticket = self.circuit.admit(self.now).unwrap();
        self.circuit.settle(ticket, verdict, self.now);
    }

    fn opened() -> Self {
        let mut clocked = Self::new();
        for _ in 0..FAILURES_TO_OPEN {
            clocked.call(CallOutcome::Failed);
        }
        clocked
    }

    fn refused_for(&mut self) -> Option<Duration> {
        self.circuit.admit(self.now).err()
    }
}

#[test]
fn only_failures_in_a_row_open_it() {
    let mut clocked = Clocked::new();
    for _ in 0..3 {
        for _ in 1..FAILURES_TO_OPEN {
            clocked.call(CallOutcome::Failed);
        }
        clocked.call(CallOutcome::Answered);
    }
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
    for _ in 1..FAILURES_TO_OPEN {
        clocked.call(CallOutcome::Failed);
        clocked.call(CallOutcome::Inconclusive);
    }
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
    clocked.call(CallOutcome::Failed);
    assert_eq!(clocked.circuit.state(), CircuitState::Open);
    assert_eq!(clocked.refused_for(), Some(FIRST_PAUSE));
}

#[test]
fn one_probe_decides_and_everybody_else_waits() {
    let mut clocked = Clocked::opened();
    clocked.now += SECOND * 4;
    assert_eq!(clocked.refused_for(), Some(SECOND));
    clocked.now += SECOND;
    let probe = clocked.circuit.admit(clocked.now).unwrap();
    assert_eq!(clocked.circuit.state(), CircuitState::HalfOpen);
    for _ in 0..100 {
        assert_eq!(clocked.refused_for(), Some(A_MOMENT));
    }
    clocked
        .circuit
        .settle(probe, CallOutcome::Answered, clocked.now);
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
    // It starts from nothing again.
    for _ in 1..FAILURES_TO_OPEN {
        clocked.call(CallOutcome::Failed);
    }
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
}

#[test]
fn the_pause_doubles_up_to_a_minute_and_is_short_again_after_a_recovery() {
    let mut clocked = Clocked::opened();
    for seconds in [5, 10, 20, 40, 60, 60, 60] {
        assert_eq!(clocked.refused_for(), Some(SECOND * seconds));
        clocked.now += SECOND * seconds;
        clocked.call(CallOutcome::Failed);
    }
    clocked.now += LONGEST_PAUSE;
    clocked.call(CallOutcome::Answered);
    for _ in 0..FAILURES_TO_OPEN {
        clocked.call(CallOutcome::Failed);
    }
    assert_eq!(clocked.refused_for(), Some(FIRST_PAUSE));
}

#[test]
fn a_probe_that_came_to_nothing_leaves_its_place_to_the_next() {
    let mut clocked = Clocked::opened();
    clocked.now += FIRST_PAUSE;
    clocked.call(CallOutcome::Inconclusive);
    assert_eq!(clocked.circuit.state(), CircuitState::Open);
    clocked.call(CallOutcome::Failed);
    assert_eq!(clocked.refused_for(), Some(FIRST_PAUSE * 2));
}

#[test]
fn late_news_from_before_does_not_count() {
    let mut clocked = Clocked::new();
    let before = clocked.circuit.admit(clocked.now).unwrap();
    for _ in 0..FAILURES_TO_OPEN {
        clocked.call(CallOutcome::Failed);
    }
    clocked
        .circuit
        .settle(before, CallOutcome::Answered, clocked.now);
    assert_eq!(clocked.circuit.state(), CircuitState::Open);
    clocked.now += FIRST_PAUSE;
    let probe = clocked.circuit.admit(clocked.now).unwrap();
    clocked
        .circuit
        .settle(before, CallOutcome::Failed, clocked.now);
    assert_eq!(clocked.circuit.state(), CircuitState::HalfOpen);
    clocked
        .circuit
        .settle(probe, CallOutcome::Answered, clocked.now);
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
    clocked
        .circuit
        .settle(probe, CallOutcome::Failed, clocked.now);
    assert_eq!(clocked.circuit.state(), CircuitState::Closed);
}
