//! Rendering an explanation: as text for people, as JSON for programs.

use std::io;

use assent_contract::query::UserQuery;
use assent_contract::values::{Identity, PermissionSet};
use assent_contract::words::PermissionState;
use assent_domain::account::AccountState;
use assent_domain::event::RevocationReason;
use assent_domain::explanation::{PermissionStatus, PermissionTrail};
use assent_domain::ids::Sequence;
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::{EmailLevel, Permission};
use jiff::Timestamp;
use serde::Serialize;

use super::custody::{Custody, HeldView, LastToken};
use super::evidence_lines::EvidenceLines;
use super::{Asked, Comparison, Evidence};
use crate::arguments::Moment;
use crate::event_line::EventLine;
use crate::event_text;
use crate::output::{Output, clock};

/// The explanation as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationView {
    account_id: String,
    user_id: String,
    /// The last event that is taken into account, where the past was asked for.
    up_to: Option<u64>,
    #[serde(skip)]
    at: Option<Moment>,
    /// Why another moment than the one asked for is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    /// Whether anything was recorded of the user, up to then.
    recorded: bool,
    /// Whether anything was recorded of the company, up to then.
    company_recorded: bool,
    method: &'static str,
    email_sync: &'static str,
    epoch: u64,
    effective: PermissionSet,
    microsoft_identity: Option<Identity>,
    /// The refresh token that the token broker holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_token: Option<HeldView>,
    #[serde(skip)]
    custody: Option<String>,
    permissions: Vec<Trail>,
    late: Vec<EventLine>,
    /// What is recorded beside the events that are named.
    evidence: Vec<EvidenceLines>,
    /// Events that were recorded while the log was damaged, without knowing of what lay between.
    past_damage: Vec<EventLine>,
    /// The messages that are void.
    void: Vec<EventLine>,
    projection: Comparison,
    findings: Vec<String>,
}

/// Why one permission is what it is.
#[derive(Debug, Serialize)]
struct Trail {
    permission: &'static str,
    state: PermissionState,
    on: bool,
    #[serde(skip)]
    level: EmailLevel,
    why: String,
    since: Option<Since>,
    because: Vec<EventLine>,
    /// The last access token that was given out for it, which may outlive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_token: Option<LastToken>,
}

/// The event since which a permission is as it is.
#[derive(Debug, Serialize)]
struct Since {
    sequence: u64,
    time: Option<Timestamp>,
}

impl ExplanationView {
    pub(super) fn new(
        query: &UserQuery,
        asked: &Asked,
        evidence: &Evidence,
        projection: Comparison,
        custody: &Custody,
    ) -> Self {
        let at = asked.past();
        let remark = match asked {
            Asked::Now(remark) => remark.clone(),
            Asked::Past(_) => None,
        };
        let explanation = &evidence.explanation;
        let mut findings = evidence.findings.clone();
        if let Comparison::Differs(difference) = &projection {
            findings.push(format!("the projection differs from the log: {difference}"));
        }
        let trail = |permission| Trail::new(evidence, permission, custody);
        let late = explanation.late.iter().filter_map(|sequence| {
            Some(EventLine::from_recorded(evidence.find(*sequence)?).too_late())
        });
        let past_damage = evidence
            .past_damage
            .iter()
            .filter_map(|sequence| Some(EventLine::from_recorded(evidence.find(*sequence)?)));
        Self {
            account_id: query.account_id.to_string(),
            user_id: query.user_id.to_string(),
            up_to: at.and(evidence.last()).map(|last| last.0),
            at,
            remark,
            recorded: !evidence.user.is_empty(),
            company_recorded: !evidence.company.is_empty(),
            method: event_text::method(explanation.account.method()),
            email_sync: event_text::email_sync(explanation.account.email_sync),
            epoch: explanation.account.epoch.0,
            effective: explanation.effective.into(),
            microsoft_identity: explanation
                .user
                .in_epoch(explanation.account.epoch)
                .identity
                .map(Identity::from),
            held_token: custody.held(),
            custody: custody.line(),
            permissions: Permission::ALL.into_iter().map(trail).collect(),
            late: late.collect(),
            evidence: EvidenceLines::of(evidence),
            past_damage: past_damage.collect(),
            void: evidence.voids.iter().map(EventLine::from_void).collect(),
            projection,
            findings,
        }
    }

    pub(super) fn findings(&self) -> &[String] {
        &self.findings
    }

    pub(super) fn render(&self, output: &mut Output) -> io::Result<()> {
        let moment = match self.at {
            None => String::new(),
            Some(Moment::After(sequence)) => format!(", as it was after event {sequence}"),
            Some(Moment::Time(time)) => format!(", as it was at {}", clock(time)),
        };
        let (user, account) = (&self.user_id, &self.account_id);
        output.line(&format!("User {user} of account {account}{moment}"))?;
        if let Some(remark) = &self.remark {
            output.line(&format!("  {remark}"))?;
        }
        output.line(&format!(
            "  method      {} (email sync {}, epoch {})",
            self.method, self.email_sync, self.epoch
        ))?;
        let effective = event_text::permissions(self.effective.into());
        output.line(&format!("  effective   {effective}"))?;
        if let Some(identity) = self.microsoft_identity {
            let tenant = event_text::tenant(identity.tenant.into());
            let object = identity.object_id;
            output.line(&format!("  microsoft   {object} in tenant {tenant}"))?;
        }
        if let Some(custody) = &self.custody {
            output.line(&format!("  token       {custody}"))?;
        }
        if !self.recorded && self.findings.is_empty() {
            let who = if self.company_recorded || self.at.is_none() {
                "of the user"
            } else {
                "of the user or the company"
            };
            let when = self.at.map_or_else(
                || format!("Nothing was ever recorded {who}"),
                |_| format!("Nothing was recorded {who} yet"),
            );
            output.line(&format!(
                "  {when}: this is the default state, and nothing is allowed."
            ))?;
        }
        output.line("")?;
        for trail in &self.permissions {
            trail.render(output)?;
        }
        let brief =
            |lines: &[EventLine]| -> Vec<_> { lines.iter().map(EventLine::brief).collect() };
        output.section("Too late", &brief(&self.late))?;
        let lines: Vec<_> = self
            .evidence
            .iter()
            .flat_map(EvidenceLines::lines)
            .collect();
        output.section("Evidence", &lines)?;
        output.section(
            "Recorded while the log was damaged",
            &brief(&self.past_damage),
        )?;
        output.section("Void: no events, and passed over", &brief(&self.void))?;
        self.render_comparison(output)
    }

