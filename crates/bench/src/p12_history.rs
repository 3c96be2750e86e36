//! P12: commands on an account or a user with a long history, against the same with a short one.

use std::cell::Cell;
use std::time::Instant;

use assent_dev_stack::actors::HostUser;
use assent_dev_stack::{NatsUser, Stack, StackOptions};
use assent_domain::event::{Aggregate, Event, ModeChanged};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_event_log::{Draft, EventLog, Tail};
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::fixture::{self, grant};
use crate::measure::{milliseconds, quantile};
use crate::table::Row;

/// The histories that are compared, in events.
const SHORT: usize = 10;
/// How many commands are timed on one aggregate: few, so that a short history stays short.
const COMMANDS: usize = 8;
/// The server takes no more in one atomic batch.
const AT_ONCE: usize = 900;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Vec<Row>> {
    let mut stack = Stack::start(StackOptions::default()).await?;
    let event_log =
        EventLog::open(&fixture::connect(stack.nats(), NatsUser::Gateway).await?).await?;
    let many = size.history;
    let (mut short, mut long) = (Times::default(), Times::default());
    for round in 0..size.rounds {
        for (events, times) in [(SHORT, &mut short), (many, &mut long)] {
            let account = format!("account-{events}-{round}");
            let aggregate = write_account(&event_log, &account, events).await?;
            let admin = stack.super_admin(&account, "super");
            let is_full = Cell::new(true);
            let changes = time_of(async || change(&admin, &is_full).await);
            times.changes.push(changes.await?);
            times.cold.push(read_cold(&stack, &aggregate).await?);

            let account = format!("user-{events}-{round}");
            write_user(&event_log, &account, events).await?;
            let user = stack.user(&account, "user-0");
            let revocations =
                time_of(async || Ok(user.revoke("contacts").await?.ok().map(drop)?));
            times.revocations.push(revocations.await?);
        }
    }
    // What a gateway reads before it is ready, nobody waits for.
    for round in 0..size.rounds {
        for (events, times) in [(SHORT, &mut short), (many, &mut long)] {
            stack.gateway.restart().await?;
            // Connections and keys are fetched for whoever comes first.
            stack.user("nobody", "nobody").see("nobody").await?;
            let admin = stack.super_admin(&format!("account-{events}-{round}"), "super");
            let started = Instant::now();
            change(&admin, &Cell::new(false)).await?;
            times.first.push(milliseconds(started.elapsed()));
        }
    }
    let row = |entry, ours, ceiling, how: String| {
        let how = format!("{how}; ours has {many} events, the ceiling {SHORT}");
        Row::new(entry, ours, ceiling, how)
    };
    let commands =
        |command| format!("{command} over HTTP, {COMMANDS} one after the other, after a first one");
    Ok(Vec::from([
        row(
            &catalogue::LONG_ACCOUNT,
            long.changes,
            short.changes,
            commands("PUT authorization-method"),
        ),
        row(
            &catalogue::LONG_USER,
            long.revocations,
            short.revocations,
            commands("DELETE grants/contacts"),
        ),
        row(
            &catalogue::LONG_FIRST,
            long.first,
            short.first,
            "one PUT authorization-method over HTTP, after the gateway was killed and is ready again"
                .to_owned(),
        ),
        row(
            &catalogue::LONG_COLD,
            long.cold,
            short.cold,
            "one read of all events through the event log, over a new connection".to_owned(),
        ),
    ]))
}

/// Of one length of histories, by round, in milliseconds.
#[derive(Default)]
struct Times {
    changes: Vec<f64>,
    revocations: Vec<f64>,
    cold: Vec<f64>,
    first: Vec<f64>,
}

/// The median of the times of some commands, in milliseconds.
async fn time_of(command: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    command().await?;
    let mut times = Vec::with_capacity(COMMANDS);
    for _ in 0..COMMANDS {
        let started = Instant::now();
        command().await?;
        times.push(milliseconds(started.elapsed()));
    }
    Ok(quantile(&mut times, 500))
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
    Ok(milliseconds(started.elapsed()))
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
