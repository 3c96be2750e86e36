//! How we prove to Microsoft who we are: by certificate, by secret, by two of them during a rotation; and what happens
//! when Microsoft believes none.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, HostUser, Reaction, Reply};
use assent_dev_stack::{SIMULATOR_CLIENT_ID, SIMULATOR_CLIENT_SECRET, Stack};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{
    authorize_url, ended, eventually, grant, last_sequence, log, metrics, start_with,
};

/// A key with its certificate, as files.
pub(crate) struct Certified {
    pub(crate) certificate: String,
    pub(crate) files: [String; 2],
}

pub(crate) fn certified(directory: &TempDir, name: &str) -> anyhow::Result<Certified> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = CertificateParams::new(vec![name.to_owned()])?.self_signed(&key)?;
    let path = |kind: &str| {
        let path = directory.path().join(format!("{name}-{kind}.pem"));
        path.to_string_lossy().into_owned()
    };
    let files = [path("key"), path("certificate")];
    std::fs::write(&files[0], key.serialize_pem())?;
    std::fs::write(&files[1], certificate.pem())?;
    Ok(Certified {
        certificate: certificate.pem(),
        files,
    })
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

async fn registered(stack: &Stack, what: &Value) -> anyhow::Result<()> {
    let path = format!("applications/{SIMULATOR_CLIENT_ID}");
    stack
        .microsoft()
        .control(Method::PATCH, &path, Some(what))
        .await?;
    Ok(())
}

async fn readiness(stack: &Stack) -> anyhow::Result<Reply> {
    let anybody = stack.user("nobody", "nobody");
    Ok(anybody
        .send(Method::GET, "/readyz", |request| request)
        .await?)
}

/// The gateway goes on, and says to operators what this is about.
async fn is_ready_and_says(stack: &Stack, complaint: &str) -> anyhow::Result<()> {
    eventually("readiness says what is wrong", async || {
        let reply = readiness(stack).await?;
        let said = reply
            .word("/dependencies/microsoft/reason")
            .unwrap_or_default();
        Ok(reply.status == 200 && said.contains(complaint))
    })
    .await
}

async fn is_all_well(stack: &Stack) -> anyhow::Result<()> {
    eventually("readiness has nothing to say", async || {
        Ok(readiness(stack).await?.value("/dependencies/microsoft") == &json!({"ready": true}))
    })
    .await
}

/// Ana tries; what becomes of it.
async fn ana_tries(
    stack: &Stack,
    ana: &HostUser,
    state: &str,
    code: Option<&str>,
) -> anyhow::Result<()> {
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ended(ana, &landing, state, code).await
}

#[tokio::test]
async fn two_certificates_during_a_rotation() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (old, new) = (certified(&directory, "old")?, certified(&directory, "new")?);
    let stack = start_with(|options| {
        options.credential = variables(&[
            ("ASSENT_ENTRA_CLIENT_KEY_FILE", &old.files[0]),
            ("ASSENT_ENTRA_CLIENT_CERT_FILE", &old.files[1]),
            ("ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE", &new.files[0]),
            ("ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE", &new.files[1]),
        ]);
    })
    .await?;
    let ana = stack.user("acme", "ana");
    registered(
        &stack,
        &json!({"secrets": [], "certificates": [old.certificate]}),
    )
    .await?;
    ana_tries(&stack, &ana, "completed", None).await?;
    is_all_well(&stack).await?;
    // Both are registered for a while, then the old one is taken away: nobody notices but the operators.
    for certificates in [
        json!([old.certificate, new.certificate]),
        json!([new.certificate]),
    ] {
        registered(&stack, &json!({"certificates": certificates})).await?;
        ana_tries(&stack, &ana, "completed", None).await?;
    }
    is_ready_and_says(&stack, "second").await?;
    let shown = metrics(&stack).await?;
    ensure!(
        shown.contains("assent_microsoft_credential_refused_total{credential=\"first\"} 1")
            && shown.contains("assent_microsoft_certificate_expires_timestamp_seconds"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn a_refused_secret_alarms_operators_and_changes_nobodys_consent() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("secret");
    std::fs::write(&file, format!("{SIMULATOR_CLIENT_SECRET}\n"))?;
    let file = file.to_string_lossy().into_owned();
    let stack = start_with(|options| {
        options.credential = variables(&[("ASSENT_ENTRA_CLIENT_SECRET_FILE", &file)]);
    })
    .await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    is_all_well(&stack).await?;

    for secrets in [
        json!({"secrets": ["another"]}),
        json!({"secrets": [], "expired_secrets": [SIMULATOR_CLIENT_SECRET]}),
    ] {
        registered(&stack, &secrets).await?;
        ana_tries(
            &stack,
            &ana,
            "undetermined",
            Some("application_misconfigured"),
        )
        .await?;
        is_ready_and_says(&stack, "AADSTS").await?;
    }
    ensure!(last_sequence(&log).await? == 1, "something was recorded");
    ana.see("ana").await?.ok()?.with_effective("contacts")?;
    let shown = metrics(&stack).await?;
    ensure!(
        shown.contains("assent_microsoft_our_fault_total 2"),
        "{shown}"
    );
    let alarms = stack.gateway.log_text();
    ensure!(alarms.contains("operator_alarm"), "no alarm in the log");
    // Revoking needs no Microsoft.
    ana.revoke("contacts").await?.ok()?;

    let right = json!({"secrets": [SIMULATOR_CLIENT_SECRET], "expired_secrets": []});
    registered(&stack, &right).await?;
    ana_tries(&stack, &ana, "completed", None).await?;
    is_all_well(&stack).await
}

#[tokio::test]
async fn a_credential_that_can_not_work_stops_the_start() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (one, other) = (
        certified(&directory, "one")?,
        certified(&directory, "other")?,
    );
    for (pairs, says) in [
        (
            vec![
                ("ASSENT_ENTRA_CLIENT_KEY_FILE", one.files[0].as_str()),
                ("ASSENT_ENTRA_CLIENT_CERT_FILE", other.files[1].as_str()),
            ],
            "certificate",
        ),
        (
            vec![
                ("ASSENT_ENTRA_CLIENT_SECRET", "x"),
                ("ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE", one.files[0].as_str()),
            ],
            "ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE",
        ),
    ] {
        let started = start_with(|options| options.credential = variables(&pairs)).await;
        let error = started.err().context("it started all the same")?;
        let told = format!("{error:?}");
        ensure!(
            told.contains(says) && told.contains("exit status: 64"),
            "{told}"
        );
    }
    Ok(())
}
