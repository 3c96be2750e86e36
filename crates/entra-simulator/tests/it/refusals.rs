//! Every refusal, played on demand on every surface.

use assent_entra_simulator::story;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, number};

/// The numbers that a gateway has to tell apart.
const NUMBERS: [u64; 59] = [
    16000, 50020, 50034, 50057, 50072, 50074, 50076, 50078, 50079, 50097, 50105, 50147, 50158,
    50173, 51004, 53000, 53001, 53002, 53003, 53004, 53011, 54005, 65001, 65004, 65005, 70001,
    70008, 70043, 90002, 90038, 90072, 90090, 90093, 90094, 90095, 500_011, 500_212, 500_213,
    501_481, 530_032, 530_034, 530_035, 650_052, 650_056, 650_057, 700_005, 700_011, 700_016,
    700_027, 700_082, 700_084, 900_382, 900_432, 900_941, 900_981, 7_000_112, 7_000_215, 7_000_218,
    7_000_222,
];

async fn table(fixture: &Fixture) -> Vec<Value> {
    let table = fixture.set(Method::GET, "/refusals", json!({})).await;
    table.as_array().unwrap().clone()
}

async fn refuse(fixture: &Fixture, endpoint: &str, row: &Value, shape: &str) {
    let refuse = json!({ "code": row["code"], "shape": shape });
    let fault = json!({ "endpoint": endpoint, "refuse": refuse });
    fixture.set(Method::POST, "/faults", fault).await;
}

fn numbered(row: &Value) -> String {
    format!("AADSTS{}: ", row["code"])
}

#[tokio::test]
async fn the_table_has_every_number() {
    let fixture = Fixture::new().await;
    let mut numbers: Vec<u64> = Vec::new();
    for row in table(&fixture).await {
        numbers.push(row["code"].as_u64().unwrap());
        for text in ["name", "message", "error_on_authorize", "error_on_token"] {
            assert!(!row[text].as_str().unwrap().is_empty(), "{row}");
        }
        assert!(row["suberror"].is_null() || row["suberror"].is_string());
        assert_eq!(row["observed"]["token"], row["error_on_token"]);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, NUMBERS);
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_every_way() {
    let fixture = Fixture::new().await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", "any")];
    for row in table(&fixture).await {
        for shape in ["documented", "observed"] {
            refuse(&fixture, "token", &row, shape).await;
            let (status, body) = fixture.token("contoso.example", &form).await;
            let expected = match body["error"].as_str().unwrap() {
                "invalid_client" => StatusCode::UNAUTHORIZED,
                "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_REQUEST,
            };
            assert_eq!(status, expected, "{row}");
            assert_eq!(body["error"], row[shape]["token"], "{row}");
            assert_eq!(number(&body), row["code"].as_u64().unwrap());
            let description = body["error_description"].as_str().unwrap();
            assert!(description.starts_with(&numbered(&row)), "{description}");
            let line = if shape == "documented" { "\r\n" } else { " " };
            for part in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
                assert!(
                    description.contains(&format!("{line}{part}")),
                    "{description}"
                );
            }
            for field in ["trace_id", "correlation_id", "timestamp", "error_uri"] {
                assert!(body[field].is_string(), "{field}");
            }
            let suberror = body.get("suberror").cloned().unwrap_or_default();
            let expected = if shape == "documented" {
                &Value::Null
            } else {
                &row["suberror"]
            };
            assert_eq!(&suberror, expected, "{row}");
            assert_eq!(body["claims"].is_string(), row["claims"].as_bool().unwrap());
        }
    }
    // Once is once.
    assert_eq!(
        number(&fixture.token("contoso.example", &form).await.1),
        9_002_313
    );
}

#[tokio::test]
async fn authorize_refuses_in_every_way() {
    let fixture = Fixture::new().await;
    let url = fixture.authorize_url("contoso.example", &[]);
    for row in table(&fixture).await {
        refuse(&fixture, "authorize", &row, "documented").await;
        let told = fixture
            .browse(&url, story::ANA, "accept")
            .await
            .parameters();
        assert_eq!(row["documented"]["authorize"], told["error"], "{row}");
        assert!(told["error_description"].starts_with(&numbered(&row)));
        assert_eq!(told["state"], "the-state");
        assert_eq!(told.len(), 3, "{told:?}");

        refuse(&fixture, "authorize", &row, "observed").await;
        let told = fixture
            .browse(&url, story::ANA, "accept")
            .await
            .parameters();
        assert_eq!(row["observed"]["authorize"], told["error"], "{row}");
        assert_eq!(told["state"], "the-state");
        // "Need admin approval" and a decline both look like a cancellation; the former tells nothing more.
        let only_as_cancel = row["observed_only_as_cancel"].as_bool().unwrap();
        let declined = row["code"] == 65004;
        assert_eq!(
            told.contains_key("error_subcode"),
            only_as_cancel || declined
        );
        assert_eq!(told.contains_key("error_description"), !only_as_cancel);
        assert_eq!(told.contains_key("error_uri"), !only_as_cancel);
    }
    fixture.browse(&url, story::ANA, "accept").await.code();
}

