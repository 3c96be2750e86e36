//! The pages, as a browser without scripts walks through them.

use assent_entra_simulator::story;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, StatusCode};

use crate::fixture::{Fixture, parameters};

/// A browser with one cookie.
struct Browser<'a> {
    fixture: &'a Fixture,
    cookie: Option<String>,
}

struct Page {
    status: StatusCode,
    location: Option<String>,
    html: String,
}

impl Page {
    /// The address of the form or link that ends like this.
    fn action(&self, ending: &str) -> String {
        self.html
            .split('"')
            .find(|piece| piece.starts_with("/interaction/") && piece.ends_with(ending))
            .unwrap_or_else(|| panic!("no {ending} in {}", self.html))
            .to_owned()
    }

    fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }
}

impl<'a> Browser<'a> {
    fn new(fixture: &'a Fixture) -> Self {
        Self {
            fixture,
            cookie: None,
        }
    }

    async fn send(&mut self, request: RequestBuilder) -> Page {
        let request = match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        };
        let response = request.send().await.unwrap();
        let text = |name| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        if let Some(cookie) = text(SET_COOKIE) {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        let (status, location) = (response.status(), text(LOCATION));
        let html = response.text().await.unwrap();
        if status != StatusCode::FOUND {
            assert!(html.contains("This is a simulator, not Microsoft"));
        }
        Page {
            status,
            location,
            html,
        }
    }

    async fn get(&mut self, url: &str) -> Page {
        self.send(self.fixture.http.get(url)).await
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.fixture.http.post(self.fixture.url(path)).form(form))
            .await
    }
}

#[tokio::test]
async fn a_person_signs_in_and_accepts_and_stays_signed_in() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let url = fixture.admin_consent_url("organizations", &[]);
    let picker = browser.get(&url).await;
    let olga = story::OLGA.to_string();
    assert!(picker.has(&format!("account-{olga}")) && picker.has("cancel"));
    let consent = browser
        .post(&picker.action("/account"), &[("object_id", &olga)])
        .await;
    assert!(consent.has("accept") && consent.has("decline"));
    assert!(consent.html.contains("Calendars.Read") && consent.html.contains("Hirely"));
    let done = browser
        .post(&consent.action("/answer"), &[("answer", "accept")])
        .await;
    assert_eq!(done.status, StatusCode::FOUND);
    assert_eq!(
        parameters(&done.location.unwrap())["tenant"],
        story::CONTOSO.to_string()
    );
    // The same browser goes on to authorize without a question.
    let scope = [("scope", "openid https://graph.microsoft.com/.default")];
    let done = browser
        .get(&fixture.authorize_url("contoso.example", &scope))
        .await;
    assert!(parameters(&done.location.unwrap()).contains_key("code"));
    // After signing out it is asked again.
    browser
        .get(&fixture.url("/contoso.example/oauth2/v2.0/logout"))
        .await;
    let again = browser
        .get(&fixture.authorize_url("contoso.example", &scope))
        .await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn somebody_who_may_not_consent_finds_the_way_back() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let picker = browser
        .get(&fixture.authorize_url("adatum.example", &[]))
        .await;
    let dana = story::DANA.to_string();
    let blocked = browser
        .post(&picker.action("/account"), &[("object_id", &dana)])
        .await;
    assert!(blocked.html.contains("Need admin approval") && blocked.html.contains("AADSTS90094"));
    assert!(blocked.has("return-without-consent"));
    let url = fixture.url(&blocked.action("/return"));
    let back = browser.get(&url).await;
    assert_eq!(
        parameters(&back.location.unwrap())["error_subcode"],
        "cancel"
    );
    // The visit is over; its pages are dead.
    assert_eq!(browser.get(&url).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_wrong_account_can_be_changed() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let picker = browser
        .get(&fixture.authorize_url("contoso.example", &[]))
        .await;
    let grace = story::GRACE.to_string();
    let wrong = browser
        .post(&picker.action("/account"), &[("object_id", &grace)])
        .await;
    assert!(wrong.html.contains("AADSTS50020"));
    let picker = browser.post(&wrong.action("/other-account"), &[]).await;
    let consent = browser
        .post(
            &picker.action("/account"),
            &[("object_id", &story::OLGA.to_string())],
        )
        .await;
    assert!(consent.has("for-organization"));
    let form = [("answer", "accept"), ("for_organization", "on")];
    let done = browser.post(&consent.action("/answer"), &form).await;
    assert!(parameters(&done.location.unwrap()).contains_key("code"));
}

#[tokio::test]
async fn another_browser_cannot_answer() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let picker = browser
        .get(&fixture.authorize_url("contoso.example", &[]))
        .await;
    let form = [("object_id", story::ANA.to_string())];
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut stranger = Browser::new(&fixture);
    let path = picker.action("/account");
    assert_eq!(
        stranger.post(&path, &form).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(browser.post(&path, &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_redirect_uri_is_shown_and_not_followed() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let evil = [("redirect_uri", "https://evil.example/\"><script>")];
    let page = browser
        .get(&fixture.authorize_url("contoso.example", &evil))
        .await;
    assert_eq!(
        (page.status, page.location),
        (StatusCode::BAD_REQUEST, None)
    );
    assert!(page.html.contains("AADSTS50011") && !page.html.contains("<script"));
}

#[tokio::test]
async fn authorize_takes_a_form_and_the_front_page_explains() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let url = fixture.authorize_url("contoso.example", &[]);
    let (path, query) = url.split_once('?').unwrap();
    let form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let page = browser.send(fixture.http.post(path).form(&form)).await;
    assert!(page.has(&format!("account-{}", story::ANA)));
    assert_eq!(browser.get(&fixture.url("/")).await.status, StatusCode::OK);
}
