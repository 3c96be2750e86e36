//! How an application proves who it is.

use assent_entra_simulator::story;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Fixture, json_of, number};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key with a certificate: Entra looks at the key in it and at nothing else.
struct Identity {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let issuer = rcgen::KeyPair::try_from(private.as_ref()).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&issuer);
        let certificate = certificate.unwrap().der().to_vec();
        Self { key, certificate }
    }

    fn assertion(&self, header: &Value, claims: &Value) -> String {
        self.signed(header, claims, &RSA_PSS_SHA256)
    }

    fn signed(&self, header: &Value, claims: &Value, padding: &'static dyn RsaEncoding) -> String {
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                padding,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(&self) -> Value {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.certificate));
        json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint })
    }
}

fn claims(fixture: &Fixture, tenant: &str) -> Value {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    json!({
        "iss": story::ASSENT_CLIENT_ID, "sub": story::ASSENT_CLIENT_ID, "jti": "one", "iat": now, "nbf": now,
        "exp": now + 300, "aud": fixture.url(&format!("/{tenant}/oauth2/v2.0/token")),
    })
}

async fn present(fixture: &Fixture, tenant: &str, assertion: &str) -> (StatusCode, Value) {
    let client_id = story::ASSENT_CLIENT_ID.to_string();
    let form = [
        ("client_id", client_id.as_str()),
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    fixture.post_token(tenant, &form).await
}

async fn registered() -> (Fixture, Identity) {
    let (fixture, identity) = (Fixture::new().await, Identity::new());
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(&identity.certificate)
    );
    let application = format!("/applications/{}", story::ASSENT_CLIENT_ID);
    fixture
        .set(
            Method::PATCH,
            &application,
            json!({ "certificates": [pem] }),
        )
        .await;
    let installed = format!(
        "/tenants/contoso.example/applications/{}",
        story::ASSENT_CLIENT_ID
    );
    fixture
        .set(
            Method::PUT,
            &installed,
            json!({ "service_principal": "present" }),
        )
        .await;
    (fixture, identity)
}

#[tokio::test]
async fn an_assertion_signed_with_a_registered_certificate_is_taken() {
    let (fixture, identity) = registered().await;
    let guid = story::CONTOSO.to_string();
    for (path, audience) in [
        ("contoso.example", "contoso.example"),
        ("contoso.example", &guid),
        (&guid, &guid),
    ] {
        let assertion = identity.assertion(&identity.header(), &claims(&fixture, audience));
        assert_eq!(
            present(&fixture, path, &assertion).await.0,
            StatusCode::OK,
            "{path} {audience}"
        );
        // Libraries that name the issuer in place of the endpoint are taken as well.
        let mut to_issuer = claims(&fixture, audience);
        to_issuer["aud"] = json!(fixture.url(&format!("/{audience}/v2.0")));
        let assertion = identity.assertion(&identity.header(), &to_issuer);
        assert_eq!(
            present(&fixture, path, &assertion).await.0,
            StatusCode::OK,
            "{path} {audience}"
        );
    }
}

#[tokio::test]
async fn an_assertion_has_to_be_right_in_every_part() {
    let (fixture, identity) = registered().await;
    let header = identity.header();
    for (claim, value, expected) in [
        (
            "aud",
            json!(fixture.url("/organizations/oauth2/v2.0/token")),
            700_023,
        ),
        (
            "aud",
            json!(fixture.url("/adatum.example/oauth2/v2.0/token")),
            700_023,
        ),
        ("aud", json!(fixture.url("/adatum.example/v2.0")), 700_023),
        (
            "aud",
            json!([
                fixture.url("/contoso.example/v2.0"),
                "https://elsewhere.example"
            ]),
            50_027,
        ),
        ("aud", Value::Null, 700_023),
        ("iss", json!(story::HOST_CLIENT_ID), 700_021),
        ("sub", json!("somebody"), 700_021),
        ("exp", json!(1_000_000), 700_024),
        ("exp", Value::Null, 700_024),
        ("nbf", json!(9_999_999_999_i64), 700_024),
        ("jti", Value::Null, 50_027),
    ] {
        let mut wrong = claims(&fixture, "contoso.example");
        wrong[claim] = value;
        let (status, body) = present(
            &fixture,
            "contoso.example",
            &identity.assertion(&header, &wrong),
        )
        .await;
        assert_eq!(
            (status, number(&body)),
            (StatusCode::UNAUTHORIZED, expected),
            "{claim}"
        );
        assert_eq!(body["error"], "invalid_client");
    }
    let good = claims(&fixture, "contoso.example");
    for (name, value) in [
        ("alg", json!("RS256")),
        ("x5t#S256", json!("unknown")),
        ("x5t#S256", Value::Null),
    ] {
        let mut wrong = header.clone();
        wrong[name] = value;
        let (_, body) = present(
            &fixture,
            "contoso.example",
            &identity.assertion(&wrong, &good),
        )
        .await;
        assert_eq!(number(&body), 700_027, "{name}");
    }
    // Signed with another key than the certificate's.
    let (_, body) = present(
        &fixture,
        "contoso.example",
        &Identity::new().assertion(&header, &good),
    )
    .await;
    assert_eq!(number(&body), 700_027);
    assert_eq!(
        number(&present(&fixture, "contoso.example", "nonsense").await.1),
        50_027
    );
}

