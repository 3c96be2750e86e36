//! The administrator came back with a code: now the claim is proved, or nothing happened.

use assent_domain::decide::administrator_consent::{self, FinishAdministratorConsent};
use assent_domain::event::Verification;
use assent_domain::ids::{ConsentId, ObjectId, RoleId, Scope, Tenant, TenantId};
use assent_domain::permissions::PermissionSet;
use assent_microsoft_identity::{AuthorizationCode, GrantProof, Redeemed, roles_able_to_consent};
use assent_service_kit::telemetry::chain;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{Aim, Ending, Flow, Purpose, Route, Setback};
use crate::gateway::{AdminProof, Gateway};
use crate::records::Stored;
use crate::use_cases::learn;
use crate::use_cases::redeem::{Proof, redeem};
use crate::use_cases::take_callback::end;

pub(crate) async fn finish_admin_consent(
    gateway: &Gateway,
    stored: Stored<Flow>,
    proof: Proof,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let flow = &stored.value;
    let ending = match (&flow.purpose, proof.tenant) {
        (
            Purpose::AdministratorConsent {
                permissions, route, ..
            },
            Some(tenant),
        ) => match redeem(gateway, flow, proof, code).await {
            Ok(redeemed) => {
                let answer = answer(gateway, flow, (*permissions).into(), tenant, &redeemed).await;
                let ending = record(gateway, flow, *route, answer).await;
                if matches!(ending, Ending::Completed(_)) {
                    learn::granted_for_everybody(gateway, &flow.account, tenant, &redeemed.scopes)
                        .await;
                }
                ending
            }
            Err(not_redeemed) => not_redeemed.ending,
        },
        (Purpose::AdministratorConsent { .. } | Purpose::OwnConsent { .. }, _) => {
            return Err(Failure::Invalid(
                "this flow asked for no administrator".to_owned(),
            ));
        }
    };
    end(gateway, stored, ending).await
}

/// What Microsoft's answer comes to.
async fn answer(
    gateway: &Gateway,
    flow: &Flow,
    permissions: PermissionSet,
    expected_tenant: Tenant,
    redeemed: &Redeemed,
) -> FinishAdministratorConsent {
    let wanted = gateway.scopes.of(permissions);
    FinishAdministratorConsent {
        account: flow.account.clone(),
        consent: ConsentId(Uuid::now_v7()),
        requested_by: flow.started_by.clone(),
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
        verification: verify(gateway, redeemed, &wanted).await,
    }
}

async fn record(
    gateway: &Gateway,
    flow: &Flow,
    route: Route,
    answer: FinishAdministratorConsent,
) -> Ending {
    let (id, aim) = match route {
        Route::Direct => return record_on_the_log(gateway, flow, answer).await,
        Route::HandOff { id, aim } => (id, aim),
    };
    // Somebody may take the link back at this very moment: one of the two comes first.
    let claimed = gateway
        .hand_offs
        .change(&flow.account, id, |link| {
            link.claim(flow.id, Timestamp::now())
        })
        .await;
    match claimed {
        Ok(Some(Ok(_))) => {}
        Ok(Some(Err(_)) | None) => return Ending::SetBack(Setback::HandOffClosed),
        Err(error) => return Ending::of(Err(error.into())),
    }
    let granted_by = answer.granted_by.0;
    let ending = match aim {
        Aim::AdministratorConsent => record_on_the_log(gateway, flow, answer).await,
        // Nobody's permissions change, so there is nothing to record: Microsoft lets users consent from now on.
        Aim::Approval => match administrator_consent::proved(&answer) {
            Ok(()) => Ending::completed(),
            Err(refusal) => Ending::Refused(refusal),
        },
    };
    if matches!(ending, Ending::Completed(_)) {
        tracing::info!(
            hand_off.id = %id,
            account.id = %flow.account,
            granted_by.object_id = %granted_by,
            "an administrator consented by a link"
        );
        let noted = gateway
            .hand_offs
            .change(&flow.account, id, |link| {
                link.complete(granted_by, Timestamp::now());
                Ok::<(), std::convert::Infallible>(())
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(error = %chain(&error), "that a link is complete was not noted");
        }
    }
    ending
}

async fn record_on_the_log(
    gateway: &Gateway,
    flow: &Flow,
    answer: FinishAdministratorConsent,
) -> Ending {
    let recorded = gateway
        .ledger
        .decide_company(&flow.account, |company| {
            administrator_consent::finish(company, answer.clone())
        })
        .await;
    Ending::of(recorded.map(|_| Ending::completed()))
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
