//! Where somebody's mailbox is.
//!
//! Microsoft Graph reaches mailboxes in Exchange Online only. For any other it says one and the same thing, whether the
//! mailbox is on a server of the company's own, has no licence, or is gone. So what it says is followed up: Autodiscover
//! knows on-premises mailboxes, and the person's plans tell whether there could be one in Exchange Online. In that order,
//! because people with a mailbox on-premises often have no plan.

mod responses;

use std::fmt;

use tokio::time::Instant;

use self::responses::{Discovered, MailboxUser, is_reachable};
use crate::client::Entra;
use crate::endpoints::extend_path;
use crate::graph::read;
use crate::redemption::AccessToken;
use crate::scopes::ScopeSet;
use crate::transport::{CallError, NoAnswer};

/// Microsoft's Autodiscover, for [`crate::Settings::autodiscover_url`].
pub const AUTODISCOVER: &str = "https://outlook.office365.com";

/// The cheapest question that shows a mailbox, and the scope that it needs.
struct Probe {
    scope: &'static str,
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
}

const PROBES: [Probe; 3] = [
    Probe {
        scope: "Mail.ReadBasic",
        path: &["me", "mailFolders", "inbox"],
        query: &[("$select", "id")],
    },
    Probe {
        scope: "Calendars.ReadBasic",
        path: &["me", "calendar"],
        query: &[("$select", "id")],
    },
    Probe {
        scope: "Contacts.Read",
        path: &["me", "contacts"],
        query: &[("$top", "1"), ("$select", "id")],
    },
];

/// Where a mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailboxLocation {
    /// In Exchange Online.
    ExchangeOnline,
    /// On a server of the company's own.
    OnPremises,
    /// Nowhere: the person has no plan that includes one.
    Unlicensed,
    /// Not in Exchange Online: inactive, deleted, or nobody can tell why.
    Missing,
    /// Nothing can be said.
    Unknown(UnknownReason),
}

/// Why nothing can be said about a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownReason {
    /// The token may read nothing of a mailbox: to send is all it can.
    NothingReadable,
    /// Microsoft does not let us look. That is about permission, not about the mailbox.
    NotAllowed,
    /// Microsoft asks to be left alone for a while.
    Throttled,
    /// Microsoft could not be reached, or is unwell.
    Unavailable,
    /// Microsoft did not answer in time.
    TimedOut,
    /// The answer is none that is known.
    Unexpected,
}

impl MailboxLocation {
    /// A stable name for records, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExchangeOnline => "exchange_online",
            Self::OnPremises => "on_premises",
            Self::Unlicensed => "unlicensed",
            Self::Missing => "missing",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl UnknownReason {
    /// A stable name for records, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingReadable => "nothing_readable",
            Self::NotAllowed => "not_allowed",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for MailboxLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Unknown(reason) => write!(f, " ({})", reason.as_str()),
            Self::ExchangeOnline | Self::OnPremises | Self::Unlicensed | Self::Missing => Ok(()),
        }
    }
}

impl From<CallError> for UnknownReason {
    fn from(error: CallError) -> Self {
        if matches!(
            error,
            CallError::Throttled { .. } | CallError::Unavailable(429)
        ) {
            return Self::Throttled;
        }
        match error.into() {
            NoAnswer::TimedOut => Self::TimedOut,
            NoAnswer::Nonsense(_) => Self::Unexpected,
            NoAnswer::Unreachable(_) => Self::Unavailable,
        }
    }
}

impl Entra {
    /// Finds out where the mailbox of a token's holder is, with what the token may do.
    pub async fn locate_mailbox(&self, token: &AccessToken, held: &ScopeSet) -> MailboxLocation {
        let deadline = self.shared.transport.graph.deadline();
        self.locate(token, held, deadline)
            .await
            .unwrap_or_else(MailboxLocation::Unknown)
    }

    async fn locate(
        &self,
        token: &AccessToken,
        held: &ScopeSet,
        deadline: Instant,
    ) -> Result<MailboxLocation, UnknownReason> {
        let probe = PROBES
            .iter()
            .find(|probe| held.covers(&[probe.scope.to_owned()]))
            .ok_or(UnknownReason::NothingReadable)?;
        let address = self.graph_address(probe.path, probe.query);
        let answer = self.ask_graph(&address, token, deadline).await?;
        if is_reachable(&answer)? {
            return Ok(MailboxLocation::ExchangeOnline);
        }

        let Some(user) = self.mailbox_user(token, deadline).await? else {
            return Ok(MailboxLocation::Missing);
        };
        if let Some(address) = user.address()
            && self.is_on_premises(address, deadline).await?
        {
            return Ok(MailboxLocation::OnPremises);
        }
        Ok(match user.has_exchange_plan() {
            Some(false) => MailboxLocation::Unlicensed,
            Some(true) | None => MailboxLocation::Missing,
        })
    }

    /// The token's holder, their address and plans; `None` if the token may not tell.
    async fn mailbox_user(
        &self,
        token: &AccessToken,
        deadline: Instant,
    ) -> Result<Option<MailboxUser>, UnknownReason> {
        let fields = [("$select", "mail,userPrincipalName,assignedPlans")];
        let address = self.graph_address(&["me"], &fields);
        let answer = self.ask_graph(&address, token, deadline).await?;
        match answer.status {
            200 => read(&answer).map(Some).ok_or(UnknownReason::Unexpected),
            401 => Err(UnknownReason::NotAllowed),
            403 => Ok(None),
            _ => Err(UnknownReason::Unexpected),
        }
    }

    /// Whether Autodiscover sends clients of this address to a server of somebody's own. The address is for this call
    /// only.
    async fn is_on_premises(&self, email: &str, deadline: Instant) -> Result<bool, UnknownReason> {
        let own = &self.shared.autodiscover_url;
        let mut question = extend_path(own, &["autodiscover", "autodiscover.json"]);
        question
            .query_pairs_mut()
            .append_pair("Email", email)
            .append_pair("Protocol", "REST");
        let autodiscover = &self.shared.transport.autodiscover;
        let answer = autodiscover.get(&question, deadline).await?;
        // It knows no such address, or sends us on: neither tells where the mailbox is.
        if answer.status != 200 {
            return Ok(false);
        }
        Ok(read::<Discovered>(&answer).is_some_and(|discovered| discovered.is_elsewhere(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable() {
        let unknown = MailboxLocation::Unknown(UnknownReason::NothingReadable);
        assert_eq!(unknown.to_string(), "unknown (nothing_readable)");
        assert_eq!(MailboxLocation::OnPremises.to_string(), "on_premises");
    }
}
