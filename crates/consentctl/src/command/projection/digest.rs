//! `projection digest`.

use std::collections::BTreeMap;

use assent_contract::replica::ReplicaDigest;
use assent_messaging::Connection;
use futures::future::join_all;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::output::Output;
use crate::projection::QueryError;
use crate::replicas;

/// How often they are asked until all are of one sequence.
const ROUNDS: usize = 4;
/// How far beyond the furthest view they meet, so that all of them are asked before one is there.
const LEAD: u64 = 2_000;

/// A replica as it is shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Told {
    Digest(ReplicaDigest),
    Nothing { instance: String, error: String },
}

pub(crate) async fn run(
    connection: &Connection,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let replicas = replicas::statuses(connection).await?;
    let instances: Vec<_> = replicas
        .into_iter()
        .map(|replica| replica.instance)
        .collect();
    let told = until_of_one_sequence(connection, &instances).await;
    let found = differ(&told) || told.iter().any(|told| matches!(told, Told::Nothing { .. }));
    if output.is_json() {
        output.document(&told)?;
        return Ok(Outcome::finding_if(found));
    }
    for told in &told {
        output.line(&match told {
            Told::Digest(digest) => format!(
                "{}  event {}  {}",
                digest.instance, digest.sequence, digest.digest
            ),
            Told::Nothing { instance, error } => format!("{instance}  {error}"),
        })?;
    }
    output.line("")?;
    output.line(verdict(&told))?;
    Ok(Outcome::finding_if(found))
}

/// While the log grows, views are read at different sequences. So they are asked for one that none has reached;
/// where the log then stops growing, they are all at its end.
async fn until_of_one_sequence(connection: &Connection, instances: &[String]) -> Vec<Told> {
    let mut told = Vec::new();
    let mut at = None;
    for _ in 0..ROUNDS {
        let asked = instances.iter().map(|instance| async move {
            match replicas::digest(connection, instance, at).await {
                Ok(digest) => Ok(Told::Digest(digest)),
                // The log did not get there, or got further.
                Err(QueryError::NotYetApplied | QueryError::Gone(_)) if at.is_some() => Err(()),
                Err(error) => Ok(Told::Nothing {
                    instance: instance.clone(),
                    error: error.to_line(),
                }),
            }
        });
        let answers: Result<Vec<_>, ()> = join_all(asked).await.into_iter().collect();
        at = None;
        let Ok(answers) = answers else { continue };
        told = answers;
        let (first, last) = (
            digests(&told).map(|digest| digest.sequence).min(),
            furthest(&told),
        );
        if first == last {
            break;
        }
        at = last.map(|last| last.saturating_add(LEAD));
    }
    told
}

fn digests(told: &[Told]) -> impl Iterator<Item = &ReplicaDigest> {
    told.iter().filter_map(|told| match told {
        Told::Digest(digest) => Some(digest),
        Told::Nothing { .. } => None,
    })
}

fn furthest(told: &[Told]) -> Option<u64> {
    digests(told).map(|digest| digest.sequence).max()
}

/// Whether two of them say different things of the same events.
fn differ(told: &[Told]) -> bool {
    let mut seen = BTreeMap::new();
    digests(told).any(|it| {
        let place = (&it.stream_created, it.sequence);
        *seen.entry(place).or_insert(&it.digest) != &it.digest
    })
}

fn verdict(told: &[Told]) -> &'static str {
    let of_one_sequence = digests(told).map(|digest| digest.sequence).min() == furthest(told);
    if differ(told) {
        "They differ: at least one view is not what the log adds up to. consentctl verify says which."
    } else if told.iter().any(|told| matches!(told, Told::Nothing { .. })) {
        "Not all could tell."
    } else if of_one_sequence {
        "They hold the same."
    } else {
        "They are of different sequences, as the log grows: nothing can be compared. Try again."
    }
}

#[cfg(test)]
mod tests {
    use assent_contract::replica::ReplicaDigest;

    use super::{Told, differ, verdict};

    fn at(sequence: u64, digest: &str) -> Told {
        Told::Digest(ReplicaDigest {
            instance: format!("{sequence}-{digest}"),
            sequence,
            digest: digest.to_owned(),
            root: "root".to_owned(),
            stream_created: "then".to_owned(),
        })
    }

    #[test]
    fn only_digests_of_one_sequence_differ() {
        for (told, differs, says) in [
            (vec![at(5, "a"), at(5, "a")], false, "They hold the same."),
            (vec![at(5, "a"), at(6, "b")], false, "different sequences"),
            (
                vec![at(5, "a"), at(6, "b"), at(5, "c")],
                true,
                "They differ",
            ),
        ] {
            assert_eq!(differ(&told), differs, "{told:?}");
            assert!(verdict(&told).contains(says), "{told:?}");
        }
    }
}
