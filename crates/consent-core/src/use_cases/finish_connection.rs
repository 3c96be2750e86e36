//! A browser has passed Microsoft without a page, and brings a code.

use assent_contract::command::ConnectionPurpose;
use assent_domain::decide::automatic_grant::{self, RecordAutomaticGrant, Restoration};
use assent_domain::ids::{ConsentId, Epoch, MicrosoftIdentity, Scope, Sequence};
use assent_domain::login::{SignIn, effective_for};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{AuthorizationCode, Membership, Redeemed};
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::failure::Failure;
use crate::flow::{AnotherPurpose, CompletionNotes, Flow, FlowFailure, FlowOutcome, Purpose};
use crate::gateway::Gateway;
use crate::kv_store::Versioned;
use crate::use_cases::conclude_flow::{conclude, still_counts};
use crate::use_cases::redeem::{CodeExchange, redeem};

pub(crate) async fn finish_connection(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    exchange: CodeExchange,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let passage = Passage::of(&stored.value)?;
    let outcome = match pass(gateway, &stored, passage, exchange, code).await {
        Ok(outcome) => outcome,
        Err(failure) => FlowOutcome::from_failure(&failure),
    };
    conclude(gateway, stored, outcome).await
}

/// What the flow was begun with.
#[derive(Debug, Clone, Copy)]
struct Passage {
    is_for: ConnectionPurpose,
    asked: PermissionSet,
    begun_in: Epoch,
    expected: MicrosoftIdentity,
}

impl Passage {
    fn of(flow: &Flow) -> Result<Self, Failure> {
        match &flow.purpose {
            Purpose::Connection {
                is_for,
                asked,
                begun_in,
                expected,
            } => Ok(Self {
                is_for: *is_for,
                asked: (*asked).into(),
                begun_in: Epoch(*begun_in),
                expected: (*expected).into(),
            }),
            Purpose::AdministratorConsent { .. } | Purpose::OwnConsent { .. } => {
                Err(Failure::Internal(AnotherPurpose.into()))
            }
        }
    }
}

async fn pass(
    gateway: &Gateway,
    stored: &Versioned<Flow>,
    passage: Passage,
    exchange: CodeExchange,
    code: AuthorizationCode,
) -> Result<FlowOutcome, Failure> {
    let flow = &stored.value;
    let (account, user) = (&flow.account, &flow.started_by);
    // Before Microsoft is asked: what is found withdrawn from here on is newer than its answer.
    let known = gateway.executor.user(account, user).await?.state;
    let asked_at = gateway.now();
    let redeemed = match redeem(gateway, flow, exchange, code).await {
        Ok(redeemed) => redeemed,
        Err(not_redeemed) => return Ok(not_redeemed.outcome),
    };
    if let Err(refusal) = is_expected(flow, &redeemed, passage.expected) {
        return Ok(FlowOutcome::Refused(refusal));
    }
    still_counts(gateway, stored).await?;
    match passage.is_for {
        ConnectionPurpose::Custody => keep(gateway, flow, passage, redeemed.refresh_token).await,
        ConnectionPurpose::Restoration {
            consent_id,
            permissions,
        } => {
            let restored = Restored {
                consent: ConsentId(consent_id),
                wanted: permissions.into(),
                held: gateway.scopes.permissions(&redeemed.scopes),
                scopes: redeemed
                    .scopes
                    .iter()
                    .map(|scope| Scope(scope.to_owned()))
                    .collect(),
                asked_after: known.last_sequence,
                asked_at,
            };
            restore(gateway, flow, passage, restored, redeemed.refresh_token).await
        }
    }
}

/// Whoever has a session in that browser may be somebody else.
fn is_expected(
    flow: &Flow,
    redeemed: &Redeemed,
    expected: MicrosoftIdentity,
) -> Result<(), Refusal> {
    let identity = &redeemed.identity;
    let found = (identity.tenant_id, identity.object_id);
    if found != (expected.tenant.id.0, expected.object_id.0) {
        tracing::warn!(
            security_event = "identity_mismatch",
            flow.id = %flow.id,
            account.id = %flow.account,
            "a flow was finished by another Microsoft identity than expected"
        );
        return Err(Refusal::IdentityMismatch);
    }
    match identity.membership {
        Membership::Guest => Err(Refusal::GuestAccount),
        Membership::PersonalAccount => Err(Refusal::PersonalAccount),
        Membership::Member => Ok(()),
    }
}

/// For custody: nothing is recorded.
async fn keep(
    gateway: &Gateway,
    flow: &Flow,
    passage: Passage,
    token: Option<SecretString>,
) -> Result<FlowOutcome, Failure> {
    let (account, user) = (&flow.account, &flow.started_by);
    let state_of_user = gateway.executor.user(account, user).await?.state;
    let company = gateway.executor.account(account).await?.state;
    let sign_in = SignIn::Microsoft(passage.expected);
    if effective_for(&company, &state_of_user, sign_in).is_nothing() {
        return Err(Refusal::FlowExpired.into());
    }
    let sequence = company.last_sequence.max(state_of_user.last_sequence);
    let (whose, granted) = ((account, user), (sequence, company.epoch));
    let kept = gateway
        .custody
        .keep(whose, passage.expected, token, granted, gateway.now())
        .await;
    Ok(if kept {
        FlowOutcome::completed()
    } else {
        FlowOutcome::Failed(FlowFailure::StoreUnavailable)
    })
}

/// What Microsoft has just given under a consent that was found withdrawn.
#[derive(Debug)]
struct Restored {
    consent: ConsentId,
    wanted: PermissionSet,
    held: PermissionSet,
    scopes: Vec<Scope>,
    asked_after: Sequence,
    asked_at: Timestamp,
}

/// The consent lives again, as far as the code says: that is recorded for this user, and held back from nobody any more.
async fn restore(
    gateway: &Gateway,
    flow: &Flow,
    passage: Passage,
    restored: Restored,
    token: Option<SecretString>,
) -> Result<FlowOutcome, Failure> {
    let (account, user) = (&flow.account, &flow.started_by);
    let held = restored.held;
    let grant = RecordAutomaticGrant {
        account: account.clone(),
        user: user.clone(),
        consent: restored.consent,
        wanted: restored.wanted,
        identity: passage.expected,
        is_guest: false,
        found_withdrawn: Kinds::NONE,
        scopes: restored.scopes,
    };
    let recorded = gateway
        .executor
        .execute_on_user(account, user, |company, user| {
            let proof = Restoration {
                begun_in: passage.begun_in,
                redeemed_after: restored.asked_after,
                held,
            };
            automatic_grant::restore(company, user, grant.clone(), proof)
        })
        .await?;
    if let Some(consent) = recorded.account.consent() {
        let not_held = consent.permissions.missing_from(held).kinds();
        let living = held.kinds().without(not_held);
        let asked_at = restored.asked_at;
        gateway
            .observations
            .note_withdrawn_consent(account, |known| {
                *known = known
                    .take()
                    .and_then(|known| known.without(living, asked_at));
            })
            .await;
    }
    tracing::info!(
        flow.id = %flow.id,
        account.id = %account,
        user.id = %user,
        "a consent that was found withdrawn lives again"
    );
    let granted = (recorded.sequence, recorded.account.epoch);
    // What was granted stands, whatever becomes of the token.
    gateway
        .custody
        .keep(
            (account, user),
            passage.expected,
            token,
            granted,
            gateway.now(),
        )
        .await;
    Ok(FlowOutcome::Completed(CompletionNotes {
        not_granted: passage.asked.missing_from(held),
        mailbox_trouble: None,
    }))
}
