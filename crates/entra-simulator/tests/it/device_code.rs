//! The device code flow, which is not played.

use reqwest::StatusCode;

use crate::fixture::{Fixture, json_of, number};

#[tokio::test]
async fn a_device_code_is_refused_in_words_that_a_library_reads() {
    let fixture = Fixture::new().await;
    for (tenant, error, expected) in [
        ("contoso.example", "unsupported_grant_type", 70_003),
        ("nowhere.example", "invalid_request", 90_002),
    ] {
        let request = fixture
            .http
            .post(fixture.url(&format!("/{tenant}/oauth2/v2.0/devicecode")))
            .form(&[("scope", "User.Read")]);
        let (status, body) = json_of(request.send().await.unwrap()).await;
        assert_eq!((status, number(&body)), (StatusCode::BAD_REQUEST, expected));
        assert_eq!(body["error"], error);
    }
}
