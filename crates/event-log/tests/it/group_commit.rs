//! Many appends at once go together to the server, and each has an answer of its own.

use std::collections::{HashMap, HashSet};

use assent_dev_stack::NatsServer;
use assent_domain::ids::Sequence;
use assent_event_log::{AppendError, Appended, Draft, EventLog, Tail};
use tokio::task::JoinSet;

use crate::proxy::Proxy;
use crate::world::{PATIENCE, append, connect, draft, raw, server_with_log, user};

type Answers = Vec<(String, Result<Appended, AppendError>)>;

/// Begins all appends at the same moment; the answers, each with its user.
async fn append_at_once(log: &EventLog, appends: Vec<(String, Tail, Vec<Draft>)>) -> Answers {
    let mut all = JoinSet::new();
    for (name, tail, drafts) in appends {
        let log = log.clone();
        all.spawn(async move { (name, log.append(tail, drafts).await) });
    }
    tokio::time::timeout(PATIENCE, all.join_all())
        .await
        .unwrap()
}

fn first_events(prefix: &str, count: usize) -> Vec<(String, Tail, Vec<Draft>)> {
    (0..count)
        .map(|number| format!("{prefix}-{number}"))
        .map(|name| (name.clone(), Tail::EMPTY, vec![draft(&name)]))
        .collect()
}

/// How many messages came in each batch, and how many alone.
async fn batches(server: &NatsServer) -> (HashMap<String, usize>, usize) {
    let stream = raw(server)
        .await
        .get_stream("CONSENT_EVENTS")
        .await
        .unwrap();
    let (mut batches, mut alone) = (HashMap::new(), 0);
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        match message.headers.get("Nats-Batch-Id") {
            Some(batch) => *batches.entry(batch.to_string()).or_default() += 1,
            None => alone += 1,
        }
    }
    (batches, alone)
}

