//! What holds of everything that is taken.

use std::collections::BTreeMap;
use std::path::Path;

use assent_consent_core::lenient_address::intended_path;
use assent_contract::change::ChangeMessage;
use assent_contract::codec;
use assent_contract::structured::{from_line, to_line};
use assent_microsoft_identity::{
    TenantRef, UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback, state_of,
};
use assent_service_kit::config::Origin;
use assent_service_kit::return_to;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::Index;
use proptest::{prop_assert, prop_assert_eq};
use serde::Deserialize;
use url::Url;

use crate::mutation::{corpus, mutated, mutated_of};

/// An event as it is stored.
#[derive(Clone, Deserialize)]
struct Stored {
    subject: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn stored() -> Vec<Stored> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/contract/fixtures/v1");
    let files = std::fs::read_dir(folder).expect("the fixtures are there");
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let read = |path| {
        let text = std::fs::read_to_string(path).expect("a fixture is text");
        serde_json::from_str(&text).expect("a fixture is an event")
    };
    paths.into_iter().map(read).collect()
}

fn bodies() -> Vec<String> {
    stored().into_iter().map(|event| event.body).collect()
}

fn headers() -> Vec<String> {
    let all = stored().into_iter();
    all.flat_map(|event| event.headers.into_values()).collect()
}

fn allowed() -> Vec<Origin> {
    ["https://app.example", "http://127.0.0.1:8070"]
        .map(|origin| origin.parse().expect("an origin"))
        .to_vec()
}

/// The parameters of a query, as any reader of forms would see them.
fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn an_event_that_is_read_says_the_same_when_it_is_written(
        which in any::<Index>(),
        body in mutated_of(bodies()),
        header in mutated_of(headers()),
        other in any::<(Index, bool, bool)>(),
    ) {
        let all = stored();
        let mut event = which.get(&all).clone();
        let (place, with_header, with_body) = other;
        if with_header {
            let names: Vec<String> = event.headers.keys().cloned().collect();
            event.headers.insert(place.get(&names).clone(), header);
        }
        if with_body {
            event.body = body;
        }
        let header = |name: &'static str| event.headers.get(name).map(String::as_str);
        if let Ok(read) = codec::decode(&event.subject, header, event.body.as_bytes()) {
            let written = codec::encode(&read.event, &read.metadata).expect("it can be written");
            let header = |name: &'static str| {
                let mut headers = written.headers.iter();
                headers.find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
            };
            let again = codec::decode(&written.subject, header, &written.body);
            let again = again.expect("what was written can be read");
            prop_assert_eq!(written.subject, event.subject);
            prop_assert!(again.event == read.event && again.metadata == read.metadata);
        }
    }

    #[test]
    fn a_line_of_an_export_that_is_read_comes_back(line in mutated("export_lines.txt")) {
        if let Ok((message, end)) = from_line(&line) {
            // What can't be said in a line is not said in one; what can, means the same.
            if let Some(written) = to_line(&message, end.as_ref()) {
                prop_assert_eq!(from_line(&written).ok(), Some((message, end)));
            }
        }
    }

    #[test]
    fn a_change_that_is_read_says_the_same_when_it_is_told(text in mutated("changes.txt")) {
        if let Ok(change) = serde_json::from_str::<ChangeMessage>(&text) {
            let told = serde_json::to_string(&change).expect("it can be told");
            let again: ChangeMessage = serde_json::from_str(&told).expect("what was told is read");
            prop_assert_eq!(again, change);
        }
    }

    #[test]
    fn a_browser_is_sent_back_to_where_it_may_be_sent_only(text in mutated("return_to.txt")) {
        if let Ok(url) = return_to::check(&text, &allowed()) {
            let origin = url.origin().ascii_serialization();
            prop_assert!(["https://app.example", "http://127.0.0.1:8070"].contains(&origin.as_str()), "{text:?}: {url}");
            prop_assert!(url.username().is_empty() && url.password().is_none(), "{text:?}: {url}");
            // What was given is what a browser would have made of it, too.
            prop_assert_eq!(Url::parse(&text).map(|given| given.origin()), Ok(url.origin()));
        }
    }

    #[test]
    fn a_callback_is_a_success_only_without_an_error(query in mutated("callbacks.txt")) {
        let authorize = UnverifiedAuthorizeCallback::parse(&query).ok();
        let administrators = UnverifiedAdminConsentCallback::parse(&query).ok();
        let error = value(&query, "error");
        if let Some(callback) = &authorize {
            prop_assert_eq!(callback.outcome.is_err(), error.is_some());
            prop_assert_eq!(Some(callback.state.clone()), state_of(&query));
        }
        if let Some(callback) = &administrators {
            prop_assert_eq!(callback.outcome.is_err(), error.is_some());
            prop_assert_eq!(Some(callback.state.clone()), value(&query, "state"));
        }
    }

    #[test]
    fn an_address_that_was_meant_is_one_for_people(path in mutated("addresses.txt")) {
        // A request's own path has no other bytes.
        let can_be_asked = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii());
        if let Some(meant) = intended_path(&path).filter(|_| can_be_asked(&path)) {
            prop_assert!(meant.starts_with('/') && !meant.starts_with("//") && meant != path);
            prop_assert!(!meant.starts_with("/v1"), "{path:?}: {meant:?}");
            prop_assert!(can_be_asked(&meant), "{path:?}: {meant:?}");
            // Nobody is sent in circles.
            prop_assert_eq!(intended_path(&meant), None);
        }
    }

    #[test]
    fn a_tenant_is_a_guid_or_the_name_of_a_host(text in mutated("tenants.txt")) {
        if let Ok(TenantRef::Domain(domain)) = TenantRef::parse(&text) {
            let name = domain.as_str();
            let is_of_a_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            prop_assert!(name.contains('.') && name.chars().all(is_of_a_host), "{text:?}: {name:?}");
            let again = TenantRef::parse(name);
            prop_assert_eq!(again.ok(), Some(TenantRef::Domain(domain.clone())));
        }
    }
}

#[test]
fn no_corpus_is_empty() {
    for name in [
        "addresses.txt",
        "callbacks.txt",
        "changes.txt",
        "export_lines.txt",
        "return_to.txt",
        "tenants.txt",
    ] {
        assert!(corpus(name).len() > 1, "{name}");
    }
    assert!(stored().len() > 10);
}
