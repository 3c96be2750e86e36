//! `events tail`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::fixture::{Fixture, PATIENCE, SENDING, granted};

/// The program, and what it prints.
struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    /// Returns when the program follows the log.
    async fn start(fixture: &Fixture, options: &[&str]) -> Self {
        let arguments = [&["events", "tail"], options].concat();
        let mut child = Command::from(fixture.command(&arguments))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut remarks = BufReader::new(child.stderr.take().unwrap()).lines();
        let waiting = tokio::time::timeout(PATIENCE, remarks.next_line()).await;
        let waiting = waiting.unwrap().unwrap().unwrap();
        assert!(waiting.starts_with("waiting for event"), "{waiting}");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        line.unwrap().unwrap().unwrap()
    }

    /// Ctrl-C.
    async fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        let mut kill = Command::new("kill");
        assert!(kill.args(["-INT", &id]).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap().unwrap().code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_events_are_printed_as_they_come() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    let mut tail = Tail::start(&fixture, &[]).await;

    fixture.record([granted("acme", "ben", SENDING)]).await;
    let line = tail.line().await;
    assert!(line.trim_start().starts_with("2 "), "{line}");
    assert!(line.contains("acme/ben"), "{line}");

    fixture.record([granted("acme", "eve", SENDING)]).await;
    assert!(tail.line().await.contains("acme/eve"));
    assert_eq!(tail.interrupt().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_where_it_is_told_and_keeps_to_one_account() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            granted("globex", "ana", SENDING),
            granted("acme", "ben", SENDING),
        ])
        .await;
    let mut tail = Tail::start(&fixture, &["--from", "2", "--account", "acme"]).await;

    assert!(tail.line().await.contains("acme/ben"));
    fixture.scribble("consent.events.v1.acme.user.ben").await;
    assert!(tail.line().await.contains("CAN'T BE READ"));
    assert_eq!(tail.interrupt().await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let fixture = Fixture::start().await;
    let Tail { mut child, lines } = Tail::start(&fixture, &[]).await;
    drop(lines);

    fixture.record([granted("acme", "ana", SENDING)]).await;
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_come_yet_is_waited_for() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    let mut tail = Tail::start(&fixture, &["--from", "3"]).await;
    fixture
        .record([
            granted("acme", "ben", SENDING),
            granted("acme", "eve", SENDING),
        ])
        .await;
    assert!(tail.line().await.contains("acme/eve"));
    assert_eq!(tail.interrupt().await, Some(0));
}
