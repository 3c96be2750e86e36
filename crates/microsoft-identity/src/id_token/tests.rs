//! Every way in which a token can fail, each from a token that is right in all other respects.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER: &str = "11111111-86f1-41af-91ab-2d7cd011db47";
const PERSON: &str = "22222222-86f1-41af-91ab-2d7cd011db47";
const NOW: u64 = 1_800_000_000;

struct Keys {
    private: EncodingKey,
    public: Vec<u8>,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(new_keys)
}

fn new_keys() -> Keys {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    Keys {
        private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        public: pair.public_key().as_ref().to_vec(),
    }
}

fn published(issuer: &str) -> SigningKey {
    SigningKey {
        decoding: DecodingKey::from_rsa_der(&keys().public),
        issuer: issuer.to_owned(),
    }
}

fn genuine() -> Value {
    json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": "app", "tid": TENANT, "oid": PERSON,
        "nonce": "n1", "nbf": NOW - 10, "iat": NOW - 10, "exp": NOW + 3600, "sub": "pairwise",
        "wids": ["158c047a-c907-4556-b7ef-446551a6b5f7"],
    })
}

fn with(changes: &Value) -> Value {
    let mut claims = genuine();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn signed(algorithm: Algorithm, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some("k1".to_owned());
    jsonwebtoken::encode(&header, claims, &keys().private).unwrap()
}

fn check_with_key(token: &str, key: &SigningKey) -> Result<VerifiedIdentity, IdTokenError> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly("n1"),
        tenant: Some(TENANT.parse().unwrap()),
        personal_accounts: false,
    };
    UnverifiedIdToken::parse(token)?.verify(key, &["host", "app"], expectation, NOW)
}

fn check(token: &str) -> Result<VerifiedIdentity, IdTokenError> {
    check_with_key(
        token,
        &published("https://login.microsoftonline.com/{tenantid}/v2.0"),
    )
}

#[test]
fn a_genuine_token_tells_who_it_is() {
    let identity = check(&signed(Algorithm::RS256, &genuine())).unwrap();
    assert_eq!(identity.tenant_id.to_string(), TENANT);
    assert_eq!(identity.object_id.to_string(), PERSON);
    assert_eq!(identity.audience, "app");
    assert_eq!(
        crate::roles_able_to_consent(&identity),
        identity.directory_roles
    );
}

#[test]
fn a_guest_is_told_from_a_member() {
    let membership = |changes: Value| {
        check(&signed(Algorithm::RS256, &with(&changes)))
            .unwrap()
            .membership
    };
    for member in [
        json!({}),
        json!({"acct": 0}),
        json!({"acct": "0"}),
        json!({"acct": null, "idp": null}),
        json!({"idp": format!("https://sts.windows.net/{TENANT}/")}),
        json!({"idp": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "acct": 0}),
        json!({"upn": "ana@contoso.example", "preferred_username": "ana#ext@contoso.example"}),
    ] {
        assert_eq!(membership(member.clone()), Membership::Member, "{member}");
    }
    for guest in [
        json!({"acct": 1}),
        json!({"acct": "1"}),
        json!({"acct": 2}),
        json!({"acct": true}),
        json!({"idp": format!("https://sts.windows.net/{OTHER}/")}),
        json!({"idp": format!("https://sts.windows.net/{OTHER}/"), "acct": 0}),
        json!({"idp": "https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/"}),
        json!({"idp": "live.com"}),
        json!({"idp": "mail"}),
        json!({"idp": "google.com"}),
        json!({"idp": ""}),
        json!({"upn": "ana_contoso.example#EXT#@fabrikam.example"}),
        json!({"preferred_username": "ana_contoso.example#ext#@fabrikam.example", "acct": 0}),
    ] {
        assert_eq!(membership(guest.clone()), Membership::Guest, "{guest}");
    }
}

