use std::time::Duration;

use assent_dev_stack::wait_for;
use assent_domain::event::{Event, ModeChanged};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_event_log::Tail;

use super::{KEY, LONG};
use crate::gateway::Gateway;
use crate::test_gateway::{connect_to, start};

const PATIENCE: Duration = Duration::from_secs(30);

/// An account whose e-mail sync was changed so often.
async fn changed(gateway: &Gateway, account: &str, times: usize) -> AccountId {
    let account = AccountId::parse(account).unwrap();
    let mode = |email_sync| Mode {
        method: AuthorizationMethod::UserIndividual,
        email_sync,
    };
    let syncs = [EmailSync::Full, EmailSync::Limited].into_iter().cycle();
    let events: Vec<_> = syncs
        .clone()
        .zip(syncs.skip(1))
        .take(times)
        .map(|(from, to)| {
            Event::ModeChanged(ModeChanged {
                account: account.clone(),
                from: mode(from),
                to: mode(to),
                consent: None,
                changed_by: UserId::parse("sam").unwrap(),
            })
        })
        .collect();
    let appended = gateway.executor.append(Tail::EMPTY, &events).await;
    assert_eq!(appended.unwrap().unwrap().len(), times);
    account
}

#[tokio::test]
async fn who_starts_reads_ahead_what_was_long_for_others() {
    let (server, gateway) = start().await;
    assert_eq!(gateway.executor.read_ahead().await, 0);
    for (name, events) in [("short", LONG - 1), ("long", LONG), ("other", LONG + 1)] {
        let account = changed(&gateway, name, events).await;
        gateway.executor.account(&account).await.unwrap();
    }
    let another = connect_to(&server).await;
    let read = wait_for(PATIENCE, async || {
        (another.executor.read_ahead().await == LONG + LONG + 1).then_some(())
    });
    read.await.unwrap();
}

#[tokio::test]
async fn a_note_that_is_nonsense_is_a_hint_and_no_more() {
    let (server, gateway) = start().await;
    let account = changed(&gateway, "acme", LONG).await;
    let notes = gateway.observations.bucket();
    for nonsense in [
        "nonsense",
        "[]",
        "{}",
        r#"{"subjects": ["consent.events.v1.acme", "consent.events.v1.nobody.company", ">", ""]}"#,
    ] {
        notes.delete(KEY).await.unwrap();
        notes.create(KEY, nonsense.into()).await.unwrap();
        let another = connect_to(&server).await;
        assert_eq!(another.executor.read_ahead().await, 0, "{nonsense}");
        let read = another.executor.account(&account).await.unwrap();
        assert_eq!(read.history.events().len(), LONG, "{nonsense}");
        let read = wait_for(PATIENCE, async || {
            (another.executor.read_ahead().await == LONG).then_some(())
        });
        read.await.unwrap();
    }
}