#[tokio::test]
async fn adminconsent_refuses_in_every_way() {
    let fixture = Fixture::new().await;
    let url = fixture.admin_consent_url("contoso.example", &[]);
    for row in table(&fixture).await {
        for shape in ["documented", "observed"] {
            refuse(&fixture, "adminconsent", &row, shape).await;
            let told = fixture
                .browse(&url, story::OLGA, "accept")
                .await
                .parameters();
            assert_eq!(row[shape]["adminconsent"], told["error"], "{row}");
            assert_eq!(told["admin_consent"], "True");
            assert_eq!(told["state"], "the-state");
            assert!(!told.contains_key("tenant"));
            let nothing_more = shape == "observed" && row["observed_only_as_cancel"] == true;
            assert_eq!(told.contains_key("error_description"), !nothing_more);
        }
    }
    // What Microsoft documents for a decline, and what it sends.
    let declined = table(&fixture).await;
    let declined = declined.iter().find(|row| row["code"] == 65004).unwrap();
    assert_eq!(declined["documented"]["adminconsent"], "consent_required");
    assert_eq!(declined["observed"]["adminconsent"], "access_denied");
}

#[tokio::test]
async fn a_refusal_is_played_as_often_as_told_and_in_the_observed_shape_by_default() {
    let fixture = Fixture::new().await;
    let fault = json!({ "endpoint": "token", "count": 2, "refuse": { "code": 53003 } });
    fixture.set(Method::POST, "/faults", fault).await;
    let waiting = fixture.set(Method::GET, "/faults", json!({})).await;
    assert_eq!(
        waiting["faults"][0]["refuse"],
        json!({ "code": 53003, "shape": "observed" })
    );
    for expected in [53003, 53003, 900_144] {
        assert_eq!(
            number(&fixture.token("contoso.example", &[]).await.1),
            expected
        );
    }
}

#[tokio::test]
async fn a_number_without_a_row_is_told_in_the_words_that_are_given_or_in_the_vaguest() {
    let fixture = Fixture::new().await;
    let words =
        json!({ "code": 1_234_567, "error": "invalid_request", "suberror": "message_only" });
    for (refuse, errors, suberror) in [
        (words, ["invalid_request"; 2], Some("message_only")),
        (
            json!({ "code": 1_234_567 }),
            ["invalid_grant", "access_denied"],
            None,
        ),
    ] {
        for endpoint in ["token", "authorize"] {
            let fault = json!({ "endpoint": endpoint, "refuse": refuse });
            fixture.set(Method::POST, "/faults", fault).await;
        }
        let (_, told) = fixture.token("contoso.example", &[]).await;
        assert_eq!(told["error"], errors[0]);
        assert_eq!(told["error_codes"], json!([1_234_567]));
        assert_eq!(told.get("suberror").and_then(Value::as_str), suberror);
        let url = fixture.authorize_url("contoso.example", &[]);
        let told = fixture
            .browse(&url, story::ANA, "accept")
            .await
            .parameters();
        assert_eq!(told["error"], errors[1]);
        assert!(told["error_description"].starts_with("AADSTS1234567: "));
        assert_eq!(told.get("suberror").map(String::as_str), suberror);
    }
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_with_a_message() {
    let fixture = Fixture::new().await;
    for (fault, expected) in [
        (
            json!({ "endpoint": "token", "refuse": { "code": -1 } }),
            "u32",
        ),
        (
            json!({ "endpoint": "token", "refuse": { "code": 1, "claims": {} } }),
            "unknown field",
        ),
        (
            json!({ "endpoint": "token", "refuse": { "code": 65001, "shape": "odd" } }),
            "odd",
        ),
        (
            json!({ "endpoint": "graph", "refuse": { "code": 65001 } }),
            "can \"refuse\"",
        ),
        (
            json!({ "endpoint": "authorize", "status": 500 }),
            "pages cannot be made to fail",
        ),
        (
            json!({ "endpoint": "authorize", "delay_ms": 5, "refuse": { "code": 65001 } }),
            "pages",
        ),
        (
            json!({ "endpoint": "token", "status": 500, "refuse": { "code": 65001 } }),
            "one of",
        ),
        (
            json!({ "endpoint": "token", "forge": "expired", "refuse": { "code": 65001 } }),
            "one of",
        ),
        (
            json!({ "endpoint": "jwks", "forge": "expired" }),
            "only token",
        ),
        (json!({ "endpoint": "token", "forge": "nicely" }), "nicely"),
    ] {
        let (status, answer) = fixture
            .control(Method::POST, "/faults", fault.clone())
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{fault}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(expected), "{fault}: {message}");
    }
}

#[tokio::test]
async fn a_caller_names_the_correlation_id() {
    let fixture = Fixture::new().await;
    let id = "11111111-2222-4333-8444-555555555555";
    let response = fixture
        .http
        .post(fixture.url("/contoso.example/oauth2/v2.0/token"))
        .header("client-request-id", id)
        .send()
        .await
        .unwrap();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["correlation_id"], id);
    assert!(body["error_description"].as_str().unwrap().contains(id));
}
