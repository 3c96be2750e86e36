//! A PostgreSQL of its own, tuned as a careful team would, with the consents of many users in two tables.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use assent_dev_stack::wait_for;
use tempfile::TempDir;

use crate::fixture::{ACCOUNT, USER};

/// Accounts in the tables.
const ACCOUNTS: usize = 1_000;
/// Where Debian puts what is not on PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root; Debian's own user of it does.
const DEBIAN_USER: &str = "postgres";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// All of it fits into memory, and nothing is written while it is measured. Planning is done once for each connection.
const SETTINGS: &str = "
listen_addresses = ''
max_connections = 40
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 16MB
random_page_cost = 1.1
synchronous_commit = off
plan_cache_mode = force_generic_plan
jit = off
autovacuum = off
";

/// As a team would have it: what a company chose, and what each user has granted of it.
const TABLES: &str = "
CREATE TABLE account (
    account_id text PRIMARY KEY,
    method text NOT NULL,
    email_sync text NOT NULL,
    epoch bigint NOT NULL,
    consent_tenant uuid,
    consent_permissions int NOT NULL
);
CREATE TABLE user_consent (
    account_id text NOT NULL REFERENCES account,
    user_id text NOT NULL,
    epoch bigint NOT NULL,
    own_permissions int NOT NULL,
    automatic_permissions int NOT NULL,
    answered int NOT NULL,
    tenant_id uuid,
    object_id uuid,
    last_event bigint NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
";

/// Why there is none.
#[derive(Debug)]
pub(crate) enum NotThere {
    /// And how it is installed.
    NotInstalled(String),
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for NotThere {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// A running PostgreSQL. Gone, with its files, when dropped.
#[derive(Debug)]
pub(crate) struct Postgresql {
    programs: PathBuf,
    folder: TempDir,
    owner: Option<Owner>,
    version: String,
}

/// Whom it runs as, where we are root.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Postgresql {
    /// Starts one with so many users in it.
    pub(crate) async fn start(users: usize) -> Result<Self, NotThere> {
        let programs = programs().ok_or_else(|| {
            NotThere::NotInstalled(
                "PostgreSQL is not installed: on Debian `apt install postgresql` (no cluster of its own is needed)".to_owned(),
            )
        })?;
        let owner = owner()?;
        let started = Self::prepare(programs, owner)?;
        started.run(users).await?;
        Ok(started)
    }

    /// The folder of its socket.
    pub(crate) fn socket_folder(&self) -> String {
        self.folder.path().to_string_lossy().into_owned()
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    fn prepare(programs: PathBuf, owner: Option<Owner>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("assent-postgresql-")
            .tempdir()?;
        if let Some(Owner { user, group }) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))?;
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
        let said = Command::new(programs.join("postgres"))
            .arg("--version")
            .output()?;
        let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        Ok(Self {
            programs,
            folder,
            owner,
            version,
        })
    }

    async fn run(&self, users: usize) -> anyhow::Result<()> {
        let data = self.data();
        let data = data.to_str().context("a path that is no text")?;
        self.tool(
            "initdb",
            &[
                "--pgdata",
                data,
                "--username",
                "assent",
                "--auth",
                "trust",
                "--no-sync",
            ],
            None,
        )?;
        let socket = self.folder.path().to_string_lossy();
        let settings = format!("{SETTINGS}unix_socket_directories = '{socket}'\n");
        let file = self.data().join("postgresql.auto.conf");
        std::fs::write(&file, settings)?;
        if let Some(Owner { user, group }) = self.owner {
            std::os::unix::fs::chown(&file, Some(user), Some(group))?;
        }
        let log = self.folder.path().join("log");
        let log = log.to_str().context("a path that is no text")?;
        self.tool(
            "pg_ctl",
            &["start", "--wait", "--pgdata", data, "--log", log],
            None,
        )?;
        let ready = wait_for(PATIENCE, async || {
            self.tool(
                "psql",
                &[
                    "--host",
                    &socket,
                    "--username",
                    "assent",
                    "postgres",
                    "-c",
                    "select 1",
                ],
                None,
            )
            .ok()
        });
        ready.await.context("PostgreSQL does not answer")?;
        self.fill(&socket, users)
    }

    fn fill(&self, socket: &str, users: usize) -> anyhow::Result<()> {
        let fill = format!(
            "{TABLES}
INSERT INTO account SELECT 'account-' || n, 'user_individual', 'full', 0, NULL, 0 FROM generate_series(0, {ACCOUNTS} - 1) n;
INSERT INTO account VALUES ('{ACCOUNT}', 'admin_configured', 'full', 1, gen_random_uuid(), 11);
INSERT INTO user_consent SELECT 'account-' || (n % {ACCOUNTS}), 'user-' || n, 0, 11, 0, 7, gen_random_uuid(), gen_random_uuid(), n
    FROM generate_series(1, {users}) n;
INSERT INTO user_consent VALUES ('{ACCOUNT}', '{USER}', 1, 0, 11, 7, gen_random_uuid(), gen_random_uuid(), 2);
VACUUM ANALYZE;
"
        );
        let arguments = [
            "--host",
            socket,
            "--username",
            "assent",
            "--set",
            "ON_ERROR_STOP=1",
            "--quiet",
            "postgres",
        ];
        self.tool("psql", &arguments, Some(&fill))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs one of its tools to its end.
    fn tool(&self, name: &str, arguments: &[&str], input: Option<&str>) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut command = Command::new(self.programs.join(name));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            // `pg_ctl` leaves the server what it is given: a pipe would never end.
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.errors(name))?);
        if let Some(Owner { user, group }) = self.owner {
            command.uid(user).gid(group);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("{name} can't be run"))?;
        if let (Some(input), Some(mut to)) = (input, child.stdin.take()) {
            to.write_all(input.as_bytes())?;
        }
        let status = child.wait()?;
        let said = std::fs::read_to_string(self.errors(name)).unwrap_or_default();
        ensure!(status.success(), "{name}: {said}");
        Ok(())
    }

    fn errors(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.errors"))
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let data = self.data();
        if let Some(data) = data.to_str() {
            // It may not have been started.
            drop(self.tool(
                "pg_ctl",
                &["stop", "--mode", "immediate", "--pgdata", data],
                None,
            ));
        }
    }
}

/// Where its programs are: with `postgres`, or in the newest of Debian's folders.
fn programs() -> Option<PathBuf> {
    let has_all = |folder: &Path| {
        ["initdb", "pg_ctl", "postgres", "psql"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<_> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    versions.sort_by_key(|version| {
        let name = version.file_name().to_string_lossy().into_owned();
        std::cmp::Reverse(name.parse::<u32>().unwrap_or_default())
    });
    let versions = versions
        .into_iter()
        .map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain(versions)
        .find(|folder| has_all(folder))
}

/// Nobody, unless we are root.
fn owner() -> anyhow::Result<Option<Owner>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let is_root = status.lines().any(|line| {
        line.strip_prefix("Uid:")
            .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
    });
    if !is_root {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(DEBIAN_USER)).then(|| fields.nth(1).zip(fields.next()))?
    });
    let (user, group) =
        found.context("PostgreSQL does not run as root, and there is no user postgres")?;
    Ok(Some(Owner {
        user: user.parse()?,
        group: group.parse()?,
    }))
}
