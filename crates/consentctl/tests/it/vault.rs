//! `consentctl vault`: keys that are made, shown, changed and retired, with tokens sealed by them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use assent_domain::ids::{AccountId, UserId};
use assent_token_vault::{
    Binding, KeyDirectory, KeyId, KeyRing, SealedFacts, TokenStore, TokenStoreSettings,
    TokenWriter, Vault as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{PATIENCE, Ran, account, connect, program, run, user};

/// Keys, sealed tokens, and the program as the token broker's user.
struct Vault {
    server: NatsServer,
    home: TempDir,
}

impl Vault {
    async fn start() -> Self {
        Self {
            server: NatsServer::start().await.unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("keys")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(&[&["vault"], arguments].concat());
        command.envs(self.server.environment(NatsUser::TokenBroker));
        command.env("ASSENT_VAULT_KEYS_DIR", self.directory());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments)).await
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    async fn store(&self) -> TokenStore {
        let broker = connect(&self.server, NatsUser::TokenBroker).await;
        let settings = TokenStoreSettings {
            replicas: 1,
            max_bytes: 64 << 20,
        };
        TokenStore::open_or_create(&broker, settings).await.unwrap()
    }

    async fn ring(&self) -> KeyRing {
        KeyRing::load(KeyDirectory::new(self.directory()))
            .await
            .unwrap()
    }

    /// Seals a token for each of so many users, as the gateway does.
    async fn seal(&self, names: impl IntoIterator<Item = String>) {
        let key = self.ring().await.public_key().await;
        let writer = TokenWriter::new(&connect(&self.server, NatsUser::Gateway).await);
        for name in names {
            let binding = binding(&name);
            let facts = SealedFacts {
                sequence: 7,
                epoch: Some(3),
                stored_at: "2026-11-28T10:00:00Z".parse().unwrap(),
            };
            let token = SecretString::from(format!("token of {name}"));
            let record = key.seal(&token, &binding, facts).unwrap();
            writer
                .put(&binding.account, &binding.user, &record)
                .await
                .unwrap();
        }
    }

    /// Each user's token opens; by which keys they are sealed.
    async fn all_open(&self, store: &TokenStore) -> Vec<(KeyId, usize)> {
        let ring = self.ring().await;
        let mut keys: Vec<(KeyId, usize)> = Vec::new();
        let mut from = Some(0);
        while let Some(next) = from {
            let page = store.page(next, 100).await.unwrap();
            for held in page.held {
                let opened = ring.open(&held.record, &held.account, &held.user).await;
                let token = opened.unwrap().expose_secret().to_owned();
                assert_eq!(token, format!("token of {}", held.user));
                assert_eq!((held.record.sequence, held.record.epoch), (7, Some(3)));
                let id = held.record.key_id();
                match keys.iter_mut().find(|(known, _)| known == id) {
                    Some((_, count)) => *count += 1,
                    None => keys.push((id.clone(), 1)),
                }
            }
            from = page.next;
        }
        keys
    }
}

fn binding(name: &str) -> Binding {
    Binding {
        account: account("acme"),
        user: user(name),
        tenant_id: Uuid::from_u128(1),
        object_id: Uuid::from_u128(2),
        client_id: "client".to_owned(),
    }
}

fn users(number: usize) -> impl Iterator<Item = String> {
    (0..number).map(|n| format!("user-{n}"))
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn key(keys: &Value, number: usize) -> (&str, u64, bool) {
    let key = &keys["keys"][number];
    (
        key["key_id"].as_str().unwrap(),
        key["tokens"].as_u64().unwrap(),
        key["seals"].as_bool().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_is_made_once() {
    let vault = Vault::start().await;
    let mut init = vault.command(&["init"]);
    // It connects to nothing.
    init.env("ASSENT_NATS_URL", "nats://127.0.0.1:1");
    let ran = run(init).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (private, public) = (
        vault.directory().join("0001.pem"),
        vault.directory().join("0001.pub.pem"),
    );
    for shown in [&private, &public] {
        assert!(ran.out.contains(shown.to_str().unwrap()), "{ran:?}");
    }
    assert_eq!(mode(&vault.directory()), 0o700);
    assert_eq!(mode(&private), 0o600);
    let content = fs::read(&private).unwrap();
    assert!(
        !ran.out.contains(
            std::str::from_utf8(&content)
                .unwrap()
                .lines()
                .nth(1)
                .unwrap()
        )
    );

    let again = vault.run(&["init"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("there are keys in"), "{again:?}");
    assert_eq!(fs::read(&private).unwrap(), content);

    // Into a directory that is there and empty, too, which is closed then.
    let other = vault.home.path().join("other");
    fs::create_dir(&other).unwrap();
    let ran = vault
        .run(&["init", "--json", "--dir", other.to_str().unwrap()])
        .await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        told["private_key"],
        other.join("0001.pem").to_str().unwrap()
    );
    assert_eq!(mode(&other), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_used_is_refused_by_name() {
    let vault = Vault::start().await;
    let nowhere = vault.run(&["status"]).await;
    assert_eq!(nowhere.code, Some(64), "{nowhere:?}");
    vault.run(&["init"]).await;
    let private = vault.directory().join("0001.pem");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
    for command in [
        &["status"][..],
        &["rotate"],
        &["rotate", "--key-only"],
        &["retire", "1", "--yes"],
    ] {
        let ran = vault.run(command).await;
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(
            ran.err.contains("0001.pem") && ran.err.contains("0644"),
            "{ran:?}"
        );
    }
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();

    // Nobody but the broker can look.
    vault.store().await;
    let mut operator = vault.command(&["status"]);
    operator.envs(vault.server.environment(NatsUser::Operator));
    let ran = run(operator).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_seals_everything_with_a_new_key_and_the_old_one_is_retired() {
    let vault = Vault::start().await;
    vault.run(&["init"]).await;
    // Before any token broker ran there is nothing to seal.
    let empty = vault.json(&["status"]).await;
    assert_eq!(empty["tokens"], 0);
    let store = vault.store().await;
    vault.seal(users(30)).await;
    let status = vault.json(&["status"]).await;
    assert_eq!(
        (status["tokens"].as_u64(), key(&status, 0).1),
        (Some(30), 30)
    );

    let rotated = vault.json(&["rotate"]).await;
    assert_eq!(rotated["key_is_new"], true, "{rotated}");
    assert_eq!(
        (
            &rotated["sealed_again"],
            &rotated["were_sealed"],
            &rotated["left"]
        ),
        (&30.into(), &0.into(), &0.into())
    );
    let status = vault.json(&["status"]).await;
    assert_eq!((key(&status, 0).1, key(&status, 0).2), (0, false));
    assert_eq!((key(&status, 1).1, key(&status, 1).2), (30, true));
    assert_eq!(vault.all_open(&store).await.len(), 1);

    let newest = vault.run(&["retire", "0002", "--yes"]).await;
    assert_eq!(newest.code, Some(1), "{newest:?}");
    assert!(newest.err.contains("is the newest"), "{newest:?}");
    let unknown = vault.run(&["retire", "0009", "--yes"]).await;
    assert_eq!(unknown.code, Some(64), "{unknown:?}");
    // Nobody is there to be asked.
    let unasked = vault.run(&["retire", "1"]).await;
    assert_eq!(unasked.code, Some(64), "{unasked:?}");
    assert!(vault.directory().join("0001.pem").exists());

    let retired = vault.run(&["retire", "1", "--yes"]).await;
    assert_eq!(retired.code, Some(0), "{retired:?}");
    assert!(!vault.directory().join("0001.pem").exists());
    assert!(!vault.directory().join("0001.pub.pem").exists());
    assert_eq!(vault.all_open(&store).await.len(), 1);
    let nothing_to_do = vault.json(&["rotate", "--no-new-key"]).await;
    assert_eq!(nothing_to_do["key_is_new"], false, "{nothing_to_do}");
    assert!(!vault.directory().join("0003.pem").exists());
    // Numbers are not given out again.
    let third = vault.json(&["rotate", "--key-only"]).await;
    assert!(
        third["private_key"].as_str().unwrap().ends_with("0003.pem"),
        "{third}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_token_needs_is_not_retired() {
    let vault = Vault::start().await;
    vault.run(&["init"]).await;
    let store = vault.store().await;
    vault.seal(users(3)).await;
    vault.run(&["rotate", "--key-only"]).await;
    let refused = vault.run(&["retire", "0001", "--yes"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains("3 tokens sealed with the key 0001"),
        "{refused:?}"
    );
    assert!(vault.directory().join("0001.pem").exists());
    assert_eq!(vault.all_open(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_killed_goes_on_where_it_stopped() {
    let vault = Vault::start().await;
    vault.run(&["init"]).await;
    let store = vault.store().await;
    vault.seal(users(300)).await;

    let mut rotating = vault.command(&["rotate"]);
    let mut rotating = rotating
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // In the middle: some are sealed with the one key, some with the other.
    let second = vault.directory().join("0002.pem");
    let begun = wait_for(PATIENCE, async || {
        let newest = store.page(301, 1).await.unwrap().held.pop();
        (second.exists() && newest.is_some()).then_some(())
    });
    begun.await.unwrap();
    rotating.kill().unwrap();
    rotating.wait().unwrap();

    let keys = vault.all_open(&store).await;
    assert_eq!(keys.iter().map(|(_, count)| count).sum::<usize>(), 300);
    assert_eq!(keys.len(), 2, "it was not in the middle: {keys:?}");
    let refused = vault.run(&["retire", "0001", "--yes"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");

    let resumed = vault.run(&["rotate"]).await;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.err.contains("No key is made"), "{resumed:?}");
    assert!(!vault.directory().join("0003.pem").exists());
    let keys = vault.all_open(&store).await;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].1, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rotations_at_once_and_a_broker_that_writes_lose_nothing() {
    let vault = Vault::start().await;
    vault.run(&["init"]).await;
    let store = vault.store().await;
    vault.seal(users(200)).await;
    vault.run(&["rotate", "--key-only"]).await;

    let writing = async {
        // Whoever replaces a record meanwhile keeps what they wrote.
        for name in users(200).step_by(3) {
            let (account, user): (AccountId, UserId) = (account("acme"), user(&name));
            loop {
                let held = store.get(&account, &user).await.unwrap().unwrap();
                let mut record = held.record.clone();
                record.reauthentication_required = true;
                if store.replace(&held, record).await.is_ok() {
                    break;
                }
            }
        }
    };
    let (one, other, ()) = tokio::join!(vault.run(&["rotate"]), vault.run(&["rotate"]), writing);
    assert_eq!(
        (one.code, other.code),
        (Some(0), Some(0)),
        "{one:?} {other:?}"
    );
    let again = vault.run(&["status"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let marked = {
        let page = store.page(0, 1000).await.unwrap().held;
        page.iter()
            .filter(|held| held.record.reauthentication_required)
            .count()
    };
    assert_eq!(marked, 67);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_no_key_opens_are_findings_and_are_left() {
    let vault = Vault::start().await;
    vault.run(&["init"]).await;
    vault.store().await;
    vault.seal(["ana".to_owned()]).await;
    let lost = vault.json(&["status"]).await;
    let lost = key(&lost, 0).0.to_owned();
    fs::remove_dir_all(vault.directory()).unwrap();
    vault.run(&["init"]).await;
    vault.seal(["ben".to_owned()]).await;
    let gateway = connect(&vault.server, NatsUser::Gateway).await;
    let junk = assent_messaging::BucketWriter::new(&gateway, "CONSENT_TOKENS");
    junk.put("acme.junk", b"{}".to_vec()).await.unwrap();

    let status = vault.run(&["status"]).await;
    assert_eq!(status.code, Some(1), "{status:?}");
    assert!(
        status
            .out
            .contains(&format!("1 token sealed with the key {lost}")),
        "{status:?}"
    );
    assert!(
        status.out.contains("1 record that can't be read"),
        "{status:?}"
    );
    let rotated = vault.run(&["rotate"]).await;
    assert_eq!(rotated.code, Some(1), "{rotated:?}");
    let status = vault.json(&["status"]).await;
    assert_eq!(status["not_to_be_opened"][0]["key_id"], lost.as_str());
    assert_eq!((key(&status, 1).1, key(&status, 1).2), (1, true));
}
