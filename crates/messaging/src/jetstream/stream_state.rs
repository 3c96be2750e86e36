//! How a stream stands: whether it is there, as it was, how full, and what it counts.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::stream::Config;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{AppendOnlyStream, DEADLINE, JetStreamError, differences};
use crate::connection::Connection;

/// In the metadata of a stream: it was created in the place of one that was lost.
pub(crate) const RECREATED: &str = "assent.made-anew";

/// A stream, as its leader describes it.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// How many messages it holds.
    pub messages: u64,
    /// How much space they take, in bytes.
    pub bytes: u64,
    /// How much they may take, in bytes; `None` without a limit.
    pub max_bytes: Option<u64>,
    /// The sequence of the first message that it holds.
    pub first_sequence: u64,
    /// The sequence of the last message that was ever stored in it; 0 if there never was one.
    pub last_sequence: u64,
    /// How many messages between these two the server knows to be gone.
    pub deleted: u64,
    /// When it was created, as the server writes it: no two streams of one name have the same.
    pub created: String,
    /// The server that leads it, by its name, where it says.
    pub leader: Option<String>,
    /// Since when it leads, as the server writes it: one that steps down and is elected again has another time here.
    pub leads_since: Option<String>,
    /// The servers that should have it and that the leader hears nothing of, by their names.
    pub away: Vec<String>,
    config: Config,
}

impl StreamState {
    /// The first setting in which it is not what it was, if there is one. A limit of its size may be another one, but
    /// where there was none there must be none.
    pub fn difference_from(&self, before: &Self) -> Option<String> {
        let mut before_now = before.config.clone();
        if before.max_bytes.is_some() && self.max_bytes.is_some() {
            before_now.max_bytes = self.config.max_bytes;
        }
        self.difference(&before_now)
    }

    /// The first setting in which it is not what is wanted, if there is one.
    pub(crate) fn difference(&self, wanted: &Config) -> Option<String> {
        differences(wanted, &self.config).into_iter().next()
    }

    /// Whether enough servers have it for anything to be written. A leader that lost the others goes on describing the
    /// stream for a while.
    pub fn has_majority(&self) -> bool {
        let there = self.replicas().saturating_sub(self.away.len());
        self.replicas() < there.saturating_mul(2)
    }

    /// On how many servers it is kept.
    pub const fn replicas(&self) -> usize {
        self.config.num_replicas
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it was created in the place of one that was lost.
    pub fn is_recreated(&self) -> bool {
        self.config.metadata.contains_key(RECREATED)
    }
}

/// What a stream counts on one subject. The server does not look at the messages, so it counts those as well that it
/// can't read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectCount {
    /// How many messages the subject has.
    pub messages: u64,
    /// How many sequences of the whole stream, up to the last one, have no message as far as the server knows. It counts
    /// what was there on no subject any more.
    pub missing: u64,
}

/// Some of a stream's subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// The subjects, in order.
    pub subjects: Vec<String>,
    /// Where the next ones begin; `None` after the last.
    pub next: Option<usize>,
}

#[derive(Deserialize)]
struct Description {
    config: Config,
    created: String,
    state: State,
    cluster: Option<Cluster>,
}

/// The part of a description that is there whatever is asked.
#[derive(Deserialize)]
struct Counts {
    state: State,
    /// How many subjects there are in all.
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct State {
    messages: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
    #[serde(default)]
    num_deleted: u64,
    /// Which these are, where that was asked for.
    #[serde(default)]
    deleted: Option<Vec<u64>>,
    /// How many messages each subject has, of those that were asked for.
    #[serde(default)]
    subjects: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    leader_since: Option<String>,
    #[serde(default)]
    replicas: Option<Vec<Peer>>,
}

/// A server that follows the leader.
#[derive(Deserialize)]
struct Peer {
    name: String,
    #[serde(default)]
    offline: bool,
}

impl TryFrom<Description> for StreamState {
    type Error = JetStreamError;

