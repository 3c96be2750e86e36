//! The login hook saw a user sign in through Microsoft, and grants what the administrator
//! consented to.

use assent_contract::command::{AutomaticGrantRecorded, RecordAutomaticGrant};
use assent_domain::decide::automatic_grant;
use assent_domain::effective::effective;
use assent_domain::ids::{ConsentId, MicrosoftIdentity, ObjectId, Scope};

use crate::failure::Failure;
use crate::gateway::Gateway;

pub(crate) async fn record_automatic_grant(
    gateway: &Gateway,
    request: RecordAutomaticGrant,
) -> Result<AutomaticGrantRecorded, Failure> {
    let command = automatic_grant::RecordAutomaticGrant {
        account: request.account_id.clone(),
        user: request.user_id.clone(),
        consent: ConsentId(request.consent_id),
        wanted: request.permissions.into(),
        identity: MicrosoftIdentity {
            tenant: request.tenant.into(),
            object_id: ObjectId(request.object_id),
        },
        scopes: Vec::new(),
    };
    let recorded = gateway
        .ledger
        .decide_user(&request.account_id, &request.user_id, |company, user| {
            let permissions = automatic_grant::granted(company, &command)?;
            let scopes = gateway
                .scopes
                .of(permissions)
                .into_iter()
                .map(Scope)
                .collect();
            automatic_grant::record(
                company,
                user,
                automatic_grant::RecordAutomaticGrant {
                    scopes,
                    ..command.clone()
                },
            )
        })
        .await?;
    Ok(AutomaticGrantRecorded {
        effective: effective(&recorded.company, &recorded.user).into(),
        sequence: recorded.sequence.0,
    })
}
