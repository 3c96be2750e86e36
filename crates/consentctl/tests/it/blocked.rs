//! `blocked`: who can't be read, why, and the way back.

use std::process::Stdio;

use assent_contract::command::{MessageVoided, VoidMessage};
use assent_contract::names::{
    COMMAND_VOID_MESSAGE, GATEWAY_SERVICE, PROJECTION_SERVICE, QUERY_BLOCKED,
};
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::{AggregateId, BlockedEntry, BlockedPage};
use assent_dev_stack::NatsUser;
use assent_domain::ids::Sequence;
use assent_event_log::VoidError;
use assent_messaging::{Endpoint, Request, ServiceError};

use crate::fake_service::FakeService;
use crate::fixture::{Fixture, PATIENCE, SENDING, account, granted, run, user};

const ANA: &str = "consent.events.v1.acme.user.ana";

/// A gateway that does what one does with this command, and nothing else.
async fn gateway(fixture: &Fixture) -> FakeService {
    let log = fixture.log.clone();
    let void = Endpoint::new(
        "void-message",
        COMMAND_VOID_MESSAGE,
        move |request: Request| {
            let log = log.clone();
            async move {
                let asked: VoidMessage = serde_json::from_slice(&request.payload).unwrap();
                let operator = asked.operator.unwrap_or_default();
                let at = "2026-11-24T09:30:00Z".parse().unwrap();
                let declared =
                    log.declare_void(Sequence(asked.sequence), &asked.reason, &operator, at);
                match declared.await {
                    Ok((record, already)) => {
                        Ok(serde_json::to_vec(&MessageVoided { record, already }).unwrap())
                    }
                    Err(VoidError::NotThere { .. }) => Err(refusal(ErrorCode::NotFound)),
                    Err(_) => Err(refusal(ErrorCode::MessageIsAnEvent)),
                }
            }
        },
    );
    FakeService::serve(fixture, NatsUser::Gateway, GATEWAY_SERVICE, vec![void]).await
}

fn refusal(code: ErrorCode) -> ServiceError {
    let problem = Problem::new(code, "it is as it is");
    ServiceError {
        status: code.status(),
        code: code.as_str().to_owned(),
        body: serde_json::to_vec(&problem).unwrap(),
    }
}