    fn try_from(description: Description) -> Result<Self, JetStreamError> {
        let Description {
            config,
            created,
            state,
            cluster,
        } = description;
        let peers = cluster.iter().flat_map(|cluster| &cluster.replicas);
        let away = peers.flatten().filter(|peer| peer.offline);
        let away = away.map(|peer| peer.name.clone()).collect();
        let leader = cluster.as_ref().and_then(|cluster| cluster.leader.clone());
        let leads_since = cluster
            .as_ref()
            .and_then(|cluster| cluster.leader_since.clone());
        let clustered = cluster.filter(|cluster| cluster.replicas.is_some());
        if clustered.is_some_and(|cluster| cluster.leader.is_none_or(|leader| leader.is_empty())) {
            return Err(JetStreamError::Unavailable {
                description: "the stream has no leader".to_owned(),
            });
        }
        Ok(Self {
            messages: state.messages,
            bytes: state.bytes,
            max_bytes: u64::try_from(config.max_bytes).ok().filter(|max| 0 < *max),
            first_sequence: state.first_seq,
            last_sequence: state.last_seq,
            deleted: state.num_deleted,
            created,
            leader: leader.filter(|leader| !leader.is_empty()),
            leads_since,
            away,
            config,
        })
    }
}

impl Connection {
    /// How a stream stands; `None` when it is not there.
    pub async fn stream_state(
        &self,
        stream: &str,
        deadline: Duration,
    ) -> Result<Option<StreamState>, JetStreamError> {
        match self
            .stream_info::<Description>(stream, &json!({}), deadline)
            .await
        {
            Ok(description) => description.try_into().map(Some),
            Err(JetStreamError::StreamNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a stream that keeps everything, or finds the one of this name, however it is configured.
    pub async fn create_or_find(
        &self,
        wanted: &AppendOnlyStream,
        deadline: Duration,
    ) -> Result<StreamState, JetStreamError> {
        match self.create_stream(&wanted.into(), deadline).await {
            // There is one already that differs; the complaint does not say in what.
            Err(error) if error.is_name_taken() => {
                let found = self.stream_state(wanted.name, deadline).await?;
                found.ok_or(error)
            }
            created => created,
        }
    }

    /// Creates a stream that is not there. One that is there with these settings counts as created.
    pub(crate) async fn create_stream(
        &self,
        config: &Config,
        deadline: Duration,
    ) -> Result<StreamState, JetStreamError> {
        let api = format!("STREAM.CREATE.{}", config.name);
        let created: Description = self.call(&api, config, deadline).await?;
        created.try_into()
    }

    /// Gives a stream another limit of its size, and leaves all else as it is.
    pub(crate) async fn set_max_bytes(
        &self,
        mut config: Config,
        max_bytes: i64,
    ) -> Result<(), JetStreamError> {
        config.max_bytes = max_bytes;
        let api = format!("STREAM.UPDATE.{}", config.name);
        let _updated: serde::de::IgnoredAny = self.call(&api, &config, DEADLINE).await?;
        Ok(())
    }

    /// How many messages a stream counts on a subject, which has no wildcards.
    pub async fn count_messages(
        &self,
        stream: &str,
        subject: &str,
        deadline: Duration,
    ) -> Result<SubjectCount, JetStreamError> {
        let question = json!({ "subjects_filter": subject });
        let Counts { state, .. } = self.stream_info(stream, &question, deadline).await?;
        let before_the_first = state.first_seq.saturating_sub(1);
        Ok(SubjectCount {
            messages: state.subjects.get(subject).copied().unwrap_or(0),
            missing: match state.last_seq {
                0 => 0,
                _ => before_the_first.saturating_add(state.num_deleted),
            },
        })
    }

    /// The last sequence of a stream that has no message, as far as the server knows; 0 if each has one.
    pub async fn last_missing(
        &self,
        stream: &str,
        deadline: Duration,
    ) -> Result<u64, JetStreamError> {
        let question = json!({ "deleted_details": true });
        let Counts { state, .. } = self.stream_info(stream, &question, deadline).await?;
        let deleted = state.deleted.iter().flatten().max().copied();
        let before_the_first = state.first_seq.saturating_sub(1);
        // Where it does not say which, it may be any.
        let any = (state.num_deleted != 0 && deleted.is_none()).then_some(state.last_seq);
        Ok(deleted.or(any).unwrap_or_default().max(before_the_first))
    }

    /// The subjects below `filter` of which a stream holds messages, after the first `offset` of them, as far as one
    /// answer lists them.
    pub async fn subjects(
        &self,
        stream: &str,
        filter: &str,
        offset: usize,
        deadline: Duration,
    ) -> Result<Subjects, JetStreamError> {
        let question = json!({ "subjects_filter": filter, "offset": offset });
        let Counts { state, total } = self.stream_info(stream, &question, deadline).await?;
        let subjects: Vec<_> = state.subjects.into_keys().collect();
        let seen = offset.saturating_add(subjects.len());
        let more = !subjects.is_empty() && seen < total;
        Ok(Subjects {
            subjects,
            next: more.then_some(seen),
        })
    }

    async fn stream_info<T: serde::de::DeserializeOwned>(
        &self,
        stream: &str,
        question: &impl Serialize,
        deadline: Duration,
    ) -> Result<T, JetStreamError> {
        let api = format!("STREAM.INFO.{stream}");
        self.call(&api, question, deadline).await
    }
}
