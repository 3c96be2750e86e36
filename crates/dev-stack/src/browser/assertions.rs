//! Assertions on what a person sees: text, pictures, the browser's own complaints.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{Browser, BrowserError};

/// What of a page's text an error repeats.
const SHOWN: usize = 1500;

impl Browser {
    /// Waits until the page shows this text, however it is broken into lines.
    pub async fn sees(&self, text: &str) -> Result<(), BrowserError> {
        let wanted = one_line(text);
        self.until(&format!("the text {wanted:?}"), || async {
            let seen = self.visible_text().await?;
            Ok(seen.contains(&wanted).then_some(()))
        })
        .await
    }

    /// The page, as it is now, must not show this text.
    pub async fn does_not_see(&self, text: &str) -> Result<(), BrowserError> {
        let seen = self
            .done("tell its text", self.visible_text().await)
            .await?;
        if seen.contains(&one_line(text)) {
            return Err(BrowserError::Unexpected {
                what: format!("{text:?} is on the page"),
                page: self.shown().await,
            });
        }
        Ok(())
    }

    /// All visible text, with every stretch of white space as one space.
    pub async fn text(&self) -> Result<String, BrowserError> {
        self.done("tell its text", self.visible_text().await).await
    }

    /// How many CSS pixels the page is wider than the window: what a person would have to scroll sideways for.
    pub async fn sideways_scroll(&self) -> Result<i64, BrowserError> {
        let root = "document.documentElement";
        let script = format!("return {root}.scrollWidth - {root}.clientWidth");
        Ok(self.run(&script).await?.as_i64().unwrap_or(i64::MAX))
    }

    /// What the browser has complained about since the last call, in its console: violated policies, scripts that
    /// failed, addresses that did not answer with a success.
    pub async fn console_errors(&self) -> Result<Vec<String>, BrowserError> {
        let log = self.session.browser_log().await;
        let log = self.done("give its console's messages", log).await?;
        Ok(log
            .into_iter()
            .filter(|entry| entry.level == "SEVERE")
            .map(|entry| entry.message)
            .collect())
    }

    /// Writes a picture of the whole page, however long it is.
    pub async fn screenshot(&self, path: &Path) -> Result<(), BrowserError> {
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await?;
        let length = size.pointer("/cssContentSize/height").cloned();
        let picture = self
            .devtools(
                "Page.captureScreenshot",
                json!({
                    "format": "png",
                    "captureBeyondViewport": true,
                    "clip": {"x": 0, "y": 0, "width": self.emulation.width, "height": length, "scale": 1},
                }),
            )
            .await?;
        let encoded = picture.pointer("/data").and_then(serde_json::Value::as_str);
        let bytes = BASE64_STANDARD
            .decode(encoded.unwrap_or_default())
            .map_err(|error| BrowserError::Files(std::io::Error::other(error)))?;
        tokio::fs::write(path, bytes)
            .await
            .map_err(BrowserError::Files)
    }

    async fn visible_text(&self) -> thirtyfour::error::WebDriverResult<String> {
        let script = "return document.body ? document.body.innerText : ''";
        let text = self.session.execute(script, Vec::new()).await?;
        Ok(one_line(text.json().as_str().unwrap_or_default()))
    }

    /// What it shows, for an error message.
    pub(super) async fn shown(&self) -> String {
        let address = self.session.current_url().await;
        let address = address.map_or_else(|_| "nowhere".to_owned(), |address| address.to_string());
        let title = self.session.title().await.unwrap_or_default();
        let text = self.visible_text().await.unwrap_or_default();
        let text: String = text.chars().take(SHOWN).collect();
        format!("on {address} titled {title:?}, which shows: {text}")
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
