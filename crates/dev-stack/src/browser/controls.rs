//! Buttons, boxes and fields, by their accessible names: what a screen reader says of them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use thirtyfour::common::command::{Command, ExtensionCommand};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, ElementId, WebElement};

use super::assertions::one_line;
use super::{Browser, BrowserError};

/// A kind of control, as people tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Button,
    Link,
    Box,
    Radio,
    Field,
    Any,
}

impl Kind {
    fn css(self) -> &'static str {
        match self {
            Self::Button => "button, input[type=submit], summary, [role=button]",
            Self::Link => "a[href]",
            Self::Box => "input[type=checkbox]",
            Self::Radio => "input[type=radio]",
            Self::Field => {
                "input:not([type=checkbox], [type=radio], [type=submit], [type=hidden]), textarea, select"
            }
            Self::Any => "button, input:not([type=hidden]), select, textarea, summary, a[href]",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Link => "link",
            Self::Box => "box",
            Self::Radio => "radio button",
            Self::Field => "field",
            Self::Any => "control",
        }
    }
}

/// `GET /session/{session}/element/{element}/computedlabel`
#[derive(Debug)]
struct ComputedLabel(ElementId);

impl ExtensionCommand for ComputedLabel {
    fn parameters_json(&self) -> Option<Value> {
        None
    }

    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Arc<str> {
        format!("/element/{}/computedlabel", self.0).into()
    }
}

/// What a screen reader calls this; empty for what it leaves out.
pub(super) async fn accessible_name(element: &WebElement) -> WebDriverResult<String> {
    let command = Command::ExtensionCommand(Box::new(ComputedLabel(element.element_id())));
    let label: String = element.handle().cmd(command).await?.value()?;
    Ok(one_line(&label))
}

impl Browser {
    /// Clicks a button.
    pub async fn click_button(&self, name: &str) -> Result<(), BrowserError> {
        self.click(Kind::Button, name).await
    }

    /// Clicks a button twice, as quickly as impatient people do.
    pub async fn double_click_button(&self, name: &str) -> Result<(), BrowserError> {
        let button = self.control(Kind::Button, name).await?;
        let twice = self.session.action_chain_with_delay(None, None);
        let clicked = twice.double_click_element(&button).perform().await;
        self.done("click a button twice", clicked).await
    }

    /// Follows a link.
    pub async fn click_link(&self, name: &str) -> Result<(), BrowserError> {
        self.click(Kind::Link, name).await
    }

    /// Ticks a box, unless it is ticked.
    pub async fn tick(&self, name: &str) -> Result<(), BrowserError> {
        self.set(Kind::Box, name, true).await
    }

    /// Takes the tick from a box, if it has one.
    pub async fn untick(&self, name: &str) -> Result<(), BrowserError> {
        self.set(Kind::Box, name, false).await
    }

    /// Chooses a radio button.
    pub async fn choose_radio(&self, name: &str) -> Result<(), BrowserError> {
        self.set(Kind::Radio, name, true).await
    }

    /// Replaces what is in a field.
    pub async fn type_into(&self, name: &str, text: &str) -> Result<(), BrowserError> {
        let field = self.control(Kind::Field, name).await?;
        self.done("empty a field", field.clear().await).await?;
        self.done("type into a field", field.send_keys(text).await)
            .await
    }

    /// Whether a box is ticked, or a radio button chosen.
    pub async fn is_ticked(&self, name: &str) -> Result<bool, BrowserError> {
        let control = self.control(Kind::Any, name).await?;
        self.done("look at a box", control.is_selected().await)
            .await
    }

    /// Whether a control can't be used, be it by itself or with all that is around it.
    pub async fn is_disabled(&self, name: &str) -> Result<bool, BrowserError> {
        let control = self.control(Kind::Any, name).await?;
        let enabled = control.is_enabled().await;
        Ok(!self.done("look at a control", enabled).await?)
    }

    async fn click(&self, kind: Kind, name: &str) -> Result<(), BrowserError> {
        let control = self.control(kind, name).await?;
        self.done(&format!("click {name:?}"), control.click().await)
            .await
    }

    async fn set(&self, kind: Kind, name: &str, on: bool) -> Result<(), BrowserError> {
        let control = self.control(kind, name).await?;
        let is_on = self
            .done("look at a box", control.is_selected().await)
            .await?;
        if is_on != on {
            self.done(&format!("click {name:?}"), control.click().await)
                .await?;
            self.until(
                &format!("the {} {name:?}, changed by a click", kind.word()),
                || async { Ok((control.is_selected().await? == on).then_some(())) },
            )
            .await?;
        }
        Ok(())
    }

    /// The visible control with this name, waited for; or the only one whose name begins like that.
    async fn control(&self, kind: Kind, name: &str) -> Result<WebElement, BrowserError> {
        let wanted = one_line(name);
        let word = kind.word();
        let mut found = self
            .until(&format!("the {word} {wanted:?}"), || async {
                let found = self.named(kind, &wanted).await?;
                Ok((!found.is_empty()).then_some(found))
            })
            .await?;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(BrowserError::Unexpected {
                what: format!("{} are called {wanted:?}, not one {word}", others + 1),
                page: self.shown().await,
            }),
        }
    }

    async fn named(&self, kind: Kind, wanted: &str) -> WebDriverResult<Vec<WebElement>> {
        let (mut exactly, mut beginning) = (Vec::new(), Vec::new());
        for control in self.session.find_all(By::Css(kind.css())).await? {
            let name = accessible_name(&control).await?;
            if name.starts_with(wanted) && control.is_displayed().await? {
                if name == wanted {
                    exactly.push(control);
                } else {
                    beginning.push(control);
                }
            }
        }
        Ok(if exactly.is_empty() {
            beginning
        } else {
            exactly
        })
    }
}
