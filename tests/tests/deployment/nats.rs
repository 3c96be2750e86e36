//! NATS' configuration for production: nats-server takes it, and it is the same cluster as the one that is tested.

use std::process::Command;

use anyhow::ensure;
use assent_dev_stack::{nats_server, tools_directory};

use crate::tools::root;

const PASSWORDS: [&str; 7] = [
    "GATEWAY",
    "PROJECTION",
    "LOGIN_HOOK",
    "TOKEN_BROKER",
    "SYNC_WORKER",
    "OPERATOR",
    "SYSTEM",
];

#[test]
fn nats_server_takes_the_configuration_for_production() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = directory.path().join("tls.crt");
    let key = directory.path().join("tls.key");
    std::fs::write(&certificate, certified.cert.pem())?;
    std::fs::write(&key, certified.signing_key.serialize_pem())?;
    let quoted = |path: &std::path::Path| format!("\"{}\"", path.display());
    let program = nats_server::find_or_fetch(&tools_directory()?)?;
    let output = Command::new(program)
        .arg("-t")
        .arg("--config")
        .arg(root().join("deploy/nats/production.conf"))
        .env("ASSENT_NATS_SERVER_NAME", "nats-0")
        .env("ASSENT_NATS_PORT", "4222")
        .env("ASSENT_NATS_MONITOR_PORT", "8222")
        .env("ASSENT_NATS_STORE_DIR", quoted(directory.path()))
        .env("ASSENT_NATS_CLUSTER_LISTEN", "\"127.0.0.1:6222\"")
        .env("ASSENT_NATS_ROUTES", "[\"nats-route://127.0.0.1:6222\"]")
        .env("ASSENT_NATS_CERT", quoted(&certificate))
        .env("ASSENT_NATS_KEY", quoted(&key))
        .env("ASSENT_NATS_CA", quoted(&certificate))
        .envs(PASSWORDS.map(|user| (format!("ASSENT_NATS_PASSWORD_{user}"), "password")))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    Ok(())
}

#[test]
fn the_cluster_in_production_is_the_one_that_is_tested() -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(root().join("deploy/nats").join(name));
    let (tested, production) = (read("cluster.conf")?, read("production.conf")?);
    let settings = tested.lines().map(str::trim);
    for setting in settings.filter(|line| !line.starts_with('#') && line.contains(':')) {
        ensure!(
            production.contains(setting),
            "production.conf lacks {setting}"
        );
    }
    Ok(())
}
