//! The token broker met a withdrawal at Microsoft: it is recorded for the user, and noted for whoever else would be granted
//! something under the same consent.

use std::sync::atomic::{AtomicBool, Ordering};

use assent_contract::command::{RecordWithdrawal, WithdrawalRecorded};
use assent_contract::values::{kinds_from_list, kinds_to_list};
use assent_domain::account::AccountState;
use assent_domain::decide::withdrawal;
use assent_domain::event::Event;
use assent_domain::ids::{ObjectId, Sequence, TenantId};
use assent_domain::permissions::{Kinds, Permission};

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::observations::WithdrawnConsent;

/// How much of a name is logged that a caller chose.
const LONGEST_NAME: usize = 128;

/// Records what is gone at Microsoft. Doing it twice records it once.
pub async fn record_withdrawal(
    gateway: &Gateway,
    request: RecordWithdrawal,
) -> Result<WithdrawalRecorded, Failure> {
    let gone = kinds_from_list(&request.permissions);
    let command = withdrawal::RecordWithdrawal {
        account: request.account_id.clone(),
        user: request.user_id.clone(),
        permissions: gone,
        tenant: TenantId(request.microsoft_identity.tenant_id),
        object_id: ObjectId(request.microsoft_identity.object_id),
        as_of: request.as_of.map(Sequence),
    };
    let decided = Decided::default();
    let recorded = gateway
        .executor
        .execute_on_user(&request.account_id, &request.user_id, |company, user| {
            let events = withdrawal::record(company, user, command.clone());
            decided.note(&events);
            Ok(events)
        })
        .await?;
    let kinds = decided.kinds();
    let evidence = &request.evidence;
    tracing::info!(
        account.id = %request.account_id,
        user.id = %request.user_id,
        reach = evidence.reach.as_str(),
        error = shortened(&evidence.error),
        suberror = evidence.suberror.as_deref().map(shortened),
        code = evidence.code,
        correlation_id = evidence.correlation_id.map(tracing::field::display),
        reported_by = evidence.reported_by.as_deref().map(shortened),
        recorded = ?kinds_to_list(kinds),
        sequence = recorded.sequence.0,
        "a consent was found withdrawn at Microsoft"
    );
    note_on_consent(gateway, &request, &recorded.account, gone).await;
    Ok(WithdrawalRecorded {
        recorded: kinds_to_list(kinds),
        sequence: recorded.sequence.0,
    })
}

/// Where an administrator decides for everyone, what one user's token shows concerns all.
async fn note_on_consent(
    gateway: &Gateway,
    request: &RecordWithdrawal,
    company: &AccountState,
    gone: Kinds,
) {
    let Some(consent) = company.consent() else {
        return;
    };
    let is_of_it = consent.tenant.id.0 == request.microsoft_identity.tenant_id;
    // A consent that was given after Microsoft was asked is not what Microsoft spoke of.
    let is_older = request
        .as_of
        .is_none_or(|as_of| consent.recorded_at <= Sequence(as_of));
    let evidence = &request.evidence;
    let concerned = WithdrawnConsent::concerned(consent, gone, evidence.reach);
    if !is_of_it || !is_older || concerned.is_empty() {
        return;
    }
    let now = gateway.now();
    gateway
        .observations
        .note_withdrawn_consent(&request.account_id, |known| {
            let known_before = known.take();
            *known = Some(WithdrawnConsent::found(
                known_before,
                consent.id,
                concerned,
                evidence,
                now,
            ));
        })
        .await;
}

fn shortened(name: &str) -> &str {
    let end = name.char_indices().nth(LONGEST_NAME);
    end.and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// What the last decision was: one that conflicts is decided again.
#[derive(Debug, Default)]
struct Decided {
    calendar: AtomicBool,
    contacts: AtomicBool,
    email: AtomicBool,
}

impl Decided {
    fn note(&self, events: &[Event]) {
        let kinds = events
            .iter()
            .find_map(|event| match event {
                Event::UserScopeRevoked(revoked) => Some(revoked.permissions),
                Event::ModeChanged(_)
                | Event::AdminConsentGranted(_)
                | Event::UserScopeGranted(_) => None,
            })
            .unwrap_or(Kinds::NONE);
        for permission in Permission::ALL {
            self.of(permission)
                .store(kinds.contains(permission), Ordering::Relaxed);
        }
    }

    fn kinds(&self) -> Kinds {
        let is_on = |permission: &Permission| self.of(*permission).load(Ordering::Relaxed);
        Permission::ALL.into_iter().filter(is_on).collect()
    }

    const fn of(&self, permission: Permission) -> &AtomicBool {
        match permission {
            Permission::Calendar => &self.calendar,
            Permission::Contacts => &self.contacts,
            Permission::Email => &self.email,
        }
    }
}
