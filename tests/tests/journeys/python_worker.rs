//! A sync worker in another language, by the recipe alone: it learns, hears, and starts anew when it has to.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::fixture::{PATIENCE, admin_consent, connect, eventually, grant, start};
use crate::python_library::{clients, library};

/// The name of a directory of packages: what is in it is pinned.
pub(crate) const NATS_PY: &str = "nats-py-2.16.0";
const NOTHING: &str = r#"{"calendar": false, "contacts": false, "email": "none"}"#;
const CALENDAR: &str = r#"{"calendar": true, "contacts": false, "email": "none"}"#;

/// A worker for Ana, which says what changes for her.
pub(crate) struct Worker {
    _process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// `script`: what is permitted, each time that it changes (`sync_worker.py`), or what was read (`sync_mailbox.py`).
    pub(crate) fn start(stack: &Stack, library: &Path, script: &str) -> anyhow::Result<Self> {
        let (user, password) = stack.sync_worker();
        let mut process = Command::new("python3")
            // No bytecode beside the sources, and nothing from the machine's own packages.
            .args(["-B", "-s"])
            .arg(clients().join(script))
            .args(["acme", "ana"])
            .env("PYTHONPATH", library)
            .env("NATS_URL", stack.nats().url())
            .env("GRAPH_URL", stack.simulator.url())
            .env("NATS_INBOX_PREFIX", format!("_INBOX_{user}"))
            .env("NATS_USER", user)
            .env("NATS_PASSWORD", password)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let says = BufReader::new(process.stdout.take().context("no output")?).lines();
        Ok(Self {
            _process: process,
            says,
        })
    }

    pub(crate) async fn says(&mut self, expected: &str) -> anyhow::Result<()> {
        let mut said = Vec::new();
        let saying = async {
            while let Some(line) = self.says.next_line().await? {
                if line == expected {
                    return anyhow::Ok(());
                }
                said.push(line);
            }
            anyhow::bail!("it ended")
        };
        let ended = tokio::time::timeout(PATIENCE, saying).await;
        let ended = ended.context("it took too long").flatten();
        ended.with_context(|| format!("it never said {expected}, but {said:?}"))
    }
}

#[tokio::test]
async fn a_worker_in_python_follows_by_the_recipe() -> anyhow::Result<()> {
    let what = "the sync worker in Python";
    let Some(library) = library(what, NATS_PY, "requirements.txt").await? else {
        return Ok(());
    };
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;

    // It starts, and learns what was before; then hears.
    let mut worker = Worker::start(&stack, &library, "sync_worker.py")?;
    worker.says(CALENDAR).await?;
    ana.revoke("calendar").await?.ok()?;
    worker.says(NOTHING).await?;
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    worker.says(CALENDAR).await?;

    // Somebody else's messages are passed over, whatever they say.
    let outsider = connect(&stack, NatsUser::Projection).await?;
    for junk in [
        "junk",
        "[]",
        r#"{"sequence": 1}"#,
        r#"{"account_id": "acme", "user_id": "ana", "sequence": "9"}"#,
    ] {
        outsider
            .publish("consent.announce.v1.acme.user.ana", &[], junk.to_owned())
            .await?;
    }
    // A change of the company's that leaves the method: all stops, and what is still permitted comes back.
    sam.set_method("user_individual", "limited").await?.ok()?;
    worker.says(NOTHING).await?;
    worker.says(CALENDAR).await?;

    // What is not known is not permitted; and nothing is forgotten.
    stack.nats_mut().kill();
    worker.says(NOTHING).await?;
    stack.restart_nats().await?;
    worker.says(CALENDAR).await?;
    eventually("the gateway writes again", async || {
        Ok(sam.set_method("user_individual", "full").await?.status == 200)
    })
    .await?;
    worker.says(NOTHING).await?;
    worker.says(CALENDAR).await?;

    // The company's change of method: everybody starts anew.
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    worker.says(NOTHING).await?;
    Ok(())
}
