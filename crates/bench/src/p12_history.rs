//! P12: commands on an account or a user with a long history, against the same with a short one.

use std::cell::Cell;
use std::time::{Duration, Instant};

use assent_dev_stack::actors::HostUser;
use assent_dev_stack::{NatsUser, Stack, StackOptions};
use assent_domain::event::{Aggregate, Event, ModeChanged};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_event_log::{Draft, EventLog, Tail};
use uuid::Uuid;

use crate::Size;
use crate::fixture::{self, grant};
use crate::measure::Rounds;
use crate::table::Row;

/// The histories that are compared, in events.
const SHORT: usize = 10;
/// How many commands are timed on one aggregate: few, so that a short history stays short.
const COMMANDS: usize = 8;
/// The server takes no more in one atomic batch.
const AT_ONCE: usize = 900;
/// As a third as many again are allowed to take.
const TARGET: f64 = 1.0 / 1.5;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Vec<Row>> {
    let mut stack = Stack::start(StackOptions::default()).await?;
    let event_log =
        EventLog::open(&fixture::connect(stack.nats(), NatsUser::Gateway).await?).await?;
    let many = size.history;
    let (mut short, mut long) = (Rates::default(), Rates::default());
    for round in 0..size.rounds {
        for (events, rates) in [(SHORT, &mut short), (many, &mut long)] {
            let account = format!("account-{events}-{round}");
            let aggregate = write_account(&event_log, &account, events).await?;
            let admin = stack.super_admin(&account, "super");
            let is_full = Cell::new(true);
            let changes = rate(async || change(&admin, &is_full).await);
            rates.changes.push(changes.await?);
            rates.cold.push(read_cold(&stack, &aggregate).await?);

            let account = format!("user-{events}-{round}");
            write_user(&event_log, &account, events).await?;
            let user = stack.user(&account, "user-0");
            let revocations = rate(async || Ok(user.revoke("contacts").await?.ok().map(drop)?));
            rates.revocations.push(revocations.await?);
        }
    }
    // What a gateway reads before it is ready, nobody waits for.
    for round in 0..size.rounds {
        for (events, rates) in [(SHORT, &mut short), (many, &mut long)] {
            stack.gateway.restart().await?;
            // Connections and keys are fetched for whoever comes first.
            stack.user("nobody", "nobody").see("nobody").await?;
            let admin = stack.super_admin(&format!("account-{events}-{round}"), "super");
            let started = Instant::now();
            change(&admin, &Cell::new(false)).await?;
            rates.first.push(1.0 / started.elapsed().as_secs_f64());
        }
    }
    let row = |what, ours, ceiling, how: String| Row {
        name: "P12",
        what,
        ours: Rounds::new(ours),
        ceiling: Rounds::new(ceiling),
        target: TARGET,
        how: format!("{how}; ours has {many} events, the ceiling {SHORT}"),
    };
    let commands =
        |command| format!("{command} over HTTP, {COMMANDS} one after the other, after a first one");
    Ok(Vec::from([
        row(
            "changes of an account",
            long.changes,
            short.changes,
            commands("PUT authorization-method"),
        ),
        row(
            "revocations of a user",
            long.revocations,
            short.revocations,
            commands("DELETE grants/contacts"),
        ),
        row(
            "first changes after a restart",
            long.first,
            short.first,
            "one PUT authorization-method over HTTP, after the gateway was killed and is ready again"
                .to_owned(),
        ),
        row(
            "accounts read the first time",
            long.cold,
            short.cold,
            "one read of all events through the event log, over a new connection".to_owned(),
        ),
    ]))
}

/// Of one length of histories, by round, per second.
#[derive(Default)]
struct Rates {
    changes: Vec<f64>,
    revocations: Vec<f64>,
    cold: Vec<f64>,
    first: Vec<f64>,
}

/// Commands per second, from the median of their times.
async fn rate(command: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    command().await?;
    let mut times = Vec::with_capacity(COMMANDS);
    for _ in 0..COMMANDS {
        let started = Instant::now();
        command().await?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let median = times.get(COMMANDS / 2).copied().unwrap_or_default();
    Ok(1.0 / median.max(Duration::from_nanos(1)).as_secs_f64())
}

async fn change(admin: &HostUser, is_full: &Cell<bool>) -> anyhow::Result<()> {
    let sync = if is_full.replace(!is_full.get()) {
        "limited"
    } else {
        "full"
    };
    admin.set_method("user_individual", sync).await?.ok()?;
    Ok(())
}

async fn read_cold(stack: &Stack, aggregate: &Aggregate) -> anyhow::Result<f64> {
    let connection = fixture::connect(stack.nats(), NatsUser::Gateway).await?;
    let log = EventLog::open(&connection).await?;
    let started = Instant::now();
    log.read(aggregate).await?;
    Ok(1.0 / started.elapsed().as_secs_f64())
}

async fn write_account(log: &EventLog, account: &str, events: usize) -> anyhow::Result<Aggregate> {
    let id = AccountId::parse(account)?;
    let mode = |email_sync| Mode {
        method: AuthorizationMethod::UserIndividual,
        email_sync,
    };
    let changed_by = UserId::parse("super")?;
    let changes = [EmailSync::Full, EmailSync::Limited].into_iter().cycle();
    let changes = changes
        .clone()
        .zip(changes.skip(1))
        .take(events)
        .map(|(from, to)| {
            Event::ModeChanged(ModeChanged {
                account: id.clone(),
                from: mode(from),
                to: mode(to),
                consent: None,
                changed_by: changed_by.clone(),
            })
        });
    write(log, changes.collect()).await?;
    Ok(Aggregate::Account(id))
}

async fn write_user(log: &EventLog, account: &str, events: usize) -> anyhow::Result<()> {
    let granted = grant(account, 0)?;
    write(log, vec![granted; events]).await
}

async fn write(log: &EventLog, events: Vec<Event>) -> anyhow::Result<()> {
    let mut tail = Tail::EMPTY;
    let drafts = events.into_iter().map(|event| Draft {
        id: Uuid::now_v7(),
        time: fixture::now(),
        traceparent: None,
        event,
    });
    let drafts: Vec<_> = drafts.collect();
    for some in drafts.chunks(AT_ONCE) {
        tail = log.append(tail, some.to_vec()).await?.tail;
    }
    Ok(())
}
