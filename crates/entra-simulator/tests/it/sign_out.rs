//! Signing out: where the browser is sent on to, and who is still signed in.

use assent_entra_simulator::story;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::fixture::{CALLBACK, Fixture};

const PATH: &str = "/contoso.example/oauth2/v2.0/logout";

/// A hint that is nobody's token, but says whose it would be.
fn hint(client: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({ "aud": client }).to_string());
    format!("e30.{claims}.c2ln")
}

#[tokio::test]
async fn the_browser_is_sent_on_to_where_an_application_wants_it() {
    let fixture = Fixture::new().await;
    let assent = story::ASSENT_CLIENT_ID.to_string();
    let nobody = "a55e0000-0000-4000-8000-0000000000ff";
    let (own, others) = (hint(&assent), hint(nobody));
    let back = ("post_logout_redirect_uri", CALLBACK);
    let with_state = format!("{CALLBACK}?state=a+b");
    for (changes, onward) in [
        (vec![], None),
        (vec![("state", "a b")], None),
        (vec![back], Some(CALLBACK)),
        (vec![back, ("state", "a b")], Some(with_state.as_str())),
        (vec![back, ("client_id", assent.as_str())], Some(CALLBACK)),
        (vec![back, ("client_id", nobody)], None),
        (vec![back, ("id_token_hint", own.as_str())], Some(CALLBACK)),
        (vec![back, ("id_token_hint", others.as_str())], None),
        (vec![back, ("id_token_hint", "nonsense")], Some(CALLBACK)),
        (
            vec![("post_logout_redirect_uri", "https://elsewhere.example/")],
            None,
        ),
    ] {
        let get = fixture.http.get(fixture.with(PATH, &[], &changes));
        let post = fixture.http.post(fixture.url(PATH)).form(&changes);
        for request in [get, post] {
            let response = request.send().await.unwrap();
            let location = response.headers().get(LOCATION);
            let location = location.map(|location| location.to_str().unwrap().to_owned());
            assert_eq!(location.as_deref(), onward, "{changes:?}");
            let expected = onward.map_or(StatusCode::OK, |_| StatusCode::FOUND);
            assert_eq!(response.status(), expected);
            let page = response.text().await.unwrap();
            assert_eq!(onward.is_none(), page.contains("You signed out"));
        }
    }
}

#[tokio::test]
async fn nobody_signs_out_of_a_tenant_that_does_not_exist() {
    let fixture = Fixture::new().await;
    let path = "/nowhere.example/oauth2/v2.0/logout";
    let back = [("post_logout_redirect_uri", CALLBACK)];
    for request in [
        fixture.http.get(fixture.with(path, &[], &back)),
        fixture.http.post(fixture.url(path)).form(&back),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.text().await.unwrap().contains("AADSTS90002"));
    }
    let twice = fixture.url(&format!("{PATH}?state=1&state=2"));
    let response = fixture.http.get(twice).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_posted_form_ends_the_session_too() {
    let fixture = Fixture::new().await;
    let silent = fixture.authorize_url("contoso.example", &[("prompt", "none")]);
    let browse = async |url: &str| {
        let visit = json!({
            "url": url, "as": story::ANA, "answer": "accept", "browser": "ana's",
        });
        fixture.browse_with(visit).await
    };
    browse(&fixture.authorize_url("contoso.example", &[]))
        .await
        .code();
    browse(&silent).await.code();
    let left = browse(&fixture.url(PATH)).await;
    assert_eq!(left.answer["page"]["title"], "You signed out");
    assert_eq!(
        browse(&silent).await.parameters()["error"],
        "login_required"
    );

    // The same by a form, with the browser's own cookie.
    let picker = fixture
        .http
        .get(fixture.authorize_url("contoso.example", &[]));
    let picker = picker.send().await.unwrap();
    let cookie = picker.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let html = picker.text().await.unwrap();
    let action = html
        .split("action=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let signed_in = fixture
        .http
        .post(fixture.url(action))
        .header(COOKIE, &cookie);
    let ana = [("object_id", story::ANA.to_string())];
    signed_in.form(&ana).send().await.unwrap();
    let visit = async |method: Method, url: String| {
        let request = fixture.http.request(method, url).header(COOKIE, &cookie);
        let response = request.send().await.unwrap();
        let location = response.headers().get(LOCATION);
        location.map(|location| location.to_str().unwrap().to_owned())
    };
    assert!(
        visit(Method::GET, silent.clone())
            .await
            .unwrap()
            .contains("code=")
    );
    assert_eq!(visit(Method::POST, fixture.url(PATH)).await, None);
    assert!(
        visit(Method::GET, silent)
            .await
            .unwrap()
            .contains("login_required")
    );
}
