//! What becomes of the refresh token that comes with a consent.

use assent_contract::names::COMMAND_BEGIN_CONNECTION;
use assent_dev_stack::NatsUser;
use assent_dev_stack::actors::{ANA, BEN, CONTOSO, OLGA, Person, Reaction};
use assent_domain::ids::{AccountId, UserId};
use assent_token_vault::{Held, KeyDirectory, KeyRing, TokenStore, TokenStoreSettings, Vault as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{Fixture, admin_consent, authorize_url, confirm_of, start_with};

const FLOWS: &str = "KV_CONSENT_FLOWS";

/// A gateway with a key to seal with, and the token broker's side of it.
struct Custody {
    fixture: Fixture,
    store: TokenStore,
    ring: KeyRing,
    directory: KeyDirectory,
    public_key: std::path::PathBuf,
    _home: TempDir,
}

impl Custody {
    async fn start() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let directory = KeyDirectory::new(home.path().join("keys"));
        let public_key = home.path().join("public.pem");
        std::fs::copy(directory.add()?.public_path, &public_key)?;
        let file = public_key.display().to_string();
        let fixture = start_with([("ASSENT_VAULT_PUBLIC_KEY_FILE", file)]).await?;
        let broker = fixture.connect(NatsUser::TokenBroker).await;
        let settings = TokenStoreSettings {
            replicas: 1,
            max_bytes: 1 << 20,
        };
        Ok(Self {
            store: TokenStore::open_or_create(&broker, settings).await?,
            ring: KeyRing::load(directory.clone()).await?,
            fixture,
            directory,
            public_key,
            _home: home,
        })
    }

    async fn held(&self, user: &str) -> anyhow::Result<Option<Held>> {
        let (account, user) = (AccountId::parse("acme")?, UserId::parse(user)?);
        Ok(self.store.get(&account, &user).await?)
    }

    async fn is_empty(&self) -> anyhow::Result<bool> {
        let page = self.store.page(0, 10).await?;
        Ok(page.held.is_empty() && page.unreadable.is_empty())
    }

    async fn opened(&self, held: &Held) -> anyhow::Result<String> {
        let opened = self.ring.open(&held.record, &held.account, &held.user);
        Ok(opened.await?.expose_secret().to_owned())
    }

    /// Everything that the gateway has in its bucket of flows.
    async fn flows(&self) -> anyhow::Result<String> {
        let gateway = self.fixture.connect(NatsUser::Gateway).await;
        let flows = assent_messaging::Bucket::open(&gateway, FLOWS.trim_start_matches("KV_"));
        let Some(flows) = flows.await? else {
            anyhow::bail!("there are no flows");
        };
        let page = flows.page(0, 1000).await?;
        let values = page.entries.iter();
        let values = values.map(|(_, entry)| String::from_utf8_lossy(&entry.value));
        Ok(values.collect())
    }

    async fn readiness(&self) -> anyhow::Result<Value> {
        readiness(&self.fixture).await
    }
}

async fn readiness(fixture: &Fixture) -> anyhow::Result<Value> {
    let answer = reqwest::get(fixture.at("/readyz")).await?;
    anyhow::ensure!(answer.status() == 200);
    let answer: Value = answer.json().await?;
    let custody = answer.pointer("/dependencies/custody");
    Ok(custody.cloned().unwrap_or_default())
}

/// A user's own consent, by somebody whom the host application vouches for.
async fn granted(fixture: &Fixture, user: &str, person: Person) -> anyhow::Result<String> {
    let client = fixture.user("acme", user);
    let started = client
        .start_grant(&["calendar"], Some(person))
        .await?
        .ok()?;
    let url = authorize_url(&started);
    let microsoft = fixture.microsoft();
    let landing = microsoft.walk(url, person, Reaction::Accept).await?;
    Ok(landing.outcome)
}