/// The log says what the answers said, of everybody.
async fn every_answer_is_true(log: &EventLog, answers: &Answers) {
    for (name, answer) in answers {
        let history = log.read(&user(name)).await.unwrap();
        let told = answer.as_ref().map(|appended| appended.tail);
        assert_eq!(told.ok(), Some(history.tail), "{name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_another_is_stored_goes_together() {
    let (server, log) = server_with_log().await;

    let answers = append_at_once(&log, first_events("user", 1_000)).await;

    every_answer_is_true(&log, &answers).await;
    let sequences: HashSet<_> = answers
        .iter()
        .flat_map(|(_, answer)| answer.as_ref().unwrap().sequences.clone())
        .collect();
    assert_eq!(sequences, (1..=1_000).map(Sequence).collect());
    let (batches, alone) = batches(&server).await;
    assert!(alone < 500, "{alone} of 1,000 came alone");
    assert!(batches.len() < 250, "{} batches", batches.len());
    assert!(batches.values().all(|size| *size <= 256), "{batches:?}");
}

#[tokio::test]
async fn a_lone_append_is_no_batch_and_waits_for_nobody() {
    let (server, log) = server_with_log().await;

    append(&log, "ana", 3).await;

    assert_eq!(batches(&server).await, (HashMap::new(), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_comes_too_late_fails_alone() {
    let (_server, log) = server_with_log().await;
    append(&log, "late", 1).await;
    let mut appends = first_events("user", 200);
    appends.insert(50, ("late".to_owned(), Tail::EMPTY, vec![draft("late")]));
    appends.insert(150, ("late".to_owned(), Tail::EMPTY, vec![draft("late")]));

    let answers = append_at_once(&log, appends).await;

    let (late, others): (Answers, Answers) =
        answers.into_iter().partition(|(name, _)| name == "late");
    every_answer_is_true(&log, &others).await;
    assert_eq!(others.len(), 200);
    for (_, answer) in late {
        assert!(matches!(answer, Err(AppendError::Conflict)), "{answer:?}");
    }
    assert_eq!(log.read(&user("late")).await.unwrap().events().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_on_one_user_exactly_one_wins_and_nobody_else_suffers() {
    let (_server, log) = server_with_log().await;
    let mut appends = first_events("user", 100);
    appends.extend(first_events("user", 100));

    let answers = append_at_once(&log, appends).await;

    let (won, lost): (Answers, Answers) =
        answers.into_iter().partition(|(_, answer)| answer.is_ok());
    every_answer_is_true(&log, &won).await;
    assert_eq!(won.len(), 100);
    for (name, answer) in lost {
        assert!(
            matches!(answer, Err(AppendError::Conflict)),
            "{name}: {answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_among_others_is_answered_as_the_first_time() {
    let (_server, log) = server_with_log().await;
    let repeated = draft("ana");
    let first = log.append(Tail::EMPTY, vec![repeated.clone()]).await;
    let mut appends = first_events("user", 100);
    // An id that is another event's already.
    let thief = Draft {
        id: repeated.id,
        ..draft("thief")
    };
    appends.insert(50, ("ana".to_owned(), Tail::EMPTY, vec![repeated]));
    appends.insert(60, ("thief".to_owned(), Tail::EMPTY, vec![thief]));

    let answers = append_at_once(&log, appends).await;

    let (thieves, others): (Answers, Answers) =
        answers.into_iter().partition(|(name, _)| name == "thief");
    every_answer_is_true(&log, &others).await;
    let again = others.iter().find(|(name, _)| name == "ana").unwrap();
    assert_eq!(again.1.as_ref().unwrap(), &first.unwrap());
    for (_, answer) in thieves {
        assert!(
            matches!(answer, Err(AppendError::IdInUse { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(log.status().await.unwrap().last_sequence, Sequence(101));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_events_of_one_append_stay_next_to_each_other_among_others() {
    let (_server, log) = server_with_log().await;
    let appends = (0..300)
        .map(|number| format!("user-{number}"))
        .map(|name| {
            let drafts = (0..=name.len() % 3).map(|_| draft(&name)).collect();
            (name, Tail::EMPTY, drafts)
        })
        .collect();

    let answers = append_at_once(&log, appends).await;

    every_answer_is_true(&log, &answers).await;
    for (_, answer) in answers {
        let sequences = answer.unwrap().sequences;
        assert!(
            sequences.windows(2).all(|two| two[0].0 + 1 == two[1].0),
            "{sequences:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_too_large_hinders_no_other() {
    let (_server, log) = server_with_log().await;
    let mut large = draft("large");
    large.traceparent = Some("x".repeat(2 << 20));
    let mut appends = first_events("user", 100);
    appends.insert(50, ("large".to_owned(), Tail::EMPTY, vec![large]));

    let answers = append_at_once(&log, appends).await;

    let (large, others): (Answers, Answers) =
        answers.into_iter().partition(|(name, _)| name == "large");
    every_answer_is_true(&log, &others).await;
    for (_, answer) in large {
        assert!(matches!(answer, Err(AppendError::TooLarge)), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_acknowledgement_is_lost_is_found_in_the_log() {
    let (server, log) = server_with_log().await;
    let proxy = Proxy::before(&server).await;
    let far = EventLog::open(&connect(&proxy.url()).await).await.unwrap();
    proxy.swallow();
    let appending =
        tokio::spawn(async move { append_at_once(&far, first_events("user", 100)).await });
    let stored = async {
        while log.status().await.unwrap().last_sequence < Sequence(100) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    proxy.cut();

    let answers = appending.await.unwrap();

    every_answer_is_true(&log, &answers).await;
}

/// What was not sent is never stored; what may be, is stored once or not at all; and there is an end to what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_silent_the_answers_stay_true_and_the_queue_is_bounded() {
    let (server, log) = server_with_log().await;
    let proxy = Proxy::before(&server).await;
    let far = EventLog::open(&connect(&proxy.url()).await).await.unwrap();
    proxy.swallow();

    let answers = append_at_once(&far, first_events("user", 12_000)).await;
    proxy.cut();

    let mut not_sent = 0;
    for (name, answer) in answers {
        match answer {
            Err(AppendError::NotReachable) => {
                not_sent += 1;
                if not_sent % 100 == 0 {
                    assert_eq!(log.read(&user(&name)).await.unwrap().events(), [], "{name}");
                }
            }
            Err(AppendError::OutcomeUnknown { .. }) => {
                assert!(log.read(&user(&name)).await.unwrap().events().len() <= 1);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(12_000 - 8_192 <= not_sent, "{not_sent}");
}
