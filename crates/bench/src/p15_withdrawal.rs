//! P15: a consent is withdrawn at Microsoft, which tells nobody, until the last worker is told that it is gone; against the
//! interval of the clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assent_contract::change::ChangeMessage;
use assent_contract::command::Sensitive;
use assent_contract::custody::{CustodyOverview, Deposit};
use assent_contract::names::{self, aggregate_of_change_subject};
use assent_contract::values::PersonId;
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID, Stack, StackOptions};
use assent_domain::event::{Aggregate, Authority, Event, UserScopeGranted};
use assent_domain::ids::{
    AccountId, Cloud, Epoch, MicrosoftIdentity, ObjectId, Tenant, TenantId, UserId,
};
use assent_domain::permissions::PermissionSet;
use assent_event_log::{Draft, EventLog, Tail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::fixture::{create_log, now, raw_client};
use crate::table::Row;

const PATIENCE: Duration = Duration::from_secs(30);
/// How many users are prepared at once.
const AT_ONCE: usize = 32;

/// How much is held, and how often it is tried.
#[derive(Debug, Clone, Copy)]
struct Shape {
    tenants: usize,
    users_each: usize,
    every: Duration,
    /// Of how many tenants the consent is withdrawn.
    withdrawn: usize,
}

impl Shape {
    const fn of(size: Size) -> Self {
        if size.rounds == 1 {
            Self {
                tenants: 2,
                users_each: 5,
                every: Duration::from_secs(3),
                withdrawn: 2,
            }
        } else {
            Self {
                tenants: 100,
                users_each: 100,
                every: Duration::from_mins(1),
                withdrawn: 20,
            }
        }
    }
}

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let shape = Shape::of(size);
    let minutes = shape.every.as_secs_f64() / 60.0;
    let variables = [
        ("ASSENT_VERIFY_EVERY_MINUTES", minutes.to_string()),
        // 10,000 in a minute are 167 a second.
        ("ASSENT_VERIFY_RATE", "1000".to_owned()),
    ];
    let stack = Stack::start(StackOptions {
        variables: variables
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
        ..StackOptions::default()
    })
    .await?;
    let log = create_log(stack.nats()).await?;
    for tenant in 0..shape.tenants {
        prepare(&stack, &log, tenant, shape.users_each).await?;
    }
    until_each_was_tried(&stack).await?;

    let worker = raw_client(stack.nats(), NatsUser::SyncWorker).await?;
    let mut changes = worker.subscribe(names::CHANGE_SUBJECTS).await?;
    worker.flush().await?;
    let mut withdrawn_at = HashMap::new();
    let mut waits = Vec::new();
    let all = shape.withdrawn * shape.users_each;
    // Spread over a period, since whose turn is next depends on when it is.
    let pause = shape.every / u32::try_from(shape.withdrawn)?;
    let mut next = 0;
    let mut at = tokio::time::Instant::now();
    let until = at + shape.every * 4;
    while waits.len() < all {
        tokio::select! {
            () = tokio::time::sleep_until(at), if next < shape.withdrawn => {
                let filter = format!("grants?tenant={}&client_id={SIMULATOR_CLIENT_ID}", tenant_id(next));
                stack.microsoft().control(Method::DELETE, &filter, None).await?;
                withdrawn_at.insert(account(next)?, Instant::now());
                next += 1;
                at += pause;
            }
            () = tokio::time::sleep_until(until) => {
                anyhow::bail!("{} of {all} withdrawals were found", waits.len());
            }
            message = changes.next() => {
                let message = message.context("the subscription ended")?;
                let change: ChangeMessage = serde_json::from_slice(&message.payload)?;
                if let Some(Aggregate::User(account, _)) = aggregate_of_change_subject(&message.subject)
                    && change.effective.is_some_and(|effective| PermissionSet::from(effective).is_nothing())
                    && let Some(since) = withdrawn_at.get(&account)
                {
                    waits.push(since.elapsed().as_secs_f64());
                }
            }
        }
    }
    waits.sort_by(f64::total_cmp);
    let p99 = waits.get((waits.len() * 99).div_ceil(100).saturating_sub(1));
    let p99 = *p99.context("nobody was withdrawn")?;
    Ok(Row::new(
        &catalogue::WITHDRAWN,
        Vec::from([p99]),
        Vec::from([shape.every.as_secs_f64()]),
        format!(
            "{} tokens of {} tenants are held, each tried once in {} s; of {} tenants the consent is deleted at Microsoft, \
             one after another; p99 over their {all} users, from there until workers hear that nothing is effective",
            shape.tenants * shape.users_each,
            shape.tenants,
            shape.every.as_secs(),
            shape.withdrawn,
        ),
    ))
}

fn account(tenant: usize) -> anyhow::Result<AccountId> {
    Ok(AccountId::parse(&format!("company-{tenant}"))?)
}