#[tokio::test]
async fn the_token_of_a_users_own_consent_is_sealed_for_the_broker() -> anyhow::Result<()> {
    let custody = Custody::start().await?;
    assert_eq!(custody.readiness().await?["ready"], true);
    assert_eq!(granted(&custody.fixture, "ana", ANA).await?, "completed");

    let held = custody.held("ana").await?.unwrap();
    assert_eq!(held.record.object_id.to_string(), ANA.object_id);
    assert_eq!(held.record.tenant_id.to_string(), CONTOSO);
    assert_eq!(held.record.client_id, assent_dev_stack::SIMULATOR_CLIENT_ID);
    assert_eq!(held.record.sequence, custody.fixture.last_sequence().await?);
    let token = custody.opened(&held).await?;

    // It is what Microsoft gives access tokens for.
    let answer = reqwest::Client::new()
        .post(format!(
            "{}/{CONTOSO}/oauth2/v2.0/token",
            custody.fixture.simulator_url()
        ))
        .form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &token),
            ("client_id", assent_dev_stack::SIMULATOR_CLIENT_ID),
            ("client_secret", assent_dev_stack::SIMULATOR_CLIENT_SECRET),
            ("scope", "Calendars.ReadWrite"),
        ])
        .send()
        .await?;
    assert_eq!(answer.status(), 200, "{}", answer.text().await?);
    assert!(!custody.flows().await?.contains(&token));
    Ok(())
}

#[tokio::test]
async fn while_a_grant_waits_the_token_waits_sealed() -> anyhow::Result<()> {
    let custody = Custody::start().await?;
    let ana = custody.fixture.user("acme", "ana");
    let started = ana.start_grant(&["calendar"], None).await?.ok()?;
    let microsoft = custody.fixture.microsoft();
    let landing = microsoft.walk(authorize_url(&started), ANA, Reaction::Accept);
    let landing = landing.await?;
    assert_eq!(landing.outcome, "awaiting_confirmation");
    assert!(custody.is_empty().await?);
    let waiting = custody.flows().await?;
    assert!(waiting.contains("sealed_token"), "{waiting}");

    ana.confirm(&landing.flow, confirm_of(&landing))
        .await?
        .ok()?;
    let held = custody.held("ana").await?.unwrap();
    assert_eq!(held.record.sequence, custody.fixture.last_sequence().await?);
    let token = custody.opened(&held).await?;
    assert!(!waiting.contains(&token));
    let after = custody.flows().await?;
    assert!(!after.contains("sealed_token"), "{after}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_no_users_grant() -> anyhow::Result<()> {
    let custody = Custody::start().await?;
    let fixture = &custody.fixture;
    // An administrator's consent.
    let sam = fixture.super_admin("acme", "sam");
    let tenant = Some("contoso.example");
    let landing = admin_consent(fixture, &sam, tenant, OLGA, Reaction::Accept).await?;
    assert_eq!(landing.outcome, "completed");
    assert!(custody.is_empty().await?);

    // Somebody else than expected, somebody who declines, and a grant that nobody confirms.
    let custody = Custody::start().await?;
    let fixture = &custody.fixture;
    let ana = fixture.user("acme", "ana");
    for (known_as, person, reaction, outcome) in [
        (Some(ANA), BEN, Reaction::Accept, "refused"),
        (Some(ANA), ANA, Reaction::Decline, "declined"),
        (None, ANA, Reaction::Accept, "awaiting_confirmation"),
    ] {
        let started = ana.start_grant(&["calendar"], known_as).await?.ok()?;
        let landing = fixture
            .microsoft()
            .walk(authorize_url(&started), person, reaction)
            .await?;
        assert_eq!(landing.outcome, outcome);
    }
    assert!(custody.is_empty().await?);
    Ok(())
}

#[tokio::test]
async fn a_consent_stands_without_a_key_and_without_a_broker() -> anyhow::Result<()> {
    let without_key = start_with([]).await?;
    let told = readiness(&without_key).await?;
    assert_eq!(
        (&told["ready"], &told["required"]),
        (&false.into(), &false.into())
    );
    assert!(
        told["reason"]
            .to_string()
            .contains("ASSENT_VAULT_PUBLIC_KEY_FILE")
    );
    assert_eq!(granted(&without_key, "ana", ANA).await?, "completed");
    drop(without_key);

    // A key, and no bucket: no token broker ever ran.
    let home = tempfile::tempdir()?;
    let key = KeyDirectory::new(home.path().join("keys")).add()?;
    let file = key.public_path.display().to_string();
    let fixture = start_with([("ASSENT_VAULT_PUBLIC_KEY_FILE", file)]).await?;
    assert_eq!(granted(&fixture, "ana", ANA).await?, "completed");
    let seen = fixture.user("acme", "ana").see("ana").await?.ok()?;
    assert_eq!(seen.effective(), "calendar");
    let told = readiness(&fixture).await?;
    assert!(
        told["reason"].to_string().contains("could not be put"),
        "{told}"
    );

    // With the next one that arrives all is well.
    let broker = fixture.connect(NatsUser::TokenBroker).await;
    let settings = TokenStoreSettings {
        replicas: 1,
        max_bytes: 1 << 20,
    };
    TokenStore::open_or_create(&broker, settings).await?;
    assert_eq!(granted(&fixture, "ben", BEN).await?, "completed");
    assert_eq!(readiness(&fixture).await?["ready"], true);
    Ok(())
}

#[tokio::test]
async fn a_new_public_key_is_used_without_a_restart() -> anyhow::Result<()> {
    let custody = Custody::start().await?;
    assert_eq!(granted(&custody.fixture, "ana", ANA).await?, "completed");
    let newer = custody.directory.add()?;
    std::fs::copy(&newer.public_path, &custody.public_key)?;
    assert_eq!(granted(&custody.fixture, "ben", BEN).await?, "completed");
    let held = custody.held("ben").await?.unwrap();
    assert_eq!(held.record.key_id(), newer.key.public().id());

    // While it is being replaced the one before goes on.
    std::fs::write(&custody.public_key, "-----BEGIN")?;
    assert_eq!(granted(&custody.fixture, "eve", BEN).await?, "completed");
    let held = custody.held("eve").await?.unwrap();
    assert_eq!(held.record.key_id(), newer.key.public().id());
    Ok(())
}

/// Where the browser is sent for a token of what is effective for Ana.
async fn passage(fixture: &Fixture) -> Result<String, (u16, String)> {
    let command = json!({
        "account_id": "acme", "user_id": "ana", "purpose": {"kind": "custody"},
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id},
        "login_hint": "ana@contoso.example",
    });
    let begun = fixture
        .command(NatsUser::LoginHook, COMMAND_BEGIN_CONNECTION, &command)
        .await?;
    let url = begun.get("authorize_url").and_then(Value::as_str);
    Ok(url.unwrap().to_owned())
}

