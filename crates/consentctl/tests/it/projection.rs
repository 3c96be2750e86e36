//! `projection`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assent_contract::names::{REPLICA_ACCEPT_LOG, REPLICA_DIGEST, REPLICA_STATUS, of_replica};
use assent_contract::replica::{
    DigestQuery, LogCheckResult, LogCheckStatus, RebuildProgress, ReplicaDigest, ReplicaState,
    ReplicaStatus,
};
use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use assent_messaging::{Endpoint, ServiceDefinition, ServiceError, serve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fixture::{PATIENCE, connect, program, run};

pub(crate) fn status(instance: &str, state: ReplicaState) -> ReplicaStatus {
    ReplicaStatus {
        instance: instance.to_owned(),
        host: Some("host-1".to_owned()),
        directory: "/var/lib/assent".to_owned(),
        version: "1.2.3".to_owned(),
        state,
        applied_sequence: 118,
        stream_last_sequence: 120,
        lag: 2,
        stream_created: Some("then".to_owned()),
        accounts: 1,
        users: 7,
        blocked: 0,
        held: 0,
        orphans: 0,
        bytes_on_disk: 512 * 1024,
        schema_version: Some(3),
        fold_version: Some(2),
        root: Some("zX2C".to_owned()),
        log_check: LogCheckStatus {
            result: LogCheckResult::Same,
            through: 118,
            server: Some("nats-1".to_owned()),
            checks: 1,
            ..LogCheckStatus::default()
        },
        rebuilding: None,
    }
}

/// Serves one replica that holds users back until it is told that the log is right.
async fn holding(server: &NatsServer, status: ReplicaStatus, held: u64) {
    let connection = connect(server, NatsUser::Projection).await;
    let left = Arc::new(AtomicU64::new(held));
    let released = Arc::clone(&left);
    let subject = of_replica(REPLICA_ACCEPT_LOG, &status.instance);
    let endpoints = vec![
        Endpoint::new("status", REPLICA_STATUS, move |_| {
            let held = left.load(Ordering::SeqCst);
            let status = ReplicaStatus {
                held,
                ..status.clone()
            };
            let status = serde_json::to_vec(&status).unwrap();
            async move { Ok(status) }
        })
        .for_every_replica(),
        Endpoint::new("accept-log", subject, move |_| {
            released.store(0, Ordering::SeqCst);
            let answer = serde_json::to_vec(&LogCheckStatus::default()).unwrap();
            async move { Ok(answer) }
        }),
    ];
    let definition = ServiceDefinition {
        name: "consent-projection-replica",
        version: "1.2.3",
        description: "stands in",
    };
    tokio::spawn(async move {
        serve(
            &connection,
            definition,
            endpoints,
            8,
            CancellationToken::new(),
        )
        .await
    });
}

/// Serves one replica, whose view goes on whenever it is asked for a digest.
async fn replica(
    server: &NatsServer,
    status: ReplicaStatus,
    begins_at: u64,
    digest: &'static str,
) -> CancellationToken {
    let connection = connect(server, NatsUser::Projection).await;
    let instance = status.instance.clone();
    let applied = Arc::new(AtomicU64::new(begins_at));
    let subject = of_replica(REPLICA_DIGEST, &instance);
    let endpoints = vec![
        Endpoint::new("status", REPLICA_STATUS, move |_| {
            let status = serde_json::to_vec(&status).unwrap();
            async move { Ok(status) }
        })
        .for_every_replica(),
        Endpoint::new("digest", subject, move |request| {
            let query: DigestQuery = serde_json::from_slice(&request.payload).unwrap();
            let (instance, applied) = (instance.clone(), Arc::clone(&applied));
            async move {
                let sequence = match query.at {
                    Some(at) => at,
                    None => applied.fetch_add(3, Ordering::SeqCst),
                };
                if digest.is_empty() {
                    return Err(ServiceError {
                        status: 503,
                        code: "view_not_ready".to_owned(),
                        body: Vec::new(),
                    });
                }
                let told = ReplicaDigest {
                    instance,
                    sequence,
                    digest: format!("{digest}{sequence}"),
                    root: "zX2C".to_owned(),
                    stream_created: "then".to_owned(),
                };
                Ok(serde_json::to_vec(&told).unwrap())
            }
        }),
    ];
    let definition = ServiceDefinition {
        name: "consent-projection-replica",
        version: "1.2.3",
        description: "stands in",
    };
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move { serve(&connection, definition, endpoints, 8, stopped).await });
    stop
}

