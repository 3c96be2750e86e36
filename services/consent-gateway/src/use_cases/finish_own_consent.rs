//! A user came back from Microsoft: with a code, or with one of the three kinds of "no".

use std::time::Duration;

use assent_domain::decide::own_consent::{self, DeclineOwnPermissions, GrantOwnPermissions};
use assent_domain::ids::{Epoch, MicrosoftIdentity, ObjectId, Scope, Tenant};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{
    AuthorizationCode, AuthorizationError, ErrorClass, Redeemed, TenantRef, random_token,
};
use jiff::Timestamp;
use url::Url;

use crate::failure::Failure;
use crate::flow::{
    CONFIRMATION_LIFETIME, Completion, Digest, Ending, Flow, OwnConsent, Purpose, Said, Stage,
};
use crate::gateway::Gateway;
use crate::observations::Mailbox;
use crate::records::Stored;
use crate::use_cases::learn;
use crate::use_cases::redeem::{Proof, redeem};
use crate::use_cases::take_callback::{end, used, way_back};

/// How long the browser waits for the mailbox to be found. It is good to know, and no reason to keep anybody waiting.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn finish_own_consent(
    gateway: &Gateway,
    mut stored: Stored<Flow>,
    proof: Proof,
    code: AuthorizationCode,
) -> Result<Url, Failure> {
    let own = own_consent_of(&stored.value)?;
    let redeemed = match redeem(gateway, &stored.value, proof, code).await {
        Ok(redeemed) => redeemed,
        Err(not_redeemed) => {
            if let Some(refusal) = &not_redeemed.refusal {
                learn::refused(gateway, &stored.value, &own, refusal).await;
            }
            return end(gateway, stored, not_redeemed.ending).await;
        }
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
    let granted = own.asked.meet(held.permissions);
    let looked_around = async {
        // Somebody else's mailbox, and what somebody else may do, is none of our business.
        if own.expected.is_some_and(|expected| expected != identity) {
            return None;
        }
        learn::got(gateway, &stored.value, &own, tenant, granted).await;
        Some(probe(gateway, &redeemed).await)
    };
    if own.expected.is_some() {
        // What the person came for does not wait for what is good to know.
        let recorded = record(gateway, &stored.value, held);
        let (recorded, mailbox) = tokio::join!(recorded, looked_around);
        let ending = match recorded {
            Ok(completion) => settle(gateway, &stored.value, completion, tenant, mailbox).await,
            Err(failure) => Ending::of(Err(failure)),
        };
        return end(gateway, stored, ending).await;
    }
    let mailbox = looked_around.await;

    // Whoever began the flow may have sent its link to somebody else, whose mailbox must not
    // end up under the wrong name. So the browser brings a secret back to the host
    // application, which only it can confirm, as the user who began.
    let confirm = random_token();
    stored.value.expires_at = Timestamp::now() + CONFIRMATION_LIFETIME;
    stored.value.stage = Stage::AwaitingConfirmation {
        confirm: Digest::of(&confirm),
        held: held.permissions.into(),
        scopes: held.scopes,
        identity: held.identity.into(),
        mailbox,
    };
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    Ok(way_back(gateway, &stored.value, Some(&confirm)))
}

/// Looks where the mailbox is, while there is a token to look with: none is kept.
async fn probe(gateway: &Gateway, redeemed: &Redeemed) -> Mailbox {
    let probed = gateway
        .entra
        .locate_mailbox(&redeemed.access_token, &redeemed.scopes);
    match tokio::time::timeout(PROBE_PATIENCE, probed).await {
        Ok(location) => Mailbox::seen(location),
        Err(_) => Mailbox::not_seen(),
    }
}

/// Microsoft said no. Only a decline is the user's own answer, and recorded.
pub(crate) async fn refused(
    gateway: &Gateway,
    stored: Stored<Flow>,
    error: &AuthorizationError,
) -> Result<Url, Failure> {
    let own = own_consent_of(&stored.value)?;
    learn::refused(gateway, &stored.value, &own, error).await;
    let mut ending = Ending::from_microsoft(error, Said::ByTheBrowser, &stored.value.purpose);
    if error.class == ErrorClass::Declined {
        let command = DeclineOwnPermissions {
            account: stored.value.account.clone(),
            user: stored.value.started_by.clone(),
            begun_in: own.begun_in,
            asked: own.asked.kinds(),
        };
        let recorded = gateway
            .ledger
            .decide_user(
                &stored.value.account,
                &stored.value.started_by,
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
pub(crate) async fn record(
    gateway: &Gateway,
    flow: &Flow,
    held: Held,
) -> Result<Completion, Failure> {
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
    Ok(Completion {
        not_granted: in_words(own.asked.missing_from(held.permissions)),
        mailbox_trouble: None,
    })
}

/// A grant is recorded: now its mailbox is its user's, and can be told.
pub(crate) async fn settle(
    gateway: &Gateway,
    flow: &Flow,
    completion: Completion,
    tenant: Tenant,
    mailbox: Option<Mailbox>,
) -> Ending {
    if let Some(mailbox) = mailbox {
        gateway
            .observations
            .note_mailbox(&flow.account, &flow.started_by, tenant, mailbox)
            .await;
    }
    Ending::Completed(Completion {
        mailbox_trouble: mailbox.and_then(Mailbox::trouble),
        ..completion
    })
}

fn in_words(permissions: PermissionSet) -> Option<String> {
    let names: Vec<_> = permissions
        .kinds()
        .iter()
        .map(|permission| assent_contract::values::Permission::from(permission).as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

pub(crate) fn own_consent_of(flow: &Flow) -> Result<OwnConsent, Failure> {
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
