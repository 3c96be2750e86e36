//! Following the log while servers fail and disks lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{AppendError, EventLog, FollowError, Tail};

use crate::world::{PATIENCE, append, connect, draft, sequences, server_with_log, take};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_server_is_killed_and_restarted() {
    let (mut server, log) = server_with_log().await;
    let mut follow = log.follow(Sequence(0));
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            for number in 0..400 {
                let draft = draft(&format!("user-{number}"));
                while let Err(error) = log.append(Tail::EMPTY, vec![draft.clone()]).await {
                    assert!(
                        matches!(
                            error,
                            AppendError::NotReachable | AppendError::OutcomeUnknown { .. }
                        ),
                        "{error:?}"
                    );
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    });

    let mut seen = sequences(&take(&mut follow, 50).await);
    server.restart().await.unwrap();
    seen.extend(sequences(&take(&mut follow, 150).await));
    server.restart().await.unwrap();
    seen.extend(sequences(&take(&mut follow, 200).await));

    writer.await.unwrap();
    assert_eq!(seen, (1..=400).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_before_the_first_delivery_does_not_begin_anew() {
    let (mut server, log) = server_with_log().await;
    append(&log, "ana", 5).await;
    let mut follow = log.follow(Sequence(5));
    let wait = Duration::from_millis(200);
    assert!(follow.next_batch(10, wait).await.unwrap().is_empty());

    server.restart().await.unwrap();
    let connection = connect(&server.url()).await;
    append(&EventLog::open(&connection).await.unwrap(), "ana", 1).await;

    assert_eq!(sequences(&take(&mut follow, 1).await), [6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_goes_on_after_an_outage_longer_than_its_patience() {
    let (mut server, log) = server_with_log().await;
    append(&log, "ana", 1).await;
    let mut follow = log.follow(Sequence(0));
    take(&mut follow, 1).await;

    server.kill();
    for _ in 0..3 {
        let wait = Duration::from_millis(100);
        assert!(follow.next_batch(10, wait).await.unwrap().is_empty());
    }
    server.restart().await.unwrap();
    let connection = connect(&server.url()).await;
    append(&EventLog::open(&connection).await.unwrap(), "ana", 1).await;

    assert_eq!(sequences(&take(&mut follow, 1).await), [2]);
}

/// The server skips a record that does not match its checksum, and says nothing about it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_disk_spoiled_is_a_gap() {
    for spoiled in [3, 5] {
        let (mut server, log) = server_with_log().await;
        append(&log, "ana", 5).await;
        let entry = log.entry(Sequence(spoiled)).await.unwrap().unwrap();
        let id = entry.decode().unwrap().metadata.id.to_string();
        server.stop().await;
        spoil(&server.store_directory(), &id);
        server.restart().await.unwrap();

        let connection = connect(&server.url()).await;
        let log = EventLog::open(&connection).await.unwrap();
        let mut follow = log.follow(Sequence(0));
        let mut seen = Vec::new();
        let noticed = async {
            loop {
                match follow.next_batch(10, PATIENCE).await {
                    Ok(batch) => seen.extend(sequences(&batch)),
                    Err(error) => break error,
                }
            }
        };
        let noticed = tokio::time::timeout(PATIENCE, noticed).await.unwrap();

        assert!(
            matches!(noticed, FollowError::Gap { sequence } if sequence == Sequence(spoiled)),
            "{noticed:?}"
        );
        assert_eq!(seen, (1..spoiled).collect::<Vec<_>>());
    }
}

/// Changes the last digit of an id where it is stored.
fn spoil(store: &Path, id: &str) {
    let mut directories = vec![PathBuf::from(store)];
    let mut spoilt = 0;
    while let Some(directory) = directories.pop() {
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "blk") {
                let mut bytes = std::fs::read(&path).unwrap();
                let places: Vec<_> = bytes
                    .windows(id.len())
                    .enumerate()
                    .filter(|(_, window)| *window == id.as_bytes())
                    .map(|(start, _)| start + id.len() - 1)
                    .collect();
                for place in places {
                    *bytes.get_mut(place).unwrap() ^= 1;
                    spoilt += 1;
                }
                std::fs::write(&path, bytes).unwrap();
            }
        }
    }
    // Once as the event's id, once as the message's.
    assert_eq!(spoilt, 2);
}