#[test]
fn a_personal_account_is_an_answer_only_where_one_is_asked_for() {
    let consumers = CONSUMERS.to_string();
    let issuer = format!("https://login.microsoftonline.com/{consumers}/v2.0");
    let claims = with(&json!({"tid": consumers, "iss": issuer, "idp": "live.com"}));
    let token = signed(Algorithm::RS256, &claims);
    let check = |key: &SigningKey, personal_accounts| {
        let expectation = IdTokenExpectation {
            nonce: ExpectedNonce::CheckedElsewhere,
            tenant: None,
            personal_accounts,
        };
        UnverifiedIdToken::parse(&token)
            .unwrap()
            .verify(key, &["app"], expectation, NOW)
    };
    let of_consumers = published(&issuer);
    assert_eq!(
        check(&of_consumers, true).unwrap().membership,
        Membership::PersonalAccount
    );
    assert!(matches!(
        check(&of_consumers, false),
        Err(IdTokenError::Consumer)
    ));
    let of_a_tenant = published(&format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert!(matches!(
        check(&of_a_tenant, true),
        Err(IdTokenError::Issuer)
    ));
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for claims in [
        json!({"exp": NOW - 60}),
        json!({"nbf": NOW + 60}),
        json!({"nbf": null}),
    ] {
        assert!(
            check(&signed(Algorithm::RS256, &with(&claims))).is_ok(),
            "{claims}"
        );
    }
}

#[test]
fn each_wrong_claim_has_its_own_refusal() {
    let consumers = CONSUMERS.to_string();
    let table = [
        (json!({"aud": "another-app"}), "Audience"),
        (json!({"aud": ["app"]}), "Malformed"),
        (json!({"nonce": "n2"}), "Nonce"),
        (json!({"nonce": null}), "Nonce"),
        (json!({"exp": NOW - 61}), "Expired"),
        (json!({"exp": null}), "Malformed"),
        (json!({"nbf": NOW + 61}), "NotYetValid"),
        (json!({"tid": OTHER}), "Issuer"),
        (json!({"tid": null}), "Malformed"),
        (json!({"tid": "contoso.com"}), "Malformed"),
        (
            json!({"iss": format!("https://login.microsoftonline.com/{OTHER}/v2.0")}),
            "Issuer",
        ),
        (
            json!({"iss": format!("https://login.microsoftonline.com.evil.example/{TENANT}/v2.0")}),
            "Issuer",
        ),
        (
            json!({"iss": format!("https://sts.windows.net/{TENANT}/")}),
            "Issuer",
        ),
        (
            json!({"iss": format!("https://login.microsoftonline.com/{OTHER}/v2.0"), "tid": OTHER}),
            "Tenant",
        ),
        (
            json!({"iss": format!("https://login.microsoftonline.com/{consumers}/v2.0"), "tid": consumers}),
            "Consumer",
        ),
        (json!({"oid": null}), "Malformed"),
        (json!({"oid": "not-a-guid"}), "Malformed"),
    ];
    for (changes, expected) in table {
        let error = check(&signed(Algorithm::RS256, &with(&changes))).unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{changes}: {error:?}"
        );
    }
}

