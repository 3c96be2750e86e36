//! chromedriver, and the Chromium that it starts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver};

use super::emulation::Emulation;
use super::{BrowserError, COMMAND_PATIENCE};
use crate::port::ReservedPort;
use crate::process::{Process, last_lines};
use crate::wait::wait_for;

const START_PATIENCE: Duration = Duration::from_secs(30);

/// A running chromedriver with a directory of its own. Gone, with its files, when dropped.
#[derive(Debug)]
pub(super) struct Driver {
    // The process is dropped before the directory it writes to.
    process: Process,
    directory: TempDir,
    port: ReservedPort,
    http: reqwest::Client,
}

impl Driver {
    /// Starts one, and waits until it takes sessions.
    pub(super) async fn start(program: &Path) -> Result<Self, BrowserError> {
        let directory = tempfile::Builder::new()
            .prefix("assent-browser-")
            .tempdir()
            .map_err(BrowserError::Files)?;
        let port = ReservedPort::pick()?;
        let mut command = Command::new(program);
        command
            .arg(format!("--port={}", port.number()))
            .arg(format!("--log-path={}", log_file(&directory).display()))
            // Nothing of the person's own: no settings, no proxy, no language. Whatever is written stays in here.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::spawn(&mut command).map_err(|source| BrowserError::Spawn {
            program: program.to_path_buf(),
            source,
        })?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(COMMAND_PATIENCE)
            // Each command has a connection of its own: the last one, on dropping, comes from another runtime.
            .pool_max_idle_per_host(0)
            .build()
            // Only a TLS backend that does not load can fail, and nothing here speaks TLS.
            .unwrap_or_default();
        let mut driver = Self {
            process,
            directory,
            port,
            http,
        };
        match wait_for(START_PATIENCE, async || driver.ready().await).await {
            Some(Ok(())) => Ok(driver),
            Some(Err(reason)) => Err(driver.not_ready(reason)),
            None => {
                Err(driver.not_ready(format!("not ready after {} s", START_PATIENCE.as_secs())))
            }
        }
    }

    /// Whether it takes sessions; an error where it never will.
    async fn ready(&mut self) -> Option<Result<(), String>> {
        if let Some(status) = self.process.ended() {
            return Some(Err(format!("it ended with {status}")));
        }
        let answer = self.http.get(format!("{}/status", self.url())).send().await;
        answer.ok()?.status().is_success().then_some(Ok(()))
    }

    /// Starts Chromium.
    pub(super) async fn session(
        &self,
        chromium: &Path,
        emulation: Emulation,
    ) -> Result<WebDriver, BrowserError> {
        let profile = self.directory.path().join("profile");
        let arguments = [
            "--headless".to_owned(),
            // As root there is no sandbox; and nothing but our own pages is opened.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            // In containers the shared memory is often too small; then a file serves.
            "--disable-dev-shm-usage".to_owned(),
            // However chromedriver ends, Chromium sees the pipe close and ends, too.
            "--remote-debugging-pipe".to_owned(),
            // It calls nobody by itself.
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            // The same picture everywhere.
            "--lang=en-US".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--force-color-profile=srgb".to_owned(),
            "--disable-lcd-text".to_owned(),
            format!("--window-size={},{}", emulation.width, emulation.height),
            format!("--user-data-dir={}", profile.display()),
        ];
        let mut capabilities = Capabilities::new();
        let set = capabilities
            .set("browserName", "chrome")
            .and_then(|()| {
                let options = json!({"binary": chromium, "args": arguments});
                capabilities.set("goog:chromeOptions", options)
            })
            .and_then(|()| capabilities.set("goog:loggingPrefs", json!({"browser": "ALL"})));
        let session = match set {
            Ok(()) => {
                WebDriver::builder(self.url(), capabilities)
                    .client(self.http.clone())
                    .connect()
                    .await
            }
            Err(error) => Err(error),
        };
        session.map_err(|source| BrowserError::NoSession {
            log: self.last_lines(),
            source: Box::new(source),
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    fn not_ready(&self, reason: String) -> BrowserError {
        BrowserError::NotReady {
            reason,
            log: self.last_lines(),
        }
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read(log_file(&self.directory)).unwrap_or_default();
        last_lines(&String::from_utf8_lossy(&log), 20)
    }
}

fn log_file(directory: &TempDir) -> PathBuf {
    directory.path().join("chromedriver.log")
}
