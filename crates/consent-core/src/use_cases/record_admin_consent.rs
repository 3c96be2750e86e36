//! A proved consent of an administrator is recorded: on the log, or as the approval that leaves everything to the users.

use std::convert::Infallible;

use assent_domain::decide::administrator_consent::{self, FinishAdministratorConsent};
use assent_domain::decide::approval;
use assent_domain::ids::Epoch;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::ScopeSet;
use assent_service_kit::error_chain::with_sources;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{
    AnotherPurpose, Flow, FlowFailure, FlowOutcome, HandOffPurpose, Purpose, RequestedConsent,
    Route,
};
use crate::gateway::Gateway;
use crate::use_cases::observe_consent;

/// What an administrator's flow asked for.
pub(crate) fn asked_of(flow: &Flow) -> Result<(RequestedConsent, Route), Failure> {
    let Purpose::AdministratorConsent {
        permissions,
        begun_in,
        route,
        ..
    } = &flow.purpose
    else {
        return Err(Failure::Internal(AnotherPurpose.into()));
    };
    let asked = RequestedConsent {
        account: flow.account.clone(),
        requested_by: flow.started_by.clone(),
        begun_in: Epoch(begun_in.ok_or(Refusal::FlowExpired)?),
        permissions: (*permissions).into(),
    };
    Ok((asked, *route))
}

/// Whether it could be recorded as things are now.
pub(crate) async fn may_record(
    gateway: &Gateway,
    route: Route,
    answer: &FinishAdministratorConsent,
) -> Result<(), Failure> {
    let company = gateway.executor.account(&answer.account).await?.state;
    match route.purpose() {
        HandOffPurpose::AdministratorConsent => {
            administrator_consent::finish(&company, answer.clone()).map(drop)?;
        }
        HandOffPurpose::Approval => approval::finish(&company, answer)?,
    }
    Ok(())
}

/// Records it. Doing so twice changes nothing, so what failed half-way can be done again.
pub(crate) async fn record(
    gateway: &Gateway,
    flow: &Flow,
    route: Route,
    answer: FinishAdministratorConsent,
) -> Result<FlowOutcome, Failure> {
    // Whoever asked may have been cut off while Microsoft was asked.
    let present = gateway
        .cutoffs
        .generation(&flow.account, &flow.started_by)
        .await?;
    if !present.is(&flow.generation) {
        return Err(Refusal::FlowExpired.into());
    }
    let (tenant, scopes) = (answer.tenant, scopes_of(gateway, &answer));
    let outcome = match route {
        Route::Direct => record_on_the_log(gateway, answer).await?,
        Route::HandOff { id, purpose } => {
            record_by_link(gateway, flow, (id, purpose), answer).await?
        }
    };
    if matches!(outcome, FlowOutcome::Completed(_)) {
        observe_consent::on_granted_for_everybody(gateway, &flow.account, tenant, &scopes).await;
    }
    Ok(outcome)
}

fn scopes_of(gateway: &Gateway, answer: &FinishAdministratorConsent) -> ScopeSet {
    let names: Vec<_> = answer.scopes.iter().map(|scope| scope.0.as_str()).collect();
    ScopeSet::parse(&names.join(" "), &gateway.graph_url)
}

async fn record_by_link(
    gateway: &Gateway,
    flow: &Flow,
    (id, purpose): (Uuid, HandOffPurpose),
    answer: FinishAdministratorConsent,
) -> Result<FlowOutcome, Failure> {
    // Somebody may take the link back at this very moment: one of the two comes first.
    let claimed = gateway
        .hand_offs
        .change(&flow.account, id, |link| link.claim(flow.id, gateway.now()))
        .await?;
    if !matches!(claimed, Some(Ok(_))) {
        return Ok(FlowOutcome::Failed(FlowFailure::HandOffClosed));
    }
    let granted_by = answer.granted_by.0;
    let outcome = match purpose {
        HandOffPurpose::AdministratorConsent => record_on_the_log(gateway, answer).await?,
        // Nobody's permissions change, so there is nothing to record: Microsoft lets users consent from now on.
        HandOffPurpose::Approval => {
            let company = gateway.executor.account(&flow.account).await?.state;
            approval::finish(&company, &answer)?;
            FlowOutcome::completed()
        }
    };
    tracing::info!(
        hand_off.id = %id,
        account.id = %flow.account,
        granted_by.object_id = %granted_by,
        "an administrator consented by a link"
    );
    let noted = gateway
        .hand_offs
        .change(&flow.account, id, |link| {
            link.complete(granted_by, gateway.now());
            Ok::<(), Infallible>(())
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(error = %with_sources(&error), "that a link is complete was not noted");
    }
    Ok(outcome)
}

async fn record_on_the_log(
    gateway: &Gateway,
    answer: FinishAdministratorConsent,
) -> Result<FlowOutcome, Failure> {
    let account = answer.account.clone();
    gateway
        .executor
        .execute_on_account(&account, |company| {
            administrator_consent::finish(company, answer.clone())
        })
        .await?;
    Ok(FlowOutcome::completed())
}
