use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{End, LoggedMessage, from_line, to_line};
use crate::codec::{self, Metadata};
use crate::event_hash::EventHash;

const BODY: &str = r#"{"account_id":"acme","user_id":"auth0|5f7c","epoch":0,"permissions":["email"],"reason":"user_revoked","revoked_by":null}"#;

/// An event as it is stored.
fn stored(body: &str, trace: Option<&str>) -> LoggedMessage {
    let event = codec::decode(
        "consent.events.v1.acme.user.auth0%7C5f7c",
        |name| {
            Some(match name {
                "ce-specversion" => "1.0",
                "ce-id" => "01934a2b-1c2d-7e3f-8a4b-000000000001",
                "ce-type" => "assent.consent.UserScopeRevoked.v1",
                "ce-subject" => "accounts/acme/users/auth0|5f7c",
                "ce-time" => "2026-11-23T10:00:00.123456789Z",
                "ce-datacontenttype" => "application/json",
                "ce-prevhash" => NONE,
                _ => "/assent/consent-gateway",
            })
        },
        BODY.as_bytes(),
    )
    .unwrap();
    let metadata = Metadata {
        traceparent: trace.map(str::to_owned),
        previous: EventHash::NONE,
        ..event.metadata
    };
    let encoded = codec::encode(&event.event, &metadata).unwrap();
    let mut headers: Vec<_> = encoded
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    headers.sort();
    LoggedMessage {
        sequence: 42,
        subject: encoded.subject,
        headers,
        body: body.as_bytes().to_vec(),
    }
}

const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn an_event_is_a_line_of_cloud_events_json() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let line = to_line(&stored(BODY, Some(trace)), None).unwrap();
    let expected = format!(
        r#"{{"specversion":"1.0","id":"01934a2b-1c2d-7e3f-8a4b-000000000001","source":"/assent/consent-gateway","type":"assent.consent.UserScopeRevoked.v1","subject":"accounts/acme/users/auth0|5f7c","time":"2026-11-23T10:00:00.123456789Z","datacontenttype":"application/json","sequence":"00000000000000000042","prevhash":"{NONE}","traceparent":"{trace}","data":{BODY}}}"#
    );
    assert_eq!(line, expected);
}

#[test]
fn the_order_of_sequences_is_that_of_their_texts() {
    let mut message = stored(BODY, None);
    let mut lines = Vec::new();
    for sequence in [1, 9, 10, 99, 1_000_000, u64::MAX] {
        message.sequence = sequence;
        let line = to_line(&message, None).unwrap();
        let (_, text) = line.split_once(r#""sequence":""#).unwrap();
        lines.push(text[..20].to_owned());
        assert_eq!(from_line(&line).unwrap().0.sequence, sequence);
    }
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn the_last_line_says_that_it_is_the_last() {
    let end = End {
        logcreated: "2026-11-23T10:00:00.5Z".to_owned(),
        logroot: "AAAA".to_owned(),
    };
    let message = stored(BODY, None);
    let line = to_line(&message, Some(&end)).unwrap();
    assert_eq!(from_line(&line).unwrap(), (message, Some(end)));
    let half = line.replace(r#""logroot":"AAAA","#, "");
    assert!(from_line(&half).is_err(), "{half}");
}

#[test]
fn what_would_not_come_back_is_no_line() {
    let event = stored(BODY, None);
    assert!(to_line(&event, None).is_some());
    let changed = |change: &dyn Fn(&mut LoggedMessage)| {
        let mut message = event.clone();
        change(&mut message);
        to_line(&message, None)
    };
    // A line break or white space around the body; another way to escape a header; one more header; two of a name.
    assert_eq!(changed(&|it| it.body.insert(1, b'\n')), None);
    assert_eq!(changed(&|it| it.body.push(b' ')), None);
    assert_eq!(
        changed(&|it| it.headers[3].1 = "/assent/consent%2Dgateway".to_owned()),
        None
    );
    assert_eq!(
        changed(&|it| it.headers.push(("x".to_owned(), "y".to_owned()))),
        None
    );
    assert_eq!(
        changed(&|it| it.headers.push(("ce-type".to_owned(), "y".to_owned()))),
        None
    );
    assert_eq!(changed(&|it| it.subject.push('x')), None);
    assert_eq!(changed(&|it| it.body = b"{}".to_vec()), None);
}

#[test]
fn what_is_no_such_line_is_refused() {
    let line = to_line(&stored(BODY, None), None).unwrap();
    for bad in [
        String::new(),
        "{}".to_owned(),
        line.replace("accounts/acme", "accounts/a b"),
        line.replace("accounts/acme/users/", "accounts/acme/user/"),
        line.replace("00000000000000000042", "x"),
        line.replace("00000000000000000042", "-1"),
        line.replace(r#""data""#, r#""surprise":1,"data""#),
        line.replace(r#""prevhash""#, r#""prevhsh""#),
        line[..line.len() - 1].to_owned(),
    ] {
        assert!(from_line(&bad).is_err(), "{bad}");
    }
}

proptest! {
    /// Whatever a message is: where there is a line, exactly the message comes back from it.
    #[test]
    fn what_has_a_line_comes_back_from_it(
        spaces in vec("[ \t]{0,3}", 12),
        trace in proptest::option::of("[ -~]{0,40}"),
        name in "[a-z-]{1,12}",
        value in "[ -~]{0,20}",
        which in 0_usize..9,
        with_header in any::<bool>(),
    ) {
        // The same event with white space between its parts is another body.
        let mut spaces = [String::new()].into_iter().chain(spaces);
        let mut body = String::new();
        for part in BODY.split_inclusive([',', ':']) {
            body.push_str(&spaces.next().unwrap_or_default());
            body.push_str(part);
        }
        let mut message = stored(&body, trace.as_deref());
        prop_assert!(to_line(&message, None).is_some());
        if with_header {
            message.headers.push((name, value));
            message.headers.sort();
        } else if let Some(header) = message.headers.get_mut(which) {
            header.1 = value;
        }
        if let Some(line) = to_line(&message, None) {
            prop_assert_eq!(from_line(&line).unwrap(), (message, None));
        }
    }
}
