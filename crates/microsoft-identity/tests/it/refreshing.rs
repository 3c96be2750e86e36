//! Using refresh tokens: what is asked, what comes back, what a refusal means.

use std::collections::HashMap;
use std::time::Duration;

use assent_microsoft_identity::{
    ClientCredential, ConsentEnd, Entra, ErrorClass, RedeemError, Refreshed,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::authority::{Answer, Authority, CLIENT, Key, PERSON, TENANT};
use crate::fixture::words;

const TOKEN: &str = "/c0000000-0000-4000-8000-000000000001/oauth2/v2.0/token";

fn client(authority: &Authority) -> Entra {
    authority.client(Some(ClientCredential::Secret("s3cret".into())))
}

async fn refresh(entra: &Entra, scopes: &str) -> Result<Refreshed, RedeemError> {
    entra.refresh(TENANT, "rt1".into(), words(scopes)).await
}

fn tokens() -> Value {
    json!({
        "token_type": "Bearer", "expires_in": 3599, "scope": "Mail.Read Calendars.Read", "access_token": "at2",
        "refresh_token": "rt2",
    })
}

#[tokio::test]
async fn a_refresh_asks_for_the_scopes_on_the_tenants_own_path() {
    let authority = Authority::start().await;
    authority.at(TOKEN, Answer::Json(200, tokens()));
    let refreshed = refresh(&client(&authority), "Calendars.Read offline_access")
        .await
        .unwrap();
    assert_eq!(refreshed.expires_in, Duration::from_secs(3599));
    assert_eq!(refreshed.refresh_token.unwrap().expose_secret(), "rt2");
    assert!(refreshed.identity.is_none());
    // More than was asked for, as Microsoft may.
    assert_eq!(
        refreshed.scopes.iter().collect::<Vec<_>>(),
        ["Calendars.Read", "Mail.Read"]
    );
    let requests = authority.requests(TOKEN);
    let sent: HashMap<String, String> = form_urlencoded::parse(requests[0].as_bytes())
        .into_owned()
        .collect();
    assert_eq!(sent["grant_type"], "refresh_token");
    assert_eq!(sent["refresh_token"], "rt1");
    assert_eq!(sent["scope"], "Calendars.Read offline_access");
    assert_eq!(
        (&*sent["client_id"], &*sent["client_secret"]),
        (CLIENT, "s3cret")
    );
}

#[tokio::test]
async fn openid_brings_whose_token_it_is() {
    let authority = Authority::start().await;
    let (key, stranger) = (Key::new("k1"), Key::new("k2"));
    authority.publish(&[&key]);
    let entra = client(&authority);
    for (signed, is_proof) in [(&key, true), (&stranger, false)] {
        let mut body = tokens();
        body["id_token"] = authority.id_token(signed).into();
        authority.at(TOKEN, Answer::Json(200, body));
        let refreshed = refresh(&entra, "openid Mail.Read").await;
        if is_proof {
            let identity = refreshed.unwrap().identity.unwrap();
            assert_eq!((identity.tenant_id, identity.object_id), (TENANT, PERSON));
        } else {
            assert!(matches!(refreshed, Err(RedeemError::IdToken(_))));
        }
    }
    authority.at(TOKEN, Answer::Json(200, tokens()));
    let without = refresh(&entra, "openid Mail.Read").await;
    assert!(matches!(without, Err(RedeemError::Nonsense(_))));
}

#[tokio::test]
async fn a_success_without_scope_lifetime_or_token_is_none() {
    let authority = Authority::start().await;
    let entra = client(&authority);
    for missing in ["scope", "expires_in", "access_token"] {
        let mut body = tokens();
        body.as_object_mut().unwrap().remove(missing);
        authority.at(TOKEN, Answer::Json(200, body));
        let error = refresh(&entra, "Mail.Read").await.unwrap_err();
        assert!(
            matches!(error, RedeemError::Nonsense(_)),
            "{missing}: {error:?}"
        );
    }
    let mut body = tokens();
    body.as_object_mut().unwrap().remove("refresh_token");
    authority.at(TOKEN, Answer::Json(200, body));
    let kept = refresh(&entra, "Mail.Read").await.unwrap();
    assert!(kept.refresh_token.is_none());
}

#[tokio::test]
async fn only_some_refusals_are_withdrawals() {
    use ErrorClass::{
        AdministratorApprovalRequired as Approval, ConsentMissing, InteractionRequired, OurFault,
        SessionEnded, TenantAbsent, TryAgain,
    };
    const USER: Option<ConsentEnd> = Some(ConsentEnd::User);
    const TENANT: Option<ConsentEnd> = Some(ConsentEnd::Tenant);
    let authority = Authority::start().await;
    let entra = client(&authority);
    for (error, suberror, codes, class, end) in [
        (
            "invalid_grant",
            "consent_required",
            &[65001][..],
            ConsentMissing,
            USER,
        ),
        (
            "invalid_grant",
            "consent_required",
            &[],
            ConsentMissing,
            USER,
        ),
        ("unauthorized_client", "", &[700_016], TenantAbsent, TENANT),
        (
            "unauthorized_client",
            "",
            &[7_000_112],
            TenantAbsent,
            TENANT,
        ),
        ("invalid_resource", "", &[500_011], Approval, TENANT),
        ("invalid_client", "", &[650_052], Approval, TENANT),
        ("invalid_grant", "", &[500_011], Approval, TENANT),
        // Whoever hears two things knows neither.
        ("invalid_resource", "", &[500_011, 53003], Approval, None),
        ("invalid_grant", "message_only", &[53003], Approval, None),
        ("invalid_grant", "", &[50105], Approval, None),
        ("invalid_grant", "", &[50173], SessionEnded, None),
        ("invalid_grant", "", &[70043], SessionEnded, None),
        (
            "invalid_grant",
            "token_expired",
            &[700_082],
            SessionEnded,
            None,
        ),
        ("invalid_grant", "", &[70008], SessionEnded, None),
        ("invalid_grant", "", &[50057], SessionEnded, None),
        (
            "interaction_required",
            "basic_action",
            &[50076],
            InteractionRequired,
            None,
        ),
        ("invalid_client", "", &[7_000_222], OurFault, None),
        ("invalid_client", "", &[], OurFault, None),
        ("invalid_grant", "client_mismatch", &[70000], OurFault, None),
        ("temporarily_unavailable", "", &[], TryAgain, None),
    ] {
        let suberror = (!suberror.is_empty()).then_some(suberror);
        let body = json!({"error": error, "suberror": suberror, "error_codes": codes});
        authority.at(TOKEN, Answer::Json(400, body.clone()));
        let refused = refresh(&entra, "Mail.Read").await.unwrap_err();
        let RedeemError::Refused(refusal) = &refused else {
            panic!("{body}: {refused:?}");
        };
        assert_eq!(
            (refusal.class, refusal.consent_end()),
            (class, end),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_was_refreshed_shows_no_token() {
    let authority = Authority::start().await;
    authority.at(TOKEN, Answer::Json(200, tokens()));
    let refreshed = refresh(&client(&authority), "Mail.Read").await.unwrap();
    let shown = format!("{refreshed:?}");
    assert!(!shown.contains("at2") && !shown.contains("rt2"), "{shown}");
}
