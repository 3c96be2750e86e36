//! What is kept in NATS: how much room each has, and making what is not there.
//!
//! The log is not made here: a log that is lost is never begun anew in silence. Everything else can be made again, and
//! goes on without what was in it.

mod size;

use std::time::Duration;

use assent_consent_core::{flow, hand_off, session};
use assent_contract::store::Store;
use assent_event_log::{OpenError, StreamSettings, create_or_check_operations};
use assent_messaging::{
    Bucket, BucketError, BucketSettings, ChangeStream, ChangeStreamError, ChangeStreamSettings,
    Connection, JetStreamError,
};
use assent_metrics::gateway::STORES_MADE_ANEW;

use crate::config::StoreMegabytes;

pub(crate) use size::{fit, grow, no_room};

/// How long JetStream may take to describe one.
const DEADLINE: Duration = Duration::from_secs(2);

/// How the stores of this deployment are to be.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    connection: Connection,
    replicas: usize,
    /// What an operator wants; without it those that are there keep their sizes.
    megabytes: Option<StoreMegabytes>,
}

/// Why a store is not there, or not as it must be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error(transparent)]
    JetStream(#[from] JetStreamError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Changes(#[from] ChangeStreamError),
    #[error(transparent)]
    Operations(#[from] OpenError),
    #[error("the event log is never made anew in silence")]
    NeverMadeHere,
}

impl Stores {
    pub(crate) fn new(
        connection: &Connection,
        replicas: usize,
        megabytes: Option<StoreMegabytes>,
    ) -> Self {
        Self {
            connection: connection.clone(),
            replicas,
            megabytes,
        }
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) const fn replicas(&self) -> usize {
        self.replicas
    }

    /// A bucket, which is made where it is not there. `was_there`: it once was, so what was in it is lost.
    pub(crate) async fn bucket(&self, store: Store, was_there: bool) -> Result<Bucket, MakeError> {
        let is_there = self.is_there(store).await?;
        let settings = BucketSettings {
            name: store.name().to_owned(),
            max_age: kept_for(store),
            replicas: self.replicas,
            max_bytes: size::share(self.megabytes.unwrap_or(StoreMegabytes::USUAL), store),
            anew: was_there,
            allow_rollup: true,
        };
        let bucket = Bucket::open_or_create(&self.connection, settings).await?;
        if was_there && !is_there {
            alarm(store);
        }
        Ok(bucket)
    }

    /// Any of them but the log, in the same way.
    pub(crate) async fn make(&self, store: Store, was_there: bool) -> Result<(), MakeError> {
        let is_there = match store {
            Store::Events => return Err(MakeError::NeverMadeHere),
            Store::Flows | Store::Sessions | Store::HandOffs | Store::Observations => {
                return self.bucket(store, was_there).await.map(drop);
            }
            Store::Operations => {
                let is_there = self.is_there(store).await?;
                let settings = StreamSettings {
                    replicas: self.replicas,
                };
                create_or_check_operations(&self.connection, settings).await?;
                is_there
            }
            Store::Changes => {
                let is_there = self.is_there(store).await?;
                let settings = ChangeStreamSettings::consent_changes(self.replicas);
                ChangeStream::create_or_check(&self.connection, settings).await?;
                is_there
            }
        };
        if was_there && !is_there {
            alarm(store);
        }
        Ok(())
    }

    async fn is_there(&self, store: Store) -> Result<bool, JetStreamError> {
        let stream = store.stream();
        let state = self.connection.stream_state(&stream, DEADLINE).await?;
        Ok(state.is_some())
    }
}

/// After how long what is in a bucket disappears by itself.
const fn kept_for(store: Store) -> Duration {
    match store {
        Store::Flows => flow::KEPT_FOR,
        Store::Sessions => session::KEPT_FOR,
        Store::HandOffs => hand_off::KEPT_FOR,
        // What is learnt stays until it is learnt anew.
        Store::Observations | Store::Events | Store::Operations | Store::Changes => Duration::ZERO,
    }
}

fn alarm(store: Store) {
    STORES_MADE_ANEW.with([store.name()]).increment(1);
    tracing::error!(
        operator_alarm = "store_made_anew",
        store = store.name(),
        "{store} was not there and was made anew: {}",
        lost_with(store)
    );
}

/// What it means that one was lost.
const fn lost_with(store: Store) -> &'static str {
    match store {
        Store::Events => "all consents are lost",
        Store::Operations => {
            "messages that were declared void block their accounts again, until they are declared void once more"
        }
        Store::Changes => "the projections tell all that stands anew",
        Store::Flows => "requests that were under way have to be started again",
        Store::Sessions => {
            "whoever has the settings open has to open them again from the application"
        }
        Store::HandOffs => {
            "links for administrators have to be made again; sessions and requests that were under way are over, for some \
             may have been ended"
        }
        Store::Observations => {
            "what was learnt of Microsoft is learnt again, and the mark of the log is written again"
        }
    }
}
