//! Taking a callback: finding the flow it claims to belong to, once.
//!
//! Anybody can send a browser to a callback. It changes nothing unless it brings the
//! secret `state` of a flow that waits for exactly this callback.

use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationError, ErrorClass, UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback,
};
use assent_service_kit::telemetry::chain;
use jiff::Timestamp;
use url::Url;

use crate::failure::Failure;
use crate::flow::{
    Digest, Ending, Flow, FlowState, Purpose, Stage, State, States, StoreError, Stored,
};
use crate::gateway::Gateway;
use crate::return_to;
use crate::use_cases::{continue_admin_consent, finish_admin_consent, finish_own_consent};

/// The callback of Microsoft's admin-consent page.
pub(crate) async fn admin_consent(gateway: &Gateway, query: &str) -> Result<Url, Failure> {
    let callback = UnverifiedAdminConsentCallback::parse(query).map_err(invalid)?;
    let stored = find(gateway, &callback.state, |states| {
        states.admin_consent.as_ref()
    })
    .await?;
    match &stored.flow.stage {
        Stage::AtAdminConsent => {}
        Stage::AtAuthorize { .. }
        | Stage::Redeeming
        | Stage::AwaitingConfirmation { .. }
        | Stage::Ended { .. } => return Err(Refusal::FlowAlreadyUsed.into()),
    }
    match callback.outcome {
        Ok(tenant) => continue_admin_consent::continue_admin_consent(gateway, stored, tenant).await,
        Err(error) => {
            let ending = Ending::from_microsoft(&error, &stored.flow.purpose);
            end(gateway, stored, ending).await
        }
    }
}

/// The callback of Microsoft's sign-in page.
pub(crate) async fn authorize(gateway: &Gateway, query: &str) -> Result<Url, Failure> {
    let callback = UnverifiedAuthorizeCallback::parse(query).map_err(invalid)?;
    let mut stored = find(gateway, &callback.state, |states| states.authorize.as_ref()).await?;
    let Stage::AtAuthorize {
        tenant,
        nonce,
        pkce_verifier,
    } = stored.flow.stage
    else {
        return Err(Refusal::FlowAlreadyUsed.into());
    };
    // From here on the callback is ours: another copy of it finds the flow used.
    stored.flow.stage = Stage::Redeeming;
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    let proof = Proof {
        tenant: tenant.map(Into::into),
        nonce,
        pkce_verifier,
    };

    match (&stored.flow.purpose, callback.outcome) {
        (Purpose::AdministratorConsent { .. }, Ok(code)) => {
            finish_admin_consent::finish_admin_consent(gateway, stored, proof, code).await
        }
        (Purpose::OwnConsent { .. }, Ok(code)) => {
            finish_own_consent::finish_own_consent(gateway, stored, proof, code).await
        }
        (Purpose::AdministratorConsent { .. }, Err(error)) => {
            let ending = Ending::from_microsoft(&error, &stored.flow.purpose);
            end(gateway, stored, ending).await
        }
        (Purpose::OwnConsent { .. }, Err(error)) => {
            finish_own_consent::refused(gateway, stored, &error).await
        }
    }
}

/// What a code has to be redeemed with.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) tenant: Option<assent_domain::ids::Tenant>,
    pub(crate) nonce: String,
    pub(crate) pkce_verifier: String,
}

async fn find(
    gateway: &Gateway,
    state: &str,
    digest: impl Fn(&States) -> Option<&Digest>,
) -> Result<Stored, Failure> {
    let forged = || {
        tracing::warn!(
            security_event = "unknown_state",
            "a callback brought no state of ours"
        );
        Failure::Invalid("this link belongs to no request of ours; start again".to_owned())
    };
    let state = State::parse(state).ok_or_else(forged)?;
    let stored = gateway.flows.find(state.flow).await?.ok_or_else(forged)?;
    if !digest(&stored.flow.states).is_some_and(|digest| state.matches(digest)) {
        return Err(forged());
    }
    if stored.flow.is_expired(Timestamp::now()) {
        return Err(Refusal::FlowExpired.into());
    }
    Ok(stored)
}

/// Ends a flow, and sends the browser back.
pub(crate) async fn end(
    gateway: &Gateway,
    mut stored: Stored,
    ending: Ending,
) -> Result<Url, Failure> {
    stored.flow.stage = Stage::from(ending);
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    Ok(way_back(gateway, &stored.flow, None))
}

/// Where the browser goes from here.
pub(crate) fn way_back(gateway: &Gateway, flow: &Flow, confirm: Option<&str>) -> Url {
    let view = flow.view(Timestamp::now());
    tracing::info!(
        flow.id = %flow.id,
        flow.state = view.state.as_str(),
        flow.code = view.code,
        account.id = %flow.account,
        "a flow went on"
    );
    let state: FlowState = view.state;
    let url = flow
        .return_to
        .clone()
        .unwrap_or_else(|| match flow.purpose {
            Purpose::AdministratorConsent { .. } => gateway.addresses.company_settings.clone(),
            Purpose::OwnConsent { .. } => gateway.addresses.account_settings.clone(),
        });
    return_to::with_outcome(url, flow.id, state, confirm)
}

/// Whoever changed the flow first has taken the callback.
pub(crate) fn used(error: StoreError) -> Failure {
    match error {
        StoreError::Changed => Refusal::FlowAlreadyUsed.into(),
        StoreError::Unavailable(_) | StoreError::Unreadable(_) => error.into(),
    }
}

fn invalid(error: assent_microsoft_identity::CallbackError) -> Failure {
    Failure::Invalid(error.to_string())
}

impl Ending {
    /// What Microsoft's "no" means for a flow. Three kinds of "no" are never mixed: the
    /// person declined, the person may not decide, and nobody knows.
    pub(crate) fn from_microsoft(error: &AuthorizationError, purpose: &Purpose) -> Self {
        match error.class {
            ErrorClass::Declined => Self::Refused(Refusal::Declined),
            ErrorClass::AdministratorApprovalRequired => Self::Refused(match purpose {
                Purpose::AdministratorConsent { .. } => Refusal::NotAnAdministrator,
                Purpose::OwnConsent { .. } => Refusal::AdministratorApprovalRequired,
            }),
            ErrorClass::WrongTenantOrUser => Self::Refused(match purpose {
                Purpose::AdministratorConsent { .. } => Refusal::TenantMismatch,
                Purpose::OwnConsent { .. } => Refusal::IdentityMismatch,
            }),
            ErrorClass::Undetermined
            | ErrorClass::InteractionRequired
            | ErrorClass::SessionEnded
            | ErrorClass::ConsentMissing
            | ErrorClass::TenantAbsent
            | ErrorClass::AlreadyRedeemed => Self::Refused(Refusal::Undetermined),
            ErrorClass::TryAgain => Self::Failed {
                code: "microsoft_unavailable",
                detail: "Microsoft could not answer just now; start again in a moment",
            },
            ErrorClass::OurFault => {
                tracing::error!(
                    operator_alarm = "microsoft_refused_us",
                    error = %chain(error),
                    "Microsoft refused our own registration, credential or request"
                );
                metrics::counter!("assent_microsoft_our_fault_total").increment(1);
                Self::Failed {
                    code: "microsoft_unavailable",
                    detail: "something is wrong between this service and Microsoft; \
                             an operator was alarmed",
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