fn tenant_id(tenant: usize) -> Uuid {
    numbered(0x1500_0000_0000_4000_8000_0000_0000_0000, tenant)
}

fn object_id(tenant: usize, user: usize) -> Uuid {
    let number = tenant * 10_000 + user;
    numbered(0x1600_0000_0000_4000_8000_0000_0000_0000, number)
}

fn numbered(first: u128, number: usize) -> Uuid {
    Uuid::from_u128(first + u128::try_from(number).unwrap_or_default())
}

/// A tenant whose users have all consented to contacts, at Microsoft and on the log, and of whom a token is held.
async fn prepare(stack: &Stack, log: &EventLog, tenant: usize, users: usize) -> anyhow::Result<()> {
    let microsoft = stack.microsoft();
    let people: Vec<_> = (0..users)
        .map(|user| {
            let upn = format!("user-{user}@company-{tenant}.example");
            json!({"name": "Somebody", "upn": upn, "id": object_id(tenant, user)})
        })
        .collect();
    let made = json!({
        "id": tenant_id(tenant), "name": format!("Company {tenant}"), "domain": format!("company-{tenant}.example"),
        "users": people,
    });
    microsoft
        .control(Method::POST, "tenants", Some(&made))
        .await?;
    let scopes = ["Contacts.Read", "User.Read"];
    let consent =
        json!({"tenant": tenant_id(tenant), "client_id": SIMULATOR_CLIENT_ID, "scopes": scopes});
    microsoft
        .control(Method::POST, "grants", Some(&consent))
        .await?;
    let login_hook = raw_client(stack.nats(), NatsUser::LoginHook).await?;
    stream::iter(0..users)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |user| {
            let (microsoft, login_hook) = (stack.microsoft(), login_hook.clone());
            async move {
                let whose = (account(tenant)?, UserId::parse(&format!("user-{user}"))?);
                let sequence = grant(log, tenant, user, whose.clone()).await?;
                let order = json!({
                    "tenant": tenant_id(tenant), "user": object_id(tenant, user), "client_id": SIMULATOR_CLIENT_ID,
                    "scope": "openid profile offline_access User.Read",
                });
                let token = microsoft
                    .control(Method::POST, "refresh-token", Some(&order))
                    .await?;
                let deposit = Deposit {
                    account_id: whose.0,
                    user_id: whose.1,
                    microsoft_identity: PersonId {
                        tenant_id: tenant_id(tenant),
                        object_id: object_id(tenant, user),
                    },
                    refresh_token: Sensitive(
                        token.word("/refresh_token").unwrap_or_default().to_owned(),
                    ),
                    at_least: Some(sequence),
                };
                let payload = serde_json::to_vec(&deposit)?.into();
                let asked = login_hook.request(names::CUSTODY_DEPOSIT, payload);
                let answer = tokio::time::timeout(PATIENCE, asked).await??;
                let said = String::from_utf8_lossy(&answer.payload).into_owned();
                ensure!(said.contains("true"), "a token is not held: {said}");
                Ok(())
            }
        })
        .await
}

async fn grant(
    log: &EventLog,
    tenant: usize,
    user: usize,
    (account, id): (AccountId, UserId),
) -> anyhow::Result<u64> {
    let event = Event::UserScopeGranted(UserScopeGranted {
        account,
        user: id,
        epoch: Epoch(0),
        permissions: PermissionSet {
            contacts: true,
            ..PermissionSet::NOTHING
        },
        authority: Authority::User,
        identity: MicrosoftIdentity {
            tenant: Tenant {
                cloud: Cloud::Worldwide,
                id: TenantId(tenant_id(tenant)),
            },
            object_id: ObjectId(object_id(tenant, user)),
        },
        scopes: Vec::new(),
    });
    let draft = Draft {
        id: Uuid::now_v7(),
        time: now(),
        traceparent: None,
        event,
    };
    let appended = log.append(Tail::EMPTY, Vec::from([draft])).await?;
    let last = appended.sequences.last().context("nothing was appended")?;
    Ok(last.0)
}

/// The clock has come round once, so that everything goes as it goes on.
async fn until_each_was_tried(stack: &Stack) -> anyhow::Result<()> {
    let operator = raw_client(stack.nats(), NatsUser::Operator).await?;
    let begun = now();
    loop {
        let answer = operator
            .request(names::CUSTODY_OVERVIEW, "{}".into())
            .await?;
        let overview: CustodyOverview = serde_json::from_slice(&answer.payload)?;
        let oldest = overview.counted.and_then(|count| count.oldest_verified_at);
        if oldest.is_some_and(|oldest| begun < oldest) {
            return Ok(());
        }
        let waited = now().duration_since(begun);
        ensure!(
            waited.as_secs() < 4 * i64::try_from(overview.verify_every_seconds.max(15))?,
            "the clock does not come round: {overview:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
