//! Redeeming a code, for a token of exactly the person and the tenant that a flow expects.

use assent_contract::words::SecurityEvent;
use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationCode, AuthorizationError, ErrorClass, ExpectedNonce, IdTokenError,
    IdTokenExpectation, RedeemError, Redeemed,
};
use assent_service_kit::error_chain::with_sources;

use crate::flow::{ErrorSource, Flow, FlowFailure, FlowOutcome, SignInAttempt};
use crate::gateway::{Gateway, reference};

/// What a code has to be redeemed with.
#[derive(Debug)]
pub(crate) struct CodeExchange {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) nonce: String,
    pub(crate) pkce_verifier: String,
}

impl From<SignInAttempt> for CodeExchange {
    fn from(way: SignInAttempt) -> Self {
        Self {
            tenant: way.tenant.map(Into::into),
            nonce: way.nonce,
            pkce_verifier: way.pkce_verifier,
        }
    }
}

/// How a flow ends whose code proved nothing, and Microsoft's own refusal where that is why.
pub(crate) struct NotRedeemed {
    pub(crate) outcome: FlowOutcome,
    pub(crate) refusal: Option<AuthorizationError>,
}

impl NotRedeemed {
    pub(crate) fn says_that_nobody_consented(&self) -> bool {
        let refusal = self.refusal.as_ref();
        refusal.is_some_and(|refusal| refusal.class == ErrorClass::ConsentMissing)
    }
}

/// Redeems a code where it was acquired.
pub(crate) async fn redeem(
    gateway: &Gateway,
    flow: &Flow,
    exchange: CodeExchange,
    code: AuthorizationCode,
) -> Result<Redeemed, NotRedeemed> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly(&exchange.nonce),
        tenant: exchange.tenant.map(|tenant| tenant.id.0),
        personal_accounts: false,
    };
    let redeemed = gateway
        .entra
        .redeem_code(
            &reference(exchange.tenant),
            code,
            &gateway.addresses.authorize_callback,
            exchange.pkce_verifier.into(),
            expectation,
        )
        .await;
    redeemed.map_err(|error| {
        tracing::warn!(
            flow.id = %flow.id,
            account.id = %flow.account,
            error = %with_sources(&error),
            "Microsoft's answer proved nothing"
        );
        let failure = match error {
            RedeemError::Refused(refusal) => {
                return NotRedeemed {
                    outcome: FlowOutcome::from_microsoft(
                        &refusal,
                        ErrorSource::TokenEndpoint,
                        &flow.purpose,
                    ),
                    refusal: Some(refusal),
                };
            }
            RedeemError::IdToken(IdTokenError::Tenant { .. }) => {
                security_event(SecurityEvent::TenantMismatch, flow);
                return NotRedeemed {
                    outcome: FlowOutcome::Refused(Refusal::TenantMismatch),
                    refusal: None,
                };
            }
            // A genuine account, and nobody's mailbox in any organisation.
            RedeemError::IdToken(IdTokenError::Consumer) => {
                return NotRedeemed {
                    outcome: FlowOutcome::Refused(Refusal::PersonalAccount),
                    refusal: None,
                };
            }
            RedeemError::IdToken(IdTokenError::KeysUnavailable(_))
            | RedeemError::Unreachable(_)
            | RedeemError::TimedOut
            | RedeemError::Nonsense(_) => FlowFailure::MicrosoftUnavailable,
            RedeemError::IdToken(_) => {
                security_event(SecurityEvent::InvalidIdToken, flow);
                FlowFailure::InvalidIdToken
            }
            RedeemError::OurFault(_) => FlowFailure::ApplicationMisconfigured,
        };
        NotRedeemed {
            outcome: FlowOutcome::Failed(failure),
            refusal: None,
        }
    })
}

/// Somebody else than expected is at the other end, or Microsoft is not Microsoft.
fn security_event(event: SecurityEvent, flow: &Flow) {
    tracing::warn!(
        security_event = event.as_str(),
        flow.id = %flow.id,
        account.id = %flow.account,
        "a flow came back with a token that does not fit it"
    );
}
