//! A checkpoint, judged by other programs than ours: pymerkle comes to its root, OpenSSL believes its signature.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, BEN, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::process::Command;

use crate::fixture::{admin_consent, connect, eventually, grant, last_sequence, log, start};
use crate::python_library::{clients, library, skipped};

/// Before the 32 bytes of an Ed25519 key, in a public key's own form (RFC 8410).
const ED25519: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Some of everything: a company, users, and a message that is no event.
async fn recorded(stack: &Stack) -> anyhow::Result<u64> {
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    grant(stack, &ana, ANA, &["calendar"]).await?;
    grant(stack, &ben, BEN, &["calendar", "contacts"]).await?;
    ana.revoke("calendar").await?.ok()?;
    let sam = stack.super_admin("acme", "sam");
    admin_consent(stack, &sam, None, OLGA, Reaction::Accept).await?;
    let log = log(stack).await?;
    let before = last_sequence(&log).await?;
    let gateway = connect(stack, NatsUser::Gateway).await?;
    let headers = [("ce-zzz", "x"), ("other", "y"), ("ce-aaa", "z")];
    gateway
        .publish("consent.events.v1.acme.user.eve", &headers, "no event")
        .await?;
    eventually("the junk is stored", async || {
        Ok(last_sequence(&log).await? == before + 1)
    })
    .await?;
    Ok(before + 1)
}

#[tokio::test]
async fn others_come_to_the_same_root_and_believe_the_signature() -> anyhow::Result<()> {
    let stack = start().await?;
    let size = recorded(&stack).await?;
    let directory = tempfile::tempdir()?;
    let key = directory.path().join("log.key");
    let key = key.to_str().context("no text")?;
    let made = ["checkpoint", "keygen", "log.example.com/a", "--to", key];
    ensure!(stack.consentctl(&made).await?.status.success());
    let signed = stack
        .consentctl(&["checkpoint", "sign", "--key", key])
        .await?;
    ensure!(signed.status.success(), "{signed:?}");
    let note = String::from_utf8(signed.stdout)?;
    let (text, signature) = note.split_once("\n\n").context("no note")?;
    let lines: Vec<_> = text.lines().collect();
    let [origin, told_size, root] = lines[..] else {
        anyhow::bail!("{note}");
    };
    ensure!((origin, told_size) == ("log.example.com/a", size.to_string().as_str()));

    agrees_pymerkle(&stack, size, root).await?;
    let public = std::fs::read_to_string(format!("{key}.pub"))?;
    believes_openssl(&format!("{text}\n"), signature, &public, directory.path()).await
}

async fn agrees_pymerkle(stack: &Stack, size: u64, root: &str) -> anyhow::Result<()> {
    let what = "the root in Python";
    let fetched = library(what, "log-root-pymerkle-7.0.0", "log_root.txt").await?;
    let Some(library) = fetched else {
        return Ok(());
    };
    let (user, password) = stack.nats().credentials(NatsUser::Operator);
    let ran = Command::new("python3")
        // No bytecode beside the sources, and nothing from the machine's own packages.
        .args(["-B", "-s"])
        .arg(clients().join("log_root.py"))
        .arg(size.to_string())
        .env("PYTHONPATH", library)
        .env("NATS_URL", stack.nats().url())
        .env("NATS_INBOX_PREFIX", format!("_INBOX_{user}"))
        .env("NATS_USER", user)
        .env("NATS_PASSWORD", password)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&ran.stdout);
    ensure!(ran.status.success() && said.trim() == root, "{ran:?}");
    Ok(())
}

/// The signature line is an em dash, the key's name, and base64 of four bytes of the key's hash and the signature.
async fn believes_openssl(
    text: &str,
    signature: &str,
    public: &str,
    directory: &Path,
) -> anyhow::Result<()> {
    let signature = signature
        .trim()
        .rsplit(' ')
        .next()
        .context("no signature")?;
    let signature = STANDARD.decode(signature)?;
    let public = public.trim().splitn(3, '+').nth(2).context("no key")?;
    let public = STANDARD.decode(public)?;
    let key = [&ED25519[..], public.get(1..).context("no key")?].concat();
    let signature = signature.get(4..).context("no signature")?;
    for (name, bytes) in [
        ("key", &key[..]),
        ("sig", signature),
        ("text", text.as_bytes()),
    ] {
        std::fs::write(directory.join(name), bytes)?;
    }
    for (believed, text) in [
        (true, text.to_owned()),
        (false, text.replacen("log", "lag", 1)),
    ] {
        std::fs::write(directory.join("text"), text)?;
        let ran = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER"])
            .args(["-inkey", "key", "-rawin", "-in", "text", "-sigfile", "sig"])
            .current_dir(directory)
            .output()
            .await;
        match ran {
            Ok(ran) => ensure!(ran.status.success() == believed, "{ran:?}"),
            Err(error) => skipped("OpenSSL", &error.to_string()),
        }
    }
    Ok(())
}
