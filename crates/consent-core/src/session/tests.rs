use std::time::Duration;

use crate::clock::Clock;
use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::Caller;
use jiff::SignedDuration;

use super::SessionSecret;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::test_gateway;
use crate::use_cases::open_session::{Opened, open_session};

/// Opens a session with a token that is named like its id. `None` if it was used before.
async fn open(
    gateway: &Gateway,
    caller: &Caller,
    from_elsewhere: bool,
) -> Result<Option<SessionSecret>, Failure> {
    let token = caller.token_id.as_deref().unwrap_or_default();
    let opened = open_session(gateway, (token, caller), from_elsewhere).await?;
    Ok(match opened {
        Opened::Session(secret) => Some(secret),
        Opened::UsedBefore => None,
    })
}

fn caller(token_id: Option<&str>) -> Caller {
    Caller {
        subject: "ana".to_owned(),
        account: Some("acme".to_owned()),
        roles: vec!["super_admin".to_owned()],
        permissions: Vec::new(),
        scopes: Vec::new(),
        token_id: token_id.map(str::to_owned),
        issued_at: Some(Clock::default().system_time()),
        expires_at: Clock::default().system_time() + Duration::from_mins(5),
        name: Some("Ana Alvarez".to_owned()),
        account_name: Some("Acme".to_owned()),
    }
}

#[tokio::test]
async fn a_token_opens_one_session_and_the_session_speaks_for_its_user() {
    let (_nats, gateway) = test_gateway::start().await;
    let secret = open(&gateway, &caller(Some("t/1 *")), false)
        .await
        .unwrap()
        .unwrap();
    let session = gateway.sessions.find(&secret).await.unwrap().unwrap();
    assert_eq!(session.caller().roles, ["super_admin"]);
    assert_eq!(session.caller().account.as_deref(), Some("acme"));
    assert_eq!(session.caller().name.as_deref(), Some("Ana Alvarez"));
    assert_eq!(session.caller().account_name.as_deref(), Some("Acme"));
    assert!(session.was_opened_by("t/1 *") && !session.was_opened_by("t2"));
    assert!(!session.is_over(Clock::default().now()));
    assert!(session.is_over(Clock::default().now() + SignedDuration::from_mins(31)));

    let again = open(&gateway, &caller(Some("t/1 *")), false).await;
    assert!(again.unwrap().is_none());
    let another = open(&gateway, &caller(Some("t2")), false)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(another.expose(), secret.expose());

    gateway.sessions.end(&secret).await.unwrap();
    assert!(gateway.sessions.find(&secret).await.unwrap().is_none());
    assert!(gateway.sessions.find(&another).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_that_could_be_used_twice_or_is_nobodys_opens_none() {
    let (_nats, gateway) = test_gateway::start().await;
    let without_id = open(&gateway, &caller(None), false).await;
    assert!(matches!(without_id, Err(Failure::Unauthenticated(_))));
    let for_weeks = Caller {
        expires_at: Clock::default().system_time() + Duration::from_hours(25),
        ..caller(Some("long"))
    };
    let for_weeks = open(&gateway, &for_weeks, false).await;
    assert!(matches!(for_weeks, Err(Failure::Unauthenticated(_))));
    let service = Caller {
        account: None,
        ..caller(Some("service"))
    };
    let service = open(&gateway, &service, false).await;
    assert!(matches!(service, Err(Failure::Forbidden(_))));
}

/// Whoever kept a token for later has what it allowed until the host application ends it.
#[tokio::test]
async fn a_cut_off_ends_sessions_and_lets_no_earlier_token_open_another() {
    let (_nats, gateway) = test_gateway::start().await;
    let before = open(&gateway, &caller(Some("before")), false)
        .await
        .unwrap()
        .unwrap();
    let somebody_else = Caller {
        subject: "ben".to_owned(),
        ..caller(Some("else"))
    };
    let somebody_else = open(&gateway, &somebody_else, false)
        .await
        .unwrap()
        .unwrap();

    let (account, user) = (
        AccountId::parse("acme").unwrap(),
        UserId::parse("ana").unwrap(),
    );
    gateway.cutoffs.cut_off(&account, &user).await.unwrap();

    assert!(gateway.sessions.find(&before).await.unwrap().is_none());
    let found = gateway.sessions.find(&somebody_else).await.unwrap();
    assert!(found.is_some());
    let kept = Caller {
        issued_at: Clock::default()
            .system_time()
            .checked_sub(Duration::from_secs(5)),
        ..caller(Some("kept"))
    };
    let kept = open(&gateway, &kept, false).await;
    assert!(matches!(kept, Err(Failure::Unauthenticated(_))), "{kept:?}");
    let after = open(&gateway, &caller(Some("after")), false)
        .await
        .unwrap()
        .unwrap();
    assert!(gateway.sessions.find(&after).await.unwrap().is_some());
}

#[test]
fn a_form_proof_is_of_one_session_and_does_not_tell_the_cookie() {
    let (mine, other) = (SessionSecret::random(), SessionSecret::random());
    let proof = mine.csrf_token();
    assert!(proof.is(mine.csrf_token().expose()));
    assert!(!proof.is(other.csrf_token().expose()));
    assert!(!proof.is(""));
    assert_ne!(proof.expose(), mine.digest().as_str());
    assert!(!format!("{mine:?} {proof:?}").contains(mine.expose()));
}

#[tokio::test]
async fn a_token_stays_used_where_the_note_of_it_is_damaged() {
    let (mut nats, gateway) = test_gateway::start().await;
    assert!(gateway.sessions.use_up("t1").await.unwrap());
    nats.stop().await;
    nats.flip_bit("KV_CONSENT_SESSIONS", 1).unwrap();
    nats.restart().await.unwrap();

    // The connection comes back by itself.
    let used = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Ok(is_first) = gateway.sessions.use_up("t1").await {
                break !is_first;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(used.await.unwrap());
}
