//! Redeeming codes, and asking Microsoft Graph with what comes of it.

use std::collections::HashMap;

use assent_microsoft_identity::{
    AuthorizationCode, ClientCredential, Entra, ErrorClass, ExpectedNonce, GrantProof,
    IdTokenError, IdTokenExpectation, RedeemError, Redeemed, TenantRef,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::authority::{Answer, Authority, CLIENT, Key, TENANT};
use crate::certified::Certified;

const TOKEN: &str = "/c0000000-0000-4000-8000-000000000001/oauth2/v2.0/token";

fn secret() -> ClientCredential {
    ClientCredential::Secret("s3cret".into())
}

async fn redeem(entra: &Entra, nonce: &str) -> Result<Redeemed, RedeemError> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly(nonce),
        tenant: Some(TENANT),
        personal_accounts: false,
    };
    let redirect_uri = "https://assent.example/callbacks/microsoft/authorize"
        .parse()
        .unwrap();
    entra
        .redeem_code(
            &TenantRef::Id(TENANT),
            AuthorizationCode::new("c0de"),
            &redirect_uri,
            "verifier".into(),
            expectation,
        )
        .await
}

fn tokens(authority: &Authority, key: &Key) -> Value {
    json!({
        "token_type": "Bearer", "expires_in": 3599, "scope": "openid profile Mail.Read", "access_token": "at",
        "id_token": authority.id_token(key),
    })
}

