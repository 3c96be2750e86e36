//! Opening what is kept in NATS, when the gateway starts: the log that is there, or a first one where there never was
//! any.
//!
//! A log that is lost, cut short or replaced is never made good in silence. Who knows of it says so, nothing is created,
//! and the program ends with what an operator can do.

mod traces;

use std::time::Duration;

use assent_consent_core::clock::Clock;
use assent_consent_core::command_executor::CommandExecutor;
use assent_consent_core::cutoff::Cutoffs;
use assent_consent_core::flow::FlowStore;
use assent_consent_core::hand_off::HandOffStore;
use assent_consent_core::log_guard::{self, LogGuard, Mark, MarkComparison, Marks};
use assent_consent_core::log_trouble::LogTrouble;
use assent_consent_core::observations::Observations;
use assent_consent_core::session::SessionStore;
use assent_contract::names;
use assent_contract::store::Store;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, StreamSettings};
use assent_messaging::{Connection, StreamState};
use assent_service_kit::{Flag, GivenFlags, Misconfigured, NeedsOperator, StartError};

use crate::stores::{self, Stores};

/// How long JetStream may take to describe a stream.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// How far back from the end of a log the first mark of it is looked for.
const MARK_WITHIN: u64 = 16;

const ACCEPT: &str = "--accept-event-log-end";
const ANEW: &str = "--begin-new-event-log";

/// What an operator may decide, for one start.
pub static FLAGS: [Flag; 2] = [
    Flag {
        name: ACCEPT,
        value: Some("SEQUENCE"),
        help: "accept that the event log ends here, for this one start: when it has lost events\n      \
               and there is no backup to restore. Consents after this sequence are lost",
    },
    Flag {
        name: ANEW,
        value: None,
        help: "begin an empty event log although there was one, for this one start: when it is\n      \
               gone and there is no backup to restore. All consents are lost",
    },
];

/// What an operator has decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    accept_end: Option<Sequence>,
    begin_anew: bool,
}

impl Decision {
    pub(crate) fn of(given: &GivenFlags) -> Result<Self, Misconfigured> {
        let accept_end = match given.value_of(ACCEPT) {
            Some(text) => Some(Sequence(text.parse().map_err(|_| {
                Misconfigured::new(format!("{ACCEPT} needs the sequence of an event"))
            })?)),
            None => None,
        };
        let decision = Self {
            accept_end,
            begin_anew: given.has(ANEW),
        };
        if decision.begin_anew && accept_end.is_some() {
            let both = format!("{ACCEPT} and {ANEW} exclude each other");
            return Err(Misconfigured::new(both));
        }
        Ok(decision)
    }
}

/// What is kept in NATS.
pub(crate) struct Kept {
    pub(crate) executor: CommandExecutor,
    pub(crate) flows: FlowStore,
    pub(crate) sessions: SessionStore,
    pub(crate) cutoffs: Cutoffs,
    pub(crate) hand_offs: HandOffStore,
    pub(crate) observations: Observations,
    pub(crate) log: EventLog,
    pub(crate) guard: LogGuard,
}

/// Opens it all. The log comes first, so that a first start which is interrupted leaves no trace of a log that was lost.
pub(crate) async fn open_or_create(
    connection: &Connection,
    stores: &Stores,
    decision: Decision,
    clock: &Clock,
) -> Result<Kept, StartError> {
    let settings = StreamSettings {
        replicas: stores.replicas(),
    };
    let there = connection
        .stream_state(names::EVENT_STREAM, DEADLINE)
        .await?;
    let is_new = there.is_none();
    // A first start may have been interrupted: what is not there then was never there.
    let was_used = decision.begin_anew
        || match &there {
            Some(log) if 0 < log.last_sequence => true,
            // Sessions may have been opened and ended before anything was recorded.
            Some(_) => !traces::of_a_log(connection).await?.is_empty(),
            None => false,
        };
    may_create(connection, there.as_ref(), decision).await?;
    let log = EventLog::create_or_check(connection, settings).await;
    let log = match log {
        Err(error) if error.full().is_some() => {
            return Err(stores::no_room(stores, Store::Events, error.into()).await);
        }
        other => other?,
    };
    if !is_new {
        // Before anything is created: a log that is not believed is left as it was found.
        check_the_mark(connection, &log, stores, decision).await?;
    }
    stores::fit(stores).await?;
    for store in [Store::Operations, Store::Changes] {
        if let Err(error) = stores.make(store, was_used).await {
            return Err(stores::no_room(stores, store, error).await);
        }
    }
    let bucket = async |store| match stores.bucket(store, was_used).await {
        Ok(bucket) => Ok(bucket),
        Err(error) => Err(stores::no_room(stores, store, error).await),
    };
    let flows = bucket(Store::Flows).await?;
    let sessions = bucket(Store::Sessions).await?;
    let hand_offs = bucket(Store::HandOffs).await?;
    let observations = bucket(Store::Observations).await?;
    stores::grow(stores).await?;
    let mark = first_mark(&log, &Marks::new(observations.clone()), decision).await?;
    let guard = LogGuard::new(connection, observations.clone(), mark);
    let cutoffs = Cutoffs::new(hand_offs.clone(), clock.clone());
    Ok(Kept {
        executor: CommandExecutor::new(
            log.clone(),
            guard.clone(),
            observations.clone(),
            clock.clone(),
        ),
        flows: FlowStore::new(flows, cutoffs.clone(), clock.clone()),
        sessions: SessionStore::new(sessions, cutoffs.clone()),
        hand_offs: HandOffStore::new(hand_offs, cutoffs.clone(), clock.clone()),
        cutoffs,
        observations: Observations::new(observations, clock.clone()),
        log,
        guard,
    })
}