#[test]
fn a_key_of_one_tenant_cannot_sign_for_another() {
    let token = signed(Algorithm::RS256, &genuine());
    let own = published(&format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert!(check_with_key(&token, &own).is_ok());
    for issuer in [
        format!("https://login.microsoftonline.com/{OTHER}/v2.0"),
        format!("https://sts.windows.net/{TENANT}/"),
    ] {
        assert!(
            matches!(
                check_with_key(&token, &published(&issuer)),
                Err(IdTokenError::Issuer)
            ),
            "{issuer}"
        );
    }
}

#[test]
fn the_signature_counts() {
    let token = signed(Algorithm::RS256, &genuine());
    let (signed_part, signature) = token.rsplit_once('.').unwrap();

    let payload = URL_SAFE_NO_PAD.encode(with(&json!({"oid": OTHER})).to_string());
    let header = signed_part.split_once('.').unwrap().0;
    assert!(matches!(
        check(&format!("{header}.{payload}.{signature}")),
        Err(IdTokenError::Signature)
    ));

    let stranger = new_keys();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("k1".to_owned());
    let forged = jsonwebtoken::encode(&header, &genuine(), &stranger.private).unwrap();
    assert!(matches!(check(&forged), Err(IdTokenError::Signature)));
    assert!(matches!(
        check(&format!("{signed_part}.")),
        Err(IdTokenError::Signature)
    ));
}

#[test]
fn only_rs256() {
    let claims = URL_SAFE_NO_PAD.encode(genuine().to_string());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"k1"}"#);
    assert!(matches!(
        check(&format!("{none}.{claims}.")),
        Err(IdTokenError::Algorithm)
    ));
    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        assert!(
            matches!(
                check(&signed(algorithm, &genuine())),
                Err(IdTokenError::Algorithm)
            ),
            "{algorithm:?}"
        );
    }
    // The public key as an HMAC secret: the oldest trick.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k1".to_owned());
    let confused = jsonwebtoken::encode(
        &header,
        &genuine(),
        &EncodingKey::from_secret(&keys().public),
    )
    .unwrap();
    assert!(matches!(check(&confused), Err(IdTokenError::Algorithm)));
}

#[test]
fn what_is_critical_and_not_understood_is_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("x")] {
        let header = json!({"alg": "RS256", "kid": "k1", "crit": crit}).to_string();
        let token = format!("{}.e30.x", URL_SAFE_NO_PAD.encode(header));
        let refused = UnverifiedIdToken::parse(&token).err();
        assert!(
            matches!(refused, Some(IdTokenError::Malformed(_))),
            "{crit}"
        );
    }
}

#[test]
fn what_is_no_token() {
    let no_kid =
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &genuine(), &keys().private).unwrap();
    let named = |name: &str| {
        let header = json!({"alg": "RS256", "kid": name}).to_string();
        format!("{}.e30.", URL_SAFE_NO_PAD.encode(header))
    };
    assert!(UnverifiedIdToken::parse(&named(&"k".repeat(LONGEST_KEY_ID))).is_ok());
    let long_name = named(&"k".repeat(LONGEST_KEY_ID + 1));
    for text in ["", "a.b.c", "x", &no_kid, &long_name] {
        assert!(
            matches!(check(text), Err(IdTokenError::Malformed(_))),
            "{}",
            text.len()
        );
    }
    let too_long = check(&"x.".repeat(LONGEST_TOKEN)).unwrap_err();
    assert_eq!(too_long.to_string(), "the token is longer than 32768 bytes");
}

#[test]
fn two_hundred_groups_and_as_many_roles_are_not_too_much() {
    let mut many = genuine();
    many["groups"] = (0..200).map(|_| json!(Uuid::new_v4())).collect();
    many["roles"] = (0..200)
        .map(|number| json!(format!("Department.Of.Some.Length.Role.{number:03}")))
        .collect();
    let many = signed(Algorithm::RS256, &many);
    assert!(many.len() > 18_000, "{}", many.len());
    check(&many).unwrap();
}

#[test]
fn who_signs_in_is_known_to_microsofts_page_by_the_claim_that_it_made_for_this() {
    let of = |changes: Value| {
        let verified = check(&signed(Algorithm::RS256, &with(&changes))).unwrap();
        assert!(!format!("{verified:?}").contains("ana@"));
        verified.login_hint.map(|hint| hint.expose().to_owned())
    };
    let name = "ana@contoso.example";
    for (claims, hint) in [
        (
            json!({"login_hint": "O.CiQx", "preferred_username": name}),
            Some("O.CiQx"),
        ),
        (json!({"preferred_username": name}), Some(name)),
        (
            json!({"login_hint": "", "preferred_username": name}),
            Some(name),
        ),
        (json!({"login_hint": 7, "preferred_username": [name]}), None),
        (json!({"preferred_username": "x".repeat(2000)}), None),
        (json!({}), None),
    ] {
        assert_eq!(of(claims.clone()).as_deref(), hint, "{claims}");
    }
}
