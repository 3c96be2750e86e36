//! Whether each projection's view is what the log adds up to, at the sequence that it told its digest of.
//!
//! The digests are asked for before the log is read, so that the log holds all that they are of. The log is folded as a
//! projection folds it, into a view of its own in a directory that is removed afterwards; at each of these sequences
//! that view's digest is compared.

use std::collections::VecDeque;
use std::error::Error;
use std::mem;
use std::path::Path;

use assent_contract::names::EVENT_STREAM;
use assent_contract::replica::{ReplicaDigest, ReplicaStatus};
use assent_domain::ids::Sequence;
use assent_event_log::EventLog;
use assent_messaging::Connection;
use assent_permission_store::{BulkLoad, Entry, Opened, Source, View};
use futures::future::join_all;
use tokio::task::spawn_blocking;

use super::report::{Check, Verdict};
use super::rows;
use crate::exit::CommandError;
use crate::replicas;

const NAME: &str = "view";
/// How much memory the view's database may use for its cache.
const CACHE: u64 = 64 * 1024 * 1024;
/// How many events are applied at once, once the view is built.
const AT_ONCE: usize = 1024;

/// The views that are to be compared, and the one that is made of the log.
#[derive(Debug)]
pub(super) struct Views<'a> {
    connection: &'a Connection,
    /// What was told and not compared yet, by sequence.
    told: VecDeque<(String, ReplicaDigest)>,
    fold: Fold,
    checks: Vec<Check>,
}

#[derive(Debug)]
enum Fold {
    Loading(Box<BulkLoad>),
    Built(Box<View>),
    /// There is nothing to compare any more, or a message is missing.
    Over,
}

impl<'a> Views<'a> {
    /// Asks each projection for its digest; the log is folded in a directory that holds nothing.
    pub(super) async fn ask(
        connection: &'a Connection,
        log: &EventLog,
        directory: &Path,
    ) -> Result<Self, CommandError> {
        let mut views = Self {
            connection,
            told: VecDeque::new(),
            fold: Fold::Over,
            checks: Vec::new(),
        };
        let replicas = match replicas::statuses(connection).await {
            Ok(replicas) => replicas,
            Err(error @ CommandError::NotReachable(_)) => {
                let says = format!("no projection tells of its view: {}", with_source(&error));
                views.checks.push(Check::new(NAME, Verdict::Unknown, says));
                return Ok(views);
            }
            Err(error) => return Err(error),
        };
        let asked = replicas.iter().map(|replica| async move {
            let digest = replicas::digest(connection, &replica.instance, None).await;
            (name_of(replica), digest)
        });
        let mut told = Vec::new();
        for (name, digest) in join_all(asked).await {
            match digest {
                Ok(digest) if digest.stream_created != log.identity().as_str() => {
                    let says = format!(
                        "{name}: is of another log, created {}",
                        digest.stream_created
                    );
                    views.checks.push(Check::new(NAME, Verdict::Finding, says));
                }
                Ok(digest) => told.push((name, digest)),
                Err(error) => {
                    let says = format!("{name}: {}", error.to_line());
                    views.checks.push(Check::new(NAME, Verdict::Unknown, says));
                }
            }
        }
        told.sort_by_key(|(_, digest)| digest.sequence);
        views.told = told.into();
        if !views.told.is_empty() {
            views.begin(log, directory)?;
        }
        Ok(views)
    }

    fn begin(&mut self, log: &EventLog, directory: &Path) -> Result<(), CommandError> {
        let source = Source {
            stream: EVENT_STREAM.to_owned(),
            created: log.identity().to_string(),
        };
        self.fold = match View::open(directory, &source, CACHE).map_err(failed)? {
            Opened::Fresh { load, .. } => Fold::Loading(load),
            Opened::Resumed(view) => Fold::Built(view),
        };
        Ok(())
    }

    /// Folds the next messages, and compares where a digest is of one of them.
    pub(super) async fn add(&mut self, entries: &[Entry]) -> Result<(), CommandError> {
        let mut rest = entries;
        while let Some(target) = self.target() {
            let through = rest.partition_point(|entry| entry.sequence <= target);
            let (now, later) = rest.split_at(through);
            self.fold(now)?;
            if self.sequence() < target {
                return Ok(());
            }
            self.compare(target).await?;
            rest = later;
        }
        self.fold = Fold::Over;
        Ok(())
    }

