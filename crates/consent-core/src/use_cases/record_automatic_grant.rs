//! The login hook saw a user sign in through Microsoft, and grants what the administrator
//! consented to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_contract::command::{AutomaticGrantRecorded, RecordAutomaticGrant};
use assent_domain::decide::automatic_grant;
use assent_domain::ids::{
    AccountId, ConsentId, MicrosoftIdentity, ObjectId, Scope, Tenant, UserId,
};
use assent_domain::login::{SignIn, effective_for};
use assent_domain::permissions::Kinds;
use assent_metrics::gateway::MAILBOX_PROBES_SKIPPED;
use assent_microsoft_identity::{AccessToken, ScopeSet};
use assent_service_kit::error_chain::with_sources;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::observations::Mailbox;

/// Records that a user has at login what their administrator consented to.
pub async fn record_automatic_grant(
    gateway: &Arc<Gateway>,
    request: RecordAutomaticGrant,
) -> Result<AutomaticGrantRecorded, Failure> {
    gateway.limits.write(&request.account_id)?;
    let consent = ConsentId(request.consent_id);
    let withdrawn = gateway
        .observations
        .withdrawn_consent(&request.account_id)
        .await;
    let command = automatic_grant::RecordAutomaticGrant {
        account: request.account_id.clone(),
        user: request.user_id.clone(),
        consent,
        wanted: request.permissions.into(),
        identity: MicrosoftIdentity {
            tenant: request.tenant.into(),
            object_id: ObjectId(request.object_id),
        },
        is_guest: request.is_guest,
        found_withdrawn: withdrawn.map_or(Kinds::NONE, |withdrawn| withdrawn.of(consent)),
        scopes: Vec::new(),
    };
    let moved = AtomicBool::new(false);
    let recorded = gateway
        .executor
        .execute_on_user(&request.account_id, &request.user_id, |company, user| {
            let permissions = automatic_grant::granted(company, &command)?;
            let is_of_another = user.is_of_another(company.epoch, command.identity);
            moved.store(
                is_of_another && !permissions.is_nothing(),
                Ordering::Relaxed,
            );
            let living = automatic_grant::living(company, user, &command)?;
            let scopes = gateway
                .scopes
                .scopes_for(living)
                .into_iter()
                .map(Scope)
                .collect();
            automatic_grant::record(
                company,
                user,
                automatic_grant::RecordAutomaticGrant {
                    scopes,
                    ..command.clone()
                },
            )
        })
        .await?;
    if moved.into_inner() {
        tracing::warn!(
            security_event = "another_mailbox",
            account.id = %request.account_id,
            user.id = %request.user_id,
            "a user signed in as another person of the tenant, and was granted anew as that"
        );
    }
    let sign_in = SignIn::Microsoft(command.identity);
    let effective = effective_for(&recorded.account, &recorded.user, sign_in);
    if let Some(token) = request.graph_token {
        let holder = Holder {
            account: request.account_id,
            user: request.user_id,
            tenant: request.tenant.into(),
            object_id: request.object_id,
            scopes: gateway.scopes.scopes_for(effective),
        };
        look_for_the_mailbox(
            Arc::clone(gateway),
            holder,
            AccessToken::new(token.into_text()),
        );
    }
    Ok(AutomaticGrantRecorded {
        effective: effective.into(),
        sequence: recorded.sequence.0,
    })
}

/// Whose mailbox it is, as far as the login knows.
struct Holder {
    account: AccountId,
    user: UserId,
    tenant: Tenant,
    object_id: Uuid,
    scopes: Vec<String>,
}

/// Looks where the mailbox is, behind the login's back: no login waits for it. When too many are looked for already,
/// this one is not.
fn look_for_the_mailbox(gateway: Arc<Gateway>, holder: Holder, token: AccessToken) {
    let Ok(permit) = Arc::clone(&gateway.probes).try_acquire_owned() else {
        MAILBOX_PROBES_SKIPPED.increment(1);
        return;
    };
    let looked_for = async move {
        let _permit = permit;
        // The token came from outside, and may be somebody else's.
        match gateway.entra.token_owner(&token).await {
            Ok(object_id) if object_id == holder.object_id => {}
            Ok(_) => {
                tracing::warn!(
                    security_event = "identity_mismatch",
                    account.id = %holder.account,
                    "a sign-in brought another person's access token"
                );
                return;
            }
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "a mailbox was not looked for");
                return;
            }
        }
        let held = ScopeSet::parse(&holder.scopes.join(" "), &gateway.graph_url);
        let seen = Mailbox::seen(
            gateway.entra.locate_mailbox(&token, &held).await,
            gateway.now(),
        );
        gateway
            .observations
            .note_mailbox(&holder.account, &holder.user, holder.tenant, seen)
            .await;
    };
    tokio::spawn(looked_for.in_current_span());
}
