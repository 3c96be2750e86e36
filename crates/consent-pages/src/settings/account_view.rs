//! Settings > My account, as it is shown.

use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::messages;
use assent_consent_core::observations::{Approval, MailboxState};
use assent_consent_core::use_cases::queries::UserOverview;
use assent_consent_core::views::{self, Receipt, events, time_of};
use assent_domain::event::RevocationReason;
use assent_domain::explanation::{Explanation, PermissionStatus, explain};
use assent_domain::ids::Sequence;
use assent_domain::mode::{AuthorizationMethod, EmailSync};
use assent_domain::permissions::{EmailLevel, Permission};

use jiff::Timestamp;
use uuid::Uuid;

use super::Frame;
use super::history::{self, Told};
use super::links::LinkView;
use super::notice::Notice;
use crate::labels::{self, When};
use crate::layout::Layout;
use crate::session::InSession;
use crate::site::Site;

/// The order in which the boxes are shown.
const ORDER: [Permission; 3] = [
    Permission::Contacts,
    Permission::Calendar,
    Permission::Email,
];

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    layout: Layout<'a>,
    frame: Frame<'a>,
    notice: Option<Notice>,
    boxes: Vec<PermissionBox>,
    /// The session was opened from elsewhere, so nothing can be connected in it.
    binds_nothing: bool,
    epoch: u64,
    /// The boxes that were ticked when the page was shown, by name.
    shown: String,
    /// Under the administrator's method: who decided, and when.
    decided: Option<Decided>,
    /// What an administrator should be asked to approve, by name.
    needs_approval: Vec<&'static str>,
    mailbox: Option<&'static str>,
    connected: Option<Connected>,
    links: Vec<LinkView>,
    history: Told,
}

/// One permission.
struct PermissionBox {
    key: &'static str,
    name: &'static str,
    meaning: &'static str,
    scopes: String,
    is_on: bool,
    status: &'static str,
    since: Option<When>,
    /// How long the last access token outlives it, where it has ended.
    tail: Option<Tail>,
    /// What to know beside it.
    remark: Option<&'static str>,
    /// The company allows more e-mail by now than the user has granted.
    can_be_extended: bool,
}

/// An access token can't be recalled, so the last one that was given out outlives the permission.
struct Tail {
    ends: When,
    is_over: bool,
}

/// The Microsoft account whose mailbox the permissions are of, or were last.
struct Connected {
    object_id: Uuid,
    tenant_id: Uuid,
    is_on: bool,
    /// When Microsoft last said yes to what is on.
    verified_at: Option<When>,
}

/// An administrator's consent, as far as it concerns a user.
struct Decided {
    since: When,
    requested_by: String,
    accepted_by: String,
    /// Nothing came of it for this user yet: that needs a sign-in through Microsoft.
    awaits_sign_in: bool,
    /// What came of it was withdrawn at Microsoft: that needs an administrator first.
    is_withdrawn: bool,
}

impl<'a> AccountPage<'a> {
    pub(super) fn new(
        site: &'a Site,
        session: &'a InSession,
        known: &UserOverview,
        links: Vec<LinkView>,
        notice: Option<Notice>,
        before: Option<Sequence>,
    ) -> Result<Self, Failure> {
        let (company, user) = (&known.company, &known.user);
        let explanation = explain(events(&company.history), events(&user.history))
            .map_err(|illegal| Failure::Unreadable(illegal.into()))?;
        let boxes: Vec<_> = ORDER
            .into_iter()
            .map(|permission| PermissionBox::new(site, known, &explanation, permission))
            .collect();
        let on: Vec<_> = boxes
            .iter()
            .filter(|shown| shown.is_on)
            .map(|shown| shown.key)
            .collect();
        let decided = Decided::new(known, &explanation);
        // An administrator's approval would not help.
        let is_on_premises = known
            .learnt
            .mailbox
            .is_some_and(|mailbox| mailbox.state == MailboxState::OnPremisesExchange);
        let needs_approval = ORDER.into_iter().filter(|permission| {
            decided.is_none()
                && !is_on_premises
                && !explanation.effective.kinds().contains(*permission)
                && !matches!(approval(known, *permission), Approval::NotNeeded)
        });
        let all = company.history.events().iter().chain(user.history.events());
        Ok(Self {
            layout: Layout::new(site),
            frame: Frame::new(site, session, "account"),
            binds_nothing: session.session.opened_elsewhere,
            epoch: company.state.epoch.0,
            shown: on.join(" "),
            needs_approval: needs_approval.map(labels::key).collect(),
            decided,
            mailbox: known
                .learnt
                .mailbox
                .and_then(messages::for_mailbox)
                // Once is enough.
                .filter(|sentence| {
                    notice
                        .as_ref()
                        .is_none_or(|notice| notice.text != *sentence)
                }),
            notice,
            boxes,
            connected: Connected::new(known, &explanation),
            links,
            history: history::entries(all, &session.session.user, &explanation.late, before),
        })
    }
}

