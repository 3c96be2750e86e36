//! A person who uses the keyboard only.

use super::controls::accessible_name;
use super::{Browser, BrowserError};

/// More controls than any page of ours has: whoever has not arrived after that is in a trap.
const STEPS: usize = 40;

/// A key that moves about or activates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Moves to the next control.
    Tab,
    /// Ticks, and presses buttons.
    Space,
    /// Presses buttons, sends forms, follows links.
    Enter,
    /// Closes dialogs.
    Escape,
    /// Moves to the radio button above.
    Up,
    /// Moves to the radio button below.
    Down,
}

impl Browser {
    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: Key) -> Result<(), BrowserError> {
        let key = match key {
            Key::Tab => thirtyfour::Key::Tab,
            Key::Space => thirtyfour::Key::Space,
            Key::Enter => thirtyfour::Key::Enter,
            Key::Escape => thirtyfour::Key::Escape,
            Key::Up => thirtyfour::Key::Up,
            Key::Down => thirtyfour::Key::Down,
        };
        let keys = self.session.action_chain_with_delay(None, None);
        let pressed = keys.key_down(key.clone()).key_up(key).perform().await;
        self.done("press a key", pressed).await
    }

    /// The name of what has the focus, as a screen reader says it; empty if nothing has.
    pub async fn focused(&self) -> Result<String, BrowserError> {
        let has_focus = "return document.activeElement !== document.body";
        if self.run(has_focus).await? != true {
            return Ok(String::new());
        }
        let element = self.session.active_element().await;
        let element = self.done("tell its focus", element).await?;
        self.done("tell a name", accessible_name(&element).await)
            .await
    }

    /// Presses Tab until the focus is on what has this name, or a name that begins like that.
    pub async fn tab_to(&self, name: &str) -> Result<(), BrowserError> {
        let mut passed = Vec::new();
        for _ in 0..STEPS {
            self.press(Key::Tab).await?;
            let focused = self.focused().await?;
            if focused.starts_with(name) {
                return Ok(());
            }
            passed.push(focused);
        }
        Err(BrowserError::Unexpected {
            what: format!("Tab does not lead to {name:?}, but to {passed:?}"),
            page: self.shown().await,
        })
    }
}
