//! Who comes to a flow once more: people reload, double-click and lose their connection, and browsers come ahead of them.
//!
//! So a flow remembers by which ways a browser was led to its second callback, with which code it was taken, and what
//! was given out to be confirmed with. Whoever brings that code again is the visit that began the work; whoever brings
//! the `state` alone may be anybody who was sent the link.

use assent_contract::values::Tenant;
use assent_microsoft_identity::random_token;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::browser::BrowserSecret;

use super::{Flow, FlowFailure, FlowSecret, FlowStage, States};
use crate::secrets::Digest;

/// How long whoever took a callback has until the flow says how it went. Nobody works longer on it: so whoever has not
/// said it by then is gone.
pub(crate) const REDEEMED_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// A gateway that died while it recorded what an administrator sent off gives the flow free again after this time.
const CLAIM_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// How many ways, and how many values to confirm with, count beside the newest.
const KEPT: usize = 12;

/// A way to the second callback: what its code has to be redeemed with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignInAttempt {
    pub(crate) state: Digest,
    /// The browser that was led this way by the first of two callbacks.
    pub(crate) browser: Option<Digest>,
    pub(crate) tenant: Option<Tenant>,
    /// Empty once the flow was taken.
    pub(crate) nonce: String,
    pub(crate) pkce_verifier: String,
}

impl States {
    /// Whether this `state` was given out for the second callback.
    pub(crate) fn lead_to_authorize(&self, state: &FlowSecret) -> bool {
        let earlier = self.ways.iter().map(|way| &way.state);
        self.authorize
            .iter()
            .chain(earlier)
            .any(|digest| state.matches(digest))
    }

    /// Whether this is the secret of an administrator's page of this flow.
    pub(crate) fn lead_to_the_page(&self, page: &FlowSecret) -> bool {
        let pages = self.administrator_page.iter().chain(&self.pages);
        pages.into_iter().any(|digest| page.matches(digest))
    }
}

impl Flow {
    /// Leads a browser on to Microsoft. Those that were led there before can still come back.
    pub(crate) fn lead_on(&mut self, way: SignInAttempt) {
        if let Some(before) = self.way().or_else(|| self.spent_way()) {
            keep(&mut self.states.ways, before);
        }
        self.states.authorize = Some(way.state);
        self.browser = way.browser;
        self.stage = FlowStage::AtAuthorize {
            tenant: way.tenant,
            nonce: way.nonce,
            pkce_verifier: way.pkce_verifier,
        };
    }

    /// Whether this browser was led to Microsoft before.
    pub(crate) fn is_led_in(&self, browser: &BrowserSecret) -> bool {
        let ways = self
            .states
            .ways
            .iter()
            .filter_map(|way| way.browser.as_ref());
        let mut all = self.browser.iter().chain(ways);
        all.any(|digest| digest.is_of(browser.expose()))
    }

    /// Takes the second callback, by the way that it came: from here on everybody else finds the flow taken.
    pub(crate) fn take(
        &mut self,
        state: &FlowSecret,
        code: Option<&str>,
        now: Timestamp,
    ) -> Option<SignInAttempt> {
        let present = self.way()?;
        let ways = &mut self.states.ways;
        ways.push(present);
        let at = ways
            .iter()
            .position(|way| state.matches(&way.state) && !way.nonce.is_empty())?;
        let taken = ways.remove(at);
        for other in ways {
            other.nonce.clear();
            other.pkce_verifier.clear();
        }
        self.states.authorize = Some(taken.state.clone());
        self.states.code = code.map(Digest::compute);
        self.browser.clone_from(&taken.browser);
        self.stage = FlowStage::Redeeming;
        self.expires_at = now + REDEEMED_WITHIN;
        Some(taken)
    }

    /// The way that a browser was led last, while somebody may come by it.
    fn way(&self) -> Option<SignInAttempt> {
        let FlowStage::AtAuthorize {
            tenant,
            nonce,
            pkce_verifier,
        } = &self.stage
        else {
            return None;
        };
        Some(SignInAttempt {
            state: self.states.authorize.clone()?,
            browser: self.browser.clone(),
            tenant: *tenant,
            nonce: nonce.clone(),
            pkce_verifier: pkce_verifier.clone(),
        })
    }

