//! A user came back from Microsoft: with a code, or with one of the three kinds of "no".

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assent_domain::decide::own_consent::{self, DeclineOwnPermissions, GrantOwnPermissions};
use assent_domain::event::Event;
use assent_domain::ids::{Epoch, MicrosoftIdentity, ObjectId, Scope, Sequence, Tenant};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationCode, AuthorizationError, DiscoveryError, ErrorClass, Membership, Redeemed,
    TenantRef, random_token,
};
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::TokenRecord;
use secrecy::SecretString;
use url::Url;

use crate::failure::Failure;
use crate::flow::{
    AnotherPurpose, CONFIRMATION_LIFETIME, CompletionNotes, ErrorSource, Flow, FlowFailure,
    FlowOutcome, FlowStage, OwnConsent, Purpose,
};
use crate::gateway::Gateway;
use crate::kv_store::Versioned;
use crate::observations::Mailbox;
use crate::secrets::Digest;
use crate::use_cases::conclude_flow::{conclude, still_counts, wait};
use crate::use_cases::flow_progress::return_url;
use crate::use_cases::observe_consent;
use crate::use_cases::redeem::{CodeExchange, redeem};

/// How long the browser waits for the mailbox to be found. It is good to know, and no reason to keep anybody waiting.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn finish_own_consent(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    exchange: CodeExchange,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let own = own_consent_of(&stored.value)?;
    let mut redeemed = match redeem(gateway, &stored.value, exchange, code).await {
        Ok(redeemed) => redeemed,
        Err(not_redeemed) => {
            if let Some(refusal) = &not_redeemed.refusal {
                observe_consent::on_refused(gateway, &stored.value, &own, refusal).await;
            }
            observe_consent::on_abandoned(gateway, &stored.value).await;
            return conclude(gateway, stored, not_redeemed.outcome).await;
        }
    };
    // A guest can accept, and has no mailbox there to use it with.
    if redeemed.identity.membership == Membership::Guest {
        observe_consent::on_abandoned(gateway, &stored.value).await;
        return conclude(gateway, stored, FlowOutcome::Refused(Refusal::GuestAccount)).await;
    }
    let tenant = match gateway
        .tenant(&TenantRef::Id(redeemed.identity.tenant_id))
        .await
    {
        Ok(tenant) => tenant,
        Err(error) => {
            observe_consent::on_abandoned(gateway, &stored.value).await;
            return conclude(gateway, stored, FlowOutcome::Failed(no_tenant(&error))).await;
        }
    };
    let identity = MicrosoftIdentity {
        tenant,
        object_id: ObjectId(redeemed.identity.object_id),
    };
    let held = GrantedScopes {
        permissions: gateway.scopes.permissions(&redeemed.scopes),
        scopes: redeemed.scopes.iter().map(str::to_owned).collect(),
        identity,
    };
    if let Err(failure) = still_counts(gateway, &stored).await {
        observe_consent::on_abandoned(gateway, &stored.value).await;
        return conclude(gateway, stored, FlowOutcome::from_failure(&failure)).await;
    }
    let granted = own.asked.meet(held.permissions);
    let refresh_token = redeemed.refresh_token.take();
    if own.vouched {
        let sealed_token = seal(gateway, &stored.value, identity, refresh_token).await;
        // What the person came for does not wait for what is good to know.
        let recorded = record(gateway, &stored.value, held, sealed_token);
        let looked_around = look_around(gateway, &stored.value, (identity, granted), &redeemed);
        let (recorded, mailbox) = tokio::join!(recorded, looked_around);
        // Only now: until it is recorded, a no has to find it under way.
        observe_consent::on_abandoned(gateway, &stored.value).await;
        let outcome = match recorded {
            Ok(completion) => settle(gateway, &stored.value, completion, tenant, mailbox).await,
            Err(failure) => FlowOutcome::from_failure(&failure),
        };
        return conclude(gateway, stored, outcome).await;
    }
    // What can't be granted, or is somebody else's mailbox, is no question to anybody.
    let rehearsed = rehearse(gateway, &stored.value, &held).await;
    let mailbox = look_around(gateway, &stored.value, (identity, granted), &redeemed).await;
    if let Err(Failure::Refused(refusal)) = rehearsed {
        observe_consent::on_abandoned(gateway, &stored.value).await;
        return conclude(gateway, stored, FlowOutcome::Refused(refusal)).await;
    }

    let sealed_token = seal(gateway, &stored.value, identity, refresh_token).await;
    // Whoever began the flow may have sent its link to somebody else, whose mailbox must not
    // end up under the wrong name. So the browser brings a secret back to the host
    // application, which only it can confirm, as the user who began.
    let confirm = random_token();
    stored.value.expires_at = gateway.now() + CONFIRMATION_LIFETIME;
    stored.value.stage = FlowStage::AwaitingConfirmation {
        confirm: Digest::compute(&confirm),
        held: held.permissions.into(),
        scopes: held.scopes,
        identity: held.identity.into(),
        mailbox,
        sealed_token,
    };
    Ok(match wait(gateway, stored).await? {
        Ok(stored) => return_url(gateway, &stored.value, Some(&confirm)),
        Err(given_up) => given_up,
    })
}

