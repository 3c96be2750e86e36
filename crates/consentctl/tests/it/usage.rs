//! The exit codes of what can't be done, and the help.

use std::process::Stdio;

use assent_dev_stack::{NatsServer, NatsUser};

use crate::fixture::{Fixture, SENDING, granted, program, run};

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_used_is_64_and_says_why() {
    for (arguments, says) in [
        (
            &["explain", "ac me", "ana"][..],
            "an id made of A-Z, a-z, 0-9 and _ - | : . + = ~",
        ),
        (&["explain", "acme", "a*"], "an id made of A-Z, a-z, 0-9"),
        (
            &["explain", "acme", "ana@contoso.example"],
            "an id without @",
        ),
        (&["account", ""], "an id of 1 to 128 characters"),
        (
            &["explain", "acme", "ana", "--at", "soon"],
            "a sequence such as",
        ),
        (&["events", "list", "--user", "ana"], "--account"),
        (&["events", "list", "--type", "Gone"], "UserScopeGranted"),
        (
            &["doctor", "--nats-url", "nats://me:secret@x"],
            "give them apart",
        ),
        (&["events", "export", "--to", "-"], "name a place for it"),
        (&["replay", "--to", "-"], "name a place for it"),
        (&["frobnicate"], "frobnicate"),
        (&[], "Usage"),
    ] {
        let ran = run(program(arguments)).await;
        assert_eq!(ran.code, Some(64), "{arguments:?} {ran:?}");
        assert!(ran.err.contains(says), "{arguments:?} {ran:?}");
        assert!(!ran.err.contains("secret"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_nobody_knows_is_64_and_one_of_a_service_is_not() {
    let fixture = Fixture::start().await;
    let mut command = fixture.command(&["events", "list"]);
    command.env("ASSENT_NATS_ULR", "x");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.err.contains("did you mean ASSENT_NATS_URL?"), "{ran:?}");

    let mut command = fixture.command(&["events", "list"]);
    command.env("ASSENT_DATA_DIR", "/nowhere");
    assert_eq!(run(command).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_may_come_from_a_file() {
    let fixture = Fixture::start().await;
    let (user, password) = fixture.server.credentials(NatsUser::Operator);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, password.as_bytes()).unwrap();

    let url = fixture.server.url();
    let options = ["events", "list", "--nats-url", &url, "--nats-user", &user];
    let mut command = program(&options);
    command.env("ASSENT_NATS_PASSWORD_FILE", file.path());
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_reached_is_69() {
    let mut server = NatsServer::start().await.unwrap();

    let events = ["events", "list"];
    let mut not_there = program(&events);
    not_there.envs(server.environment(NatsUser::Operator));
    let ran = run(not_there).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.err.contains("is not there"), "{ran:?}");

    let mut not_permitted = program(&events);
    not_permitted.envs(server.environment(NatsUser::LoginHook));
    let ran = run(not_permitted).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.err.contains("may not"), "{ran:?}");

    let mut stranger = program(&events);
    stranger.envs(server.environment(NatsUser::Operator));
    stranger.env("ASSENT_NATS_PASSWORD", "guessed");
    let ran = run(stranger).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(!ran.err.contains("guessed"), "{ran:?}");

    server.stop().await;
    for arguments in [
        &["events", "list"][..],
        &["events", "tail"],
        &["account", "acme"],
        &["explain", "acme", "ana"],
    ] {
        let mut away = program(arguments);
        away.env("ASSENT_NATS_URL", server.url());
        let ran = run(away).await;
        assert_eq!(ran.code, Some(69), "{arguments:?} {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_error() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;

    // The pipe's other end is closed before the program writes.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = fixture.command(&["events", "list"]);
    command.stdout(writer).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.spawn().unwrap().wait_with_output());
    let output = output.await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_teaches() {
    for (arguments, says) in [
        (&["--help"][..], "ASSENT_NATS_PASSWORD_FILE"),
        (&["--help"], "Exit codes:"),
        (
            &["explain", "--help"],
            "consentctl explain acme ana --at 1200",
        ),
        (
            &["events", "list", "--help"],
            "--limit 0 --type ModeChanged",
        ),
        (&["--version"], "consentctl"),
    ] {
        let ran = run(program(arguments)).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(says), "{ran:?}");
    }
}
