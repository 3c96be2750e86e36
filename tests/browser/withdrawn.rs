//! What the pages say of tokens: when Microsoft last said yes, how long the last one lives, and that a consent is dead.

use std::time::Duration;

use anyhow::ensure;
use assent_contract::custody::{CustodyStatus, HandedOut, HeldToken};
use assent_contract::names;
use assent_contract::values::{Permission, PersonId};
use assent_dev_stack::actors::{ANA, BEN, OLGA, Person};
use assent_dev_stack::{NatsUser, Stack, StackOptions};
use assent_messaging::{Connection, ConnectionSettings, Endpoint, ServiceDefinition, serve};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fixture::{
    SAVE, accept_as, admin_consent, ask_for, browser, connect_as, is_content, open_account,
    open_company, suits_everybody,
};

/// A stack without a token broker: here it is played.
async fn start() -> anyhow::Result<Stack> {
    let options = StackOptions {
        token_brokers: 0,
        ..StackOptions::default()
    };
    Ok(Stack::start(options).await?)
}

/// The token broker's connection to NATS.
async fn token_broker(stack: &Stack) -> anyhow::Result<Connection> {
    let (name, password) = stack.nats().credentials(NatsUser::TokenBroker);
    let settings = ConnectionSettings::new(stack.nats().url(), "browser").with_user(name, password);
    Ok(Connection::connect(settings).await?)
}

fn identity(person: Person) -> anyhow::Result<PersonId> {
    Ok(serde_json::from_value(json!({
        "tenant_id": person.tenant, "object_id": person.object_id,
    }))?)
}

/// What the broker found out about a user of acme at Microsoft.
async fn withdraws(broker: &Connection, user: &str, person: Person) -> anyhow::Result<()> {
    let command = json!({
        "account_id": "acme", "user_id": user, "permissions": ["calendar", "email"],
        "microsoft_identity": {"tenant_id": person.tenant, "object_id": person.object_id},
        "evidence": {
            "reach": "user", "error": "invalid_grant", "suberror": "consent_required", "code": 65001,
        },
    });
    let command = serde_json::to_vec(&command)?;
    let patience = Duration::from_secs(10);
    broker
        .request(names::COMMAND_RECORD_WITHDRAWAL, command, None, patience)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_user_sees_when_microsoft_said_yes_and_how_long_the_last_token_lives()
-> anyhow::Result<()> {
    let stack = start().await?;
    let broker = token_broker(&stack).await?;
    let now = Timestamp::now();
    let status = CustodyStatus {
        held: Some(HeldToken {
            microsoft_identity: identity(ANA)?,
            since: now,
            verified_at: now,
            reauthentication_required: false,
        }),
        handed_out: vec![
            HandedOut {
                permission: Permission::Calendar,
                last_at: now,
                expires_at: now + SignedDuration::from_mins(50),
            },
            HandedOut {
                permission: Permission::Contacts,
                last_at: now - SignedDuration::from_mins(70),
                expires_at: now - SignedDuration::from_mins(10),
            },
        ],
    };
    let answer = serde_json::to_vec(&status)?;
    let says = Endpoint::new("status", names::CUSTODY_STATUS, move |_| {
        let answer = answer.clone();
        async move { Ok(answer) }
    });
    let definition = ServiceDefinition {
        name: "consent-token-broker",
        version: "1.2.3",
        description: "stands in",
    };
    let over = CancellationToken::new();
    let serving = tokio::spawn({
        let (over, broker) = (over.clone(), broker.clone());
        async move { serve(&broker, definition, vec![says], 4, over).await }
    });

    let mut browser = browser().await?;
    open_account(&browser, &stack, "ana").await?;
    browser.tick("Calendar").await?;
    ask_for(&browser, "Contacts").await?;
    connect_as(&browser, ANA).await?;
    browser.sees("Microsoft last said yes").await?;
    browser
        .does_not_see("It can't be taken back from whoever has it already")
        .await?;
    browser.untick("Calendar").await?;
    browser.untick("Contacts").await?;
    browser.click_button(SAVE).await?;
    browser
        .sees(
            "It can't be taken back from whoever has it already: the last token given out ends at",
        )
        .await?;
    // Of the contacts the last one had ended before they were revoked.
    browser
        .does_not_see("The last token given out ended at")
        .await?;
    browser.does_not_see("Microsoft last said yes").await?;
    suits_everybody(&mut browser).await?;
    is_content(&browser).await?;
    over.cancel();
    serving.await??;
    Ok(())
}

#[tokio::test]
async fn a_consent_that_is_dead_is_told_until_an_administrator_consents_again() -> anyhow::Result<()>
{
    let stack = start().await?;
    let broker = token_broker(&stack).await?;
    admin_consent(&stack).await?;
    let login = stack.login("acme");
    login.through_microsoft("ana", ANA, 0).await?.ok()?;
    login.through_microsoft("ben", BEN, 0).await?.ok()?;
    let mut browser = browser().await?;
    open_company(&browser, &stack).await?;
    browser.sees("2 have so far, 0 have not yet").await?;
    browser.does_not_see("Withdrawn at Microsoft").await?;

    withdraws(&broker, "ana", ANA).await?;
    open_company(&browser, &stack).await?;
    browser
        .sees("Withdrawn at Microsoft: Calendar and Email")
        .await?;
    browser
        .sees("It concerns 2 users known here: 1 user is still connected")
        .await?;
    suits_everybody(&mut browser).await?;
    // As others are tried, the page goes on.
    withdraws(&broker, "ben", BEN).await?;
    browser
        .sees("Nothing is on any more for any of them.")
        .await?;

    let mut anas = crate::fixture::browser().await?;
    open_account(&anas, &stack, "ana").await?;
    anas.sees("Off: the consent was withdrawn at Microsoft")
        .await?;
    anas.sees("Once an administrator has consented there again")
        .await?;
    suits_everybody(&mut anas).await?;
    is_content(&anas).await?;

    browser
        .click_link("Consent again, or make a link for an administrator")
        .await?;
    browser
        .tick("I am an administrator for my company's Office 365 account")
        .await?;
    ensure!(browser.is_ticked("Calendar").await? && !browser.is_ticked("Contacts").await?);
    browser.click_button("Go to O365 Auth").await?;
    accept_as(&browser, OLGA).await?;
    browser
        .sees("The administrator's consent is verified and recorded")
        .await?;
    browser.does_not_see("Withdrawn at Microsoft:").await?;
    is_content(&browser).await
}
