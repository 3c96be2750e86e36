//! The example program as a real process: how it refuses, serves and ends.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

pub(crate) const SOON: Duration = Duration::from_secs(20);

fn program(environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let profile: PathBuf = test.ancestors().nth(2).unwrap().to_owned();
    let mut command = Command::new(profile.join("examples").join("answering"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs to the end: exit code, standard output, standard error.
async fn ran(environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let output = timeout(SOON, program(environment, arguments).output())
        .await
        .unwrap()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The same, with a limit of open files.
pub(crate) fn started_with_files(
    most: u32,
    environment: &[(&str, &str)],
) -> (Child, Lines<BufReader<ChildStderr>>) {
    let program = program(&[], &[]).as_std().get_program().to_owned();
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit -n {most} && exec \"$0\""))
        .arg(program)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = shell.spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, log)
}

pub(crate) fn started(environment: &[(&str, &str)]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut child = program(environment, &[]).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, log)
}

/// Reads the log until a message appears and returns that line.
pub(crate) async fn logged(log: &mut Lines<BufReader<ChildStderr>>, message: &str) -> Value {
    let find = async {
        while let Some(line) = log.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == message {
                return line;
            }
        }
        panic!("the log ended without {message:?}")
    };
    timeout(SOON, find).await.unwrap()
}

pub(crate) async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn help_teaches_and_version_answers() {
    let (code, out, _) = ran(&[("ASSENT_LISTEN", "nonsense")], &["--help"]).await;
    assert_eq!(code, 0);
    for expected in [
        "Answers with what it was sent.",
        "ASSENT_LISTEN\n      address and port to listen on [default: 127.0.0.1:0]",
        "ASSENT_NATS_PASSWORD_FILE",
        "--config FILE",
        "RUST_LOG",
    ] {
        assert!(out.contains(expected), "{out}");
    }
    let (code, out, _) = ran(&[], &["--version"]).await;
    assert_eq!((code, out.as_str()), (0, "answering 0.1.0\n"));
}

#[tokio::test]
async fn bad_configuration_is_one_line_and_exit_code_64() {
    for (environment, arguments, expected) in [
        (
            &[("ASSENT_LISTEN", "hunter2")][..],
            &[][..],
            "answering: ASSENT_LISTEN: expected an address and a port such as 127.0.0.1:8080\n",
        ),
        (
            &[("ASSENT_LISTN", "x")],
            &[],
            "answering: the variable ASSENT_LISTN is not known; did you mean ASSENT_LISTEN?\n",
        ),
        (
            &[],
            &["--verbose"],
            "answering: unexpected argument `--verbose` (see --help)\n",
        ),
        (
            &[],
            &["--config", "/nowhere.toml"],
            "answering: cannot read the configuration file /nowhere.toml: No such file or directory (os error 2)\n",
        ),
        (
            &[("RUST_LOG", "a=b=c")],
            &[],
            "answering: RUST_LOG: expected a filter such as `info` or `warn,my_crate=debug`\n",
        ),
    ] {
        let (code, out, error) = ran(environment, arguments).await;
        assert_eq!((code, out.as_str(), error.as_str()), (64, "", expected));
    }
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let (mut child, mut log) = started(&[("ASSENT_NATS_PASSWORD", "hunter2")]);
    let starting = logged(&mut log, "starting").await;
    assert!(!starting.to_string().contains("hunter2"), "{starting}");
    let listening = logged(&mut log, "listening").await;
    let base = format!("http://{}", listening["address"].as_str().unwrap());

    let echo = reqwest::Client::new().post(format!("{base}/v1/echo"));
    let answer = echo
        .json(&serde_json::json!({"text": "hello"}))
        .send()
        .await;
    assert_eq!(
        answer.unwrap().json::<Value>().await.unwrap()["text"],
        "hello"
    );
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap();
    let text = metrics.text().await.unwrap();
    assert!(
        text.contains("assent_build_info{program=\"answering\",version=\"0.1.0\"} 1"),
        "{text}"
    );

    let failed = reqwest::get(format!("{base}/v1/broken")).await.unwrap();
    let id = failed.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let line = logged(&mut log, "failed").await;
    assert_eq!(line["error"], "the disk is on fire");
    assert_eq!(line["span"]["id"], id.as_str());
    assert_eq!(line["span"]["http.route"], "/v1/broken");

    terminate(&child).await;
    logged(&mut log, "stopped").await;
    let status = timeout(SOON, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn it_stops_at_once_while_it_still_waits_for_something() {
    let (mut child, mut log) = started(&[("ASSENT_DATA_DIR", "wait")]);
    logged(&mut log, "starting").await;
    terminate(&child).await;
    let status = timeout(SOON, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn every_other_end_has_its_exit_code() {
    for (behaviour, expected) in [
        ("misconfigured", 64),
        ("unreachable", 69),
        ("fail", 1),
        ("die", 1),
    ] {
        let (code, _, error) = ran(&[("ASSENT_DATA_DIR", behaviour)], &[]).await;
        assert_eq!(code, expected, "{behaviour}: {error}");
        // Whoever reads no JSON reads what to mend.
        let is_told = error.ends_with("answering: the key fits no lock\n");
        assert_eq!(is_told, expected == 64, "{behaviour}: {error}");
    }
}