/// The refresh token, as it may be kept until the grant is recorded.
async fn seal(
    gateway: &Gateway,
    flow: &Flow,
    mailbox: MicrosoftIdentity,
    token: Option<SecretString>,
) -> Option<Box<TokenRecord>> {
    let whose = (&flow.account, &flow.started_by);
    let sealed = gateway.custody.seal(whose, mailbox, token, gateway.now());
    Box::pin(sealed).await.map(Box::new)
}

/// How a flow ends whose ID token is good, while nobody can tell which tenant signed it.
fn no_tenant(error: &DiscoveryError) -> FlowFailure {
    tracing::warn!(error = %with_sources(error), "the tenant that signed an ID token was not found");
    match error {
        DiscoveryError::UnknownTenant | DiscoveryError::NotOneTenant => FlowFailure::TenantAbsent,
        DiscoveryError::Ambiguous { .. }
        | DiscoveryError::Nonsense(_)
        | DiscoveryError::Unreachable(_)
        | DiscoveryError::TimedOut => FlowFailure::MicrosoftUnavailable,
    }
}

/// Learns what there is to learn from a grant. Somebody else's mailbox, and what somebody else may do, is none of our
/// business.
async fn look_around(
    gateway: &Gateway,
    flow: &Flow,
    (identity, granted): (MicrosoftIdentity, PermissionSet),
    redeemed: &Redeemed,
) -> Option<Mailbox> {
    let own = own_consent_of(flow).ok()?;
    if own.expected.is_some_and(|expected| expected != identity) {
        return None;
    }
    observe_consent::on_granted(gateway, flow, &own, identity.tenant, granted).await;
    Some(probe(gateway, redeemed).await)
}

/// Looks where the mailbox is, while there is a token to look with: none is kept.
async fn probe(gateway: &Gateway, redeemed: &Redeemed) -> Mailbox {
    let probed = gateway
        .entra
        .locate_mailbox(&redeemed.access_token, &redeemed.scopes);
    match tokio::time::timeout(PROBE_PATIENCE, probed).await {
        Ok(location) => Mailbox::seen(location, gateway.now()),
        Err(_) => Mailbox::not_seen(gateway.now()),
    }
}

/// Microsoft said no. Only a decline is the user's own answer, and recorded.
pub(crate) async fn refused(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    error: &AuthorizationError,
) -> Result<Url, Failure> {
    let own = own_consent_of(&stored.value)?;
    observe_consent::on_refused(gateway, &stored.value, &own, error).await;
    let mut outcome =
        FlowOutcome::from_microsoft(error, ErrorSource::Browser, &stored.value.purpose);
    if error.class == ErrorClass::Declined {
        let command = DeclineOwnPermissions {
            account: stored.value.account.clone(),
            user: stored.value.started_by.clone(),
            begun_in: own.begun_in,
            asked: own.asked.kinds(),
        };
        let (account, user) = (&stored.value.account, &stored.value.started_by);
        let before = gateway.executor.user(account, user).await;
        let recorded = gateway
            .executor
            .execute_on_user(account, user, |company, user| {
                own_consent::decline(company, user, command.clone())
            })
            .await;
        if let (Ok(before), Ok(_)) = (before, &recorded) {
            let answered = before.state.in_epoch(own.begun_in).answered;
            observe_consent::on_declined(gateway, &stored.value, &own, answered).await;
        }
        outcome = match recorded {
            Ok(_) => outcome,
            Err(failure) => FlowOutcome::from_failure(&failure),
        };
    }
    conclude(gateway, stored, outcome).await
}

/// What Microsoft granted, and to whom.
#[derive(Debug, Clone)]
pub struct GrantedScopes {
    pub(crate) permissions: PermissionSet,
    pub(crate) scopes: Vec<String>,
    /// The Microsoft account that answered.
    pub identity: MicrosoftIdentity,
}

impl GrantedScopes {
    /// What waits for its confirmation.
    pub fn waiting_in(flow: &Flow) -> Option<Self> {
        match &flow.stage {
            FlowStage::AwaitingConfirmation {
                held,
                scopes,
                identity,
                ..
            } => Some(Self {
                permissions: (*held).into(),
                scopes: scopes.clone(),
                identity: (*identity).into(),
            }),
            FlowStage::AtAdminConsent
            | FlowStage::AtAuthorize { .. }
            | FlowStage::Redeeming
            | FlowStage::AwaitingAdministrator { .. }
            | FlowStage::Ended { .. } => None,
        }
    }
}

