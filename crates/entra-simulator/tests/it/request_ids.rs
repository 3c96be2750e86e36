//! The ids by which a request to Entra is found again.

use serde_json::Value;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_request_is_found_again_by_its_ids() {
    let fixture = Fixture::new().await;
    let named = "7d3a5f0e-4f55-4a5c-9f0a-2f6b0c1d2e3f";
    for path in [
        "/contoso.example/v2.0/.well-known/openid-configuration",
        "/nowhere.example/v2.0/.well-known/openid-configuration",
        "/contoso.example/discovery/v2.0/keys",
    ] {
        let request = fixture.http.get(fixture.url(path));
        let request = request.header("client-request-id", named);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["client-request-id"], named);
        let ours = response.headers()["x-ms-request-id"].clone();
        let body: Value = response.json().await.unwrap();
        if let Some(trace) = body.get("trace_id") {
            assert_eq!(trace.as_str().unwrap(), ours.to_str().unwrap());
            assert_eq!(body["correlation_id"], named);
        }
    }
    let request = fixture
        .http
        .post(fixture.url("/contoso.example/oauth2/v2.0/token"));
    let response = request.form(&[("grant_type", "x")]).send().await.unwrap();
    assert!(response.headers().contains_key("x-ms-request-id"));
}
