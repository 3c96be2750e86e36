//! Microsoft's pages, as the simulator shows them, in front of a person.

use thirtyfour::By;

use super::{Browser, BrowserError};
use crate::actors::Person;

/// A person on Microsoft's pages.
#[derive(Debug, Clone, Copy)]
pub struct AtMicrosoft<'a>(&'a Browser);

impl Browser {
    /// What there is to do on Microsoft's pages.
    pub fn at_microsoft(&self) -> AtMicrosoft<'_> {
        AtMicrosoft(self)
    }
}

impl AtMicrosoft<'_> {
    /// Picks an account, also one that is not expected here.
    pub async fn choose_person(&self, person: Person) -> Result<(), BrowserError> {
        let account = format!("#account-{}", person.object_id);
        let browser = self.0;
        let button = browser
            .until(&format!("the account of {}", person.name), || async {
                let mut found = browser.session.find_all(By::Css(account.as_str())).await?;
                Ok(found.pop())
            })
            .await?;
        let shown = button.is_displayed().await;
        if !browser.done("look at an account", shown).await? {
            browser
                .click_button("Accounts of other organisations")
                .await?;
        }
        browser
            .done("choose an account", button.click().await)
            .await
    }

    /// Accepts what the application asks for.
    pub async fn accept(&self) -> Result<(), BrowserError> {
        self.0.click_button("Accept").await
    }

    /// Declines it.
    pub async fn decline(&self) -> Result<(), BrowserError> {
        self.0.click_button("Decline").await
    }

    /// Leaves without an answer.
    pub async fn cancel(&self) -> Result<(), BrowserError> {
        self.0.click_button("Back, without an answer").await
    }

    /// Follows the link back on "Need admin approval".
    pub async fn go_back_without_consent(&self) -> Result<(), BrowserError> {
        self.0
            .click_link("Return to the application without granting consent")
            .await
    }

    /// Signs out of the account that does not work here, to pick another.
    pub async fn change_account(&self) -> Result<(), BrowserError> {
        self.0.click_button("Sign in with another account").await
    }
}