/// Records the grant. Then the token that came with it has something to be kept for.
pub(crate) async fn record(
    gateway: &Gateway,
    flow: &Flow,
    held: GrantedScopes,
    sealed_token: Option<Box<TokenRecord>>,
) -> Result<CompletionNotes, Failure> {
    let own = own_consent_of(flow)?;
    let (granted, identity) = (held.permissions, held.identity);
    let command = command(flow, &own, held);
    let moved = AtomicBool::new(false);
    let recorded = gateway
        .executor
        .execute_on_user(&flow.account, &flow.started_by, |company, user| {
            let is_of_another = user.is_of_another(company.epoch, identity);
            moved.store(is_of_another, Ordering::Relaxed);
            own_consent::grant(company, user, command.clone())
        })
        .await;
    tell_of_a_mismatch(flow, recorded.as_ref().err());
    let sequence = recorded?.sequence;
    if moved.into_inner() {
        tracing::warn!(
            security_event = "another_mailbox",
            flow.id = %flow.id,
            account.id = %flow.account,
            user.id = %flow.started_by,
            "a user's grants are of another Microsoft identity from here on"
        );
    }
    if let Some(sealed) = sealed_token {
        let whose = (&flow.account, &flow.started_by);
        Box::pin(
            gateway
                .custody
                .put(whose, *sealed, (sequence, own.begun_in)),
        )
        .await;
    }
    Ok(CompletionNotes {
        not_granted: own.asked.missing_from(granted),
        mailbox_trouble: None,
    })
}

/// What recording a grant would come to.
#[derive(Debug, Clone, Copy)]
pub struct Rehearsal {
    /// What would be granted.
    pub granted: PermissionSet,
    /// The mailbox whose grants would end with it.
    pub leaves: Option<MicrosoftIdentity>,
}

/// What recording the grant would come to, as things stand.
pub async fn rehearse(
    gateway: &Gateway,
    flow: &Flow,
    held: &GrantedScopes,
) -> Result<Rehearsal, Failure> {
    let own = own_consent_of(flow)?;
    // The user first: its events name epochs that the company has to know by then.
    let user = gateway
        .executor
        .user(&flow.account, &flow.started_by)
        .await?;
    let company = gateway.executor.account(&flow.account).await?;
    let command = command(flow, &own, held.clone());
    let events = own_consent::grant(&company.state, &user.state, command).map_err(Failure::from);
    tell_of_a_mismatch(flow, events.as_ref().err());
    let new = events?.into_iter().find_map(|event| match event {
        Event::UserScopeGranted(granted) => Some(granted.permissions),
        Event::UserScopeRevoked(_) | Event::ModeChanged(_) | Event::AdminConsentGranted(_) => None,
    });
    let mailbox = user.state.mailbox(company.state.epoch);
    Ok(Rehearsal {
        granted: new.unwrap_or_else(|| own.asked.meet(held.permissions)),
        leaves: mailbox.filter(|mailbox| *mailbox != held.identity),
    })
}

fn command(flow: &Flow, own: &OwnConsent, held: GrantedScopes) -> GrantOwnPermissions {
    GrantOwnPermissions {
        account: flow.account.clone(),
        user: flow.started_by.clone(),
        begun_in: own.begun_in,
        begun_after: own.begun_after,
        asked: own.asked,
        held: held.permissions,
        scopes: held.scopes.into_iter().map(Scope).collect(),
        identity: held.identity,
        expected: own.expected,
    }
}

fn tell_of_a_mismatch(flow: &Flow, failure: Option<&Failure>) {
    if let Some(Failure::Refused(Refusal::IdentityMismatch)) = failure {
        tracing::warn!(
            security_event = "identity_mismatch",
            flow.id = %flow.id,
            account.id = %flow.account,
            "a flow was finished by another Microsoft identity than expected"
        );
    }
}

/// A grant is recorded: now its mailbox is its user's, and can be told.
pub(crate) async fn settle(
    gateway: &Gateway,
    flow: &Flow,
    completion: CompletionNotes,
    tenant: Tenant,
    mailbox: Option<Mailbox>,
) -> FlowOutcome {
    if let Some(mailbox) = mailbox {
        gateway
            .observations
            .note_mailbox(&flow.account, &flow.started_by, tenant, mailbox)
            .await;
    }
    FlowOutcome::Completed(CompletionNotes {
        mailbox_trouble: mailbox.and_then(Mailbox::remark),
        ..completion
    })
}

pub(crate) fn own_consent_of(flow: &Flow) -> Result<OwnConsent, Failure> {
    match &flow.purpose {
        Purpose::OwnConsent {
            asked,
            begun_in,
            begun_after,
            expected,
            vouched,
        } => Ok(OwnConsent {
            asked: (*asked).into(),
            begun_in: Epoch(*begun_in),
            begun_after: Sequence(*begun_after),
            expected: expected.map(Into::into),
            vouched: *vouched,
        }),
        Purpose::AdministratorConsent { .. } | Purpose::Connection { .. } => {
            Err(Failure::Internal(AnotherPurpose.into()))
        }
    }
}
