//! Whole flows against the Entra simulator, which decides by its own rules what every page and token says.

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
const DEFAULT: &str = "https://graph.microsoft.com/.default";

struct Stage {
    simulator: Running,
    http: reqwest::Client,
    entra: Entra,
}

/// What the server remembers while a browser is away.
#[derive(Clone)]
struct Flow {
    tenant: TenantRef,
    state: String,
    nonce: String,
    verifier: SecretString,
    expected_tenant: Option<Uuid>,
}

impl Stage {
    async fn new() -> Self {
        let settings = assent_entra_simulator::Settings::story([CALLBACK]);
        let simulator = start(settings).await.unwrap();
        let secret = ClientCredential::Secret(story::ASSENT_CLIENT_SECRET.into());
        let entra = client_of(&simulator.base_url.parse().unwrap(), Some(secret));
        Self {
            simulator,
            http: reqwest::Client::new(),
            entra,
        }
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let address = format!("{}/_control/{path}", self.simulator.base_url);
        let answer = self.http.post(address).json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn calls(&self, endpoint: &str) -> u64 {
        let address = format!("{}/_control/calls", self.simulator.base_url);
        let answer = self.http.get(address).send().await.unwrap();
        let calls: Value = answer.json().await.unwrap();
        calls.get(endpoint).and_then(Value::as_u64).unwrap()
    }

    /// Somebody's way through the pages; `extra` is merged into the visit.
    async fn browse(&self, url: &Url, person: Uuid, answer: &str, extra: Value) -> Value {
        let mut visit = json!({"url": url, "as": person, "answer": answer});
        let visit_fields = visit.as_object_mut().unwrap();
        visit_fields.extend(extra.as_object().cloned().unwrap_or_default());
        self.control("browse", visit).await
    }

    /// The query with which the browser comes back to us.
    async fn back(&self, url: &Url, person: Uuid, answer: &str, extra: Value) -> String {
        let end = self.browse(url, person, answer, extra).await;
        let redirect = text_at(&end, "/redirect");
        assert!(redirect.starts_with(CALLBACK), "{end}");
        redirect.split_once('?').unwrap().1.to_owned()
    }

    fn admin_consent(&self, tenant: &str, scopes: &str) -> Url {
        let tenant = TenantRef::parse(tenant).unwrap();
        self.entra
            .admin_consent_url(&tenant, &callback(), &words(scopes), "s1")
    }

    fn authorize(&self, tenant: TenantRef, scopes: &str) -> (Url, Flow) {
        let pkce = new_pkce();
        let flow = Flow {
            tenant,
            state: random_token(),
            nonce: random_token(),
            verifier: pkce.verifier,
            expected_tenant: None,
        };
        let request = AuthorizeRequest {
            redirect_uri: &callback(),
            scopes: &words(&format!("openid profile {scopes}")),
            state: &flow.state,
            nonce: &flow.nonce,
            pkce_challenge: &pkce.challenge,
            login_hint: None,
        };
        (self.entra.authorize_url(&flow.tenant, request), flow)
    }

    async fn redeem(&self, flow: &Flow, query: &str) -> Result<Redeemed, RedeemError> {
        let callback_ = UnverifiedAuthorizeCallback::parse(query).unwrap();
        assert_eq!(callback_.state, flow.state);
        let expectation = IdTokenExpectation {
            nonce: ExpectedNonce::Exactly(&flow.nonce),
            tenant: flow.expected_tenant,
        };
        let (code, verifier) = (callback_.outcome.unwrap(), flow.verifier.clone());
        self.entra
            .redeem_code(&flow.tenant, code, &callback(), verifier, expectation)
            .await
    }

    /// Signs somebody in who accepts everything, and redeems the code.
    async fn sign_in(&self, person: Uuid, scopes: &str, extra: Value) -> Redeemed {
        let (url, flow) = self.authorize(TenantRef::Organizations, scopes);
        let query = self.back(&url, person, "accept", extra).await;
        self.redeem(&flow, &query).await.unwrap()
    }

    /// Verifies a token for Ana that the simulator makes to order, with the nonce `n1`.
    async fn verify(&self, order: Value, tenant: Uuid) -> Result<VerifiedIdentity, IdTokenError> {
        let client = story::ASSENT_CLIENT_ID;
        let mut whole = json!({"tenant": story::CONTOSO, "user": story::ANA, "client_id": client, "nonce": "n1"});
        let fields = whole.as_object_mut().unwrap();
        fields.extend(order.as_object().cloned().unwrap_or_default());
        let made = self.control("id-token", whole).await;
        let expectation = IdTokenExpectation {
            nonce: ExpectedNonce::Exactly("n1"),
            tenant: Some(tenant),
        };
        self.entra
            .verify_id_token(
                text_at(&made, "/id_token"),
                &[self.entra.client_id()],
                expectation,
            )
            .await
    }
}

fn callback() -> Url {
    CALLBACK.parse().unwrap()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    assert!(found.is_some(), "nothing at {pointer}: {value}");
    found.unwrap()
}

fn admin_refusal(query: &str) -> ErrorClass {
    let callback = UnverifiedAdminConsentCallback::parse(query).unwrap();
    callback.outcome.unwrap_err().class
}

fn user_refusal(query: &str) -> ErrorClass {
    let callback = UnverifiedAuthorizeCallback::parse(query).unwrap();
    callback.outcome.unwrap_err().class
}

#[tokio::test]
async fn an_administrator_consents_for_everybody_and_proves_it() {
    let stage = Stage::new().await;
    let wanted = words("Mail.Read Calendars.Read");
    for (asked, may_ask_graph) in [
        ("Mail.Read Calendars.Read", false),
        ("Mail.Read Calendars.Read Directory.Read.All", true),
    ] {
        let url = stage.admin_consent("organizations", asked);
        let query = stage.back(&url, story::OLGA, "accept", json!({})).await;
        let claim = UnverifiedAdminConsentCallback::parse(&query).unwrap();
        assert_eq!(claim.state, "s1");
        let tenant = claim.outcome.unwrap().0;
        assert_eq!(tenant, story::CONTOSO);

        let (url, mut flow) = stage.authorize(TenantRef::Id(tenant), DEFAULT);
        flow.expected_tenant = Some(tenant);
        let end = stage.browse(&url, story::OLGA, "accept", json!({})).await;
        assert_eq!(
            end.get("steps"),
            Some(&json!(["sign_in"])),
            "no second consent page"
        );
        let (_, query) = text_at(&end, "/redirect").split_once('?').unwrap();
        let redeemed = stage.redeem(&flow, query).await.unwrap();
        let identity = &redeemed.identity;
        assert_eq!(
            (identity.tenant_id, identity.object_id),
            (tenant, story::OLGA)
        );
        assert_eq!(roles_able_to_consent(identity), CONSENTING_ROLES[..1]);
        assert!(
            redeemed.scopes.covers(&wanted),
            "{asked}: {:?}",
            redeemed.scopes
        );

        let token = &redeemed.access_token;
        let proof = stage.entra.tenant_wide_grant(token, &wanted).await.unwrap();
        if may_ask_graph {
            assert!(matches!(proof, GrantProof::Covered { .. }), "{proof:?}");
        } else {
            assert_eq!(proof, GrantProof::NotPermitted);
        }
    }
    // It holds for everybody, and an ordinary person's sign-in proves no administrator.
    let ana = stage.sign_in(story::ANA, DEFAULT, json!({})).await;
    assert!(ana.scopes.covers(&wanted));
    assert!(roles_able_to_consent(&ana.identity).is_empty());
}

#[tokio::test]
async fn an_administrators_own_consent_is_none_for_everybody() {
    let stage = Stage::new().await;
    let wanted = words("Mail.Read");
    let asked = "Mail.Read Directory.Read.All";
    for (ticks_the_box, covered) in [(false, false), (true, true)] {
        // The second time more is asked for, so that the page appears again.
        let asked = if ticks_the_box {
            format!("{asked} Mail.Send")
        } else {
            asked.to_owned()
        };
        let extra = json!({"tenant_wide": ticks_the_box});
        let olga = stage.sign_in(story::OLGA, &asked, extra).await;
        assert!(olga.scopes.covers(&wanted), "the token looks the same");
        let proof = stage
            .entra
            .tenant_wide_grant(&olga.access_token, &wanted)
            .await
            .unwrap();
        assert_eq!(
            matches!(proof, GrantProof::Covered { .. }),
            covered,
            "{proof:?}"
        );
    }
}

#[tokio::test]
async fn refusals_on_the_pages_are_told_apart() {
    let stage = Stage::new().await;
    let none = || json!({});
    let admin = stage.admin_consent("contoso.example", "Mail.Read");
    let dead_end = stage.browse(&admin, story::ANA, "accept", none()).await;
    assert_eq!(text_at(&dead_end, "/page/code"), "AADSTS90093");
    for (person, answer, class) in [
        (story::ANA, "return", ErrorClass::Undetermined),
        (story::OLGA, "cancel", ErrorClass::Undetermined),
        (story::OLGA, "decline", ErrorClass::Declined),
        (story::GRACE, "accept", ErrorClass::WrongTenantOrUser),
    ] {
        let query = stage.back(&admin, person, answer, none()).await;
        assert_eq!(admin_refusal(&query), class, "{person} {answer}");
    }
    let (own, _) = stage.authorize(TenantRef::Organizations, "Mail.Read");
    let dead_end = stage.browse(&own, story::DANA, "accept", none()).await;
    assert_eq!(text_at(&dead_end, "/page/code"), "AADSTS90094");
    for (person, answer, class) in [
        (story::DANA, "return", ErrorClass::Undetermined),
        (story::ANA, "cancel", ErrorClass::Undetermined),
        (story::ANA, "decline", ErrorClass::Declined),
    ] {
        let query = stage.back(&own, person, answer, none()).await;
        assert_eq!(user_refusal(&query), class, "{person} {answer}");
    }
}

#[tokio::test]
async fn a_person_grants_less_than_was_asked() {
    let stage = Stage::new().await;
    let wanted = words("Mail.Read Calendars.Read");
    let partly = json!({"grant_scopes": ["Mail.Read"]});
    let ana = stage
        .sign_in(story::ANA, "Mail.Read Calendars.Read", partly)
        .await;
    assert_eq!(ana.identity.object_id, story::ANA);
    assert_eq!(ana.scopes.missing(&wanted), ["Calendars.Read"]);
}

#[tokio::test]
async fn a_code_is_good_once_and_only_in_its_own_flow() {
    let stage = Stage::new().await;
    let (url, flow) = stage.authorize(TenantRef::Id(story::CONTOSO), "Mail.Read");
    let query = stage.back(&url, story::ANA, "accept", json!({})).await;
    let refusal = |result: Result<Redeemed, RedeemError>| match result.unwrap_err() {
        RedeemError::Refused(refusal) => Some(refusal.class),
        RedeemError::IdToken(_)
        | RedeemError::Unreachable(_)
        | RedeemError::TimedOut
        | RedeemError::Nonsense(_)
        | RedeemError::OurFault(_) => None,
    };
    let other_verifier = Flow {
        verifier: new_pkce().verifier,
        ..flow.clone()
    };
    let mismatch = stage.redeem(&other_verifier, &query).await;
    assert_eq!(refusal(mismatch), Some(ErrorClass::OurFault));
    stage.redeem(&flow, &query).await.unwrap();
    let again = stage.redeem(&flow, &query).await;
    assert_eq!(refusal(again), Some(ErrorClass::AlreadyRedeemed));

    let query = stage.back(&url, story::ANA, "accept", json!({})).await;
    let other_nonce = Flow {
        nonce: random_token(),
        ..flow.clone()
    };
    let error = stage.redeem(&other_nonce, &query).await.unwrap_err();
    assert!(
        matches!(error, RedeemError::IdToken(IdTokenError::Nonce)),
        "{error:?}"
    );
}

#[tokio::test]
async fn every_forgery_is_seen_through() {
    type Is = fn(&IdTokenError) -> bool;
    const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let stage = Stage::new().await;
    let genuine = stage.verify(json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(genuine.object_id, story::ANA);
    let issuer: Is = |error| matches!(error, IdTokenError::Issuer);
    let algorithm: Is = |error| matches!(error, IdTokenError::Algorithm);
    let signature: Is = |error| matches!(error, IdTokenError::Signature);
    let table: [(&str, Is); 12] = [
        ("wrong_audience", |e| matches!(e, IdTokenError::Audience)),
        ("wrong_issuer", issuer),
        ("wrong_nonce", |e| matches!(e, IdTokenError::Nonce)),
        ("wrong_tenant", issuer),
        ("expired", |e| matches!(e, IdTokenError::Expired)),
        ("not_yet_valid", |e| matches!(e, IdTokenError::NotYetValid)),
        ("other_key", signature),
        ("unknown_kid", |e| matches!(e, IdTokenError::UnknownKey)),
        ("consumer_key", issuer),
        ("alg_none", algorithm),
        ("hs256_with_public_key", algorithm),
        ("tampered", signature),
    ];
    for (forgery, is_expected) in table {
        let error = stage
            .verify(json!({"forge": forgery}), story::CONTOSO)
            .await
            .unwrap_err();
        assert!(is_expected(&error), "{forgery}: {error:?}");
    }
    // Genuinely signed, and still not what is needed.
    let personal =
        json!({"tid": CONSUMERS, "iss": format!("{}/{CONSUMERS}/v2.0", stage.simulator.base_url)});
    let error = stage
        .verify(json!({"claims": personal}), story::CONTOSO)
        .await;
    assert!(matches!(error, Err(IdTokenError::Consumer)), "{error:?}");
    let error = stage.verify(json!({}), story::FABRIKAM).await;
    assert!(
        matches!(error, Err(IdTokenError::Tenant { actual }) if actual == story::CONTOSO),
        "{error:?}"
    );
    let error = stage
        .verify(json!({"claims": {"oid": null}}), story::CONTOSO)
        .await;
    assert!(
        matches!(error, Err(IdTokenError::Malformed(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_rotated_key_is_accepted_without_a_restart() {
    let stage = Stage::new().await;
    stage.verify(json!({}), story::CONTOSO).await.unwrap();
    stage
        .control("keys/rotate", json!({"forget_old": true}))
        .await;
    stage.verify(json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(stage.calls("jwks").await, 2);
}

#[tokio::test]
async fn tenants_are_found_in_their_clouds() {
    let stage = Stage::new().await;
    for (domain, id, cloud) in [
        (
            story::CONTOSO_DOMAIN,
            story::CONTOSO,
            CloudInstance::Worldwide,
        ),
        (story::FABRIKAM_DOMAIN, story::FABRIKAM, CloudInstance::Gcc),
        (
            story::NORTHWIND_GOV_DOMAIN,
            story::NORTHWIND_GOV,
            CloudInstance::GccHigh,
        ),
    ] {
        for name in [TenantRef::parse(domain).unwrap(), TenantRef::Id(id)] {
            let tenant = stage.entra.tenant(&name).await.unwrap();
            assert_eq!((tenant.tenant_id, tenant.cloud), (id, cloud), "{name}");
        }
    }
    for nobody in ["nobody.example", "00000000-0000-4000-8000-000000000001"] {
        let error = stage
            .entra
            .tenant(&TenantRef::parse(nobody).unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(error, DiscoveryError::UnknownTenant),
            "{nobody}: {error:?}"
        );
    }
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_ends_soon_and_sends_the_code_once() {
    type Is = fn(&RedeemError) -> bool;
    let stage = Stage::new().await;
    let (url, flow) = stage.authorize(TenantRef::Organizations, "Mail.Read");
    let query = stage.back(&url, story::ANA, "accept", json!({})).await;
    let nonsense: Is = |error| matches!(error, RedeemError::Nonsense(_));
    let table: [(Value, Is); 5] = [
        (json!({"status": 503}), |error| {
            matches!(error, RedeemError::Unreachable(_))
        }),
        (json!({"delay_ms": 30_000}), |error| {
            matches!(error, RedeemError::TimedOut)
        }),
        (json!({"status": 200, "body": "<html>"}), nonsense),
        (
            json!({"status": 200, "body": {"token_type": "Bearer"}}),
            nonsense,
        ),
        (
            json!({"status": 302, "headers": {"location": "/elsewhere"}}),
            nonsense,
        ),
    ];
    for (sent, (mut fault, is_expected)) in (1..).zip(table) {
        fault
            .as_object_mut()
            .unwrap()
            .insert("endpoint".to_owned(), json!("token"));
        stage.control("faults", fault.clone()).await;
        let begun = Instant::now();
        let error = stage.redeem(&flow, &query).await.unwrap_err();
        assert!(is_expected(&error), "{fault}: {error:?}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{fault}");
        assert_eq!(stage.calls("token").await, sent, "{fault}");
    }
    // None of that used the code up or left the client unusable.
    stage.redeem(&flow, &query).await.unwrap();
}