impl PermissionBox {
    fn new(
        site: &Site,
        known: &UserOverview,
        explanation: &Explanation,
        permission: Permission,
    ) -> Self {
        let (company, user) = (&known.company.state, &known.user.state);
        let trail = explanation.trail(permission);
        let time = |at| time_of(&known.company, &known.user, at);
        let is_on = explanation.effective.kinds().contains(permission);
        let level = match (company.consent(), is_on) {
            (Some(consent), _) if consent.permissions.email != EmailLevel::None => {
                consent.permissions.email
            }
            (None, true) => explanation.effective.email,
            (Some(_), _) | (None, false) => company.email_sync.level(),
        };
        let own = user.in_epoch(company.epoch).own;
        let is_email = permission == Permission::Email;
        let is_capped = is_email && explanation.effective.email < own.email;
        let remark = if is_on {
            is_capped.then_some(
                "Limited for now: you granted more, but your company has set its e-mail sync to Limited.",
            )
        } else if company.consent().is_some() {
            None
        } else {
            of_approval(approval(known, permission))
        };
        Self {
            key: labels::key(permission),
            name: labels::name(permission),
            meaning: labels::meaning(permission, level),
            scopes: site
                .scopes
                .scopes_for(labels::only(permission, level))
                .join(" "),
            is_on,
            status: status(trail.status),
            since: trail.since.and_then(time).map(When),
            tail: views::receipt(explanation, permission, known.custody.as_ref(), time)
                .and_then(|receipt| Tail::new(receipt, site.now())),
            remark,
            can_be_extended: is_email
                && is_on
                && company.method() == AuthorizationMethod::UserIndividual
                && company.email_sync == EmailSync::Full
                && explanation.effective.email < EmailLevel::Full,
        }
    }
}

impl Connected {
    fn new(known: &UserOverview, explanation: &Explanation) -> Option<Self> {
        let identity = known
            .user
            .state
            .in_epoch(known.company.state.epoch)
            .identity?;
        Some(Self {
            object_id: identity.object_id.0,
            tenant_id: identity.tenant.id.0,
            is_on: !explanation.effective.is_nothing(),
            verified_at: views::verified_at(&known.company, &known.user, known.custody.as_ref())
                .map(When),
        })
    }
}

impl Tail {
    /// Of a token that ended before the permission did, there is nothing to say.
    fn new(receipt: Receipt, now: Timestamp) -> Option<Self> {
        let ends = receipt.last_token_expires_at?;
        (receipt.ended_at < ends).then(|| Self {
            ends: When(ends),
            is_over: ends <= now,
        })
    }
}

impl Decided {
    fn new(known: &UserOverview, explanation: &Explanation) -> Option<Self> {
        let (recorded, granted) = known.company.consent()?;
        let withdrawn = PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn);
        let is_withdrawn = ORDER
            .into_iter()
            .any(|permission| explanation.trail(permission).status == withdrawn);
        Some(Self {
            since: When(recorded.decoded.metadata.time),
            requested_by: granted.requested_by.to_string(),
            accepted_by: granted.granted_by.0.to_string(),
            awaits_sign_in: explanation.effective.is_nothing() && !is_withdrawn,
            is_withdrawn,
        })
    }
}

const fn status(status: PermissionStatus) -> &'static str {
    match status {
        PermissionStatus::Granted => "On",
        PermissionStatus::NeverGranted => "Off",
        PermissionStatus::LeftBehind => "Off: you granted it for another Microsoft account",
        PermissionStatus::NotInConsent => "Off: not in the administrator's consent",
        PermissionStatus::Ended(RevocationReason::UserRevoked) => "Off: you took it back",
        PermissionStatus::Ended(RevocationReason::UserDeclined) => "Off: declined at Microsoft",
        PermissionStatus::Ended(RevocationReason::MicrosoftWithdrawn) => {
            "Off: the consent was withdrawn at Microsoft"
        }
    }
}

const fn of_approval(approval: Approval) -> Option<&'static str> {
    match approval {
        Approval::NotNeeded => None,
        Approval::Likely => Some(
            "Microsoft may ask for an administrator's approval here. If it does, send your administrator a link, below.",
        ),
        Approval::Required => Some(
            "Your organisation lets only an administrator approve this. Send your administrator a link, below.",
        ),
    }
}

fn approval(known: &UserOverview, permission: Permission) -> Approval {
    let approvals = &known.learnt.approvals;
    approvals
        .get(&permission)
        .copied()
        .unwrap_or(Approval::NotNeeded)
}
