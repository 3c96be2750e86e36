//! Mailboxes over Graph: what a host application syncs.

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const EVERYTHING: &str = "Mail.ReadWrite Mail.Send Calendars.ReadWrite Contacts.Read";

async fn token(fixture: &Fixture, scope: &str) -> String {
    let tokens = fixture.tokens("contoso.example", story::ANA, scope).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// All pages, and how many there were. Where they end, as the last page says.
async fn pages(fixture: &Fixture, path: &str, token: &str) -> (Vec<Value>, usize, Option<String>) {
    let (mut all, mut count) = (Vec::new(), 0);
    let mut next = Some(fixture.url(&format!("/v1.0/{path}")));
    let mut delta = None;
    while let Some(address) = next {
        let response = fixture.http.get(address).bearer_auth(token).send().await;
        let page: Value = response.unwrap().json().await.unwrap();
        all.extend(
            page["value"]
                .as_array()
                .unwrap_or_else(|| panic!("{page}"))
                .iter()
                .cloned(),
        );
        count += 1;
        let link = |name: &str| page[name].as_str().map(str::to_owned);
        (next, delta) = (link("@odata.nextLink"), link("@odata.deltaLink"));
    }
    (all, count, delta)
}

fn ids(values: &[Value]) -> Vec<&str> {
    values
        .iter()
        .map(|value| value["id"].as_str().unwrap())
        .collect()
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn messages_come_by_pages_newest_first() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let (messages, count, _) = pages(&fixture, "me/messages", &token).await;
    assert_eq!((messages.len(), count), (25, 3));
    assert_eq!(messages[0]["subject"], "Application 25");
    assert_eq!(messages[24]["subject"], "Application 1");
    let path = "me/mailFolders/inbox/messages?$top=7&$select=subject&$orderby=receivedDateTime asc&$count=true";
    let (selected, count, _) = pages(&fixture, path, &token).await;
    assert_eq!((selected.len(), count), (25, 4));
    let mut backwards = messages.clone();
    backwards.reverse();
    assert_eq!(ids(&selected), ids(&backwards));
    let names: Vec<&String> = selected[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["@odata.etag", "id", "subject"]);
    let (_, first) = fixture
        .graph(Method::GET, "me/messages?$count=true&$top=1", &token)
        .await;
    assert_eq!(first["@odata.count"], 25);
    let one = format!("me/messages/{}", messages[3]["id"].as_str().unwrap());
    let (_, body) = fixture.graph(Method::GET, &one, &token).await;
    let mut told = body.as_object().unwrap().clone();
    assert!(told.remove("@odata.context").is_some());
    assert_eq!(Value::Object(told), messages[3]);
    for (query, status) in [
        ("$top=0", StatusCode::BAD_REQUEST),
        ("$top=1001", StatusCode::BAD_REQUEST),
        ("$top=5&$top=6", StatusCode::BAD_REQUEST),
        ("$select=nonsense", StatusCode::BAD_REQUEST),
        ("$filter=isRead eq false", StatusCode::NOT_IMPLEMENTED),
        ("$orderby=nonsense", StatusCode::BAD_REQUEST),
        ("$orderby=subject sideways", StatusCode::BAD_REQUEST),
    ] {
        let path = format!("me/messages?{query}");
        let (answered, _) = fixture.graph(Method::GET, &path, &token).await;
        assert_eq!(answered, status, "{query}");
    }
}

#[tokio::test]
async fn a_list_is_in_the_order_that_is_asked_for() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    for (path, property, expected) in [
        (
            "me/contacts?$orderby=displayName&$top=3",
            "/displayName",
            vec!["Jonas Jung", "Mira Meyer", "Priya Patel", "Tom Tanaka"],
        ),
        (
            "me/contacts?$orderby=surname desc&$top=3",
            "/surname",
            vec!["Tanaka", "Patel", "Meyer", "Jung"],
        ),
        (
            "me/events?$orderby=showAs,start/dateTime desc&$top=4&$select=subject,start,showAs",
            "/subject",
            vec![
                "Interview 6",
                "Interview 5",
                "Interview 4",
                "Interview 3",
                "Interview 2",
                "Interview 1",
            ],
        ),
    ] {
        let (found, count, _) = pages(&fixture, path, &token).await;
        let values: Vec<&str> = found
            .iter()
            .map(|one| one.pointer(property).and_then(Value::as_str).unwrap())
            .collect();
        assert_eq!((values, count), (expected, 2), "{path}");
    }
}

#[tokio::test]
async fn changes_are_told_since_the_last_time() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let path = "me/mailFolders/inbox/messages/delta?$select=subject";
    let (first, count, delta) = pages(&fixture, path, &token).await;
    assert_eq!((first.len(), count), (25, 3));
    let since = delta.unwrap();
    let since = since.split("/v1.0/").nth(1).unwrap();
    assert!(pages(&fixture, since, &token).await.0.is_empty());
    let mailbox = format!("/tenants/contoso.example/users/{}/mailbox", story::ANA);
    let gone = first[4]["id"].as_str().unwrap();
    fixture
        .set(Method::DELETE, &format!("{mailbox}/{gone}"), json!({}))
        .await;
    fixture
        .set(Method::POST, &mailbox, json!({ "messages": 2 }))
        .await;
    let (changes, _, _) = pages(&fixture, since, &token).await;
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[0]["@removed"]["reason"], "deleted");
    assert_eq!(changes[0]["id"], gone);
    assert_eq!(changes[1]["subject"], "Application 1");
    let (status, body) = fixture
        .graph(
            Method::GET,
            "me/mailFolders/inbox/messages/delta?$deltatoken=9-9999-0",
            &token,
        )
        .await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::GONE, "SyncStateNotFound")
    );
    let (status, _) = fixture
        .graph(Method::GET, "me/messages/delta", &token)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (contacts, _, delta) = pages(&fixture, "me/contacts/delta", &token).await;
    assert!(contacts.len() == 4 && delta.is_some());
}

