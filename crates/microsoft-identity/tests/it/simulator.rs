//! Whole flows against the Entra simulator, which decides by its own rules what every page and token says.

use std::mem;
use std::time::Instant;

use assent_entra_simulator::{Running, start, story};
use assent_microsoft_identity::{
    AuthorizeRequest, CONSENTING_ROLES, ClientCredential, CloudInstance, DiscoveryError, Entra,
    ErrorClass, ExpectedNonce, GrantProof, IdTokenError, IdTokenExpectation, RedeemError, Redeemed,
    TenantRef, UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback, VerifiedIdentity,
    new_pkce, random_token, roles_able_to_consent,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::authority::{PATIENCE, client_of};

const CALLBACK: &str = "https://assent.example/callbacks/microsoft";

struct Stage {
    simulator: Running,
    http: reqwest::Client,
    entra: Entra,
}

/// What the server remembers while a browser is away.
struct Flow {
    tenant: TenantRef,
    nonce: String,
    verifier: SecretString,
}

impl Stage {
    async fn new() -> Self {
        let settings = assent_entra_simulator::Settings::story([CALLBACK]);
        let simulator = start(settings).await.unwrap();
        let secret = ClientCredential::Secret(story::ASSENT_CLIENT_SECRET.into());
        Self {
            entra: client_of(&simulator.base_url.parse().unwrap(), Some(secret)),
            http: reqwest::Client::new(),
            simulator,
        }
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let address = format!("{}/_control/{path}", self.simulator.base_url);
        let answer = self.http.post(address).json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn calls(&self, endpoint: &str) -> Option<u64> {
        let address = format!("{}/_control/calls", self.simulator.base_url);
        let answer = self.http.get(address).send().await.unwrap();
        let calls: Value = answer.json().await.unwrap();
        calls.get(endpoint)?.as_u64()
    }

    /// Where somebody's way through the pages ends, and the query if that is back at our callback.
    async fn browse(&self, url: &Url, who: Uuid, answer: &str, extra: &Value) -> (Value, String) {
        let visit = json!({"url": url, "as": who, "answer": answer});
        let end = self.control("browse", merged(visit, extra)).await;
        let query = end.get("redirect").and_then(Value::as_str).map(|address| {
            let query = address.strip_prefix(CALLBACK).unwrap().strip_prefix('?');
            query.unwrap().to_owned()
        });
        (end, query.unwrap_or_default())
    }

    async fn back(&self, url: &Url, person: Uuid, answer: &str) -> String {
        self.browse(url, person, answer, &json!({})).await.1
    }

    fn authorize(&self, tenant: TenantRef, scopes: &str) -> (Url, Flow) {
        let pkce = new_pkce();
        let flow = Flow {
            tenant,
            nonce: random_token(),
            verifier: pkce.verifier,
        };
        let request = AuthorizeRequest {
            redirect_uri: &callback(),
            scopes: &words(&format!("openid profile {scopes}")),
            state: "s2",
            nonce: &flow.nonce,
            pkce_challenge: &pkce.challenge,
            login_hint: None,
        };
        (self.entra.authorize_url(&flow.tenant, request), flow)
    }

    async fn redeem(&self, flow: &Flow, query: &str) -> Result<Redeemed, RedeemError> {
        let back = UnverifiedAuthorizeCallback::parse(query).unwrap();
        assert_eq!(back.state, "s2");
        let (code, verifier) = (back.outcome.unwrap(), flow.verifier.clone());
        let expected = expecting(&flow.nonce, story::CONTOSO);
        self.entra
            .redeem_code(&flow.tenant, code, &callback(), verifier, expected)
            .await
    }

    /// Verifies a token for Ana that the simulator makes to order, with the nonce `n1`.
    async fn verify(&self, order: &Value, tenant: Uuid) -> Result<VerifiedIdentity, IdTokenError> {
        let client_id = self.entra.client_id();
        let usual = json!({"tenant": story::CONTOSO, "user": story::ANA, "client_id": client_id, "nonce": "n1"});
        let made = self.control("id-token", merged(usual, order)).await;
        let token = made.get("id_token").and_then(Value::as_str).unwrap();
        self.entra
            .verify_id_token(token, &[client_id], expecting("n1", tenant))
            .await
    }
}

fn expecting(nonce: &str, tenant: Uuid) -> IdTokenExpectation<'_> {
    let (nonce, tenant) = (ExpectedNonce::Exactly(nonce), Some(tenant));
    IdTokenExpectation { nonce, tenant }
}

fn callback() -> Url {
    CALLBACK.parse().unwrap()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn merged(mut first: Value, second: &Value) -> Value {
    let more = second.as_object().cloned().unwrap();
    first.as_object_mut().unwrap().extend(more);
    first
}

#[tokio::test]
async fn an_administrator_consents_for_everybody() {
    let stage = Stage::new().await;
    let wanted = words("Mail.Read Calendars.Read");
    let (entra, anywhere) = (&stage.entra, TenantRef::Organizations);
    let url = entra.admin_consent_url(&anywhere, &callback(), &wanted, "s1");
    let query = stage.back(&url, story::OLGA, "accept").await;
    let claim = UnverifiedAdminConsentCallback::parse(&query).unwrap();
    let tenant = claim.outcome.unwrap().0;
    assert_eq!((claim.state.as_str(), tenant), ("s1", story::CONTOSO));

    let global_administrator = CONSENTING_ROLES.get(..1).unwrap();
    for (person, roles) in [(story::OLGA, global_administrator), (story::ANA, &[])] {
        let (url, flow) = stage.authorize(tenant.into(), "https://graph.microsoft.com/.default");
        let (end, query) = stage.browse(&url, person, "accept", &json!({})).await;
        // Nothing is left to consent to.
        assert_eq!(end.get("steps"), Some(&json!(["sign_in"])));
        let redeemed = stage.redeem(&flow, &query).await.unwrap();
        let identity = &redeemed.identity;
        assert_eq!((identity.tenant_id, identity.object_id), (tenant, person));
        assert_eq!(roles_able_to_consent(identity), roles);
        assert!(redeemed.scopes.covers(&wanted), "{:?}", redeemed.scopes);
        // The consent holds nothing that would let the application ask Graph about its own grants.
        let proof = entra.tenant_wide_grant(&redeemed.access_token, &wanted);
        assert_eq!(proof.await.unwrap(), GrantProof::NotPermitted);
    }
}

#[tokio::test]
async fn an_application_that_may_ask_finds_its_own_grant() {
    let stage = Stage::new().await;
    let wanted = words("Mail.Send Directory.Read.All");
    let (entra, contoso) = (&stage.entra, TenantRef::Id(story::CONTOSO));
    let url = entra.admin_consent_url(&contoso, &callback(), &wanted, "s1");
    stage.back(&url, story::OLGA, "accept").await;
    let (url, flow) = stage.authorize(contoso, "https://graph.microsoft.com/.default");
    let (_, query) = stage.browse(&url, story::OLGA, "accept", &json!({})).await;
    let redeemed = stage.redeem(&flow, &query).await.unwrap();
    let token = &redeemed.access_token;
    let covered = entra.tenant_wide_grant(token, &wanted).await.unwrap();
    assert!(matches!(covered, GrantProof::Covered { .. }), "{covered:?}");
    let more = words("Mail.Send Calendars.Read");
    let expected = GrantProof::NotCovered {
        missing: words("Calendars.Read"),
    };
    assert_eq!(
        entra.tenant_wide_grant(token, &more).await.unwrap(),
        expected
    );
}

#[tokio::test]
async fn refusals_on_the_pages_are_told_apart() {
    use ErrorClass::{Declined, Undetermined, WrongTenantOrUser};
    let stage = Stage::new().await;
    let (contoso, scopes) = (TenantRef::Id(story::CONTOSO), words("Mail.Read"));
    let admin = (stage.entra).admin_consent_url(&contoso, &callback(), &scopes, "s1");
    let (own, _) = stage.authorize(TenantRef::Organizations, "Mail.Read");
    let everything = &json!({});
    let (end, _) = stage.browse(&admin, story::ANA, "accept", everything).await;
    assert_eq!(end.pointer("/page/code"), Some(&json!("AADSTS90093")));
    let (end, _) = stage.browse(&own, story::DANA, "accept", everything).await;
    assert_eq!(end.pointer("/page/code"), Some(&json!("AADSTS90094")));
    for (person, answer, class) in [
        (story::ANA, "return", Undetermined),
        (story::OLGA, "cancel", Undetermined),
        (story::OLGA, "decline", Declined),
        (story::GRACE, "accept", WrongTenantOrUser),
    ] {
        let query = stage.back(&admin, person, answer).await;
        let back = UnverifiedAdminConsentCallback::parse(&query).unwrap();
        assert_eq!(back.outcome.unwrap_err().class, class, "{person} {answer}");
    }
    for (person, answer, class) in [
        (story::DANA, "return", Undetermined),
        (story::ANA, "cancel", Undetermined),
        (story::ANA, "decline", Declined),
    ] {
        let query = stage.back(&own, person, answer).await;
        let back = UnverifiedAuthorizeCallback::parse(&query).unwrap();
        assert_eq!(back.outcome.unwrap_err().class, class, "{person} {answer}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_in_its_own_flow_and_tells_what_was_granted() {
    let stage = Stage::new().await;
    let (url, mut flow) = stage.authorize(story::CONTOSO.into(), "Mail.Read Calendars.Read");
    let partly = json!({"grant_scopes": ["Mail.Read"]});
    let (_, query) = stage.browse(&url, story::ANA, "accept", &partly).await;
    let verifier = mem::replace(&mut flow.verifier, new_pkce().verifier);
    let error = stage.redeem(&flow, &query).await.unwrap_err();
    assert!(matches!(error, RedeemError::Refused(no) if no.class == ErrorClass::OurFault));
    flow.verifier = verifier;
    let ana = stage.redeem(&flow, &query).await.unwrap();
    assert_eq!(ana.identity.object_id, story::ANA);
    let wanted = words("Mail.Read Calendars.Read");
    assert_eq!(ana.scopes.missing(&wanted), ["Calendars.Read"]);
    let error = stage.redeem(&flow, &query).await.unwrap_err();
    assert!(matches!(error, RedeemError::Refused(no) if no.class == ErrorClass::AlreadyRedeemed));

    let query = stage.back(&url, story::ANA, "accept").await;
    flow.nonce = random_token();
    let error = stage.redeem(&flow, &query).await.unwrap_err();
    assert_eq!(format!("{error:?}"), "IdToken(Nonce)");
}

#[tokio::test]
async fn every_forgery_is_seen_through() {
    const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    for (forgery, variant) in [
        ("wrong_audience", "Audience"),
        ("wrong_issuer", "Issuer"),
        ("wrong_nonce", "Nonce"),
        ("wrong_tenant", "Issuer"),
        ("expired", "Expired"),
        ("not_yet_valid", "NotYetValid"),
        ("other_key", "Signature"),
        ("unknown_kid", "UnknownKey"),
        ("consumer_key", "Issuer"),
        ("alg_none", "Algorithm"),
        ("hs256_with_public_key", "Algorithm"),
        ("tampered", "Signature"),
    ] {
        let order = json!({"forge": forgery});
        let error = stage.verify(&order, story::CONTOSO).await.unwrap_err();
        assert_eq!(format!("{error:?}"), variant, "{forgery}");
    }
    // Genuinely signed, and still not what is needed.
    let issuer = format!("{}/{CONSUMERS}/v2.0", stage.simulator.base_url);
    let personal = json!({"claims": {"tid": CONSUMERS, "iss": issuer}});
    let error = stage.verify(&personal, story::CONTOSO).await.unwrap_err();
    assert!(matches!(error, IdTokenError::Consumer), "{error:?}");
    let error = stage.verify(&json!({}), story::FABRIKAM).await.unwrap_err();
    assert!(matches!(error, IdTokenError::Tenant { actual } if actual == story::CONTOSO));
}

#[tokio::test]
async fn a_rotated_key_is_accepted_without_a_restart() {
    let stage = Stage::new().await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    let forgetting = json!({"forget_old": true});
    stage.control("keys/rotate", forgetting).await;
    stage.verify(&json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(stage.calls("jwks").await, Some(2));
}

#[tokio::test]
async fn tenants_are_found_in_their_clouds() {
    use CloudInstance::{Gcc, GccHigh, Worldwide};
    let stage = Stage::new().await;
    for (name, id, cloud) in [
        ("contoso.example", story::CONTOSO, Worldwide),
        ("fabrikam.example", story::FABRIKAM, Gcc),
        ("northwind-gov.example", story::NORTHWIND_GOV, GccHigh),
    ] {
        let name = TenantRef::parse(name).unwrap();
        let tenant = stage.entra.tenant(&name).await.unwrap();
        assert_eq!((tenant.tenant_id, tenant.cloud), (id, cloud), "{name}");
    }
    let nobody = TenantRef::parse("nobody.example").unwrap();
    let error = stage.entra.tenant(&nobody).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::UnknownTenant), "{error:?}");
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_ends_soon_and_the_code_is_sent_once() {
    let stage = Stage::new().await;
    let (url, flow) = stage.authorize(TenantRef::Organizations, "Mail.Read");
    let query = stage.back(&url, story::ANA, "accept").await;
    for (sent, (fault, variant)) in (1..).zip([
        (json!({"status": 503}), "Unreachable"),
        (json!({"delay_ms": 30_000}), "TimedOut"),
        (json!({"status": 200, "body": "<html>"}), "Nonsense"),
    ]) {
        let fault = merged(json!({"endpoint": "token"}), &fault);
        stage.control("faults", fault).await;
        let begun = Instant::now();
        let error = format!("{:?}", stage.redeem(&flow, &query).await.unwrap_err());
        assert!(error.starts_with(variant), "{variant}: {error}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{variant}");
        assert_eq!(stage.calls("token").await, Some(sent), "{variant}");
    }
    // The simulator never saw the code in all that, so it is still good for the same client.
    stage.redeem(&flow, &query).await.unwrap();
}
