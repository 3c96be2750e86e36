//! Which flows somebody has open. One small record for each user and each link, so that a new flow costs the same
//! however many there have been.

use assent_contract::names::id_token;
use assent_domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CONFIRMATION_LIFETIME, Flow, FlowStage, Purpose, Route};
use crate::limits::{OPEN_CONNECTIONS_OF_A_USER, OPEN_FLOWS_OF_A_LINK, OPEN_FLOWS_OF_A_USER};

/// Who began a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opener<'a> {
    User(&'a AccountId, &'a UserId),
    /// Whoever was forwarded a link. Nobody has proved anything by then, so it does not count as the flow of the link's
    /// maker.
    Link(&'a AccountId, Uuid),
    /// The user's logins. What they begin unasked ends nothing that the user has begun.
    Logins(&'a AccountId, &'a UserId),
}

impl<'a> Opener<'a> {
    pub(super) const fn from_flow(flow: &'a Flow) -> Self {
        match flow.purpose {
            Purpose::AdministratorConsent {
                route: Route::HandOff { id, .. },
                ..
            } => Self::Link(&flow.account, id),
            Purpose::AdministratorConsent {
                route: Route::Direct,
                ..
            }
            | Purpose::OwnConsent { .. } => Self::User(&flow.account, &flow.started_by),
            Purpose::Connection { .. } => Self::Logins(&flow.account, &flow.started_by),
        }
    }

    pub(super) fn key(&self) -> String {
        match self {
            Self::User(account, user) => {
                let (account, user) = (id_token(account.as_str()), id_token(user.as_str()));
                format!("open.user.{account}.{user}")
            }
            Self::Logins(account, user) => {
                let (account, user) = (id_token(account.as_str()), id_token(user.as_str()));
                format!("open.logins.{account}.{user}")
            }
            Self::Link(account, link) => {
                format!("open.link.{}.{}", id_token(account.as_str()), link.simple())
            }
        }
    }

    /// How many it may have open.
    pub(super) const fn most(&self) -> usize {
        match self {
            Self::User(..) => OPEN_FLOWS_OF_A_USER,
            Self::Link(..) => OPEN_FLOWS_OF_A_LINK,
            Self::Logins(..) => OPEN_CONNECTIONS_OF_A_USER,
        }
    }
}

/// The flows of one opener that may still be open, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenFlows {
    flows: Vec<OpenFlow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OpenFlow {
    id: Uuid,
    /// When the flow expires; it can't be open after that.
    until: Timestamp,
}

impl OpenFlows {
    pub(super) fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.flows.iter().map(|flow| flow.id)
    }

    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }

    /// Forgets those whose time is over.
    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        self.flows.retain(|flow| flow.until > now);
    }

    /// Forgets those that have ended.
    pub(super) fn forget(&mut self, ended: &[Uuid]) {
        self.flows.retain(|flow| !ended.contains(&flow.id));
    }

    /// One more; those that have to give way to it.
    pub(super) fn add(&mut self, flow: &Flow, most: usize) -> Vec<Uuid> {
        self.flows.push(OpenFlow {
            id: flow.id,
            until: flow.expires_at + CONFIRMATION_LIFETIME,
        });
        let too_many = self.flows.len().saturating_sub(most);
        self.flows.drain(..too_many).map(|flow| flow.id).collect()
    }
}

/// Whether somebody may still go on with a flow.
pub(super) fn is_open(flow: &Flow, now: Timestamp) -> bool {
    match flow.stage {
        FlowStage::Ended { .. } => false,
        FlowStage::AtAdminConsent
        | FlowStage::AtAuthorize { .. }
        | FlowStage::Redeeming
        | FlowStage::AwaitingConfirmation { .. }
        | FlowStage::AwaitingAdministrator { .. } => !flow.is_expired(now),
    }
}
