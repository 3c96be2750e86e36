//! Several tabs, and pages within pages.

use thirtyfour::{By, WindowHandle};

use super::{Browser, BrowserError};

/// One tab of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab(WindowHandle);

impl Browser {
    /// The tab that everything is done in.
    pub async fn this_tab(&self) -> Result<Tab, BrowserError> {
        let tab = self.session.window().await;
        Ok(Tab(self.done("tell its tab", tab).await?))
    }

    /// Opens an empty tab, and goes there. Cookies are those of all tabs.
    pub async fn new_tab(&self) -> Result<Tab, BrowserError> {
        let tab = self.session.new_tab().await;
        let tab = Tab(self.done("open a tab", tab).await?);
        self.go_to_tab(&tab).await?;
        // The DevTools protocol knows each tab by itself.
        self.apply_emulation().await?;
        Ok(tab)
    }

    /// Goes on in another tab.
    pub async fn go_to_tab(&self, tab: &Tab) -> Result<(), BrowserError> {
        let gone = self.session.switch_to_window(tab.0.clone()).await;
        self.done("go to a tab", gone).await
    }

    /// Goes on within the page's frame that has this title.
    pub async fn enter_frame(&self, title: &str) -> Result<(), BrowserError> {
        let frame = self
            .until(&format!("the frame {title:?}"), || async {
                for frame in self.session.find_all(By::Css("iframe")).await? {
                    if frame.attr("title").await?.as_deref() == Some(title) {
                        return Ok(Some(frame));
                    }
                }
                Ok(None)
            })
            .await?;
        self.done("go into a frame", frame.enter_frame().await)
            .await
    }

    /// Goes on with the whole page.
    pub async fn leave_frames(&self) -> Result<(), BrowserError> {
        let left = self.session.enter_default_frame().await;
        self.done("leave a frame", left).await
    }
}
