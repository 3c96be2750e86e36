//! Telling the gateway that a consent is gone at Microsoft.

use std::time::Duration;

use assent_contract::command::{Evidence, Reach, RecordWithdrawal, WithdrawalRecorded};
use assent_contract::names::COMMAND_RECORD_WITHDRAWAL;
use assent_contract::values::{Permission as WirePermission, PersonId};
use assent_domain::permissions::Permission;
use assent_messaging::{Connection, RequestError};
use assent_metrics::tokens::WITHDRAWALS;
use assent_microsoft_identity::AuthorizationError;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, sending};
use tracing::Instrument as _;

use crate::user_key::UserKey;

/// The gateway appends to the log.
const DEADLINE: Duration = Duration::from_secs(5);

/// The gateway, as far as withdrawals go.
#[derive(Debug, Clone)]
pub(crate) struct Withdrawals {
    connection: Connection,
}

/// Something is gone.
#[derive(Debug)]
pub(crate) struct Withdrawal {
    pub(crate) permissions: Vec<Permission>,
    /// Whose mailbox it is gone for.
    pub(crate) mailbox: PersonId,
    pub(crate) evidence: Evidence,
    /// How much of the log was known before Microsoft was asked: what was granted later stands.
    pub(crate) as_of: u64,
}

#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error("the gateway did not record it")]
    Request(#[source] RequestError),
    #[error("the gateway's answer can't be read")]
    Unreadable(#[source] serde_json::Error),
}

impl Withdrawals {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Has it recorded: what was. Where that is not to be had now, whoever meets the same next tries again.
    pub(crate) async fn record(
        &self,
        whose: &UserKey,
        withdrawal: Withdrawal,
    ) -> Option<Vec<Permission>> {
        let Evidence {
            error,
            suberror,
            code,
            correlation_id,
            ..
        } = withdrawal.evidence.clone();
        tracing::warn!(
            account.id = %whose.account,
            user.id = %whose.user,
            permissions = ?withdrawal.permissions,
            error,
            suberror,
            code,
            correlation_id = correlation_id.map(tracing::field::display),
            reported_by = withdrawal.evidence.reported_by,
            "Microsoft says that a consent is gone"
        );
        let sent = self.send(whose, withdrawal).await;
        let recorded = if sent.is_ok() { "yes" } else { "no" };
        WITHDRAWALS.with([recorded]).increment(1);
        match sent {
            Ok(recorded) => Some(recorded.recorded.into_iter().map(Into::into).collect()),
            Err(error) => {
                tracing::warn!(error = %with_sources(&error), "a withdrawal is not recorded yet");
                None
            }
        }
    }

    async fn send(
        &self,
        whose: &UserKey,
        withdrawal: Withdrawal,
    ) -> Result<WithdrawalRecorded, NotRecorded> {
        let permissions = withdrawal.permissions.into_iter();
        let command = RecordWithdrawal {
            account_id: whose.account.clone(),
            user_id: whose.user.clone(),
            permissions: permissions.map(WirePermission::from).collect(),
            microsoft_identity: withdrawal.mailbox,
            evidence: withdrawal.evidence,
            as_of: Some(withdrawal.as_of),
        };
        let payload = serde_json::to_vec(&command).map_err(NotRecorded::Unreadable)?;
        let traceparent = current_traceparent();
        let answer = self
            .connection
            .request(
                COMMAND_RECORD_WITHDRAWAL,
                payload,
                traceparent.as_deref(),
                DEADLINE,
            )
            .instrument(sending(COMMAND_RECORD_WITHDRAWAL))
            .await
            .map_err(NotRecorded::Request)?;
        serde_json::from_slice(&answer).map_err(NotRecorded::Unreadable)
    }
}

/// What Microsoft said, as evidence.
pub(crate) fn evidence(refusal: &AuthorizationError, reach: Reach) -> Evidence {
    Evidence {
        reach,
        error: refusal.error.clone(),
        suberror: refusal.suberror.clone(),
        code: refusal.codes.first().copied(),
        correlation_id: refusal.correlation_id,
        reported_by: None,
    }
}