fn form(body: &str) -> HashMap<String, String> {
    form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

#[tokio::test]
async fn a_redeemed_code_tells_who_and_what() {
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.publish(&[&key]);
    authority.at(TOKEN, Answer::Json(200, tokens(&authority, &key)));
    let entra = authority.client(Some(secret()));
    let redeemed = redeem(&entra, "n1").await.unwrap();
    assert_eq!(redeemed.identity.tenant_id, TENANT);
    assert!(redeemed.scopes.covers(&["Mail.ReadBasic".to_owned()]));

    let requests = authority.requests(TOKEN);
    let sent = form(requests.first().unwrap());
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!(sent["code"], "c0de");
    assert_eq!(sent["code_verifier"], "verifier");
    assert_eq!(sent["client_id"], CLIENT);
    assert_eq!(sent["client_secret"], "s3cret");
    assert_eq!(
        sent["redirect_uri"],
        "https://assent.example/callbacks/microsoft/authorize"
    );

    let error = redeem(&entra, "another").await.unwrap_err();
    assert!(
        matches!(error, RedeemError::IdToken(IdTokenError::Nonce)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_certificate_signs_each_request() {
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.publish(&[&key]);
    authority.at(TOKEN, Answer::Json(200, tokens(&authority, &key)));
    let ours = Certified::new();
    let credential = ours.credential();
    assert!(
        redeem(&authority.client(Some(credential)), "n1")
            .await
            .is_ok()
    );

    let requests = authority.requests(TOKEN);
    let sent = form(requests.first().unwrap());
    assert!(!sent.contains_key("client_secret"));
    assert_eq!(
        sent["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    let mut validation = Validation::new(Algorithm::PS256);
    validation.set_audience(&[authority.url.join(TOKEN).unwrap()]);
    let public = DecodingKey::from_rsa_der(&ours.public_der());
    let assertion =
        jsonwebtoken::decode::<Value>(&sent["client_assertion"], &public, &validation).unwrap();
    assert_eq!(assertion.header.x5t_s256.unwrap(), ours.thumbprint);
    let claims = assertion.claims;
    assert_eq!(
        (claims["iss"].as_str(), claims["sub"].as_str()),
        (Some(CLIENT), Some(CLIENT))
    );
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        300
    );
    assert!(claims["jti"].is_string());
}

#[tokio::test]
async fn refusals_are_classified() {
    let authority = Authority::start().await;
    let entra = authority.client(Some(secret()));
    let table = [
        (
            400,
            json!({"error": "invalid_grant", "error_codes": [54005]}),
            ErrorClass::AlreadyRedeemed,
        ),
        (
            400,
            json!({"error": "invalid_grant", "error_codes": [501_481]}),
            ErrorClass::OurFault,
        ),
        (
            401,
            json!({"error": "invalid_client", "error_codes": [7_000_222]}),
            ErrorClass::OurFault,
        ),
        (
            400,
            json!({"error": "invalid_grant", "suberror": "consent_required"}),
            ErrorClass::ConsentMissing,
        ),
        (
            503,
            json!({"error": "temporarily_unavailable"}),
            ErrorClass::TryAgain,
        ),
    ];
    for (status, body, class) in table {
        authority.at(TOKEN, Answer::Json(status, body.clone()));
        let error = redeem(&entra, "n1").await.unwrap_err();
        assert!(
            matches!(&error, RedeemError::Refused(refusal) if refusal.class == class),
            "{body}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_code_is_never_sent_twice() {
    let authority = Authority::start().await;
    let entra = authority.client(Some(secret()));
    let answers = [
        Answer::Silence,
        Answer::Redirect("/elsewhere".to_owned()),
        Answer::Huge,
    ];
    for (sent, answer) in (1..).zip(answers) {
        authority.at(TOKEN, answer);
        let error = redeem(&entra, "n1").await.unwrap_err();
        assert!(
            matches!(error, RedeemError::TimedOut | RedeemError::Nonsense(_)),
            "{error:?}"
        );
        assert_eq!(authority.requests(TOKEN).len(), sent);
    }
    assert!(authority.requests("elsewhere").is_empty());
}

#[tokio::test]
async fn what_a_success_must_hold() {
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.publish(&[&key]);
    let entra = authority.client(Some(secret()));
    for missing in ["id_token", "scope", "access_token"] {
        let mut body = tokens(&authority, &key);
        body.as_object_mut().unwrap().remove(missing);
        authority.at(TOKEN, Answer::Json(200, body));
        let error = redeem(&entra, "n1").await.unwrap_err();
        assert!(
            matches!(error, RedeemError::Nonsense(_)),
            "{missing}: {error:?}"
        );
    }
}

#[tokio::test]
async fn only_a_grant_for_everybody_on_graph_is_proof() {
    const OURS: &str = "0e000000-0000-4000-8000-000000000001";
    const GRAPH: &str = "0e000000-0000-4000-8000-000000000002";
    const EXCHANGE: &str = "0e000000-0000-4000-8000-000000000003";
    const GRANTS: &str = "/v1.0/oauth2PermissionGrants";
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.publish(&[&key]);
    authority.at(TOKEN, Answer::Json(200, tokens(&authority, &key)));
    let entra = authority.client(Some(secret()));
    let token = redeem(&entra, "n1").await.unwrap().access_token;
    let wanted = ["Mail.Read".to_owned()];
    let grant = |kind: &str, resource: &str, scope: &str| json!({"clientId": OURS, "consentType": kind, "resourceId": resource, "scope": scope});

    let ours = format!("/v1.0/servicePrincipals(appId='{CLIENT}')");
    authority.at(&ours, Answer::Json(403, json!({})));
    assert_eq!(
        entra.tenant_wide_grant(&token, &wanted).await.unwrap(),
        GrantProof::NotPermitted
    );
    authority.at(&ours, Answer::Json(404, json!({})));
    let none = GrantProof::NotCovered {
        missing: wanted.to_vec(),
    };
    assert_eq!(
        entra.tenant_wide_grant(&token, &wanted).await.unwrap(),
        none
    );

    authority.at(&ours, Answer::Json(200, json!({"id": OURS})));
    let graph = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
    authority.at(graph, Answer::Json(200, json!({"id": GRAPH})));
    for (grants, is_proof) in [
        (json!([]), false),
        (json!([grant("Principal", GRAPH, "Mail.Read")]), false),
        (
            json!([grant("AllPrincipals", EXCHANGE, "Mail.Read")]),
            false,
        ),
        (json!([grant("AllPrincipals", GRAPH, "Mail.Send")]), false),
        (
            json!([grant("AllPrincipals", GRAPH, " openid Mail.ReadWrite")]),
            true,
        ),
    ] {
        authority.at(GRANTS, Answer::Json(200, json!({"value": grants})));
        let proof = entra.tenant_wide_grant(&token, &wanted).await.unwrap();
        assert_eq!(
            matches!(proof, GrantProof::Covered { .. }),
            is_proof,
            "{grants}"
        );
    }
    let elsewhere = json!({"value": [], "@odata.nextLink": "https://elsewhere.example/"});
    authority.at(GRANTS, Answer::Json(200, elsewhere));
    assert!(entra.tenant_wide_grant(&token, &wanted).await.is_err());
}
