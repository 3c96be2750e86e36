//! The whole story, by the command that tells it: every step of it is checked there. Here: that it ends well, says
//! what it should, and leaves nothing behind, however it ends. Likewise the stack that is left running.

use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use assent_dev_stack::profile_directory;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::fixture::{PATIENCE, eventually};

/// A developer's command under way, with a directory of its own for everything it writes.
struct Running {
    home: TempDir,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Running {
    fn start(command: &str) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut process = Command::new(profile_directory()?.join("xtask"))
            .args([command, "--no-build"])
            .env("TMPDIR", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        Ok(Self {
            home,
            process,
            lines,
            said: String::new(),
        })
    }

    /// Reads what it says until it has said `text`.
    async fn until(&mut self, text: &str) -> anyhow::Result<()> {
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                self.said.push_str(&line);
                self.said.push('\n');
                if line.contains(text) {
                    return anyhow::Ok(());
                }
            }
            anyhow::bail!("it ended")
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.context("it took too long")
            .flatten()
            .with_context(|| format!("it never said {text:?}, but:\n{}", self.said))
    }

    fn interrupt(&self) -> anyhow::Result<()> {
        let id = self.process.id().context("it has ended")?;
        signal(id, Signal::INT)
    }

    /// Waits for its end: its status, and all it said.
    async fn ended(mut self) -> anyhow::Result<(TempDir, Output)> {
        let finish = async {
            let mut rest = Vec::new();
            self.lines.into_inner().read_to_end(&mut rest).await?;
            let output = self.process.wait_with_output().await?;
            self.said.push_str(&String::from_utf8_lossy(&rest));
            anyhow::Ok(Output {
                stdout: self.said.into_bytes(),
                ..output
            })
        };
        let output = tokio::time::timeout(PATIENCE, finish).await;
        Ok((self.home, output.context("it does not end")??))
    }
}

fn signal(process: u32, signal: Signal) -> anyhow::Result<()> {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw);
    Ok(kill_process(id.context("no process id")?, signal)?)
}

/// The processes that write to a file in `home`, with that file's name: everything that a stack starts.
fn processes_of(home: &Path) -> anyhow::Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    if !cfg!(target_os = "linux") {
        // Elsewhere there is no looking into other processes; the files tell enough.
        return Ok(found);
    }
    for process in std::fs::read_dir("/proc")?.flatten() {
        let Ok(id) = process.file_name().to_string_lossy().parse() else {
            continue;
        };
        // One that has ended by now has no files.
        let Ok(output) = std::fs::read_link(process.path().join("fd/1")) else {
            continue;
        };
        if output.starts_with(home) {
            let name = output.file_name().unwrap_or_default().to_string_lossy();
            found.push((id, name.into_owned()));
        }
    }
    Ok(found)
}

fn nothing_is_left(home: &Path) -> anyhow::Result<()> {
    let processes = processes_of(home)?;
    ensure!(processes.is_empty(), "still running: {processes:?}");
    let files: Vec<_> = std::fs::read_dir(home)?.flatten().collect();
    ensure!(files.is_empty(), "still there: {files:?}");
    Ok(())
}

#[tokio::test]
async fn the_demo_tells_the_story_and_leaves_nothing() -> anyhow::Result<()> {
    let (home, output) = Running::start("demo")?.ended().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    for chapter in [
        "(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)", "(h)", "(i)",
    ] {
        ensure!(
            said.contains(&format!("\n{chapter} ")),
            "no {chapter}:\n{said}"
        );
    }
    for word in [
        "full_sync_required",
        "not_an_administrator",
        "auto_grant",
        "managed_by_administrator",
        "unsupported_cloud",
        "consentctl explain acme ana",
        "consentctl doctor",
    ] {
        ensure!(said.contains(word), "nothing of {word}:\n{said}");
    }
    nothing_is_left(home.path())
}

#[tokio::test]
async fn an_interrupted_demo_leaves_nothing() -> anyhow::Result<()> {
    // While the stack is being started, and when everything runs.
    let demo = Running::start("demo")?;
    eventually("the stack is being started", async || {
        Ok(std::fs::read_dir(demo.home.path())?.next().is_some())
    })
    .await?;
    demo.interrupt()?;
    interrupted(demo).await?;

    let mut demo = Running::start("demo")?;
    demo.until("(b) ").await?;
    let running = processes_of(demo.home.path())?;
    ensure!(
        running.len() == 7 || !cfg!(target_os = "linux"),
        "{running:?}"
    );
    demo.interrupt()?;
    interrupted(demo).await
}

async fn interrupted(running: Running) -> anyhow::Result<()> {
    let (home, output) = running.ended().await?;
    ensure!(output.status.code() == Some(130), "{}", output.status);
    nothing_is_left(home.path())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_failed_demo_says_what_it_expected_and_leaves_nothing() -> anyhow::Result<()> {
    let mut demo = Running::start("demo")?;
    demo.until("(b) ").await?;
    for (id, name) in processes_of(demo.home.path())? {
        if name == "login-hook.log" {
            signal(id, Signal::KILL)?;
        }
    }
    let (home, output) = demo.ended().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "{}: {said}", output.status);
    ensure!(
        said.contains("FAILED: POST /v1/login-decisions: no answer"),
        "{said}"
    );
    nothing_is_left(home.path())
}

#[tokio::test]
async fn the_stack_left_running_does_what_its_instructions_say() -> anyhow::Result<()> {
    let mut up = Running::start("up")?;
    up.until(" sub 'consent.changes").await?;
    ensure!(
        up.said.starts_with("\n    open http://127.0.0.1:"),
        "{}",
        up.said
    );
    // All but what is for people to read first, and the last line, which needs the nats command line.
    let instructions: Vec<&str> = up
        .said
        .lines()
        .skip_while(|line| !line.starts_with("# "))
        .filter(|line| !line.starts_with("nats "))
        .collect();

    let pasted = Command::new("sh")
        .args(["-euc", &instructions.join("\n")])
        .output()
        .await?;

    let answers = String::from_utf8_lossy(&pasted.stdout);
    let complaints = String::from_utf8_lossy(&pasted.stderr);
    ensure!(pasted.status.success(), "{answers}\n{complaints}");
    for word in [
        r#""decision":"prompt""#,
        r#""authorize_url":"#,
        r#""sequence":0"#,
        "calendar  off",
        // Nothing is granted yet, so no token is handed out.
        r#""code":"not_permitted""#,
    ] {
        ensure!(answers.contains(word), "no {word}:\n{answers}");
    }
    ensure!(answers.matches("/problems/").count() == 1, "{answers}");
    up.interrupt()?;
    interrupted(up).await
}