    fn render_comparison(&self, output: &mut Output) -> io::Result<()> {
        match &self.projection {
            Comparison::NotAsked | Comparison::Differs(_) => {}
            Comparison::Agrees(sequence) => {
                output.line("")?;
                output.line(&format!(
                    "The projection says the same, having applied the log up to event {sequence}."
                ))?;
            }
            Comparison::Unanswered(why) => {
                output.line("")?;
                output.line(&format!("Not compared: {why}."))?;
            }
        }
        output.findings(&self.findings)
    }
}

impl Trail {
    fn new(evidence: &Evidence, permission: Permission, custody: &Custody) -> Self {
        let explanation = &evidence.explanation;
        let PermissionTrail {
            status,
            since,
            because,
        } = explanation.trail(permission);
        let line = |sequence: &Sequence| {
            let line = EventLine::from_recorded(evidence.find(*sequence)?);
            Some(if explanation.moved.contains(sequence) {
                line.by_another_account()
            } else {
                line
            })
        };
        let is_believed = evidence.findings.is_empty();
        let came_too_late = *status == PermissionStatus::NeverGranted
            && explanation
                .late
                .iter()
                .any(|sequence| evidence.grants(*sequence, permission));
        Self {
            permission: event_text::permission(permission),
            state: if is_believed {
                PermissionState::from(*status)
            } else {
                PermissionState::Unknown
            },
            on: explanation.effective.kinds().contains(permission),
            level: match permission {
                Permission::Calendar | Permission::Contacts => EmailLevel::None,
                Permission::Email => explanation.effective.email,
            },
            why: if is_believed {
                why(*status, &explanation.account, permission, came_too_late).to_owned()
            } else {
                "nothing is believed of events that can't be believed".to_owned()
            },
            since: since.map(|sequence| Since {
                sequence: sequence.0,
                time: evidence
                    .find(sequence)
                    .map(|recorded| recorded.decoded.metadata.time),
            }),
            because: because.iter().filter_map(line).collect(),
            last_token: custody.last_token(permission),
        }
    }

    fn render(&self, output: &mut Output) -> io::Result<()> {
        let state = match (self.on, self.level) {
            (false, _) => "off".to_owned(),
            (true, EmailLevel::None) => "on".to_owned(),
            (true, level) => format!("on ({})", event_text::email_level(level)),
        };
        let since = match &self.since {
            Some(Since {
                sequence,
                time: Some(time),
            }) => format!(", since {} (event {sequence})", clock(*time)),
            Some(Since {
                sequence,
                time: None,
            }) => format!(", since event {sequence}"),
            None => String::new(),
        };
        let why = &self.why;
        output.line(&format!("{:<9} {state}{since}: {why}", self.permission))?;
        for line in &self.because {
            output.line(&line.brief())?;
        }
        match &self.last_token {
            Some(last) if !self.on => output.line(&last.line()),
            Some(_) | None => Ok(()),
        }
    }
}

fn why(
    status: PermissionStatus,
    account: &AccountState,
    permission: Permission,
    came_too_late: bool,
) -> &'static str {
    let left_out = account
        .consent()
        .is_some_and(|consent| !consent.permissions.kinds().contains(permission));
    match (status, account.method()) {
        (PermissionStatus::Granted, AuthorizationMethod::UserIndividual) => "granted by the user",
        (PermissionStatus::Granted, AuthorizationMethod::AdminConfigured) => {
            "granted by the company's administrator"
        }
        (PermissionStatus::NeverGranted, AuthorizationMethod::AdminConfigured) if left_out => {
            "not in the administrator's consent"
        }
        (PermissionStatus::NeverGranted, _) if came_too_late => {
            "the grant came too late: the company had moved on by then"
        }
        (PermissionStatus::NeverGranted, AuthorizationMethod::UserIndividual) => {
            "the user has not granted it under the company's present method"
        }
        (PermissionStatus::NeverGranted, AuthorizationMethod::AdminConfigured) => {
            "the user has not signed in through Microsoft since the company's administrator consented"
        }
        (PermissionStatus::LeftBehind, _) => {
            "the user granted it for another Microsoft account than that of the present grants"
        }
        (PermissionStatus::NotInConsent, _) => {
            "granted before, and not in the administrator's consent in force"
        }
        (PermissionStatus::Ended(RevocationReason::UserRevoked), _) => "the user took it back",
        (PermissionStatus::Ended(RevocationReason::UserDeclined), _) => {
            "the user declined it at Microsoft"
        }
        (PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn), _) => {
            "the consent was withdrawn at Microsoft"
        }
    }
}