#[tokio::test]
async fn a_passage_without_a_page_brings_a_token_and_records_nothing() -> anyhow::Result<()> {
    let custody = Custody::start().await?;
    let fixture = &custody.fixture;
    let nothing = Err((409, "identity_mismatch".to_owned()));
    assert_eq!(passage(fixture).await, nothing);
    assert_eq!(granted(fixture, "ana", ANA).await?, "completed");
    let held = custody.held("ana").await?.unwrap();
    custody.store.destroy(&held).await?;
    let before = fixture.last_sequence().await?;

    let url = passage(fixture).await.unwrap();
    assert!(
        url.contains("prompt=none") && url.contains("Calendars.ReadWrite"),
        "{url}"
    );
    assert!(!url.contains("Contacts"), "{url}");
    let microsoft = fixture.microsoft();
    let landing = microsoft.walk(&url, ANA, Reaction::Accept).await?;
    assert_eq!(landing.outcome, "completed");
    let held = custody.held("ana").await?.unwrap();
    assert_eq!(held.record.object_id.to_string(), ANA.object_id);
    assert_eq!(held.record.sequence, before);
    let token = custody.opened(&held).await?;
    assert!(!custody.flows().await?.contains(&token));
    assert_eq!(fixture.last_sequence().await?, before);

    // She takes it back while the browser is away: nothing is kept that way.
    custody.store.destroy(&held).await?;
    let url = passage(fixture).await.unwrap();
    fixture.user("acme", "ana").revoke("calendar").await?.ok()?;
    let landing = microsoft.walk(&url, ANA, Reaction::Accept).await?;
    assert_eq!(landing.outcome, "expired");
    assert!(custody.is_empty().await?);
    assert_eq!(passage(fixture).await, nothing);
    Ok(())
}
