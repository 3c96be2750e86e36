//! Two credentials, of which the simulator knows one, the other, both or none.

use std::time::{Duration, SystemTime};

use assent_entra_simulator::story;
use assent_microsoft_identity::{
    CertificateValidity, ClientCredential, CredentialPlace, CredentialStatus, Credentials, Entra,
    ErrorClass, RedeemError, Redeemed, Settings, SettingsError,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::authority::settings_for;
use crate::certified::Certified;
use crate::fixture::Fixture;

const RIGHT: &str = story::ASSENT_CLIENT_SECRET;

fn secret(secret: &str) -> ClientCredential {
    ClientCredential::Secret(secret.into())
}

fn rotating(first: ClientCredential, second: ClientCredential) -> Credentials {
    Credentials::Rotating { first, second }
}

/// Redeems a fresh code, and says how many requests that took.
async fn redeem_fresh(fixture: &Fixture) -> (Result<Redeemed, RedeemError>, u64) {
    let (flow, query) = fixture.code().await;
    let before = fixture.calls("token").await.unwrap();
    let result = fixture.redeem(&flow, &query).await;
    (result, fixture.calls("token").await.unwrap() - before)
}

fn credential_status(fixture: &Fixture) -> CredentialStatus {
    fixture.entra.health().borrow().credential.clone()
}

#[tokio::test]
async fn whichever_is_accepted_is_used_and_goes_first_from_then_on() {
    let (old, new) = (Certified::new(), Certified::new());
    let known = |certificate: &Certified| certificate.certificate_pem.clone();
    for (first, second, secrets, certificates) in [
        (
            old.credential(),
            new.credential(),
            vec![],
            vec![known(&new)],
        ),
        (secret("old"), secret(RIGHT), vec![RIGHT], vec![]),
        (
            secret("old"),
            new.credential(),
            vec![RIGHT],
            vec![known(&new)],
        ),
        (
            old.credential(),
            secret(RIGHT),
            vec![RIGHT],
            vec![known(&new)],
        ),
    ] {
        let shown = format!("{first:?} {second:?}");
        let fixture = Fixture::with(rotating(first, second)).await;
        let certificates: Vec<&str> = certificates.iter().map(String::as_str).collect();
        fixture.register(&secrets, &certificates).await;
        assert_eq!(credential_status(&fixture), CredentialStatus::NotTriedYet);
        for expected in [2, 1, 1] {
            let (result, requests) = redeem_fresh(&fixture).await;
            assert!(result.is_ok(), "{shown}: {result:?}");
            assert_eq!(requests, expected, "{shown}");
            assert_eq!(
                credential_status(&fixture),
                CredentialStatus::SecondUsed,
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_rotation_goes_there_and_back() {
    let (one, other) = (Certified::new(), Certified::new());
    let fixture = Fixture::with(rotating(one.credential(), other.credential())).await;
    let both = [one.certificate_pem.as_str(), other.certificate_pem.as_str()];
    for (registered, requests, expected) in [
        (&both[..], 1, CredentialStatus::Accepted),
        (&both[1..], 2, CredentialStatus::SecondUsed),
        (&both[..], 1, CredentialStatus::SecondUsed),
        (&both[..1], 2, CredentialStatus::Accepted),
        (&both[..], 1, CredentialStatus::Accepted),
    ] {
        fixture.register(&[], registered).await;
        let (result, needed) = redeem_fresh(&fixture).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!((needed, credential_status(&fixture)), (requests, expected));
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_does_not_keep_the_service_down() {
    let day = Duration::from_hours(24);
    let now = SystemTime::now();
    let [expired, good] = [now.checked_sub(day).unwrap(), now + 10 * day].map(Certified::ending);
    let fixture = Fixture::with(rotating(expired.credential(), good.credential())).await;
    fixture.register(&[], &[&good.certificate_pem]).await;
    assert!(redeem_fresh(&fixture).await.0.is_ok());

    let health = fixture.entra.health().borrow().clone();
    let validities: Vec<_> = health
        .certificates
        .iter()
        .map(|certificate| (certificate.credential, certificate.validity(now)))
        .collect();
    assert_eq!(
        validities,
        [
            (CredentialPlace::First, CertificateValidity::Expired),
            (CredentialPlace::Second, CertificateValidity::ExpiresSoon),
        ]
    );
    let complaints = health.complaints(now).join("\n");
    for part in [
        "finish the rotation",
        "first credential: the certificate has expired",
        "second credential: the certificate ends",
    ] {
        assert!(complaints.contains(part), "{part} is not in {complaints}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_loses_nobody() {
    const AT_ONCE: u64 = 20;
    const HELD: u64 = 30;
    let (old, new) = (Certified::new(), Certified::new());
    let credentials = || rotating(old.credential(), new.credential());
    let mut fixture = Fixture::with(credentials()).await;
    let url = fixture.simulator.base_url.parse().unwrap();
    let patient = Settings {
        timeout: Duration::from_secs(20),
        ..settings_for(&url, credentials())
    };
    fixture.entra = Entra::new(patient).unwrap();
    fixture.register(&[], &[&old.certificate_pem]).await;
    let mut flows = Vec::new();
    for _ in 0..AT_ONCE + HELD {
        flows.push(fixture.code().await);
    }
    // Some are answered at once, and the others only after the certificate was exchanged.
    for (count, delay_ms) in [(AT_ONCE, 1), (HELD, 2000)] {
        let delay = json!({"endpoint": "token", "count": count, "delay_ms": delay_ms});
        fixture.control("faults", delay).await;
    }
    let fixture = std::sync::Arc::new(fixture);
    let logins: Vec<_> = flows
        .into_iter()
        .map(|(flow, query)| {
            let fixture = std::sync::Arc::clone(&fixture);
            tokio::spawn(async move { fixture.redeem(&flow, &query).await })
        })
        .collect();
    while fixture.calls("token").await.unwrap() < AT_ONCE + HELD {
        tokio::task::yield_now().await;
    }
    fixture.register(&[], &[&new.certificate_pem]).await;
    for login in logins {
        login.await.unwrap().unwrap();
    }
    let requests = fixture.calls("token").await.unwrap();
    let refused = requests - AT_ONCE - HELD;
    assert!((HELD..=AT_ONCE + HELD).contains(&refused), "{refused}");
    assert_eq!(credential_status(&fixture), CredentialStatus::SecondUsed);
    let (result, needed) = redeem_fresh(&fixture).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(needed, 1);
}

#[tokio::test]
async fn when_both_are_refused_it_is_our_fault_and_the_code_stays_good() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let unknown = Certified::new();
    let fixture = Fixture::with(rotating(unknown.credential(), secret("wrong"))).await;
    let (flow, query) = fixture.code().await;
    for _ in 0..2 {
        let error = fixture.redeem(&flow, &query).await.unwrap_err();
        assert!(
            matches!(&error, RedeemError::Refused(no) if no.class == ErrorClass::OurFault),
            "{error:?}"
        );
    }
    assert_eq!(fixture.calls("token").await, Some(4));
    let codes = vec![700_027, 7_000_215];
    assert_eq!(
        credential_status(&fixture),
        CredentialStatus::Refused { codes }
    );

    fixture.register(&[], &[&unknown.certificate_pem]).await;
    fixture.redeem(&flow, &query).await.unwrap();
    assert_eq!(credential_status(&fixture), CredentialStatus::Accepted);

    let ends = unknown
        .not_after
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let shown = recorder.handle().render();
    for line in [
        "assent_microsoft_credential_refused_total{credential=\"first\"} 2".to_owned(),
        "assent_microsoft_credential_refused_total{credential=\"second\"} 2".to_owned(),
        format!(
            "assent_microsoft_certificate_expires_timestamp_seconds{{certificate=\"first\"}} {ends}"
        ),
    ] {
        assert!(shown.contains(&line), "{line} is not in\n{shown}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_our_fault_and_nothing_else_happens() {
    let fixture = Fixture::with(Credentials::One(secret("wrong"))).await;
    let (result, requests) = redeem_fresh(&fixture).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&error, RedeemError::Refused(no) if no.class == ErrorClass::OurFault && no.codes == [7_000_215]),
        "{error:?}"
    );
    assert_eq!(requests, 1);
    assert_eq!(
        credential_status(&fixture),
        CredentialStatus::Refused {
            codes: vec![7_000_215]
        }
    );
}

#[tokio::test]
async fn any_other_refusal_is_final() {
    let fixture = Fixture::with(rotating(secret(RIGHT), secret("wrong"))).await;
    let (flow, query) = fixture.code().await;
    fixture.redeem(&flow, &query).await.unwrap();
    // The code was redeemed before; another credential would not change that.
    fixture.redeem(&flow, &query).await.unwrap_err();
    assert_eq!(fixture.calls("token").await, Some(2));
    // Nor does it for an address that is not registered, although that is `invalid_client` too.
    let refusal = json!({"error": "invalid_client", "error_codes": [500_112]});
    let fault = json!({"endpoint": "token", "status": 401, "body": refusal});
    fixture.control("faults", fault).await;
    let (result, requests) = redeem_fresh(&fixture).await;
    assert!(matches!(result, Err(RedeemError::Refused(no)) if no.class == ErrorClass::OurFault));
    assert_eq!(requests, 1);
    assert_eq!(credential_status(&fixture), CredentialStatus::Accepted);
}

#[test]
fn which_credential_cannot_be_used_is_told() {
    let (one, other) = (Certified::new(), Certified::new());
    let (ClientCredential::Certificate { key_pem, .. }, certificate_pem) =
        (one.credential(), other.certificate_pem)
    else {
        panic!("a certificate");
    };
    let mixed = ClientCredential::Certificate {
        key_pem,
        certificate_pem,
    };
    let url = "https://login.microsoftonline.com".parse().unwrap();
    let error = Entra::new(settings_for(&url, rotating(secret("x"), mixed))).unwrap_err();
    assert!(
        matches!(
            &error,
            SettingsError::Credential {
                place: CredentialPlace::Second,
                ..
            }
        ),
        "{error:?}"
    );
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(why, "the certificate does not belong to the private key");
    assert_eq!(error.to_string(), "the second credential cannot be used");
}
