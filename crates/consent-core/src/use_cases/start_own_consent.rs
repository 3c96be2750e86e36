//! A user is sent to Microsoft for some permissions: from the host application's settings,
//! or from a login that decided to prompt.

use assent_contract::command::{ExpectedIdentity, FlowStarted};
use assent_contract::values::Identity;
use assent_domain::decide::own_consent;
use assent_domain::ids::{AccountId, MicrosoftIdentity, ObjectId, UserId};
use assent_domain::permissions::Kinds;
use assent_domain::refusal::Refusal;
use assent_metrics::gateway::FLOWS_BEGUN;
use assent_microsoft_identity::{AuthorizeRequest, LoginHint, TenantRef, new_pkce, random_token};
use secrecy::ExposeSecret;
use url::Url;
use uuid::Uuid;

use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{self, Flow, FlowSecret, FlowStage, Purpose, States};
use crate::gateway::{Gateway, reference};
use crate::observations::Accounts;
use crate::secrets::Digest;
use crate::use_cases::consent_prompt::{ConsentPrompt, SignInWith};
use crate::use_cases::observe_consent::{self, Wanted};

/// What is to be asked for, and of whom.
#[derive(Debug)]
pub struct ConsentRequest {
    /// What the user wants to permit.
    pub ticked: Kinds,
    /// Which Microsoft account has to answer.
    pub identity: Named,
    /// By what name Microsoft's sign-in page knows whoever is meant.
    pub login_hint: Option<LoginHint>,
    /// Where the browser goes in the end.
    pub return_target: ReturnTarget,
}

/// Whether somebody says who the user is at Microsoft.
#[derive(Debug, Clone, Copy)]
pub enum Named {
    /// The host application's own word, or a verified sign-in.
    Vouched(ExpectedIdentity),
    /// The user's word. It may be another's account that they name, so it can refuse everybody else and spares no
    /// question.
    Claimed(ExpectedIdentity),
    /// Nobody. The user's grants tell, or else those that were there a moment ago.
    Nobody {
        /// The Microsoft account of the grants there are.
        until_now: Option<MicrosoftIdentity>,
    },
    /// The user, who wants another account than that of the grants.
    Another,
}

/// Where the browser goes afterwards.
#[derive(Debug)]
pub enum ReturnTarget {
    /// To the host application, or where it names no address to our settings pages.
    Host(Option<Url>),
    /// To our settings pages, in this session.
    Session {
        /// The session in which it was asked.
        session: Digest,
        /// Whether what comes back in it may be believed to be the person's own will.
        binds: bool,
    },
}

/// Begins a user's own consent: the address at Microsoft to go to.
pub async fn start_own_consent(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    request: ConsentRequest,
) -> Result<FlowStarted, Failure> {
    let prompt = decide_prompt(gateway, account, user, &request).await?;
    let who = (account, user);
    let begun = begin(
        gateway,
        who,
        prompt,
        request.return_target,
        Wanted::ByTheUser,
    )
    .await?;
    Ok(begun.started)
}

/// Whether the user may be asked, and what.
pub(crate) async fn decide_prompt(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    request: &ConsentRequest,
) -> Result<ConsentPrompt, Failure> {
    gateway.limits.start(account, user)?;
    let state_of_user = gateway.executor.user(account, user).await?.state;
    let company = gateway.executor.account(account).await?.state;
    let asked = own_consent::begin(&company, request.ticked)?;

    // Of the present grants: whoever has revoked all of them, or has not answered since a change of method, is asked
    // anew whose mailbox it is.
    let mailbox = state_of_user.mailbox(company.epoch);
    let accounts = gateway.observations.accounts(account, user).await;
    // The host application's word is newer than an earlier grant: people do move to
    // another Microsoft account.
    let (expected, vouched) = match request.identity {
        Named::Vouched(identity) => (Some(known(gateway, account, identity).await?), true),
        Named::Claimed(identity) => {
            let claimed = Some(known(gateway, account, identity).await?);
            (claimed, claimed == mailbox)
        }
        Named::Nobody { until_now } => {
            let known = still_there(gateway, &accounts, mailbox.or(until_now)).await;
            (known, known.is_some())
        }
        Named::Another => (None, false),
    };
    let hint = request.login_hint.clone();
    let sign_in = match request.identity {
        Named::Another => SignInWith::Chosen,
        Named::Vouched(_) | Named::Claimed(_) | Named::Nobody { .. } => {
            SignInWith::choose(expected.is_some(), accounts.mistaken(), hint)
        }
    };
    if expected.is_some_and(|expected| !expected.tenant.cloud.is_served()) {
        return Err(Refusal::UnsupportedCloud.into());
    }
    Ok(ConsentPrompt {
        epoch: company.epoch,
        after: state_of_user.last_sequence,
        asked,
        expected,
        vouched,
        sign_in,
    })
}

