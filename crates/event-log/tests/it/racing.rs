//! Many writers at once.

use std::collections::HashSet;
use std::sync::Arc;

use assent_event_log::{AppendError, EventLog, Tail};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::world::{connect, draft, server_with_log, user};

const WRITERS: usize = 64;
const STEPS: usize = 10;

/// In every step all writers append after the same tail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_writers_exactly_one_wins_each_step() {
    let (server, log) = server_with_log().await;
    let step = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        // Half of them share a connection.
        let log = if writers.len() % 2 == 0 {
            log.clone()
        } else {
            EventLog::open(&connect(&server.url()).await).await.unwrap()
        };
        let step = Arc::clone(&step);
        writers.spawn(async move {
            let mut won = Vec::new();
            for number in 0..STEPS {
                let tail = log.read(&user("ana")).await.unwrap().tail;
                step.wait().await;
                // Every other step appends two events at once.
                let drafts = (0..=number % 2).map(|_| draft("ana")).collect();
                match log.append(tail, drafts).await {
                    Ok(appended) => won.push((number, appended)),
                    Err(AppendError::Conflict) => {}
                    Err(error) => panic!("{error:?}"),
                }
                step.wait().await;
            }
            won
        });
    }

    let mut winners: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    winners.sort_by_key(|(number, _)| *number);
    let steps: Vec<_> = winners.iter().map(|(number, _)| *number).collect();
    assert_eq!(steps, (0..STEPS).collect::<Vec<_>>());

    // Reading checks the chain.
    let history = log.read(&user("ana")).await.unwrap();
    let stored: Vec<_> = history
        .events()
        .iter()
        .map(|event| event.sequence)
        .collect();
    let appended: Vec<_> = winners
        .iter()
        .flat_map(|(_, appended)| appended.sequences.clone())
        .collect();
    assert_eq!(stored, appended);
    assert_eq!(history.tail, winners.last().unwrap().1.tail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_to_many_users_do_not_hinder_each_other() {
    let (_server, log) = server_with_log().await;
    let mut writers = JoinSet::new();
    for number in 0..200 {
        let log = log.clone();
        writers.spawn(async move {
            let draft = draft(&format!("user-{number}"));
            log.append(Tail::EMPTY, vec![draft])
                .await
                .unwrap()
                .sequences
        });
    }

    let sequences: HashSet<_> = writers.join_all().await.into_iter().flatten().collect();

    assert_eq!(sequences.len(), 200);
}
