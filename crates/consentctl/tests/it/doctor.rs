//! `doctor`.

use assent_contract::names::{FLOW_BUCKET, GATEWAY_SERVICE, SESSION_BUCKET};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_domain::permissions::PermissionSet;
use assent_messaging::{ChangeStream, Connection};
use serde_json::json;

use crate::fake_service::FakeService;
use crate::fixture::{
    BUCKET_BYTES, Fixture, PATIENCE, SENDING, bucket, connect, granted, program, run,
};

#[tokio::test(flavor = "multi_thread")]
async fn with_everything_there_all_is_well() {
    let fixture = Fixture::start().await;
    fixture.record([granted("globex", "ana", SENDING)]).await;
    let _projection = FakeService::start(&fixture, PermissionSet::NOTHING).await;
    let _gateway =
        FakeService::serve(&fixture, NatsUser::Gateway, GATEWAY_SERVICE, Vec::new()).await;

    let ran = fixture.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = blur(&ran.out, &fixture.server.url());
    insta::assert_snapshot!(told, @r"
    ok       nats                 connected to URL
    ok       server version       nats-server VERSION
    ok       clock                nats-server's is 0 s ahead
    ok       jetstream            7 streams
    ok       CONSENT_EVENTS       as it must be, created THEN
    ok       sequences            1 event, none missing by the server's count
    ok       every event          1 event read, each is there
    ok       CONSENT_CHANGES      as it must be
    ok       changes              none told yet
    ok       CONSENT_OPERATIONS   0 records, 0 MiB
    ok       CONSENT_FLOWS        0 values, 0 of 1 MiB
    ok       CONSENT_SESSIONS     0 values, 0 of 1 MiB
    ok       CONSENT_HAND_OFFS    0 values, 0 of 1 MiB
    ok       CONSENT_OBSERVATIONS 0 values, 0 of 1 MiB
    ok       space                enough; the fullest is CONSENT_SESSIONS at 0 %; in all 1 MiB used and 4 MiB reserved
    ok       projection           consent-projection 1.2.3 answers
    ok       blocked              nobody
    ok       projection lag       none, at event 1
    ok       gateway              consent-gateway 1.2.3 answers
    ok       microsoft            the gateway has nothing to complain of
    ok       custody              no token broker was ever started: refresh tokens are not used

    All is well.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fills_is_a_finding_and_named() {
    let fixture = Fixture::start().await;
    let part_bytes = usize::try_from(BUCKET_BYTES / 100).unwrap();
    let fill = async |name: &str, percent: usize| {
        let bucket = bucket(&fixture.gateway, name).await;
        // No message may be larger than the server's limit.
        for part in 0..percent {
            let value = vec![b'x'; part_bytes];
            bucket.create(&format!("part-{part}"), value).await.unwrap();
        }
    };
    let space = async || {
        let ran = fixture.run(&["doctor"]).await;
        let line = ran.out.lines().find(|line| line.contains(" space "));
        line.unwrap().to_owned()
    };
    fill(SESSION_BUCKET, 50).await;
    let line = space().await;
    assert!(line.starts_with("ok "), "{line}");
    assert!(
        line.contains("the fullest is CONSENT_SESSIONS at 50 %"),
        "{line}"
    );

    fill(FLOW_BUCKET, 85).await;
    let line = space().await;
    assert!(line.starts_with("PROBLEM "), "{line}");
    assert!(line.contains("CONSENT_FLOWS is 85 % full"), "{line}");
    assert!(!line.contains("CONSENT_SESSIONS"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_do_not_agree_with_the_log_are_findings() {
    let fixture = Fixture::start().await;
    fixture.record([granted("globex", "ana", SENDING)]).await;
    let projection = connect(&fixture.server, NatsUser::Projection).await;
    let log = format!("CONSENT_EVENTS@{}", fixture.log.identity());
    let entry = fixture.log.entry(Sequence(1)).await.unwrap().unwrap();
    let hash = entry.hash().to_string();
    let body = |log: &str, sequence: u64| {
        json!({"account_id": "globex", "user_id": "ana", "method": "user_individual",
            "effective": {"calendar": true, "contacts": false, "email": "limited"},
            "sequence": sequence, "log": log})
    };
    let other = "CONSENT_EVENTS@another";
    let cases = [
        (log.as_str(), 1, hash.as_str(), None, "told up to event 1"),
        (
            other,
            1,
            &hash,
            None,
            "told of another log: CONSENT_EVENTS@another",
        ),
        (
            &log,
            9,
            &hash,
            None,
            "told up to event 9, and the log ends with event 1",
        ),
        (
            &log,
            1,
            "another",
            None,
            "told of another event 1 than the log has",
        ),
        (
            &log,
            1,
            &hash,
            Some("begun"),
            "all that stands is being told anew",
        ),
    ];
    for (log, sequence, hash, mending, says) in cases {
        let number = sequence.to_string();
        let mut headers = vec![
            ("Assent-Source", log),
            ("Assent-Sequence", number.as_str()),
            ("Assent-Told-Through", number.as_str()),
            ("Assent-Told-Hash", hash),
        ];
        headers.extend(mending.map(|mending| ("Assent-Mended-Through", mending)));
        told(
            &fixture,
            &projection,
            &headers,
            &body(log, sequence).to_string(),
        )
        .await;
        let ran = fixture.run(&["doctor"]).await;
        let verdict = if says == "told up to event 1" {
            "ok"
        } else {
            "PROBLEM"
        };
        let line = format!("{verdict:<8} changes              {says}");
        assert!(ran.out.contains(&line), "{line}: {ran:?}");
    }
    told(&fixture, &projection, &[], "junk").await;
    let ran = fixture.run(&["doctor"]).await;
    let line =
        "PROBLEM  changes              message 6, on consent.changes.v1.globex.user.ana, is none";
    assert!(ran.out.contains(line), "{ran:?}");
}

/// Has the stream of changes store this.
async fn told(fixture: &Fixture, projection: &Connection, headers: &[(&str, &str)], body: &str) {
    let stream = ChangeStream::open(&fixture.gateway).await.unwrap();
    let before = stream.end().await.unwrap();
    let subject = "consent.announce.v1.globex.user.ana";
    projection
        .publish(subject, headers, body.to_owned())
        .await
        .unwrap();
    let stored = async { while stream.end().await.unwrap() == before {} };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
}

/// What differs from run to run, left out.
fn blur(text: &str, url: &str) -> String {
    text.replace(url, "URL")
        .lines()
        .map(|line| {
            match (
                line.split_once(", created "),
                line.split_once("nats-server "),
            ) {
                (Some((before, _)), _) => format!("{before}, created THEN\n"),
                (None, Some((before, _))) if line.contains("server version") => {
                    format!("{before}nats-server VERSION\n")
                }
                (None, Some(_) | None) => format!("{line}\n"),
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_do_not_answer_are_findings() {
    let fixture = Fixture::start().await;

    let ran = fixture.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for (name, says) in [
        ("projection", "consent-projection does not answer"),
        ("gateway", "consent-gateway does not answer"),
    ] {
        let line = ran.out.lines().find(|line| line.contains(says)).unwrap();
        assert!(line.starts_with(&format!("PROBLEM  {name}")), "{ran:?}");
    }
    assert!(ran.out.contains("2 problems found."), "{ran:?}");

    let json = fixture.json(&["doctor"]).await;
    assert_eq!(json["ok"], false);
    assert_eq!(json["checks"][0]["name"], "nats");
    assert_eq!(json["checks"][0]["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_not_there_are_findings() {
    let server = NatsServer::start().await.unwrap();
    let mut command = program(&["doctor"]);
    command.envs(server.environment(NatsUser::Operator));

    let ran = run(command).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for stream in ["CONSENT_EVENTS", "CONSENT_CHANGES"] {
        let line = format!("PROBLEM  {stream}");
        assert!(ran.out.contains(&line), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_nothing_can_be_told() {
    let mut server = NatsServer::start().await.unwrap();
    server.stop().await;
    let url = server.url();

    let ran = run(program(&["doctor", "--nats-url", &url])).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.out.starts_with("PROBLEM  nats"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_damaged_are_named_with_their_subjects() {
    let mut fixture = Fixture::start().await;
    let people = ["ana", "ben", "cleo"];
    let grants = people.map(|user| granted("globex", user, SENDING));
    fixture.record(grants.clone()).await;
    fixture.record(grants).await;
    for damaged in [2, 6] {
        fixture.server.stop().await;
        fixture.server.flip_bit("CONSENT_EVENTS", damaged).unwrap();
        fixture.server.restart().await.unwrap();
    }

    let ran = fixture.run(&["doctor"]).await;

    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line = ran.out.lines().find(|line| line.contains("every event"));
    let line = line.unwrap();
    assert!(line.starts_with("PROBLEM"), "{line}");
    for named in [
        "2 (consent.events.v1.globex.user.ben)",
        "6 (consent.events.v1.globex.user.cleo)",
    ] {
        assert!(line.contains(named), "{line}");
    }

    let ran = fixture.run(&["explain", "globex", "ben"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("at sequence 2"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_or_cut_short_is_told() {
    let mut fixture = Fixture::start().await;
    fixture
        .record([
            granted("globex", "ana", SENDING),
            granted("globex", "ben", SENDING),
        ])
        .await;
    let _projection = FakeService::start(&fixture, SENDING).await;
    fixture.server.stop().await;
    fixture.server.flip_bit("CONSENT_EVENTS", 2).unwrap();
    fixture.server.remove_index("CONSENT_EVENTS").unwrap();
    fixture.server.restart().await.unwrap();

    // The stand-in has to find the server again.
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            let ran = fixture.run(&["doctor"]).await;
            assert_eq!(ran.code, Some(1), "{ran:?}");
            if ran.out.contains("log end") {
                break ran.out;
            }
        }
    });
    let told = told.await.unwrap();
    assert!(
        told.contains("ends at event 1, but a projection has applied event 2"),
        "{told}"
    );

    fixture.server.stop().await;
    fixture.server.remove_stream("CONSENT_EVENTS").unwrap();
    fixture.server.restart().await.unwrap();
    // Before it has, there is no trace of a log: it is told to be not there yet.
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            let ran = fixture.run(&["doctor"]).await;
            assert_eq!(ran.code, Some(1), "{ran:?}");
            if ran.out.contains("the event log is lost") {
                break ran.out;
            }
        }
    });
    let told = told.await.unwrap();
    assert!(
        told.contains("a projection holds it up to event 2"),
        "{told}"
    );
}
