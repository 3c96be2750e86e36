//! What happened to one account or user, in order, and what it comes to.

use std::sync::Arc;

use assent_contract::codec::DecodedEvent;
use assent_contract::event_hash::{self, ChainLink, EventHash};
use assent_contract::operation::VoidRecord;
use assent_domain::account::{AccountState, IllegalEvent};
use assent_domain::event::Event;
use assent_domain::ids::Sequence;
use assent_domain::user::UserState;

/// Where an aggregate ends: what the next event is appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The place of the last message on its subject, be it void; 0 if there is none yet. The server
    /// holds the next append against it.
    pub sequence: Sequence,
    /// The hash of the last event: a void message is nobody's predecessor.
    pub hash: EventHash,
}

impl Tail {
    /// No event yet.
    pub const EMPTY: Self = Self {
        sequence: Sequence(0),
        hash: EventHash::NONE,
    };
}

/// One event of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The event's sequence in the log.
    pub sequence: Sequence,
    /// The event, with what is recorded beside it.
    pub decoded: DecodedEvent,
    /// The event's hash, which the next one names.
    pub hash: EventHash,
}

/// All events of an aggregate, in order, folded. Its default is that of an aggregate that nothing has happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    events: Vec<Arc<RecordedEvent>>,
    /// The messages between the events that are void, in order.
    pub voids: Vec<VoidRecord>,
    /// What the next event is to be appended to.
    pub tail: Tail,
    /// Which of the events were recorded while the log was damaged, without knowing of those
    /// between the one they name and themselves. Each of them took something away.
    pub past_damage: Vec<Sequence>,
    state: Result<Folded, IllegalEvent>,
}

/// What the events come to. The first one tells whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Folded {
    Nothing,
    Account(AccountState),
    User(UserState),
}

impl Folded {
    fn evolve(self, sequence: Sequence, event: &Event) -> Result<Self, IllegalEvent> {
        match (self, event) {
            (Self::Nothing, Event::ModeChanged(_) | Event::AdminConsentGranted(_)) => {
                Self::Account(AccountState::default()).evolve(sequence, event)
            }
            (Self::Nothing, Event::UserScopeGranted(_) | Event::UserScopeRevoked(_)) => {
                Self::User(UserState::default()).evolve(sequence, event)
            }
            (Self::Account(state), event) => state.evolve(sequence, event).map(Self::Account),
            (Self::User(state), event) => state.evolve(sequence, event).map(Self::User),
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            voids: Vec::new(),
            tail: Tail::EMPTY,
            past_damage: Vec::new(),
            state: Ok(Folded::Nothing),
        }
    }
}

impl History {
    /// The events, the oldest first.
    pub fn events(&self) -> &[Arc<RecordedEvent>] {
        &self.events
    }

    /// The event with this sequence, if it is one of these.
    pub fn find(&self, sequence: Sequence) -> Option<&RecordedEvent> {
        let found = self
            .events
            .binary_search_by_key(&sequence, |event| event.sequence);
        self.events.get(found.ok()?).map(AsRef::as_ref)
    }

    /// What the events of an account come to.
    pub fn account_state(&self) -> Result<AccountState, IllegalEvent> {
        match self.state.clone()? {
            Folded::Account(state) => Ok(state),
            Folded::Nothing => Ok(AccountState::default()),
            Folded::User(_) => Err(IllegalEvent::WrongAggregate),
        }
    }

    /// What the events of a user come to.
    pub fn user_state(&self) -> Result<UserState, IllegalEvent> {
        match self.state.clone()? {
            Folded::User(state) => Ok(state),
            Folded::Nothing => Ok(UserState::default()),
            Folded::Account(_) => Err(IllegalEvent::WrongAggregate),
        }
    }

    /// How many messages there are: the server counts them, be they void.
    pub(crate) fn found(&self) -> u64 {
        let found = self.events.len().saturating_add(self.voids.len());
        u64::try_from(found).unwrap_or(u64::MAX)
    }

    /// How many of these are not after a sequence.
    pub(crate) fn found_through(&self, last: Sequence) -> u64 {
        let events = self.events.partition_point(|event| event.sequence <= last);
        let voids = self.voids.partition_point(|void| void.sequence <= last.0);
        u64::try_from(events.saturating_add(voids)).unwrap_or(u64::MAX)
    }

    /// The place of the last event; 0 if there is none. What is void after it says nothing of what
    /// came between.
    pub(crate) fn last_event(&self) -> Sequence {
        let last = self.events.last();
        last.map_or(Sequence(0), |event| event.sequence)
    }

    /// The hash of the last message, be it void.
    pub(crate) fn last_hash(&self) -> EventHash {
        let void = self.voids.last();
        let void = void.filter(|void| self.last_event().0 < void.sequence);
        void.map_or(self.tail.hash, |void| void.hash)
    }

    /// How an event would be tied to these; `None`: not at all.
    pub(crate) fn link(&self, event: &RecordedEvent) -> Option<ChainLink> {
        let before = self.events.iter().map(|event| event.hash);
        let previous = event.decoded.metadata.previous;
        event_hash::chain_link(&event.decoded.event, previous, before)
    }

    pub(crate) fn add(&mut self, event: Arc<RecordedEvent>) {
        self.tail = Tail {
            sequence: event.sequence,
            hash: event.hash,
        };
        let state = std::mem::replace(&mut self.state, Ok(Folded::Nothing));
        self.state = state.and_then(|state| state.evolve(event.sequence, &event.decoded.event));
        self.events.push(event);
    }

    pub(crate) fn pass_over(&mut self, void: VoidRecord) {
        self.tail.sequence = Sequence(void.sequence);
        self.voids.push(void);
    }
}

impl FromIterator<Arc<RecordedEvent>> for History {
    fn from_iter<T: IntoIterator<Item = Arc<RecordedEvent>>>(events: T) -> Self {
        let mut history = Self::default();
        events.into_iter().for_each(|event| history.add(event));
        history
    }
}
