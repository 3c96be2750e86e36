//! Whatever is in a log: it comes back, and its export with it.

use assent_contract::structured::LoggedMessage;
use assent_domain::permissions::{EmailLevel, Permission, PermissionSet};
use assent_messaging::Connection;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::{Empty, export, json, messages};
use crate::fixture::{Fixture, granted, revoked};

/// What may happen to a log.
#[derive(Debug, Clone)]
enum Step {
    Granted(String, String, PermissionSet),
    Revoked(Permission),
    /// Whatever somebody who holds the gateway's password can store.
    Foreign(LoggedMessage),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = "[A-Za-z0-9_|:+=~.-]{3,12}";
    let level = prop_oneof![
        Just(EmailLevel::None),
        Just(EmailLevel::Limited),
        Just(EmailLevel::Full)
    ];
    let set = (any::<bool>(), any::<bool>(), level).prop_map(|(calendar, contacts, email)| {
        PermissionSet {
            calendar,
            contacts,
            email,
        }
    });
    let kind = prop_oneof![
        Just(Permission::Calendar),
        Just(Permission::Contacts),
        Just(Permission::Email)
    ];
    let header = (
        "(ce-[a-z]{1,8}|[A-Za-z][A-Za-z0-9_-]{0,8}|traceparent)",
        "[!-~]{0,20}",
    );
    let headers = vec(header, 0..4).prop_map(|headers| {
        let is_free = |(name, _): &(String, String)| !name.starts_with("Nats-");
        headers.into_iter().filter(is_free).collect::<Vec<_>>()
    });
    let subject = prop_oneof![
        Just("consent.events.v1.acme.company".to_owned()),
        Just("consent.events.v1.acme.user.ana".to_owned()),
        "consent\\.events\\.v1\\.[a-z$%|-]{1,6}\\.user\\.[A-Z0-9%~]{1,6}",
    ];
    let body = prop_oneof![
        vec(any::<u8>(), 0..200),
        "[ -~\n]{0,80}".prop_map(String::into_bytes)
    ];
    let foreign = (subject, headers, body).prop_map(|(subject, headers, body)| LoggedMessage {
        sequence: 0,
        subject,
        headers,
        body,
    });
    let step = prop_oneof![
        3 => ("(acme|globex)", id, set).prop_map(|(account, user, set)| Step::Granted(account, user, set)),
        1 => kind.prop_map(Step::Revoked),
        3 => foreign.prop_map(Step::Foreign),
    ];
    vec(step, 1..25)
}

async fn store(fixture: &Fixture, gateway: &Connection, steps: Vec<Step>) {
    for step in steps {
        match step {
            // A line that holds what is no event takes no event any more.
            Step::Granted(account, user, set) => {
                fixture
                    .record([granted(&account, &format!("g-{user}"), set)])
                    .await;
            }
            Step::Revoked(permission) => fixture.record([revoked("rae", permission)]).await,
            Step::Foreign(message) => {
                let before = fixture.log.status().await.unwrap().last_sequence.0;
                let headers: Vec<_> = message
                    .headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                gateway
                    .publish(&message.subject, &headers, message.body)
                    .await
                    .unwrap();
                let stored = assent_dev_stack::wait_for(crate::fixture::PATIENCE, async || {
                    (before < fixture.log.status().await.unwrap().last_sequence.0).then_some(())
                });
                stored.await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_log_comes_back_and_exports_alike() {
    let mut runner = TestRunner::default();
    for _ in 0..6 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let told = format!("{steps:?}");
        let fixture = Fixture::start().await;
        store(&fixture, &fixture.gateway, steps).await;
        let (first, file) = (
            export(&fixture, "log", &[]).await,
            export(&fixture, "log.ndjson", &[]).await,
        );
        let empty = Empty::start().await;
        let ran = empty.import(&first.path, &["--json"]).await;
        assert_eq!(ran.code, Some(0), "{told}: {ran:?}");
        assert_eq!(
            empty.messages().await.unwrap(),
            messages(&fixture.log).await,
            "{told}"
        );

        let again = first.place.path().join("again");
        let ran = empty
            .as_gateway(&[
                "events",
                "export",
                "--to",
                again.to_str().unwrap(),
                "--json",
            ])
            .await;
        assert_eq!(
            json(&ran)["sequence"],
            fixture.log.status().await.unwrap().last_sequence.0,
            "{told}"
        );
        let lines =
            |path: &std::path::Path| std::fs::read_to_string(path.join("events.ndjson")).unwrap();
        assert_eq!(lines(&first.path), lines(&again), "{told}");

        let from_file = Empty::start().await;
        let ran = from_file.import(&file.path, &[]).await;
        assert_eq!(ran.code, Some(0), "{told}: {ran:?}");
        assert_eq!(from_file.messages().await, empty.messages().await, "{told}");
    }
}
