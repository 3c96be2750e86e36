//! What is logged, at the most talkative level, and what never is.

use std::io;
use std::sync::{Arc, Mutex};

use assent_microsoft_identity::{
    AccessToken, AuthorizationCode, ClientCredential, Credentials, Entra, ExpectedNonce,
    IdTokenExpectation, MailboxLocation, ScopeSet, TenantRef, UnverifiedAdminConsentCallback,
    UnverifiedAuthorizeCallback,
};
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::authority::{Answer, Authority, Key, TENANT, settings_for};
use crate::fixture::Fixture;

const TOKEN: &str = "/c0000000-0000-4000-8000-000000000001/oauth2/v2.0/token";
const ANA: &str = "ana@contoso.example";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Writes down everything that this thread logs, until the guard goes. The simulator's own log is not ours.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace,assent_entra_simulator=off"))
            .with_writer(move || log.clone())
            .with_ansi(false)
            .finish()
            .set_default()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, part: &str) -> usize {
        self.text().matches(part).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn redeem(entra: &Entra) -> Result<AccessToken, String> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly("n1"),
        tenant: Some(TENANT),
        personal_accounts: false,
    };
    let redirect_uri = "https://assent.example/callback".parse().unwrap();
    let code = AuthorizationCode::new("hush-code");
    let redeemed = entra
        .redeem_code(
            &TENANT.into(),
            code,
            &redirect_uri,
            "hush-verifier".into(),
            expectation,
        )
        .await;
    let redeemed = redeemed.map_err(|error| format!("{error:?} {error}"))?;
    assert!(!format!("{redeemed:?}").contains("hush"), "{redeemed:?}");
    Ok(redeemed.access_token)
}

#[tokio::test]
async fn no_secret_no_name_and_no_description_is_ever_logged() {
    let log = Log::default();
    let _listening = log.listen();
    let authority = Authority::start().await;
    let key = Key::new("k1");
    authority.publish(&[&key]);
    let id_token = authority.id_token(&key);
    let credentials = Credentials::Rotating {
        first: ClientCredential::Secret("hush-first".into()),
        second: ClientCredential::Secret("hush-second".into()),
    };
    let entra = Entra::new(settings_for(&authority.url, credentials)).unwrap();
    // What errors, results and their debug texts show is nobody's secret either.
    let mut told = vec![format!("{entra:?}")];

    // Refused for every reason, at every place.
    for (error, code) in [
        ("invalid_client", 7_000_215),
        ("invalid_grant", 65004),
        ("temporarily_unavailable", 1),
    ] {
        let body = json!({"error": error, "error_description": described(code), "suberror": ANA});
        authority.at(TOKEN, Answer::Json(400, body));
        told.push(redeem(&entra).await.unwrap_err());
    }
    for answer in [
        Answer::Json(500, json!(ANA)),
        Answer::Json(200, json!({"hush-token": ANA})),
        Answer::Huge,
    ] {
        authority.at(TOKEN, answer);
        told.push(redeem(&entra).await.unwrap_err());
    }
    let description = described(65004).replace(' ', "+");
    let query = format!("state=hush-state&error=access_denied&error_description={description}");
    let refused = UnverifiedAuthorizeCallback::parse(&query).unwrap();
    told.push(format!("{refused:?}"));
    let refused = UnverifiedAdminConsentCallback::parse(&query).unwrap();
    told.push(format!("{refused:?}"));

    // And successful.
    let tokens = json!({
        "token_type": "Bearer", "expires_in": 3599, "scope": "openid User.Read Mail.Read",
        "access_token": "hush-access-token", "refresh_token": "hush-refresh-token", "id_token": id_token,
    });
    authority.at(TOKEN, Answer::Json(200, tokens));
    let token = redeem(&entra).await.unwrap();
    told.push(format!("{token:?}"));

    // A mailbox that is elsewhere, which is asked for by its address.
    let no_mailbox = json!({"error": {"code": "MailboxNotEnabledForRESTAPI", "message": ANA}});
    authority.at("/v1.0/me/mailFolders/inbox", Answer::Json(404, no_mailbox));
    let person = json!({"mail": ANA, "assignedPlans": []});
    authority.at("/v1.0/me", Answer::Json(200, person));
    for answer in [
        Answer::Json(500, json!(ANA)),
        Answer::Json(200, json!({"Url": "https://mail.contoso.example"})),
    ] {
        authority.at("/autodiscover/autodiscover.json", answer);
        let held = ScopeSet::parse("Mail.Read", &authority.url);
        told.push(entra.locate_mailbox(&token, &held).await.to_string());
    }
    let located = told.last().map(String::as_str);
    assert_eq!(located, Some(MailboxLocation::OnPremises.as_str()));
    let name = TenantRef::parse("contoso.example").unwrap();
    told.push(format!("{:?}", entra.find_tenant(&name).await));

    let logged = log.text();
    for part in [
        "Microsoft refused a request",
        "our_fault",
        "microsoft_credential_refused",
    ] {
        assert!(logged.contains(part), "{part} is not in {logged}");
    }
    let kept = ["hush", ANA, "ana%40", "something", &id_token, "\"n1\""];
    for text in [logged, told.join("\n")] {
        for secret in kept {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

fn described(code: u32) -> String {
    format!("AADSTS{code}: {ANA} did something. Trace ID: 0b2d6e1e-1111-4222-8333-444455556666")
}

#[tokio::test]
async fn a_change_of_credentials_alarms_once() {
    let log = Log::default();
    let _listening = log.listen();
    let fixture = Fixture::with(Credentials::Rotating {
        first: ClientCredential::Secret("hush-old".into()),
        second: ClientCredential::Secret("hush-new".into()),
    })
    .await;
    for (secrets, alarms) in [
        (&["hush-new"][..], 1),
        (&["somebody-elses"], 2),
        (&["hush-old"], 2),
        (&["hush-new"], 3),
    ] {
        fixture.register(secrets, &[]).await;
        for _ in 0..3 {
            let (flow, query) = fixture.code().await;
            let result = fixture.redeem(&flow, &query).await;
            assert_eq!(result.is_ok(), secrets != ["somebody-elses"], "{result:?}");
        }
        let alarm = "operator_alarm=\"microsoft_credential_refused\"";
        assert_eq!(log.count(alarm), alarms, "{secrets:?}: {}", log.text());
    }
    assert!(!log.text().contains("hush"));
}
