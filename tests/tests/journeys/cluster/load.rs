//! What goes on all the while: changes through each gateway, logins through the hook, and what is to be seen of them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, HostLogin, HostUser};
use tokio::task::JoinHandle;

use super::leading::leader;
use crate::fixture::{company_history, eventually, log};

const PAUSE: Duration = Duration::from_millis(10);

/// Changes and logins until it is ended.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Writes>>,
    logins: JoinHandle<Logins>,
}

/// What one gateway acknowledged.
#[derive(Default)]
pub(super) struct Writes {
    acknowledged: Vec<(Instant, u64)>,
}

/// What became of the logins.
#[derive(Default)]
pub(super) struct Logins {
    made: u32,
    failed: Vec<String>,
    longest: Duration,
}

impl Writes {
    /// The longest time without an acknowledged change after `from`.
    pub(super) fn longest_pause(&self, from: Instant) -> Duration {
        let times = self.acknowledged.iter().map(|(at, _)| *at);
        let after: Vec<_> = times.filter(|at| from <= *at).collect();
        let ends = after.iter().copied();
        let begins = std::iter::once(from).chain(after.iter().copied());
        let pauses = begins
            .zip(ends)
            .map(|(begin, end)| end.duration_since(begin));
        pauses.max().unwrap_or(Duration::MAX)
    }
}

impl Load {
    /// Each gateway has an account of its own, so that none waits for the other.
    pub(super) fn begin(stack: &Stack) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let gateways = std::iter::once(&stack.gateway).chain(
            stack
                .more
                .iter()
                .filter(|program| program.binary().ends_with("consent-gateway")),
        );
        let writers = gateways.enumerate().map(|(number, gateway)| {
            let sam = stack.super_admin(&account(number), "sam");
            tokio::spawn(keep_writing(sam.through(&gateway.url()), Arc::clone(&stop)))
        });
        Self {
            writers: writers.collect(),
            logins: tokio::spawn(keep_signing_in(stack.login(&account(0)), Arc::clone(&stop))),
            stop,
        }
    }

    /// Ends it: nothing that was acknowledged is lost, and no login failed. It gives what each gateway acknowledged.
    pub(super) async fn end(self, stack: &Stack) -> anyhow::Result<Vec<Writes>> {
        self.stop.store(true, Ordering::Relaxed);
        let logins = self.logins.await?;
        ensure!(
            logins.failed.is_empty() && 0 < logins.made,
            "of {} logins failed: {:?}",
            logins.made,
            logins.failed
        );
        ensure!(
            logins.longest < Duration::from_secs(4),
            "a login took {:?}",
            logins.longest
        );
        // Whatever was done to the servers has passed.
        leader(stack).await?;
        eventually(
            "the log can be read, whichever server is asked",
            async || {
                let Ok(log) = log(stack).await else {
                    return Ok(false);
                };
                Ok(company_history(&log, &account(0)).await.is_ok())
            },
        )
        .await?;
        let log = log(stack).await?;
        let mut all = Vec::new();
        for (number, writer) in self.writers.into_iter().enumerate() {
            let writes = writer.await?;
            let history = company_history(&log, &account(number)).await?;
            let there: BTreeSet<u64> = history
                .events()
                .iter()
                .map(|event| event.sequence.0)
                .collect();
            let acknowledged = writes.acknowledged.iter().map(|(_, sequence)| *sequence);
            let lost: Vec<_> = acknowledged
                .filter(|sequence| !there.contains(sequence))
                .collect();
            ensure!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
            all.push(writes);
        }
        writeln!(
            std::io::stderr(),
            "{} logins, the longest {:?}",
            logins.made,
            logins.longest
        )?;
        Ok(all)
    }
}

fn account(number: usize) -> String {
    format!("acme-{number}")
}

async fn keep_writing(sam: HostUser, stop: Arc<AtomicBool>) -> Writes {
    let mut writes = Writes::default();
    for email_sync in ["limited", "full"].iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // No answer, or one that says no, promises nothing.
        match sam.set_method("user_individual", email_sync).await {
            Ok(reply) if reply.status == 200 => {
                writes.acknowledged.push((Instant::now(), reply.sequence()));
            }
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
    writes
}

async fn keep_signing_in(login: HostLogin, stop: Arc<AtomicBool>) -> Logins {
    let mut logins = Logins::default();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let reply = login.through_microsoft("ana", ANA, 0).await;
        logins.made += 1;
        logins.longest = logins.longest.max(begun.elapsed());
        match reply {
            Ok(reply) if reply.status == 200 => {}
            Ok(reply) => logins.failed.push(reply.text),
            Err(error) => logins.failed.push(error.to_string()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    logins
}
