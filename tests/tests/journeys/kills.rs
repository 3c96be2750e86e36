//! SIGKILL of one service or another, and of NATS, at moments drawn from a seed, while people write and log in: every
//! acknowledged write is there, the view is what the log adds up to, and each change is told once.
//!
//! `KILLS` and `SEED` in the environment ask for more of them, or for the same ones again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, HostLogin, HostUser, Microsoft, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::ChangeStream;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{authorize_url, connect, eventually, last_sequence, log, start_with};

const KILLS: usize = 20;
const WRITERS: usize = 6;
/// At most so many writes are acknowledged between two kills.
const WRITES: usize = 12;

/// Numbers that are the same again for the same seed (SplitMix64).
#[derive(Debug)]
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(bound).unwrap_or(1)).unwrap_or_default()
    }
}

fn from_environment<T: std::str::FromStr>(name: &str, usual: T) -> anyhow::Result<T> {
    match std::env::var(name) {
        Ok(given) => given
            .parse()
            .ok()
            .with_context(|| format!("{name} is not a number: {given}")),
        Err(_) => Ok(usual),
    }
}

/// What a user knows of their permissions: nothing where no answer came, or one that promises nothing.
type Known = BTreeMap<&'static str, Option<bool>>;

/// A user who grants and revokes by turns, one thing after another.
struct Writer {
    user: HostUser,
    microsoft: Microsoft,
    drawn: Drawn,
    acknowledged: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    async fn write(mut self) -> (String, Known) {
        let mut known = Known::new();
        while !self.stop.load(Ordering::Acquire) {
            let permissions = ["calendar", "contacts", "email"];
            let Some(permission) = permissions.get(self.drawn.below(permissions.len())) else {
                break;
            };
            let turns_on = self.drawn.below(2) == 0;
            known.insert(permission, None);
            let done = if turns_on {
                self.grant(permission).await
            } else {
                let revoked = self.user.revoke(permission).await;
                revoked.is_ok_and(|reply| reply.status == 200)
            };
            if done {
                known.insert(permission, Some(turns_on));
                self.acknowledged.fetch_add(1, Ordering::AcqRel);
            } else {
                tokio::task::yield_now().await;
            }
        }
        (self.user.user_id().to_owned(), known)
    }

    async fn grant(&self, permission: &str) -> bool {
        let Ok(started) = self.user.start_grant(&[permission], Some(ANA)).await else {
            return false;
        };
        let Ok(url) = authorize_url(&started) else {
            return false;
        };
        let landing = self.microsoft.walk(url, ANA, Reaction::Accept).await;
        landing.is_ok_and(|landing| landing.outcome == "completed")
    }
}

/// Logs in again and again: a login is answered, if only as degraded, whenever the login hook runs.
async fn keep_logging_in(login: HostLogin, stop: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut answered = 0;
    while !stop.load(Ordering::Acquire) {
        let body = json!({
            "account_id": "acme",
            "user_id": "user-0",
            "sign_in": {"provider": "other"},
        });
        match login.ask(&body).await {
            Ok(reply) => {
                ensure!(reply.status == 200, "{}", reply.text);
                answered += 1;
            }
            // It was killed.
            Err(_) => tokio::task::yield_now().await,
        }
    }
    Ok(answered)
}

async fn kill(stack: &mut Stack, victim: usize) -> anyhow::Result<()> {
    match victim {
        0 => stack.gateway.restart().await?,
        1 => stack.login_hook.restart().await?,
        2 => stack.restart_nats().await?,
        _ => {
            let projection = stack.projections.get_mut(victim - 3);
            projection.context("no projection")?.restart().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_acknowledged_write_is_there_after_kills_at_any_moment() -> anyhow::Result<()> {
    let kills = from_environment("KILLS", KILLS)?;
    let seed = from_environment("SEED", 2026)?;
    let mut stack = start_with(|options| options.projections = 2).await?;
    let (acknowledged, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<JoinHandle<_>> = (0..WRITERS)
        .map(|number| {
            let writer = Writer {
                user: stack.user("acme", &format!("user-{number}")),
                microsoft: stack.microsoft(),
                drawn: Drawn(seed + u64::try_from(number).unwrap_or_default()),
                acknowledged: Arc::clone(&acknowledged),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(writer.write())
        })
        .collect();
    let logins = tokio::spawn(keep_logging_in(stack.login("acme"), Arc::clone(&stop)));
    let mut drawn = Drawn(seed);
    let victims = 3 + stack.projections.len();
    for number in 0..kills {
        let enough = acknowledged.load(Ordering::Acquire) + 1 + drawn.below(WRITES);
        let written = eventually("more is acknowledged", async || {
            Ok(enough <= acknowledged.load(Ordering::Acquire))
        });
        let victim = drawn.below(victims);
        written
            .await
            .with_context(|| format!("SEED={seed}, before kill {number} of {kills}"))?;
        kill(&mut stack, victim)
            .await
            .with_context(|| format!("SEED={seed}, kill {number} of {kills}"))?;
    }
    stop.store(true, Ordering::Release);
    ensure!(logins.await?? > 0, "no login was answered");
    let log = log(&stack).await?;
    let mut known = BTreeMap::new();
    for writer in writers {
        let (user, permissions) = writer.await?;
        known.insert(user, permissions);
    }
    let last = last_sequence(&log).await?;
    for (user, permissions) in &known {
        for number in 0..stack.projections.len() {
            let view = stack
                .service(number)
                .permissions("acme", user, last)
                .await?;
            let view = view.ok()?;
            for (permission, is_on) in permissions {
                let shown = view.value(&format!("/effective/{permission}"));
                let shown = *shown != json!("none") && *shown != json!(false);
                ensure!(
                    is_on.is_none_or(|is_on| is_on == shown),
                    "SEED={seed}: {user} {permission} was acknowledged as {is_on:?}: {}",
                    view.text
                );
            }
        }
    }
    proved(&stack)
        .await
        .with_context(|| format!("SEED={seed}"))?;
    // Whatever is told takes a place in the stream of changes, also what is told twice.
    let gateway = connect(&stack, NatsUser::Gateway).await?;
    let changes = ChangeStream::open(&gateway).await?;
    eventually("each event was told once", async || {
        let kept = changes.last().await?;
        let places = kept
            .and_then(|kept| kept.stream_sequence)
            .unwrap_or_default();
        ensure!(
            places <= last,
            "SEED={seed}: {places} changes for {last} events"
        );
        Ok(places == last)
    })
    .await
}

/// The whole log is whole, and each view is what it adds up to, row by row.
async fn proved(stack: &Stack) -> anyhow::Result<()> {
    let ran = stack.consentctl(&["verify", "--json"]).await?;
    let report: Value = serde_json::from_slice(&ran.stdout)?;
    ensure!(ran.status.success(), "{report}");
    let checks = report.pointer("/checks").and_then(Value::as_array);
    let views = checks.into_iter().flatten().filter(|check| {
        check.pointer("/name") == Some(&json!("view"))
            && check.pointer("/verdict") == Some(&json!("ok"))
    });
    ensure!(views.count() == stack.projections.len(), "{report}");
    Ok(())
}
