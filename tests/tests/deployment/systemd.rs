//! The units: systemd takes them, and each may do little.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use assent_dev_stack::{
    NatsServer, NatsUser, Program, ProgramPlan, Stack, StackOptions, profile_directory,
};

use crate::tools::{accepts, of_system, root, run};

/// In tenths. A unit that says nothing has 96.
const MOST_EXPOSED: &str = "--threshold=20";

fn units() -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join("deploy/systemd"))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut units = paths.collect::<Result<Vec<_>, _>>()?;
    units.retain(|path| path.extension().is_some_and(|kind| kind == "service"));
    ensure!(5 <= units.len(), "units are missing: {units:?}");
    Ok(units)
}

#[test]
fn each_unit_is_taken_and_may_do_little() -> anyhow::Result<()> {
    let Some(analyze) = of_system("systemd-analyze", "SYSTEMD_ANALYZE")? else {
        return Ok(());
    };
    for unit in units()? {
        let unit = unit.to_string_lossy();
        accepts(
            &analyze,
            &[
                "security",
                "--offline=true",
                "--no-pager",
                MOST_EXPOSED,
                &unit,
            ],
        )?;
        // Nothing is installed where this runs, so the programs are not there.
        let verified = run(&analyze, &["verify", &unit])?;
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        let complaints: Vec<_> = said
            .lines()
            .filter(|line| line.contains("/deploy/systemd/") || line.contains(".service:"))
            .filter(|line| !line.contains("is not executable"))
            .collect();
        ensure!(complaints.is_empty(), "{complaints:?}");
    }
    Ok(())
}

/// As it would be installed: what the units run is there, and belongs to root.
#[test]
fn a_debian_package_has_what_the_units_run_and_keeps_what_is_configured() -> anyhow::Result<()> {
    let Some(dpkg) = of_system("dpkg-deb", "SYSTEMD_ANALYZE")? else {
        return Ok(());
    };
    let place = tempfile::tempdir()?;
    let made = Command::new(root().join("deploy/debian/package.sh"))
        .arg(profile_directory()?)
        .arg("1.2.3")
        .arg(place.path())
        .env("COMPRESSION", "none")
        .output()?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "{said}");
    let mut packages = std::fs::read_dir(place.path())?;
    let package = packages.next().context("no package")??.path();
    let package = package.to_string_lossy();

    let contents = accepts(&dpkg, &["--contents", &package])?;
    for line in contents.lines() {
        ensure!(line.contains(" root/root "), "{line}");
    }
    let has = |path: &str| contents.lines().any(|line| line.ends_with(path));
    for unit in units()? {
        let name = unit.file_name().unwrap_or_default().to_string_lossy();
        ensure!(
            has(&format!(" ./usr/lib/systemd/system/{name}")),
            "no {name}"
        );
        let text = std::fs::read_to_string(&unit)?;
        let runs = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="));
        let program = runs.and_then(|runs| runs.split(' ').next());
        let program = program.context("a unit that runs nothing")?;
        // That one is its makers'.
        ensure!(
            has(&format!(" .{program}")) || program == "/usr/bin/nats-server",
            "no {program}"
        );
    }
    let kept = accepts(&dpkg, &["--info", &package, "conffiles"])?;
    for file in kept.lines() {
        ensure!(has(&format!(" .{file}")), "no {file}");
    }
    ensure!(3 == kept.lines().count(), "{kept}");
    let secrets = contents
        .lines()
        .find(|line| line.ends_with(" ./etc/assent/credentials/"));
    ensure!(
        secrets.is_some_and(|line| line.starts_with("drwx------")),
        "{secrets:?}"
    );
    Ok(())
}

#[test]
fn each_unit_names_variables_that_there_are_and_holds_no_secret() -> anyhow::Result<()> {
    for unit in units()? {
        let text = std::fs::read_to_string(&unit)?;
        let settings = text
            .lines()
            .filter_map(|line| line.strip_prefix("Environment="));
        for setting in settings {
            let (name, _) = setting.split_once('=').unwrap_or((setting, ""));
            ensure!(
                assent_contract::variables::VARIABLES.contains(&name),
                "{name} of {} is no variable",
                unit.display()
            );
            ensure!(
                !name.ends_with("PASSWORD") && !name.ends_with("SECRET"),
                "{name} in {}",
                unit.display()
            );
        }
    }
    Ok(())
}

/// What systemd would hear. It is read all the while: few messages fit into the socket, and who sends one more waits.
struct Notified(Receiver<String>);

impl Notified {
    fn at(socket: &Path) -> anyhow::Result<Self> {
        let socket = UnixDatagram::bind(socket)?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut message = [0; 4096];
            while let Ok(length) = socket.recv(&mut message) {
                let said = String::from_utf8_lossy(message.get(..length).unwrap_or_default());
                if sender.send(said.into_owned()).is_err() {
                    return;
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Waits for a message with such a line.
    fn until(&self, line: &str) -> anyhow::Result<()> {
        let mut heard = Vec::new();
        while let Ok(said) = self.0.recv_timeout(Duration::from_secs(30)) {
            if said.lines().any(|said| said.starts_with(line)) {
                return Ok(());
            }
            heard.push(said);
        }
        anyhow::bail!("nobody says {line}: {heard:?}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_tells_systemd_when_it_is_ready_that_it_goes_on_and_that_it_stops()
-> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let socket = place.path().join("notify");
    let notified = Notified::at(&socket)?;
    let variables = Vec::from([
        (
            "NOTIFY_SOCKET".to_owned(),
            socket.to_string_lossy().into_owned(),
        ),
        ("WATCHDOG_USEC".to_owned(), "600000".to_owned()),
    ]);

    // Without NATS a projection waits, and says for what.
    {
        let nats = NatsServer::start().await?;
        let environment = nats.environment(NatsUser::Projection);
        drop(nats);
        let plan = ProgramPlan::new("projection")
            .variables(environment)
            .variable("ASSENT_LISTEN", "127.0.0.1:0")
            .variable(
                "ASSENT_DATA_DIR",
                place.path().join("view").to_string_lossy(),
            )
            .variable("ASSENT_HOST_ISSUER", "http://127.0.0.1:1")
            .variable("ASSENT_HOST_JWKS_URL", "http://127.0.0.1:1/keys")
            .variables(variables.clone());
        let mut waiting = Program::start_unready(plan, place.path()).await?;
        notified.until("STATUS=waiting; ")?;
        notified.until("WATCHDOG=1")?;
        waiting.terminate().await.context("it did not end")?;
        notified.until("STOPPING=1")?;
    }

    let mut stack = Stack::start(StackOptions {
        variables,
        ..StackOptions::default()
    })
    .await?;
    for _ in ["gateway", "projection", "token broker", "login hook"] {
        notified.until("READY=1")?;
    }
    let ended = stack.login_hook.terminate().await;
    ensure!(ended.is_some_and(|status| status.success()), "{ended:?}");
    notified.until("STOPPING=1")
}
