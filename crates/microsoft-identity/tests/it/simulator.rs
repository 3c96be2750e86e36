//! Whole flows against the Entra simulator, which decides by its own rules what every page and token says.

use std::mem;
use std::time::Instant;

use assent_entra_simulator::story;
use assent_microsoft_identity::{
    CloudInstance, DiscoveryError, ErrorClass, GrantProof, IdTokenError, RedeemError, TenantRef,
    UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback, new_pkce, random_token,
    roles_able_to_consent,
};
use serde_json::json;

use crate::authority::PATIENCE;
use crate::fixture::{Fixture, callback, merged, words};

#[tokio::test]
async fn an_administrator_consents_for_everybody() {
    let fixture = Fixture::new().await;
    let wanted = words("Mail.Read Calendars.Read");
    let (entra, anywhere) = (&fixture.entra, TenantRef::Organizations);
    let url = entra.admin_consent_url(&anywhere, &callback(), &wanted, "s1");
    let query = fixture.back(&url, story::OLGA, "accept").await;
    let claim = UnverifiedAdminConsentCallback::parse(&query).unwrap();
    let tenant = claim.outcome.unwrap().0;
    assert_eq!((claim.state.as_str(), tenant), ("s1", story::CONTOSO));

    let global_administrator = &[uuid::uuid!("62e90394-69f5-4237-9190-012177145e10")][..];
    for (person, roles) in [(story::OLGA, global_administrator), (story::ANA, &[])] {
        let (url, flow) = fixture.authorize(tenant.into(), "https://graph.microsoft.com/.default");
        let (end, query) = fixture.browse(&url, person, "accept", &json!({})).await;
        // Nothing is left to consent to.
        assert_eq!(end.get("steps"), Some(&json!(["sign_in"])));
        let redeemed = fixture.redeem(&flow, &query).await.unwrap();
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
    let fixture = Fixture::new().await;
    let wanted = words("Mail.Send Directory.Read.All");
    let (entra, contoso) = (&fixture.entra, TenantRef::Id(story::CONTOSO));
    let url = entra.admin_consent_url(&contoso, &callback(), &wanted, "s1");
    fixture.back(&url, story::OLGA, "accept").await;
    let (url, flow) = fixture.authorize(contoso, "https://graph.microsoft.com/.default");
    let (_, query) = fixture
        .browse(&url, story::OLGA, "accept", &json!({}))
        .await;
    let redeemed = fixture.redeem(&flow, &query).await.unwrap();
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
    let fixture = Fixture::new().await;
    let (contoso, scopes) = (TenantRef::Id(story::CONTOSO), words("Mail.Read"));
    let admin = (fixture.entra).admin_consent_url(&contoso, &callback(), &scopes, "s1");
    let (own, _) = fixture.authorize(TenantRef::Organizations, "Mail.Read");
    let everything = &json!({});
    let (end, _) = fixture
        .browse(&admin, story::ANA, "accept", everything)
        .await;
    assert_eq!(end.pointer("/page/code"), Some(&json!("AADSTS90093")));
    let (end, _) = fixture
        .browse(&own, story::DANA, "accept", everything)
        .await;
    assert_eq!(end.pointer("/page/code"), Some(&json!("AADSTS90094")));
    for (person, answer, class) in [
        (story::ANA, "return", Undetermined),
        (story::OLGA, "cancel", Undetermined),
        (story::OLGA, "decline", Declined),
        (story::GRACE, "accept", WrongTenantOrUser),
    ] {
        let query = fixture.back(&admin, person, answer).await;
        let back = UnverifiedAdminConsentCallback::parse(&query).unwrap();
        assert_eq!(back.outcome.unwrap_err().class, class, "{person} {answer}");
    }
    for (person, answer, class) in [
        (story::DANA, "return", Undetermined),
        (story::ANA, "cancel", Undetermined),
        (story::ANA, "decline", Declined),
    ] {
        let query = fixture.back(&own, person, answer).await;
        let back = UnverifiedAuthorizeCallback::parse(&query).unwrap();
        assert_eq!(back.outcome.unwrap_err().class, class, "{person} {answer}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_in_its_own_flow_and_tells_what_was_granted() {
    let fixture = Fixture::new().await;
    let (url, mut flow) = fixture.authorize(story::CONTOSO.into(), "Mail.Read Calendars.Read");
    let partly = json!({"grant_scopes": ["Mail.Read"]});
    let (_, query) = fixture.browse(&url, story::ANA, "accept", &partly).await;
    let verifier = mem::replace(&mut flow.verifier, new_pkce().verifier);
    let error = fixture.redeem(&flow, &query).await.unwrap_err();
    assert!(matches!(error, RedeemError::Refused(no) if no.class == ErrorClass::OurFault));
    flow.verifier = verifier;
    let ana = fixture.redeem(&flow, &query).await.unwrap();
    assert_eq!(ana.identity.object_id, story::ANA);
    let wanted = words("Mail.Read Calendars.Read");
    assert_eq!(ana.scopes.missing(&wanted), ["Calendars.Read"]);
    let error = fixture.redeem(&flow, &query).await.unwrap_err();
    assert!(matches!(error, RedeemError::Refused(no) if no.class == ErrorClass::AlreadyRedeemed));

    let query = fixture.back(&url, story::ANA, "accept").await;
    flow.nonce = random_token();
    let error = fixture.redeem(&flow, &query).await.unwrap_err();
    assert_eq!(format!("{error:?}"), "IdToken(Nonce)");
}

#[tokio::test]
async fn every_forgery_is_seen_through() {
    const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let fixture = Fixture::new().await;
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
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
        let error = fixture.verify(&order, story::CONTOSO).await.unwrap_err();
        assert_eq!(format!("{error:?}"), variant, "{forgery}");
    }
    // Genuinely signed, and still not what is needed.
    let issuer = format!("{}/{CONSUMERS}/v2.0", fixture.simulator.base_url);
    let personal = json!({"claims": {"tid": CONSUMERS, "iss": issuer}});
    let error = fixture.verify(&personal, story::CONTOSO).await.unwrap_err();
    assert!(matches!(error, IdTokenError::Consumer), "{error:?}");
    let error = fixture
        .verify(&json!({}), story::FABRIKAM)
        .await
        .unwrap_err();
    assert!(matches!(error, IdTokenError::Tenant { actual } if actual == story::CONTOSO));
}

#[tokio::test]
async fn a_rotated_key_is_accepted_without_a_restart() {
    let fixture = Fixture::new().await;
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    let forgetting = json!({"forget_old": true});
    fixture.control("keys/rotate", forgetting).await;
    fixture.verify(&json!({}), story::CONTOSO).await.unwrap();
    assert_eq!(fixture.calls("jwks").await, Some(2));
}

#[tokio::test]
async fn tenants_are_found_in_their_clouds() {
    use CloudInstance::{Gcc, GccHigh, Worldwide};
    let fixture = Fixture::new().await;
    for (name, id, cloud) in [
        ("contoso.example", story::CONTOSO, Worldwide),
        ("fabrikam.example", story::FABRIKAM, Gcc),
        ("northwind-gov.example", story::NORTHWIND_GOV, GccHigh),
    ] {
        let name = TenantRef::parse(name).unwrap();
        let tenant = fixture.entra.tenant(&name).await.unwrap();
        assert_eq!((tenant.tenant_id, tenant.cloud), (id, cloud), "{name}");
    }
    let nobody = TenantRef::parse("nobody.example").unwrap();
    let error = fixture.entra.tenant(&nobody).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::UnknownTenant), "{error:?}");
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_ends_soon_and_the_code_is_sent_once() {
    let fixture = Fixture::new().await;
    let (url, flow) = fixture.authorize(TenantRef::Organizations, "Mail.Read");
    let query = fixture.back(&url, story::ANA, "accept").await;
    for (sent, (fault, variant)) in (1..).zip([
        (json!({"status": 503}), "Unreachable"),
        (json!({"delay_ms": 30_000}), "TimedOut"),
        (json!({"status": 200, "body": "<html>"}), "Nonsense"),
    ]) {
        let fault = merged(json!({"endpoint": "token"}), &fault);
        fixture.control("faults", fault).await;
        let begun = Instant::now();
        let error = format!("{:?}", fixture.redeem(&flow, &query).await.unwrap_err());
        assert!(error.starts_with(variant), "{variant}: {error}");
        assert!(begun.elapsed() < 2 * PATIENCE, "{variant}");
        assert_eq!(fixture.calls("token").await, Some(sent), "{variant}");
    }
    // The simulator never saw the code in all that, so it is still good for the same client.
    fixture.redeem(&flow, &query).await.unwrap();
}