/// A log is created only where there never was one, or where an operator says so.
async fn may_create(
    connection: &Connection,
    there: Option<&StreamState>,
    decision: Decision,
) -> Result<(), StartError> {
    if there.is_some() {
        if decision.begin_anew {
            let told = format!("{ANEW} is given, but there is an event log; leave it out");
            return Err(Misconfigured::new(told).into());
        }
        return Ok(());
    }
    if decision.accept_end.is_some() {
        let told = format!("{ACCEPT} is given, but there is no event log; leave it out");
        return Err(Misconfigured::new(told).into());
    }
    if decision.begin_anew {
        tracing::warn!(
            operator_alarm = "event_log_begun_anew",
            "an operator has decided to begin a new event log"
        );
        return Ok(());
    }
    let traces = traces::of_a_log(connection).await?;
    // Another gateway may be making its first start at this very moment.
    let there = connection
        .stream_state(names::EVENT_STREAM, DEADLINE)
        .await?;
    match traces.as_slice() {
        [] => Ok(()),
        _ if there.is_some() => Ok(()),
        traces => {
            let found = traces.join(", ");
            let decide = format!(
                "the event log {} is not there, but there was one ({found}): restore it from a backup; or, if there is \
                 none, start once with {ANEW}, which begins with no consent at all",
                names::EVENT_STREAM
            );
            Err(NeedsOperator::new(decide).into())
        }
    }
}

/// Holds the log against the mark that was kept of it, if one was.
async fn check_the_mark(
    connection: &Connection,
    log: &EventLog,
    stores: &Stores,
    decision: Decision,
) -> Result<(), StartError> {
    let bucket = Store::Observations.stream();
    let mark = match connection.stream_state(&bucket, DEADLINE).await? {
        // It is there already, so this creates nothing.
        Some(_) => {
            Marks::new(stores.bucket(Store::Observations, false).await?)
                .read()
                .await?
        }
        None => None,
    };
    let verdict = match &mark {
        Some(mark) => log_guard::look(log, Some(mark)).await?,
        // It is lost, or an earlier release never made one: others may know.
        None => match traces::of_another_end(connection, log).await? {
            Some(trouble) => MarkComparison::Trouble(trouble),
            None => MarkComparison::Agrees,
        },
    };
    let trouble = match (verdict, decision.accept_end) {
        (MarkComparison::Agrees | MarkComparison::MarkDamaged(_), None) => return Ok(()),
        (MarkComparison::Agrees | MarkComparison::MarkDamaged(_), Some(_)) => {
            let told =
                format!("{ACCEPT} is given, but the event log has lost nothing; leave it out");
            return Err(Misconfigured::new(told).into());
        }
        (MarkComparison::Trouble(trouble), Some(end)) if trouble.last() == end => {
            tracing::warn!(
                operator_alarm = "event_log_end_accepted",
                error = %trouble,
                "an operator has accepted the event log as it is"
            );
            return Ok(());
        }
        (MarkComparison::Trouble(trouble), _) => trouble,
    };
    trouble.alarm();
    Err(NeedsOperator::new(what_to_do(&trouble)).into())
}

fn what_to_do(trouble: &LogTrouble) -> String {
    format!(
        "{trouble}: restore it from a backup; or, if there is none, start once with {ACCEPT} {}, after which what was \
         recorded later is lost",
        trouble.last()
    )
}

/// The mark that is kept; where there is none, or an operator has decided, that of the log as it is.
async fn first_mark(
    log: &EventLog,
    marks: &Marks,
    decision: Decision,
) -> Result<Option<Mark>, StartError> {
    let is_decided = decision.begin_anew || decision.accept_end.is_some();
    if !is_decided && let Some(mark) = marks.read().await? {
        return Ok(Some(mark));
    }
    let last = log.status().await?.last_sequence.0;
    // The very last event may be damaged; any other near the end does as well.
    for sequence in (1..=last).rev().take(usize::try_from(MARK_WITHIN)?) {
        let sequence = Sequence(sequence);
        if let Some(entry) = log.entry(sequence).await? {
            let mark = Mark::new(log.identity(), sequence, entry.hash());
            marks.replace(mark.clone()).await?;
            return Ok(Some(mark));
        }
    }
    let empty = Mark::new(
        log.identity(),
        Sequence(0),
        assent_contract::event_hash::EventHash::NONE,
    );
    marks.replace(empty.clone()).await?;
    Ok(Some(empty))
}

#[cfg(test)]
mod tests;