    /// The way that the flow was taken by, where it has to be led on once more.
    fn spent_way(&self) -> Option<SignInAttempt> {
        Some(SignInAttempt {
            state: self.states.authorize.clone()?,
            browser: self.browser.clone(),
            tenant: None,
            nonce: String::new(),
            pkce_verifier: String::new(),
        })
    }

    /// The tenant that a browser was led on to once more.
    pub(crate) fn is_led_on(&self) -> Option<Tenant> {
        self.way()?.tenant
    }

    /// Whether it was taken with this code, which only the browser has that Microsoft gave it to.
    pub(crate) fn was_taken_with(&self, code: &str) -> bool {
        self.states
            .code
            .as_ref()
            .is_some_and(|digest| digest.is_of(code))
    }

    /// Whether somebody took the callback and was never heard of again.
    pub(crate) fn is_given_up(&self, now: Timestamp) -> bool {
        matches!(self.stage, FlowStage::Redeeming) && self.expires_at <= now && !self.is_cut_short()
    }

    /// Whether it was given up, and somebody has written that down.
    pub(crate) fn was_interrupted(&self) -> bool {
        match &self.stage {
            FlowStage::Ended { code, .. } => {
                code.as_deref() == Some(FlowFailure::Interrupted.as_str())
            }
            FlowStage::AtAdminConsent
            | FlowStage::AtAuthorize { .. }
            | FlowStage::Redeeming
            | FlowStage::AwaitingConfirmation { .. }
            | FlowStage::AwaitingAdministrator { .. } => false,
        }
    }

    /// Another value to confirm the grant with, where it waits for that. The earlier ones go on counting: a page that
    /// was loaded twice stands open with both.
    pub(crate) fn another_confirm(&mut self) -> Option<String> {
        let FlowStage::AwaitingConfirmation { confirm, .. } = &mut self.stage else {
            return None;
        };
        let another = random_token();
        let before = std::mem::replace(confirm, Digest::compute(&another));
        keep(&mut self.states.confirms, before);
        Some(another)
    }

    /// Whether the grant may be confirmed with this value.
    pub(crate) fn is_confirmed_by(&self, value: &str) -> bool {
        let FlowStage::AwaitingConfirmation { confirm, .. } = &self.stage else {
            return false;
        };
        let mut all = std::iter::once(confirm).chain(&self.states.confirms);
        all.any(|digest| digest.is_of(value))
    }

    /// Whether an administrator is awaited.
    pub(crate) fn is_waiting(&self, now: Timestamp) -> bool {
        matches!(self.stage, FlowStage::AwaitingAdministrator { .. })
            && !self.is_being_recorded(now)
    }

    /// Whether somebody is recording at this moment what an administrator sent off.
    pub(crate) fn is_being_recorded(&self, now: Timestamp) -> bool {
        let FlowStage::AwaitingAdministrator { taken_at, .. } = self.stage else {
            return false;
        };
        taken_at.is_some_and(|at| now < at + CLAIM_LIFETIME)
    }

    /// Whether somebody is about to say how it went.
    pub(crate) fn is_at_work(&self, now: Timestamp) -> bool {
        matches!(self.stage, FlowStage::Redeeming) || self.is_being_recorded(now)
    }

    /// Another secret of the administrator's page, where an administrator is awaited; the earlier ones go on counting.
    pub(crate) fn another_page(&mut self, now: Timestamp) -> Option<FlowSecret> {
        if !self.is_waiting(now) {
            return None;
        }
        let page = FlowSecret::new(self.id);
        if let Some(before) = self.states.administrator_page.replace(page.digest()) {
            keep(&mut self.states.pages, before);
        }
        Some(page)
    }
}

/// The newest few.
fn keep<T>(kept: &mut Vec<T>, one_more: T) {
    kept.push(one_more);
    let too_many = kept.len().saturating_sub(KEPT);
    kept.drain(..too_many);
}

#[cfg(test)]
mod tests;