/// A projection that has blocked Ana and the company globex.
async fn projection(fixture: &Fixture) -> FakeService {
    let blocked = Endpoint::new("blocked", QUERY_BLOCKED, async |_| {
        let entry = |company: &str, name: Option<&str>, since| BlockedEntry {
            held: false,
            whose: AggregateId {
                account_id: account(company),
                user_id: name.map(user),
            },
            since,
        };
        let list = BlockedPage {
            blocked: vec![entry("globex", None, 3), entry("acme", Some("ana"), 2)],
            next: None,
            total: 2,
            orphans: 0,
            sequence: 3,
        };
        Ok(serde_json::to_vec(&list).unwrap())
    });
    FakeService::serve(
        fixture,
        NatsUser::Projection,
        PROJECTION_SERVICE,
        vec![blocked],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_is_shown_taken_and_told() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    fixture.scribble(ANA).await;
    fixture.scribble("consent.events.v1.globex.company").await;
    let (_gateway, _projection) = (gateway(&fixture).await, projection(&fixture).await);

    let ran = fixture.run(&["blocked", "list"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r#"
    globex (the company, and with it everybody)
      since      message 3
      why        the header ce-datacontenttype is missing
      way back   consentctl blocked void 3 --reason "..."
    acme/ana
      since      message 2
      why        the header ce-datacontenttype is missing
      way back   consentctl blocked void 2 --reason "..."
    "#);
    let doctor = fixture.run(&["doctor"]).await;
    assert!(doctor.out.contains("consentctl blocked list"), "{doctor:?}");
    assert!(
        doctor.out.contains("account globex, and 1 other"),
        "{doctor:?}"
    );

    let shown = fixture.run(&["blocked", "show", "2"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for part in [
        ANA,
        "ce-specversion: 1.0",
        "2 bytes",
        "e30=",
        "ce-datacontenttype is missing",
    ] {
        assert!(shown.out.contains(part), "{part}: {shown:?}");
    }

    let explained = fixture.run(&["explain", "acme", "ana"]).await;
    assert!(
        explained.out.contains("consentctl blocked show 2"),
        "{explained:?}"
    );

    // Nobody to ask, and no --yes.
    let void = [
        "blocked",
        "void",
        "2",
        "--reason",
        "an answer of the server's",
        "--operator",
        "kim",
    ];
    let mut alone = fixture.command(&void);
    alone.stdin(Stdio::null());
    let refused = run(alone).await;
    assert_eq!(refused.code, Some(64), "{refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    assert!(
        fixture
            .log
            .void_of(&entry(&fixture, 2).await)
            .await
            .unwrap()
            .is_none()
    );

    let yes = [&void[..], &["--yes"]].concat();
    let ran = fixture.run(&yes).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("Message 2 is void: an answer of the server's (declared by kim)"),
        "{ran:?}"
    );
    let again = fixture.json(&yes).await;
    assert_eq!(again["already"], true);
    assert_eq!(again["record"]["operator"], "kim");

    let explained = fixture.run(&["explain", "acme", "ana"]).await;
    assert!(
        explained
            .out
            .contains("effective   calendar, email (limited)"),
        "{explained:?}"
    );
    let told =
        "2  2026-11-24T09:30:00.000Z  void, no event: an answer of the server's (declared by kim)";
    for command in [
        &["explain", "acme", "ana"][..],
        &["events", "list", "--account", "acme", "--user", "ana"],
        &["blocked", "show", "2"],
    ] {
        let ran = fixture.run(command).await;
        let text = ran.out.contains(told)
            || ran.out.contains("kim") && ran.out.contains("an answer of the server's");
        assert!(text, "{command:?} {ran:?}");
    }
    let listed = fixture.run(&["events", "list", "--account", "acme"]).await;
    assert_eq!(
        listed.code,
        Some(0),
        "what is void is no finding: {listed:?}"
    );
    assert!(listed.out.contains("void, no event"), "{listed:?}");
    let at = fixture.run(&["explain", "acme", "ana", "--at", "1"]).await;
    assert!(!at.out.contains("void"), "{at:?}");
}

async fn entry(fixture: &Fixture, sequence: u64) -> assent_event_log::LogEntry {
    fixture
        .log
        .entry(Sequence(sequence))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_refused_by_name_and_nothing_is_not_there() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    let _gateway = gateway(&fixture).await;
    let void = |sequence| ["blocked", "void", sequence, "--reason", "x", "--yes"];

    let ran = fixture.run(&void("1")).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("message_is_an_event"), "{ran:?}");
    let ran = fixture.run(&void("9")).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("not_found"), "{ran:?}");

    let shown = fixture.run(&["blocked", "show", "1"]).await;
    assert!(shown.out.contains("can't be declared void"), "{shown:?}");
    let shown = fixture.run(&["blocked", "show", "9"]).await;
    assert_eq!(shown.code, Some(1), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_asked_is_told() {
    let fixture = Fixture::start().await;
    for command in [
        &["blocked", "list"][..],
        &["blocked", "void", "1", "--reason", "x", "--yes"],
    ] {
        let ran = fixture.run(command).await;
        assert_eq!(ran.code, Some(69), "{command:?} {ran:?}");
    }
    let too_long = "x".repeat(501);
    for (command, says) in [
        (&["blocked", "void", "1"][..], "--reason"),
        (&["blocked", "void", "x", "--reason", "y"], "invalid"),
        (&["blocked", "void", "0", "--reason", "y"], "1.."),
        (
            &["blocked", "void", "1", "--reason", ""],
            "1 to 500 characters",
        ),
        (
            &["blocked", "void", "1", "--reason", " "],
            "1 to 500 characters",
        ),
        (
            &["blocked", "void", "1", "--reason", &too_long],
            "1 to 500 characters",
        ),
        (
            &["blocked", "void", "1", "--reason", "a\u{1b}[2Jb"],
            "without control characters",
        ),
        (&["blocked", "show"], "SEQ"),
        (&["blocked", "show", "0"], "1.."),
    ] {
        let ran = fixture.run(command).await;
        assert_eq!(ran.code, Some(64), "{command:?} {ran:?}");
        assert!(ran.err.contains(says), "{command:?} {ran:?}");
    }
}

/// What can't be void is refused before anybody is asked, and what is void already is told.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_about_what_needs_no_answer() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    fixture.scribble(ANA).await;
    let _gateway = gateway(&fixture).await;
    let void = async |sequence: &str| {
        let mut command = fixture.command(&["blocked", "void", sequence, "--reason", "x"]);
        command.stdin(Stdio::null());
        run(command).await
    };
    for (sequence, code) in [("1", "message_is_an_event"), ("9", "not_found")] {
        let ran = void(sequence).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(code), "{ran:?}");
    }
    assert_eq!(void("2").await.code, Some(64));
    let yes = ["blocked", "void", "2", "--reason", "x", "--yes"];
    assert_eq!(fixture.run(&yes).await.code, Some(0));
    let ran = void("2").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("void since before"), "{ran:?}");
}

/// A message of a type that only a newer program knows: the way back is that program.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_event_is_told_from_what_is_none() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    let newer = [
        ("ce-specversion", "1.0"),
        ("ce-id", "01934a2b-1c2d-7e3f-8a4b-000000000009"),
        ("ce-source", "/assent/consent-gateway"),
        ("ce-type", "assent.consent.UserScopeGranted.v2"),
        ("ce-subject", "accounts/acme/users/ana"),
        ("ce-time", "2026-11-23T10:05:00Z"),
        ("ce-datacontenttype", "application/json"),
        (
            "ce-prevhash",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ),
    ];
    fixture.gateway.publish(ANA, &newer, "{}").await.unwrap();
    let stored = async { while fixture.log.status().await.unwrap().last_sequence.0 < 2 {} };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    fixture.scribble(ANA).await;

    let shown = fixture.json(&["blocked", "show", "2"]).await;
    assert_eq!(shown["reason"], "newer_event", "{shown}");
    let way_back = shown["way_back"].as_str().unwrap();
    assert!(way_back.contains("start the version"), "{shown}");
    let shown = fixture.json(&["blocked", "show", "3"]).await;
    assert_eq!(shown["reason"], "no_event", "{shown}");
    for (sequence, reason) in [("1", "event"), ("9", "missing")] {
        let shown = fixture.json(&["blocked", "show", sequence]).await;
        assert_eq!(shown["reason"], reason, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_says_whether_it_writes() {
    let fixture = Fixture::start().await;
    for (command, says) in [
        (&["events", "list"][..], "read-only"),
        (&["events", "tail"], "read-only"),
        (&["account"], "read-only"),
        (&["explain"], "read-only"),
        (&["doctor"], "read-only"),
        (&["blocked", "list"], "read-only"),
        (&["blocked", "show"], "read-only"),
        (&["blocked", "void"], "writes"),
    ] {
        let ran = fixture.run(&[command, &["--help"]].concat()).await;
        let about = ran.out.split("Usage:").next().unwrap_or_default();
        assert!(about.contains(says), "{command:?}: {about}");
    }
}
