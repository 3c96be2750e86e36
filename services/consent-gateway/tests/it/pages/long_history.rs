//! A history that does not fit on one page.

use anyhow::{Context, ensure};
use assent_dev_stack::NatsUser;
use assent_dev_stack::actors::SettingsClient;
use assent_domain::event::{Event, ModeChanged};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_event_log::{Draft, EventLog, Tail};
use jiff::Timestamp;
use uuid::Uuid;

use crate::fixture::{Fixture, start};

const CHANGES: usize = 450;

/// Somebody has changed the company's e-mail sync again and again.
async fn change_often(stack: &Fixture) -> anyhow::Result<()> {
    let gateway = stack.connect(NatsUser::Gateway).await;
    let log = EventLog::open(&gateway).await?;
    let mode = |email_sync| Mode {
        method: AuthorizationMethod::UserIndividual,
        email_sync,
    };
    let syncs = [EmailSync::Full, EmailSync::Limited].into_iter().cycle();
    let changes = syncs.clone().zip(syncs.skip(1)).take(CHANGES);
    let drafts = changes.map(|(from, to)| {
        Ok(Draft {
            id: Uuid::now_v7(),
            time: Timestamp::UNIX_EPOCH,
            traceparent: None,
            event: Event::ModeChanged(ModeChanged {
                account: AccountId::parse("acme")?,
                from: mode(from),
                to: mode(to),
                consent: None,
                changed_by: UserId::parse("sam")?,
            }),
        })
    });
    let drafts = drafts.collect::<anyhow::Result<_>>()?;
    log.append(Tail::EMPTY, drafts).await?;
    Ok(())
}

/// How many lines of the history each page has, by the links from one to the next.
async fn lines(session: &SettingsClient, path: &str) -> anyhow::Result<Vec<usize>> {
    let mut lines = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(here) = next {
        ensure!(lines.len() < 10, "there is no end to it");
        let page = session.get(&here).await?.ok()?.text;
        lines.push(page.matches("sync of e-mail <span").count());
        ensure!(
            page.contains("Back to the newest") == here.contains("before"),
            "{here}"
        );
        let link = format!("{path}?before=");
        next = match page.split_once(&link) {
            Some((_, rest)) => {
                let (before, _) = rest.split_once('#').context("no end of the link")?;
                Some(format!("{link}{before}"))
            }
            None => None,
        };
    }
    Ok(lines)
}

#[tokio::test]
async fn it_is_on_as_many_pages_as_it_needs() -> anyhow::Result<()> {
    let stack = start().await?;
    change_often(&stack).await?;
    let sam = stack.session_super_admin("acme", "sam").await?;
    for path in ["/settings/company", "/settings/account"] {
        ensure!(lines(&sam, path).await? == [200, 200, 50], "{path}");
        // An address that somebody made up shows an ordinary page.
        for odd in ["0", "1", "18446744073709551616", "x", "-1", "%ff", ""] {
            let page = sam.get(&format!("{path}?before={odd}")).await?.ok()?;
            ensure!(page.text.contains("History"), "{path} {odd}");
        }
    }
    Ok(())
}