    /// The sequence that the next digest is of.
    fn target(&self) -> Option<Sequence> {
        match self.fold {
            Fold::Over => None,
            Fold::Loading(_) | Fold::Built(_) => {
                let next = self.told.front();
                next.map(|(_, digest)| Sequence(digest.sequence))
            }
        }
    }

    fn sequence(&self) -> Sequence {
        match &self.fold {
            Fold::Loading(load) => load.sequence(),
            Fold::Built(view) => view.read().sequence(),
            Fold::Over => Sequence(0),
        }
    }

    fn fold(&mut self, entries: &[Entry]) -> Result<(), CommandError> {
        match &mut self.fold {
            Fold::Loading(load) => load.add(entries).map_err(failed),
            Fold::Built(view) => entries
                .chunks(AT_ONCE)
                .try_for_each(|chunk| view.apply(chunk).map(drop).map_err(failed)),
            Fold::Over => Ok(()),
        }
    }

    /// The view is at this sequence: compares every digest of it.
    async fn compare(&mut self, sequence: Sequence) -> Result<(), CommandError> {
        let fold = mem::replace(&mut self.fold, Fold::Over);
        let worked_out = spawn_blocking(move || {
            let view = match fold {
                Fold::Loading(load) => load.finish().map_err(failed)?,
                Fold::Built(view) => *view,
                Fold::Over => return Ok(None),
            };
            let digest = view.digest().map_err(failed)?;
            let added_up = (digest.to_string(), digest.root().to_string());
            Ok::<_, CommandError>(Some((view, added_up)))
        });
        let Some((view, (digest, root))) = worked_out.await.map_err(failed)?? else {
            return Ok(());
        };
        while let Some((name, told)) = self
            .told
            .pop_front_if(|(_, told)| told.sequence == sequence.0)
        {
            self.checks.push(if told.root != root {
                let says = format!("{name}: at event {sequence} it was made of other messages than the log has");
                Check::new(NAME, Verdict::Finding, says)
            } else if told.digest == digest {
                let rows = view.counts();
                let says = format!(
                    "{name}: event {sequence}, {} accounts and {} users, each as the log adds up to",
                    rows.accounts, rows.users
                );
                Check::new(NAME, Verdict::Ok, says)
            } else {
                let found = rows::differences(self.connection, &told.instance, &view).await;
                let says = format!("{name}: at event {sequence} it is not what the log adds up to");
                match found {
                    Ok(findings) => Check::of_findings(NAME, Some(&says), findings),
                    Err(error) => {
                        let why = format!("{says}; its rows can't be read: {}", error.to_line());
                        Check::new(NAME, Verdict::Finding, why)
                    }
                }
            });
        }
        self.fold = Fold::Built(Box::new(view));
        Ok(())
    }

    /// A message is missing: no view can be made of the log from here on.
    pub(super) fn miss(&mut self) {
        self.fold = Fold::Over;
    }

    /// What came of it; `last` is the log's last message.
    pub(super) fn into_checks(mut self, last: Sequence, missing: Option<u64>) -> Vec<Check> {
        for (name, told) in mem::take(&mut self.told) {
            let through = told.sequence;
            self.checks.push(if last.0 < through {
                let says = format!(
                    "{name}: has applied event {through}, and the log ends with event {last}"
                );
                Check::new(NAME, Verdict::Finding, says)
            } else {
                let missing = missing.unwrap_or_default();
                let says = format!("{name}: can't be compared, as message {missing} is missing");
                Check::new(NAME, Verdict::Unknown, says)
            });
        }
        self.checks
    }
}

fn name_of(replica: &ReplicaStatus) -> String {
    match &replica.host {
        Some(host) => format!("{host}:{}", replica.directory),
        None => replica.directory.clone(),
    }
}

fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> CommandError {
    CommandError::Scratch(error.into())
}

fn with_source(error: &CommandError) -> String {
    assent_service_kit::error_chain::with_sources(error).to_string()
}
