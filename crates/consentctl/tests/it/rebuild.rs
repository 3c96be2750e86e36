//! `projection rebuild`, with stand-ins for the projections: what is said, and what happens when one goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_contract::names::{REPLICA_STATUS, rebuild_view};
use assent_contract::rebuild::RebuildView;
use assent_contract::replica::ReplicaState;
use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use assent_messaging::{Endpoint, ServiceDefinition, ServiceError, serve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fixture::{PATIENCE, connect, program, run};
use crate::projection::{all_answer, status};

const ID: &str = "01a20b42-4bd2-775a-b59c-b5804680bb4e";

fn report(instance: &str, more: &Value) -> Value {
    let mut report = json!({
        "instance": instance, "rebuild_id": ID, "dry_run": false, "joined": false, "attempt": 1, "stage": "folding",
        "events_folded": 0, "events_total": 20, "rows_compared": 0,
    });
    let more = more.as_object().unwrap().clone();
    report.as_object_mut().unwrap().extend(more);
    report
}

/// A stand-in for a replica.
struct Replica {
    asked: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Replica {
    /// Goes away once it has told how its rebuild is.
    async fn leave_when_asked(self) {
        let asked = async || (0 < self.asked.load(Ordering::SeqCst)).then_some(());
        wait_for(PATIENCE, asked).await.unwrap();
        self.stop.cancel();
    }
}

/// A replica that answers what is asked of its rebuild with one report after another, the last one again and again.
async fn replica(server: &NatsServer, instance: &'static str, reports: Vec<Value>) -> Replica {
    let connection = connect(server, NatsUser::Projection).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let told = serde_json::to_vec(&status(instance, ReplicaState::Serving)).unwrap();
    let endpoints = vec![
        Endpoint::new("status", REPLICA_STATUS, move |_| {
            let told = told.clone();
            async move { Ok(told) }
        })
        .for_every_replica(),
        Endpoint::new("rebuild-view", rebuild_view(instance), move |request| {
            let command: RebuildView = serde_json::from_slice(&request.payload).unwrap();
            let number = counted
                .fetch_add(1, Ordering::SeqCst)
                .min(reports.len() - 1);
            let report = reports.get(number).unwrap();
            let answer = if command.rebuild_id.is_some() && report["unknown"] == true {
                Err(ServiceError {
                    status: 410,
                    code: "gone".to_owned(),
                    body: Vec::new(),
                })
            } else {
                Ok(serde_json::to_vec(report).unwrap())
            };
            async move { answer }
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
    Replica { asked, stop }
}

async fn rebuild(server: &NatsServer, arguments: &[&str]) -> crate::fixture::Ran {
    let arguments = [&["projection", "rebuild"], arguments].concat();
    let mut command = program(&arguments);
    command.envs(server.environment(NatsUser::Operator));
    run(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_and_why_it_is_refused_is_said() {
    let server = NatsServer::start().await.unwrap();
    let nobody = rebuild(&server, &["--yes"]).await;
    assert_eq!(nobody.code, Some(69), "{nobody:?}");

    let comparison = json!({
        "sequence": 20, "rows": 8, "different": 2, "users_gaining": 1, "users_losing": 0,
        "first": [{"account_id": "acme", "user_id": "ana", "fields": [
            {"field": "own", "served": "nothing", "rebuilt": "calendar"},
            {"field": "blocked_at", "served": "7", "rebuilt": null},
        ]}],
    });
    let refused = json!({"stage": "ended", "outcome": {
        "result": "refused", "reason": "log_lost_events", "detail": "message 7 is another one", "comparison": comparison,
    }});
    let reports = vec![
        report("a", &json!({})),
        report("a", &json!({"events_folded": 20})),
        report(
            "a",
            &json!({"stage": "comparing", "trouble": "the stream can't be read"}),
        ),
        report("a", &refused),
    ];
    replica(&server, "a", reports).await;
    all_answer(&server, 1).await;
    let ran = rebuild(&server, &["--yes"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    Projection a on host-1 builds its view anew, and puts it in the place of what is served (rebuild 01a20b42-4bd2-775a-b59c-b5804680bb4e)
      folded 0 of 20 events
      waits: the stream can't be read
      compared 8 rows as of event 20: 2 differ; 1 user would gain a permission, 0 lose one
        acme/ana: own is served as nothing, the log says calendar
        acme/ana: blocked_at is served as 7, the log says none
        and 1 more
      REFUSED: message 7 is another one
      what is served is as it was; run consentctl doctor: the log is not what it was, and may have to be restored from a backup (deploy/README.md)
    ");
    let unknown = rebuild(&server, &["--yes", "--replica", "b"]).await;
    assert_eq!(unknown.code, Some(64), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_followed_to_where_it_goes_on() {
    let server = NatsServer::start().await.unwrap();
    let first = replica(&server, "a", vec![report("a", &json!({}))]).await;
    all_answer(&server, 1).await;
    let mut command = program(&["projection", "rebuild", "--yes", "--json"]);
    command.envs(server.environment(NatsUser::Operator));
    let running = tokio::spawn(run(command));
    // The projection is killed, and started again under another name.
    first.leave_when_asked().await;
    let swapped = json!({"stage": "ended", "attempt": 2, "joined": true, "outcome": {
        "result": "swapped", "sequence": 21,
        "comparison": {"sequence": 20, "rows": 8, "different": 0, "users_gaining": 0, "users_losing": 0, "first": []},
    }});
    replica(
        &server,
        "another",
        vec![report("another", &json!({"unknown": true}))],
    )
    .await;
    replica(&server, "b", vec![report("b", &swapped)]).await;
    let ran = running.await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ended: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ended["rebuilds"][0]["instance"], "b");
    assert_eq!(ended["rebuilds"][0]["outcome"]["sequence"], 21);
}