/// The account of the grants, unless Microsoft knows it no more: whoever were sent there would not come back, and only the
/// old account could finish the flow.
async fn still_there(
    gateway: &Gateway,
    accounts: &Accounts,
    mailbox: Option<MicrosoftIdentity>,
) -> Option<MicrosoftIdentity> {
    let mailbox = mailbox?;
    let is_gone = accounts.is_gone(mailbox) || gateway.has_no_tenant(mailbox.tenant).await;
    (!is_gone).then_some(mailbox)
}

/// A flow that was begun.
#[derive(Debug)]
pub(crate) struct StartedConsent {
    pub(crate) started: FlowStarted,
    pub(crate) asked: Kinds,
    /// What Microsoft is not asked for, because an administrator is needed for it.
    pub(crate) left_out: Kinds,
}

/// Begins the flow, in which the user has 15 minutes.
pub(crate) async fn begin(
    gateway: &Gateway,
    (account, user): (&AccountId, &UserId),
    prompt: ConsentPrompt,
    return_target: ReturnTarget,
    wanted: Wanted,
) -> Result<StartedConsent, Failure> {
    let id = Uuid::now_v7();
    // Before there is a flow, so that a no that is said meanwhile finds it under way.
    let left_out = observe_consent::on_started(gateway, (account, user), id, &prompt, wanted).await;
    let asked = prompt.asked.without(left_out);
    if asked.is_nothing() {
        return Err(Refusal::AdministratorApprovalRequired.into());
    }
    let (session, binds, return_to) = match return_target {
        ReturnTarget::Host(return_to) => (None, true, return_to),
        ReturnTarget::Session { session, binds } => (Some(session), binds, None),
    };
    let ConsentPrompt {
        epoch,
        after,
        asked: _,
        expected,
        vouched,
        sign_in,
    } = prompt;
    let (state, nonce, pkce) = (FlowSecret::new(id), random_token(), new_pkce());
    let expires_at = gateway.now() + flow::LIFETIME;
    let tenant = expected.map(|expected| expected.tenant);
    let flow = Flow {
        id,
        account: account.clone(),
        started_by: user.clone(),
        generation: Generation::default(),
        asked_again: 0,
        session,
        browser: None,
        return_to,
        expires_at,
        purpose: Purpose::OwnConsent {
            asked: asked.into(),
            begun_in: epoch.0,
            begun_after: after.0,
            expected: expected.map(Identity::from),
            vouched: vouched && binds,
        },
        states: States {
            authorize: Some(state.digest()),
            ..States::default()
        },
        stage: FlowStage::AtAuthorize {
            tenant: tenant.map(Into::into),
            nonce: nonce.clone(),
            pkce_verifier: pkce.verifier.expose_secret().to_owned(),
        },
    };
    if let Err(not_kept) = gateway.flows.create(flow.clone()).await {
        observe_consent::on_abandoned(gateway, &flow).await;
        return Err(not_kept.into());
    }
    FLOWS_BEGUN.with([flow.purpose.as_str()]).increment(1);

    let authorize_url = gateway.entra.authorize_url(
        &reference(tenant),
        AuthorizeRequest {
            redirect_uri: &gateway.addresses.authorize_callback,
            scopes: &gateway.scopes.request(asked, &[]),
            state: &state.expose(),
            nonce: &nonce,
            pkce_challenge: &pkce.challenge,
            account: sign_in.choice(),
        },
    );
    Ok(StartedConsent {
        started: FlowStarted {
            flow_id: id,
            authorize_url: authorize_url.into(),
            expires_at,
        },
        asked: asked.kinds(),
        left_out,
    })
}

async fn known(
    gateway: &Gateway,
    account: &AccountId,
    identity: ExpectedIdentity,
) -> Result<MicrosoftIdentity, Failure> {
    let tenant = TenantRef::Id(identity.tenant_id);
    let tenant = gateway.named_tenant(account, &tenant).await?;
    Ok(MicrosoftIdentity {
        tenant,
        object_id: ObjectId(identity.object_id),
    })
}
