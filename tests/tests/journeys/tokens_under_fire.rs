//! Sixty-four workers, three brokers of which one or another is killed at any moment, and a Microsoft that takes eleven
//! seconds now and then: no refresh token is lost, and nobody has a token for what is revoked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, bail, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, HostService};
use serde_json::json;

use crate::custody::{Custody, connected};
use crate::fixture::{eventually, fault, start_with};

const WORKERS: usize = 64;
const USERS: usize = 8;
const KILLS: usize = 9;

/// A user, and since when the calendar is off.
#[derive(Debug)]
struct Subject {
    user: String,
    /// The last write that is known, which a worker names.
    sequence: AtomicU64,
    /// From the moment before it is asked for.
    calendar_may_be_off: AtomicBool,
    /// From the moment after it was answered.
    calendar_is_revoked: AtomicBool,
}

#[derive(Debug, Default)]
struct Tally(std::sync::Mutex<BTreeMap<String, u64>>);

impl Tally {
    fn count(&self, what: &str) {
        if let Ok(mut counts) = self.0.lock() {
            *counts.entry(what.to_owned()).or_default() += 1;
        }
    }

    fn of(&self, what: &str) -> u64 {
        self.0
            .lock()
            .map_or(0, |counts| counts.get(what).copied().unwrap_or_default())
    }
}

/// One question after another, until told to stop. An answer that must not be is an error.
async fn work(
    number: usize,
    brokers: Vec<HostService>,
    subjects: Arc<Vec<Subject>>,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let mut turn = number;
    while !stop.load(Ordering::Acquire) {
        turn = turn.wrapping_mul(31).wrapping_add(17);
        let subject = subjects.get(turn % USERS).context("no subject")?;
        let broker = brokers
            .get((turn / 7) % brokers.len())
            .context("no broker")?;
        let permission = if (turn / 3).is_multiple_of(2) {
            "calendar"
        } else {
            "contacts"
        };
        let was_revoked = subject.calendar_is_revoked.load(Ordering::Acquire);
        let at_least = json!({"at_least": subject.sequence.load(Ordering::Acquire)});
        let asked = broker.token("acme", &subject.user, permission, &at_least);
        let Ok(reply) = asked.await else {
            // The broker was killed.
            tally.count("no answer");
            tokio::task::yield_now().await;
            continue;
        };
        let code = reply.word("/code").unwrap_or("token").to_owned();
        tally.count(&code);
        let is_off = permission == "calendar" && was_revoked;
        let may_be_off =
            permission == "calendar" && subject.calendar_may_be_off.load(Ordering::Acquire);
        match (reply.status, code.as_str()) {
            (200, _) if is_off => bail!("a token for what was revoked: {}", subject.user),
            (403, "not_permitted") if may_be_off => {}
            // A token; or something is away for the moment.
            (200 | 502..=504, _) => {}
            _ => bail!("{} {permission}: {}", subject.user, reply.text),
        }
    }
    Ok(())
}

async fn subjects(stack: &Stack, custody: &Custody) -> anyhow::Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for number in 0..USERS {
        let person = if number.is_multiple_of(2) { ANA } else { BEN };
        let user = format!("user-{number}");
        let of_host = stack.user("acme", &user);
        let both = &["calendar", "contacts"];
        let sequence = connected(stack, custody, &of_host, person, both).await?;
        subjects.push(Subject {
            user,
            sequence: AtomicU64::new(sequence),
            calendar_may_be_off: AtomicBool::new(false),
            calendar_is_revoked: AtomicBool::new(false),
        });
    }
    Ok(subjects)
}

#[tokio::test]
async fn no_refresh_token_is_lost_and_nothing_revoked_is_handed_out() -> anyhow::Result<()> {
    let mut stack = start_with(|options| {
        options.token_brokers = 3;
        // Each token is tried every three seconds, too.
        let every = ("ASSENT_VERIFY_EVERY_MINUTES", "0.05");
        options
            .variables
            .push((every.0.to_owned(), every.1.to_owned()));
    })
    .await?;
    let custody = Custody::of(&stack).await?;
    let subjects = Arc::new(subjects(&stack, &custody).await?);
    let brokers: Vec<_> = (0..3).map(|number| stack.token_service(number)).collect();
    let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| {
            tokio::spawn(work(
                number,
                brokers.clone(),
                Arc::clone(&subjects),
                Arc::clone(&tally),
                Arc::clone(&stop),
            ))
        })
        .collect();
    for kill in 0..KILLS {
        let slow = json!({"endpoint": "token", "count": 5, "delay_ms": 11_000});
        fault(&stack, &slow).await?;
        // Half of the users take the calendar back, one after another.
        if let Some(subject) = subjects.get(kill).filter(|_| kill % 2 == 1) {
            subject.calendar_may_be_off.store(true, Ordering::Release);
            let revoked = stack.user("acme", &subject.user).revoke("calendar").await?;
            let sequence = revoked.ok()?.sequence();
            subject.sequence.store(sequence, Ordering::Release);
            subject.calendar_is_revoked.store(true, Ordering::Release);
        }
        let so_far = tally.of("token");
        eventually("workers have tokens", async || {
            Ok(so_far + 64 < tally.of("token"))
        })
        .await?;
        let broker = stack.token_brokers.get_mut((kill * 2) % 3);
        let broker = broker.context("no broker")?;
        broker.kill();
        broker.restart().await?;
    }
    stop.store(true, Ordering::Release);
    for worker in workers {
        worker.await??;
    }
    ensure!(
        tally.of("not_permitted") > 0 && tally.of("no answer") > 0,
        "{tally:?}"
    );
    // With nothing in memory any more: each refresh token that is held is good.
    for broker in &mut stack.token_brokers {
        broker.kill();
        broker.restart().await?;
    }
    for subject in subjects.iter() {
        let held = custody.status(&subject.user).await?.held;
        let held = held.with_context(|| format!("the token of {} is lost", subject.user))?;
        ensure!(!held.reauthentication_required, "{}", subject.user);
        eventually("there is a token", async || {
            let contacts = stack.token_service(0);
            let reply = contacts
                .token("acme", &subject.user, "contacts", &json!({}))
                .await?;
            Ok(reply.status == 200)
        })
        .await?;
    }
    Ok(())
}