pub(crate) async fn all_answer(server: &NatsServer, how_many: usize) {
    let operator = connect(server, NatsUser::Operator).await;
    let quiet = std::time::Duration::from_millis(500);
    let answering = wait_for(PATIENCE, async || {
        let answers = operator.request_all(REPLICA_STATUS, Vec::new(), PATIENCE, quiet);
        answers
            .await
            .ok()
            .filter(|answers| answers.len() == how_many)
    });
    answering.await.unwrap();
}

async fn consentctl(server: &NatsServer, arguments: &[&str]) -> crate::fixture::Ran {
    let mut command = program(arguments);
    command.envs(server.environment(NatsUser::Operator));
    run(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_is_shown_and_one_that_cant_answer_is_a_finding() {
    let server = NatsServer::start().await.unwrap();
    let ran = consentctl(&server, &["projection", "status"]).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(
        ran.err.contains("the projection is not reachable"),
        "{ran:?}"
    );

    replica(&server, status("a", ReplicaState::Serving), 118, "x").await;
    all_answer(&server, 1).await;
    let ran = consentctl(&server, &["projection", "status"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    Projection a on host-1
      state      answers queries
      log        event 118 of 120 applied, 2 events to go
      compared   the log is what the view was built from, up to event 118
      root       zX2C
      view       1 account, 7 users, 0 blocked
      on disk    512 KiB in /var/lib/assent; schema 3, fold 2
      program    projection 1.2.3
    ");

    let mut building = status("b", ReplicaState::Rebuilding);
    building.rebuilding = Some(RebuildProgress {
        through: 5,
        of: 120,
    });
    replica(&server, building.clone(), 0, "").await;
    all_answer(&server, 2).await;
    let ran = consentctl(&server, &["projection", "status"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("builds its view: event 5 of 120"),
        "{ran:?}"
    );
    let ran = consentctl(&server, &["projection", "status", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        shown,
        json!({"replicas": [status("a", ReplicaState::Serving), building]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_what_a_view_was_built_from_is_a_finding() {
    for (result, at, says) in [
        (
            LogCheckResult::Missing,
            Some(7),
            "the log on server nats-1 gives no event 7",
        ),
        (
            LogCheckResult::Different,
            Some(7),
            "has another event 7 than",
        ),
        (
            LogCheckResult::Different,
            None,
            "has another event up to 118 than",
        ),
    ] {
        let server = NatsServer::start().await.unwrap();
        let mut status = status("a", ReplicaState::Serving);
        status.log_check.result = result;
        status.log_check.at = at;
        replica(&server, status, 118, "x").await;
        all_answer(&server, 1).await;
        let ran = consentctl(&server, &["projection", "status"]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.out.contains(says), "{says}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_held_back_are_let_go_by_whoever_says_so() {
    let server = NatsServer::start().await.unwrap();
    holding(&server, status("a", ReplicaState::Serving), 3).await;
    all_answer(&server, 1).await;
    let ran = consentctl(&server, &["projection", "status"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("3 of them held back"), "{ran:?}");
    // There is nobody to ask at this terminal.
    let ran = consentctl(&server, &["projection", "accept-log"]).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    let ran = consentctl(&server, &["projection", "accept-log", "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("folds 3 users anew from the log"),
        "{ran:?}"
    );
    let ran = consentctl(&server, &["projection", "accept-log"]).await;
    assert_eq!(
        (ran.code, ran.out.trim()),
        (Some(0), "Nobody is held back.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_compared_at_one_sequence() {
    let server = NatsServer::start().await.unwrap();
    replica(&server, status("a", ReplicaState::Serving), 118, "x").await;
    // Ahead, by a log that grows while it is asked.
    replica(&server, status("b", ReplicaState::Serving), 119, "x").await;
    all_answer(&server, 2).await;
    let ran = consentctl(&server, &["projection", "digest", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["sequence"], told[1]["sequence"]);
    assert_eq!(told[0]["digest"], told[1]["digest"]);

    let third = replica(&server, status("c", ReplicaState::Serving), 118, "y").await;
    all_answer(&server, 3).await;
    let ran = consentctl(&server, &["projection", "digest"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("They differ"), "{ran:?}");

    // One that can't tell is a finding, and hides nothing of the others.
    third.cancel();
    all_answer(&server, 2).await;
    replica(&server, status("d", ReplicaState::Withheld), 0, "").await;
    all_answer(&server, 3).await;
    let ran = consentctl(&server, &["projection", "digest", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told[2]["instance"], "d");
    assert!(
        told[2]["error"]
            .as_str()
            .unwrap()
            .contains("view_not_ready"),
        "{told}"
    );
    assert!(told[0]["digest"].is_string());
}
