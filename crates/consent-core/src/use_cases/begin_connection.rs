//! A login sends a browser through Microsoft without a page: for a refresh token of what is effective, or to find out
//! whether an administrator's consent that was withdrawn lives again.
//!
//! Nothing is asked of anybody, so it asks Microsoft for no more than what was granted, or what the consent gives.

use assent_contract::command::{BeginConnection, ConnectionPurpose, FlowStarted};
use assent_contract::values::{Identity, PersonId};
use assent_domain::account::AccountState;
use assent_domain::ids::{ConsentId, MicrosoftIdentity, ObjectId};
use assent_domain::login::{SignIn, effective_for};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_domain::user::UserState;
use assent_metrics::gateway::FLOWS_BEGUN;
use assent_microsoft_identity::{
    AccountChoice, AuthorizeRequest, LoginHint, TenantRef, new_pkce, random_token,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{self, Flow, FlowSecret, FlowStage, Purpose, States};
use crate::gateway::Gateway;
use crate::reasons::NotFound;
use crate::return_to;

/// Begins the passage: the address at Microsoft to send the browser to.
pub async fn begin_connection(
    gateway: &Gateway,
    request: BeginConnection,
) -> Result<FlowStarted, Failure> {
    let (account, user) = (&request.account_id, &request.user_id);
    let return_to = request
        .return_to
        .as_deref()
        .map(|url| return_to::check(url, &gateway.return_origins))
        .transpose()?;
    if request.purpose == ConnectionPurpose::Custody && !gateway.custody.keeps() {
        return Err(Failure::NotFound(NotFound::VaultKey));
    }
    gateway.limits.start(account, user)?;
    // The user first: its events name epochs that the company has to know by then.
    let state_of_user = gateway.executor.user(account, user).await?.state;
    let company = gateway.executor.account(account).await?.state;
    let (expected, asked) = match request.purpose {
        ConnectionPurpose::Custody => {
            what_is_effective(&company, &state_of_user, request.microsoft_identity)?
        }
        ConnectionPurpose::Restoration {
            consent_id,
            permissions,
        } => {
            let wanted = (ConsentId(consent_id), permissions.into());
            what_the_consent_gives(&company, wanted, request.microsoft_identity)?
        }
    };
    if asked.is_nothing() {
        return Err(Refusal::NothingSelected.into());
    }

    let id = Uuid::now_v7();
    let (state, nonce, pkce) = (FlowSecret::new(id), random_token(), new_pkce());
    let expires_at = gateway.now() + flow::LIFETIME;
    let flow = Flow {
        id,
        account: account.clone(),
        started_by: user.clone(),
        generation: Generation::default(),
        asked_again: 0,
        session: None,
        browser: None,
        return_to,
        expires_at,
        purpose: Purpose::Connection {
            is_for: request.purpose,
            asked: asked.into(),
            begun_in: company.epoch.0,
            expected: Identity::from(expected),
        },
        states: States {
            authorize: Some(state.digest()),
            ..States::default()
        },
        stage: FlowStage::AtAuthorize {
            tenant: Some(expected.tenant.into()),
            nonce: nonce.clone(),
            pkce_verifier: pkce.verifier.expose_secret().to_owned(),
        },
    };
    let purpose = flow.purpose.as_str();
    gateway.flows.create(flow).await?;
    FLOWS_BEGUN.with([purpose]).increment(1);

    // It only finds the right session among several: one that is none is no reason to find none.
    let hint = request.login_hint;
    let hint = hint.and_then(|hint| LoginHint::parse(&hint.0).ok());
    let authorize_url = gateway.entra.authorize_url(
        &TenantRef::Id(expected.tenant.id.0),
        AuthorizeRequest {
            redirect_uri: &gateway.addresses.authorize_callback,
            scopes: &gateway.scopes.request(asked, &[]),
            state: &state.expose(),
            nonce: &nonce,
            pkce_challenge: &pkce.challenge,
            account: AccountChoice::WithoutPage(hint.as_ref()),
        },
    );
    Ok(FlowStarted {
        flow_id: id,
        authorize_url: authorize_url.into(),
        expires_at,
    })
}

fn what_is_effective(
    company: &AccountState,
    user: &UserState,
    person: PersonId,
) -> Result<(MicrosoftIdentity, PermissionSet), Refusal> {
    let mailbox = user
        .mailbox(company.epoch)
        .filter(|mailbox| PersonId::from(*mailbox) == person)
        .ok_or(Refusal::IdentityMismatch)?;
    let effective = effective_for(company, user, SignIn::Microsoft(mailbox));
    Ok((mailbox, effective))
}

fn what_the_consent_gives(
    company: &AccountState,
    (consent_id, wanted): (ConsentId, PermissionSet),
    person: PersonId,
) -> Result<(MicrosoftIdentity, PermissionSet), Refusal> {
    let consent = company
        .consent()
        .ok_or(Refusal::NotAdministratorConfigured)?;
    if consent.id != consent_id {
        return Err(Refusal::ConsentSuperseded);
    }
    if consent.tenant.id.0 != person.tenant_id {
        return Err(Refusal::TenantMismatch);
    }
    let expected = MicrosoftIdentity {
        tenant: consent.tenant,
        object_id: ObjectId(person.object_id),
    };
    Ok((expected, wanted.meet(consent.permissions)))
}
