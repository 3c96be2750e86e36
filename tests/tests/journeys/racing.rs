//! Many at once on one user, while the company moves on.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, HostUser, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use assent_domain::event::Event;
use assent_messaging::ChangeStream;
use futures::future::join_all;

use crate::fixture::{
    admin_consent, authorize_url, company_history, connect, effective_by_the_log, ended, grant,
    log, start, user_history,
};

const WRITERS: usize = 64;

/// Grants or revokes; it does not matter which of many writers comes through.
async fn write(stack: &Stack, ana: &HostUser, number: usize) -> anyhow::Result<()> {
    let permission = match number % 3 {
        0 => "calendar",
        1 => "contacts",
        _ => "email",
    };
    if number.is_multiple_of(2) {
        let reply = ana.revoke(permission).await?;
        let fine = reply.status == 200
            || ["concurrent_change", "managed_by_administrator"]
                .contains(&reply.word("/code").unwrap_or_default());
        ensure!(fine, "{}", reply.text);
        return Ok(());
    }
    let started = ana.start_grant(&[permission], Some(ANA)).await?;
    if started.status != 201 {
        started.refused(409, "managed_by_administrator")?;
        return Ok(());
    }
    let url = authorize_url(&started)?;
    let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
    let known = ["completed", "expired", "refused", "undetermined"];
    ensure!(known.contains(&landing.outcome.as_str()), "{landing:?}");
    Ok(())
}

#[tokio::test]
async fn sixty_four_writers_and_a_switch_in_between() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar", "contacts", "email"]).await?;

    let writers = join_all((0..WRITERS).map(|number| write(&stack, &ana, number)));
    let switch = admin_consent(
        &stack,
        &sam,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    );
    let (written, switched) = tokio::join!(writers, switch);
    written.into_iter().collect::<anyhow::Result<()>>()?;
    ended(&sam, &switched?, "completed", None).await?;

    // One line for each aggregate: reading it checks every hash on its way.
    let company = company_history(&log, "acme").await?;
    let history = user_history(&log, "acme", "ana").await?;
    let sequences: Vec<u64> = history
        .events()
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    ensure!(
        sequences.is_sorted_by(|one, next| one < next),
        "{sequences:?}"
    );
    ensure!(sequences.len() > 1, "nobody but the first wrote anything");
    for event in history.events() {
        let epoch = match &event.decoded.event {
            Event::UserScopeGranted(granted) => granted.epoch,
            Event::UserScopeRevoked(revoked) => revoked.epoch,
            Event::ModeChanged(_) | Event::AdminConsentGranted(_) => continue,
        };
        ensure!(
            epoch.0 == 0,
            "an own grant under the administrator's method: {event:?}"
        );
    }

    // What was granted before the switch is off, and stays off after the way back.
    let last = company
        .tail
        .sequence
        .0
        .max(sequences.last().copied().unwrap_or_default());
    let seen = stack
        .service(0)
        .permissions("acme", "ana", last)
        .await?
        .ok()?;
    ensure!(seen.effective() == "nothing", "{}", seen.text);
    let back = sam.set_method("user_individual", "full").await?.ok()?;
    let last = last.max(back.sequence());
    let seen = stack
        .service(0)
        .permissions("acme", "ana", last)
        .await?
        .ok()?;
    ensure!(seen.effective() == "nothing", "{}", seen.text);
    ensure!(
        seen.value("/effective") == &effective_by_the_log(&log, "acme", "ana").await?,
        "{}",
        seen.text
    );
    Ok(())
}

#[tokio::test]
async fn changes_are_told_once_by_two_replicas() -> anyhow::Result<()> {
    let options = assent_dev_stack::StackOptions {
        projections: 2,
        ..Default::default()
    };
    let stack = Stack::start(options).await?;
    let mut worker = stack.start_sync_worker().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts", "email"]).await?;
    let mut last = 1;
    for permission in ["calendar", "contacts", "email"] {
        last = ana.revoke(permission).await?.ok()?.sequence();
    }

    for number in [0, 1] {
        stack
            .service(number)
            .permissions("acme", "ana", last)
            .await?
            .ok()?;
    }
    let mut told = Vec::new();
    for sequence in 1..=last {
        told.push(worker.receive(sequence).await?);
    }
    ensure!(
        told.iter()
            .all(|heard| heard.subject == "consent.changes.v1.acme.user.ana"),
        "{told:?}"
    );
    ensure!(
        told.last()
            .is_some_and(|heard| heard.effective() == "nothing"),
        "{told:?}"
    );
    // Whatever is told takes a place in the stream, also what is told twice: so there are no more than events.
    let connection = connect(&stack, NatsUser::Gateway).await?;
    let kept = ChangeStream::open(&connection).await?.last().await?;
    let places = kept.and_then(|kept| kept.stream_sequence);
    ensure!(places == Some(last), "{places:?} changes for {last} events");
    Ok(())
}
