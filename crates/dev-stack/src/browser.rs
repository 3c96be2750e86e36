//! A person's browser: a real Chromium without a window, steered through chromedriver.
//!
//! What a test says is what a person does: [`Browser::open`], [`Browser::click_button`], [`Browser::tick`], by the names
//! that are read out to somebody who cannot see the page. Whatever is looked for is waited for, and an error says what
//! the page showed instead.
//!
//! Each browser is a fresh one, with its own profile, and gone with all its files when it is dropped.

mod accessibility;
mod assertions;
mod controls;
mod driver;
mod emulation;
mod error;
mod installed;
mod keyboard;
mod microsoft;
mod tabs;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{TimeoutConfiguration, WebDriver};

pub use self::accessibility::{AxeError, Finding, Impact};
use self::driver::Driver;
pub use self::emulation::{Emulation, Scheme};
pub use self::error::BrowserError;
pub use self::installed::{BrowserTools, NotInstalled, find_or_fetch};
pub use self::keyboard::Key;
pub use self::microsoft::AtMicrosoft;
pub use self::tabs::Tab;
use crate::wait::wait_for;

/// How long something may take to appear. Long: machines are slow, and a failure is rare.
const PATIENCE: Duration = Duration::from_secs(20);
/// The deadline of a command. Loading a page and running a script are the long ones, and have deadlines of their own.
const COMMAND_PATIENCE: Duration = Duration::from_secs(40);
const LOAD_PATIENCE: Duration = Duration::from_secs(30);

/// One person's browser. All that it does is done in its current tab and frame.
#[derive(Debug)]
pub struct Browser {
    // The order of dropping: the session closes Chromium, then the driver is ended, then its directory goes.
    session: WebDriver,
    _driver: Driver,
    emulation: Emulation,
    patience: Duration,
    axe: PathBuf,
}

impl Browser {
    /// Starts a browser that pretends to be this device.
    pub async fn start(emulation: Emulation) -> Result<Self, BrowserError> {
        let tools = crate::target::tools_directory()?;
        // Fetching blocks.
        let tools = tokio::task::spawn_blocking(move || find_or_fetch(&tools))
            .await
            .map_err(|stopped| BrowserError::Files(std::io::Error::other(stopped)))??;
        let driver = Driver::start(&tools.chromedriver).await?;
        let session = driver.session(&tools.chromium, emulation).await?;
        let browser = Self {
            session,
            _driver: driver,
            emulation,
            patience: PATIENCE,
            axe: tools.axe,
        };
        let timeouts = TimeoutConfiguration::new(Some(LOAD_PATIENCE), Some(LOAD_PATIENCE), None);
        browser
            .done(
                "set its deadlines",
                browser.session.update_timeouts(timeouts).await,
            )
            .await?;
        browser.apply_emulation().await?;
        Ok(browser)
    }

    /// Pretends to be another device from now on; what is open is shown anew.
    pub async fn set_emulation(&mut self, emulation: Emulation) -> Result<(), BrowserError> {
        self.emulation = emulation;
        self.apply_emulation().await
    }

    /// How long it waits for something to appear, from now on. The usual is long; shorter is for what must be missing.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Goes to an address, and waits until the page is loaded.
    pub async fn open(&self, address: &str) -> Result<(), BrowserError> {
        self.done("open an address", self.session.goto(address).await)
            .await
    }

    /// Goes back, as by the browser's button.
    pub async fn back(&self) -> Result<(), BrowserError> {
        self.done("go back", self.session.back().await).await
    }

    /// Loads the page again.
    pub async fn reload(&self) -> Result<(), BrowserError> {
        self.done("reload", self.session.refresh().await).await
    }

    /// What is in the address bar.
    pub async fn address(&self) -> Result<String, BrowserError> {
        let address = self.session.current_url().await;
        Ok(self.done("tell its address", address).await?.to_string())
    }

    /// The path of the address, without the query.
    pub async fn path(&self) -> Result<String, BrowserError> {
        let address = self.session.current_url().await;
        Ok(self
            .done("tell its address", address)
            .await?
            .path()
            .to_owned())
    }

    /// The value of a cookie that the current page's server gets.
    pub async fn cookie(&self, name: &str) -> Result<Option<String>, BrowserError> {
        let cookies = self.session.get_all_cookies().await;
        let cookies = self.done("tell its cookies", cookies).await?;
        Ok(cookies
            .into_iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value))
    }

    /// Runs a script in the page, which its Content-Security-Policy does not stop, and gives what it returns.
    pub async fn run(&self, script: &str) -> Result<serde_json::Value, BrowserError> {
        let returned = self.session.execute(script, Vec::new()).await;
        let returned = self.done("run a script", returned).await?;
        Ok(returned.json().clone())
    }

    /// A command of the Chrome DevTools Protocol.
    async fn devtools(
        &self,
        method: &str,
        parameters: serde_json::Value,
    ) -> Result<serde_json::Value, BrowserError> {
        let answer = self.session.cdp().send_raw(method, parameters).await;
        self.done(method, answer).await
    }

    async fn apply_emulation(&self) -> Result<(), BrowserError> {
        for (method, parameters) in self.emulation.commands() {
            self.devtools(method, parameters).await?;
        }
        // Some headless browsers take themselves for one that nobody looks at, and draw no focus.
        self.devtools(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )
        .await?;
        Ok(())
    }

    /// What the browser answered, or an error that says what was to be done.
    async fn done<T>(&self, what: &str, answer: WebDriverResult<T>) -> Result<T, BrowserError> {
        match answer {
            Ok(value) => Ok(value),
            Err(source) => Err(BrowserError::Refused {
                what: what.to_owned(),
                page: self.shown().await,
                source: Box::new(source),
            }),
        }
    }

    /// Tries until there is something, or an error that says what the page shows instead. An attempt that fails may
    /// have met a page that was just changing, so it is made again.
    async fn until<T, F>(&self, what: &str, attempt: impl Fn() -> F) -> Result<T, BrowserError>
    where
        F: Future<Output = WebDriverResult<Option<T>>>,
    {
        let mut failure = None;
        let found = wait_for(self.patience, async || {
            let (found, error) = match attempt().await {
                Ok(found) => (found, None),
                Err(error) => (None, Some(error.to_string())),
            };
            failure = error;
            found
        });
        match found.await {
            Some(found) => Ok(found),
            None => Err(BrowserError::NotThere {
                what: what.to_owned(),
                within: self.patience,
                failure: failure.map_or_else(String::new, |failure| format!(" ({failure})")),
                page: self.shown().await,
            }),
        }
    }
}