#[tokio::test]
async fn a_view_of_the_calendar_has_a_window() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let (events, _, _) = pages(&fixture, "me/events", &token).await;
    assert_eq!(events.len(), 6);
    let (status, body) = fixture.graph(Method::GET, "me/calendarView", &token).await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::BAD_REQUEST, "ErrorInvalidParameter")
    );
    let begins = events[1]["start"]["dateTime"].as_str().unwrap();
    let ends = events[2]["end"]["dateTime"].as_str().unwrap();
    let path = format!("me/calendarView?startDateTime={begins}&endDateTime={ends}&$top=1");
    let (view, count, _) = pages(&fixture, &path, &token).await;
    assert_eq!((ids(&view), count), (ids(&events[1..3]), 2));
    let path = format!("me/calendarView/delta?startDateTime={begins}&endDateTime={ends}");
    let (view, _, delta) = pages(&fixture, &path, &token).await;
    assert!(view.len() == 2 && delta.is_some());
    let create = fixture
        .http
        .post(fixture.url("/v1.0/me/events"))
        .bearer_auth(&token)
        .json(&json!({
            "subject": "Lunch",
            "start": { "dateTime": begins, "timeZone": "UTC" }, "end": { "dateTime": ends, "timeZone": "UTC" },
        }));
    let created = create.send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let id = created.json::<Value>().await.unwrap()["id"].clone();
    let path = format!("me/events/{}", id.as_str().unwrap());
    let (_, body) = fixture.graph(Method::GET, &path, &token).await;
    assert_eq!(body["subject"], "Lunch");
}

#[tokio::test]
async fn a_message_that_was_sent_lies_among_those_sent() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let post = async |body: Value| {
        let request = fixture.http.post(fixture.url("/v1.0/me/sendMail"));
        let response = request.bearer_auth(&token).json(&body).send().await;
        response.unwrap().status()
    };
    let message = json!({
        "subject": "Welcome", "body": { "contentType": "text", "content": "Hello" },
        "toRecipients": [{ "emailAddress": { "address": "mira@candidates.example" } }],
    });
    let sent = post(json!({ "message": message })).await;
    assert_eq!(sent, StatusCode::ACCEPTED);
    let unsaved = json!({ "message": message, "saveToSentItems": false });
    assert_eq!(post(unsaved).await, StatusCode::ACCEPTED);
    let (sent, _, _) = pages(&fixture, "me/mailFolders/sentitems/messages", &token).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["subject"], "Welcome");
    for bad in [
        json!({}),
        json!({ "message": { "toRecipients": [] } }),
        json!({ "message": { "toRecipients": [{ "emailAddress": { "address": "mira" } }] } }),
    ] {
        assert_eq!(post(bad).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_permissions() {
    let fixture = Fixture::new().await;
    let basic = token(&fixture, "Mail.ReadBasic").await;
    let (_, page) = fixture.graph(Method::GET, "me/messages", &basic).await;
    assert!(page["value"][0]["subject"].is_string());
    assert!(page["value"][0].get("body").is_none());
    for path in ["me/events", "me/contacts", "me/calendarView"] {
        let (status, body) = fixture.graph(Method::GET, path, &basic).await;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::FORBIDDEN, "ErrorAccessDenied"),
            "{path}"
        );
    }
    for path in ["me/sendMail", "me/events"] {
        let (status, _) = fixture.graph(Method::POST, path, &basic).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    let (status, _) = fixture.graph(Method::DELETE, "me/messages", &basic).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn requests_are_found_again_by_their_ids() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let named = "7d3a5f0e-4f55-4a5c-9f0a-2f6b0c1d2e3f";
    for path in ["/v1.0/me/contacts", "/v1.0/me/nonsense"] {
        let request = fixture.http.get(fixture.url(path));
        let request = request
            .header("authorization", format!("bearer {token}"))
            .header("client-request-id", named);
        let response = request.send().await.unwrap();
        let ours = response.headers()["request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(response.headers()["client-request-id"], named);
        let body: Value = response.json().await.unwrap();
        if path.ends_with("nonsense") {
            assert_eq!(body["error"]["innerError"]["request-id"], ours);
            assert_eq!(body["error"]["innerError"]["client-request-id"], named);
        }
    }
}

#[tokio::test]
async fn a_person_who_is_gone_has_no_token_any_more() {
    let fixture = Fixture::new().await;
    let token = token(&fixture, EVERYTHING).await;
    let ana = format!("/tenants/contoso.example/users/{}", story::ANA);
    fixture.set(Method::DELETE, &ana, json!({})).await;
    let (status, body) = fixture.graph(Method::GET, "me/messages", &token).await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken")
    );
}
