//! The administrator came back with a code: now the claim is proved, or nothing happened.

use assent_domain::decide::administrator_consent::{self, FinishAdministratorConsent};
use assent_domain::event::Verification;
use assent_domain::ids::{ConsentId, ObjectId, RoleId, Scope, Tenant, TenantId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationCode, ExpectedNonce, GrantProof, IdTokenError, IdTokenExpectation, RedeemError,
    Redeemed, roles_able_to_consent,
};
use assent_service_kit::telemetry::chain;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{Ending, Purpose, Stored};
use crate::gateway::{AdminProof, Gateway, reference};
use crate::use_cases::take_callback::{Proof, end};

pub(crate) async fn finish_admin_consent(
    gateway: &Gateway,
    stored: Stored,
    proof: Proof,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let ending = match (&stored.flow.purpose, proof.tenant) {
        (Purpose::AdministratorConsent { permissions, .. }, Some(tenant)) => {
            let permissions = (*permissions).into();
            match redeem(gateway, &stored.flow.purpose, proof, code).await {
                Ok(redeemed) => record(gateway, &stored, permissions, tenant, redeemed).await,
                Err(ending) => ending,
            }
        }
        (Purpose::AdministratorConsent { .. } | Purpose::OwnConsent { .. }, _) => {
            return Err(Failure::Invalid(
                "this flow asked for no administrator".to_owned(),
            ));
        }
    };
    end(gateway, stored, ending).await
}

/// Redeems the code, where it was acquired, for a token of exactly the expected tenant.
pub(crate) async fn redeem(
    gateway: &Gateway,
    purpose: &Purpose,
    proof: Proof,
    code: AuthorizationCode,
) -> Result<Redeemed, Ending> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::Exactly(&proof.nonce),
        tenant: proof.tenant.map(|tenant| tenant.id.0),
    };
    let redirect_uri = &gateway.addresses.authorize_callback;
    let verifier = proof.pkce_verifier.into();
    let redeemed = gateway
        .entra
        .redeem_code(
            &reference(proof.tenant),
            code,
            redirect_uri,
            verifier,
            expectation,
        )
        .await;
    redeemed.map_err(|error| {
        tracing::warn!(
            error = %chain(&error),
            "Microsoft's answer proved nothing"
        );
        match error {
            RedeemError::Refused(refusal) => Ending::from_microsoft(&refusal, purpose),
            RedeemError::IdToken(IdTokenError::Tenant { .. }) => {
                Ending::Refused(Refusal::TenantMismatch)
            }
            RedeemError::IdToken(_)
            | RedeemError::Unreachable(_)
            | RedeemError::TimedOut
            | RedeemError::Nonsense(_)
            | RedeemError::OurFault(_) => Ending::Failed {
                code: "microsoft_unavailable",
                detail: "Microsoft's answer could not be verified; start again in a moment",
            },
        }
    })
}

async fn record(
    gateway: &Gateway,
    stored: &Stored,
    permissions: PermissionSet,
    expected_tenant: Tenant,
    redeemed: Redeemed,
) -> Ending {
    let wanted = gateway.scopes.of(permissions);
    let verification = verify(gateway, &redeemed, &wanted).await;
    let command = FinishAdministratorConsent {
        account: stored.flow.account.clone(),
        consent: ConsentId(Uuid::now_v7()),
        requested_by: stored.flow.started_by.clone(),
        permissions,
        expected_tenant,
        tenant: Tenant {
            cloud: expected_tenant.cloud,
            id: TenantId(redeemed.identity.tenant_id),
        },
        granted_by: ObjectId(redeemed.identity.object_id),
        scopes: redeemed
            .scopes
            .iter()
            .map(|scope| Scope(scope.to_owned()))
            .collect(),
        missing_scopes: redeemed
            .scopes
            .missing(&wanted)
            .into_iter()
            .map(Scope)
            .collect(),
        verification,
    };
    let recorded = gateway
        .ledger
        .decide_company(&stored.flow.account, |company| {
            administrator_consent::finish(company, command.clone())
        })
        .await;
    Ending::of(recorded.map(|_| Ending::Completed))
}

/// What proves that it was an administrator, as far as the configuration accepts it.
async fn verify(gateway: &Gateway, redeemed: &Redeemed, wanted: &[String]) -> Verification {
    let roles = match gateway.admin_proof {
        AdminProof::Grant => Vec::new(),
        AdminProof::Role | AdminProof::Either => roles_able_to_consent(&redeemed.identity)
            .into_iter()
            .map(RoleId)
            .collect(),
    };
    let tenant_wide_grant = match gateway.admin_proof {
        AdminProof::Role => false,
        AdminProof::Grant | AdminProof::Either => {
            match gateway
                .entra
                .tenant_wide_grant(&redeemed.access_token, wanted)
                .await
            {
                Ok(GrantProof::Covered { .. }) => true,
                Ok(GrantProof::NotCovered { .. } | GrantProof::NotPermitted) => false,
                Err(error) => {
                    tracing::warn!(
                        error = %chain(&error),
                        "Microsoft Graph could not be asked for the tenant-wide grant"
                    );
                    false
                }
            }
        }
    };
    Verification {
        roles,
        tenant_wide_grant,
    }
}

impl Ending {
    /// The ending of a flow whose last step was a decision on the log.
    pub(crate) fn of(result: Result<Self, Failure>) -> Self {
        match result {
            Ok(ending) => ending,
            Err(Failure::Refused(refusal)) => Self::Refused(refusal),
            Err(Failure::ConcurrentChange) => Self::Failed {
                code: "concurrent_change",
                detail: "somebody else changed the same permissions at the same time; start again",
            },
            Err(failure) => {
                tracing::error!(?failure, "a flow could not be recorded");
                Self::Failed {
                    code: "event_log_unavailable",
                    detail: "your answer could not be recorded; start again in a moment",
                }
            }
        }
    }
}