#[tokio::test]
async fn the_form_documented_before_is_taken_as_well() {
    let (fixture, identity) = registered().await;
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &identity.certificate);
    let sha1 = URL_SAFE_NO_PAD.encode(digest);
    let header = json!({ "alg": "RS256", "typ": "JWT", "x5t": sha1 });
    let claims = claims(&fixture, "contoso.example");
    let assertion = identity.signed(&header, &claims, &RSA_PKCS1_SHA256);
    assert_eq!(
        present(&fixture, "contoso.example", &assertion).await.0,
        StatusCode::OK
    );
    // Neither thumbprint goes with the other's algorithm.
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t": sha1 });
    let assertion = identity.assertion(&header, &claims);
    assert_eq!(
        number(&present(&fixture, "contoso.example", &assertion).await.1),
        700_027
    );
}

#[tokio::test]
async fn a_padded_thumbprint_and_a_moment_with_a_fraction_are_taken() {
    let (fixture, identity) = registered().await;
    let mut header = identity.header();
    header["x5t#S256"] = json!(format!("{}=", header["x5t#S256"].as_str().unwrap()));
    let mut claims = claims(&fixture, "contoso.example");
    claims["exp"] = json!(claims["exp"].as_f64().unwrap() + 0.25);
    let assertion = identity.assertion(&header, &claims);
    assert_eq!(
        present(&fixture, "contoso.example", &assertion).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_expired_secret_is_told_from_a_wrong_one() {
    let fixture = Fixture::new().await;
    let application = format!("/applications/{}", story::ASSENT_CLIENT_ID);
    let change = json!({ "secrets": ["new"], "expired_secrets": [story::ASSENT_CLIENT_SECRET] });
    fixture.set(Method::PATCH, &application, change).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let (status, body) = fixture.token("contoso.example", &form).await;
    assert_eq!(
        (status, number(&body)),
        (StatusCode::UNAUTHORIZED, 7_000_222)
    );
    assert_eq!(body["error"], "invalid_client");
}

#[tokio::test]
async fn a_secret_goes_into_the_body_or_the_header() {
    let (fixture, _) = registered().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    assert_eq!(
        fixture.token("contoso.example", &form).await.0,
        StatusCode::OK
    );
    let url = fixture.url("/contoso.example/oauth2/v2.0/token");
    let basic = async |secret: &str| {
        let request = fixture
            .http
            .post(&url)
            .basic_auth(story::ASSENT_CLIENT_ID, Some(secret))
            .form(&form);
        json_of(request.send().await.unwrap()).await
    };
    assert_eq!(basic(story::ASSENT_CLIENT_SECRET).await.0, StatusCode::OK);
    assert_eq!(number(&basic("wrong").await.1), 7_000_215);
}

#[tokio::test]
async fn a_missing_or_wrong_credential_is_the_applications_fault() {
    let fixture = Fixture::new().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (changes, status, error, expected) in [
        (
            &[("client_secret", "wrong")][..],
            401,
            "invalid_client",
            7_000_215,
        ),
        (&[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&[("client_id", "")], 400, "invalid_request", 900_144),
        (
            &[("client_id", unknown)],
            400,
            "unauthorized_client",
            700_016,
        ),
        (&[("client_assertion", "x")], 400, "invalid_request", 90_023),
        (
            &[("client_secret", ""), ("client_assertion", "x")],
            400,
            "invalid_request",
            900_144,
        ),
    ] {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", "x")];
        form.extend(changes);
        let (answered, body) = fixture.token("contoso.example", &form).await;
        assert_eq!(
            (
                answered.as_u16(),
                body["error"].as_str().unwrap(),
                number(&body)
            ),
            (status, error, expected)
        );
    }
}
