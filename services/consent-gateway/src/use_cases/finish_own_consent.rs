//! A user came back from Microsoft: with a code, or with one of the three kinds of "no".

use assent_contract::values::{Identity, PermissionSet as WirePermissionSet};
use assent_domain::decide::own_consent::{self, DeclineOwnPermissions, GrantOwnPermissions};
use assent_domain::ids::{Epoch, MicrosoftIdentity, ObjectId, Scope};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationCode, AuthorizationError, ErrorClass, TenantRef, random_token,
};
use jiff::Timestamp;
use url::Url;

use crate::failure::Failure;
use crate::flow::{
    CONFIRMATION_LIFETIME, Digest, Ending, Flow, OwnConsent, Purpose, Stage, Stored,
};
use crate::gateway::Gateway;
use crate::use_cases::finish_admin_consent::redeem;
use crate::use_cases::take_callback::{Proof, end, used, way_back};

pub(crate) async fn finish_own_consent(
    gateway: &Gateway,
    mut stored: Stored,
    proof: Proof,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let own = own_consent_of(&stored.flow)?;
    let redeemed = match redeem(gateway, &stored.flow.purpose, proof, code).await {
        Ok(redeemed) => redeemed,
        Err(ending) => return end(gateway, stored, ending).await,
    };
    let tenant = match gateway
        .tenant(&TenantRef::Id(redeemed.identity.tenant_id))
        .await
    {
        Ok(tenant) => tenant,
        Err(failure) => return end(gateway, stored, Ending::of(Err(failure))).await,
    };
    let identity = MicrosoftIdentity {
        tenant,
        object_id: ObjectId(redeemed.identity.object_id),
    };
    let held = Held {
        permissions: gateway.scopes.permissions(&redeemed.scopes),
        scopes: redeemed.scopes.iter().map(str::to_owned).collect(),
        identity,
    };
    if own.expected.is_some() {
        let ending = Ending::of(record(gateway, &stored.flow, held).await);
        return end(gateway, stored, ending).await;
    }

    // Whoever began the flow may have sent its link to somebody else, whose mailbox must not
    // end up under the wrong name. So the browser brings a secret back to the host
    // application, which only it can confirm, as the user who began.
    let confirm = random_token();
    stored.flow.expires_at = Timestamp::now() + CONFIRMATION_LIFETIME;
    stored.flow.stage = Stage::AwaitingConfirmation {
        confirm: Digest::of(&confirm),
        held: held.permissions.into(),
        scopes: held.scopes,
        identity: held.identity.into(),
    };
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    Ok(way_back(gateway, &stored.flow, Some(&confirm)))
}

/// Microsoft said no. Only a decline is the user's own answer, and recorded.
pub(crate) async fn refused(
    gateway: &Gateway,
    stored: Stored,
    error: &AuthorizationError,
) -> Result<Url, Failure> {
    let mut ending = Ending::from_microsoft(error, &stored.flow.purpose);
    if error.class == ErrorClass::Declined {
        let own = own_consent_of(&stored.flow)?;
        let command = DeclineOwnPermissions {
            account: stored.flow.account.clone(),
            user: stored.flow.started_by.clone(),
            begun_in: own.begun_in,
            asked: own.asked.kinds(),
        };
        let recorded = gateway
            .ledger
            .decide_user(
                &stored.flow.account,
                &stored.flow.started_by,
                |company, user| own_consent::decline(company, user, command.clone()),
            )
            .await;
        ending = Ending::of(recorded.map(|_| ending));
    }
    end(gateway, stored, ending).await
}

/// What Microsoft granted, and to whom.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) permissions: PermissionSet,
    pub(crate) scopes: Vec<String>,
    pub(crate) identity: MicrosoftIdentity,
}

/// Records the grant.
pub(crate) async fn record(gateway: &Gateway, flow: &Flow, held: Held) -> Result<Ending, Failure> {
    let own = own_consent_of(flow)?;
    let command = GrantOwnPermissions {
        account: flow.account.clone(),
        user: flow.started_by.clone(),
        begun_in: own.begun_in,
        asked: own.asked,
        held: held.permissions,
        scopes: held.scopes.into_iter().map(Scope).collect(),
        identity: held.identity,
        expected: own.expected,
    };
    let recorded = gateway
        .ledger
        .decide_user(&flow.account, &flow.started_by, |company, user| {
            own_consent::grant(company, user, command.clone())
        })
        .await;
    if let Err(Failure::Refused(Refusal::IdentityMismatch)) = recorded {
        tracing::warn!(
            security_event = "identity_mismatch",
            flow.id = %flow.id,
            account.id = %flow.account,
            "a flow was finished by another Microsoft identity than expected"
        );
    }
    recorded?;
    let missing = own.asked.missing_from(held.permissions);
    Ok(if missing.is_nothing() {
        Ending::Completed
    } else {
        let names: Vec<_> = missing
            .kinds()
            .iter()
            .map(|permission| assent_contract::values::Permission::from(permission).as_str())
            .collect();
        Ending::CompletedInPart(format!(
            "Microsoft did not grant all of: {}",
            names.join(", ")
        ))
    })
}

/// What a grant waiting for its confirmation holds.
pub(crate) fn awaiting(held: WirePermissionSet, scopes: Vec<String>, identity: Identity) -> Held {
    Held {
        permissions: held.into(),
        scopes,
        identity: identity.into(),
    }
}

fn own_consent_of(flow: &Flow) -> Result<OwnConsent, Failure> {
    match &flow.purpose {
        Purpose::OwnConsent {
            asked,
            begun_in,
            expected,
        } => Ok(OwnConsent {
            asked: (*asked).into(),
            begun_in: Epoch(*begun_in),
            expected: expected.map(Into::into),
        }),
        Purpose::AdministratorConsent { .. } => Err(Failure::Invalid(
            "this flow asked for an administrator".to_owned(),
        )),
    }
}
