//! Settings > Account, as it is shown.

use askama::Template;
use assent_consent_core::command_executor::Account;
use assent_consent_core::messages;
use assent_consent_core::use_cases::head_count::HeadCount;
use assent_consent_core::views::WithdrawnConsentView;
use assent_contract::command::Reach;
use assent_contract::values::kinds_from_list;
use assent_domain::decide::administrator_consent::Mailboxes;
use assent_domain::event::AdminConsentGranted;
use assent_domain::ids::Sequence;
use assent_domain::mode::EmailSync;
use assent_domain::permissions::{Permission, PermissionSet};
use assent_event_log::RecordedEvent;

use super::Frame;
use super::company_dialog::Dialog;
use super::history::{self, Told};
use super::links::LinkView;
use super::notice::Notice;
use crate::labels::{self, When};
use crate::layout::Layout;
use crate::session::InSession;
use crate::site::Site;

#[derive(Template)]
#[template(path = "company.html")]
pub(super) struct CompanyPage<'a> {
    layout: Layout<'a>,
    frame: Frame<'a>,
    notice: Option<Notice>,
    /// The company's last event, so that a form is not carried out on what somebody else has changed meanwhile.
    seen: u64,
    is_full: bool,
    consent: Option<ConsentView>,
    /// What of it is dead at Microsoft.
    withdrawn: Option<Withdrawn>,
    /// How many users there are, and what they have.
    count: Option<String>,
    dialog: Dialog,
    /// Why no administrator can be asked, whatever is selected.
    obstacle: Option<&'static str>,
    items: Vec<Item>,
    email_scopes: EmailScopes,
    links: Vec<LinkView>,
    history: Told,
}

/// A permission in the dialog.
struct Item {
    key: &'static str,
    name: &'static str,
    meaning: &'static str,
    scopes: String,
    is_ticked: bool,
}

struct EmailScopes {
    full: String,
    limited: String,
}

/// The administrator's consent in force.
struct ConsentView {
    permissions: String,
    /// The level of e-mail.
    email: &'static str,
    scopes: String,
    requested_by: String,
    accepted_by: String,
    tenant: String,
    at: When,
    verified_by: String,
    /// How many have signed in again since.
    signed_in: Option<String>,
}

/// What of the consent in force Microsoft has said to be withdrawn.
struct Withdrawn {
    permissions: String,
    since: When,
    /// How it was withdrawn.
    how: &'static str,
    /// Whom it concerns.
    concerns: Option<String>,
}

impl Withdrawn {
    fn new(found: &WithdrawnConsentView, count: Option<HeadCount>) -> Self {
        Self {
            permissions: labels::list_kinds(kinds_from_list(&found.permissions)),
            since: When(found.since),
            how: match found.reach {
                Reach::Tenant => {
                    "The application is not in your organisation any more, or is switched off there."
                }
                Reach::User => "The consent for it was removed, for one user at least.",
            },
            concerns: count.map(concerned),
        }
    }
}

/// All that the page is made of.
pub(super) struct Parts<'a> {
    pub(super) site: &'a Site,
    pub(super) session: &'a InSession,
    pub(super) company: &'a Account,
    pub(super) count: Option<HeadCount>,
    pub(super) withdrawn: Option<WithdrawnConsentView>,
    pub(super) links: Vec<LinkView>,
    pub(super) notice: Option<Notice>,
    pub(super) dialog: Dialog,
    pub(super) mailboxes: Mailboxes,
    /// The history from before this event.
    pub(super) before: Option<Sequence>,
}

impl<'a> CompanyPage<'a> {
    pub(super) fn new(parts: Parts<'a>) -> Self {
        let Parts {
            site,
            session,
            company,
            count,
            withdrawn,
            links,
            notice,
            dialog,
            mailboxes,
            before,
        } = parts;
        let state = &company.state;
        let full = EmailSync::Full.level();
        let item = |permission, is_ticked| Item {
            key: labels::key(permission),
            name: labels::name(permission),
            meaning: labels::meaning(permission, full),
            scopes: scopes(site, labels::only(permission, full)),
            is_ticked,
        };
        let email = |sync: EmailSync| scopes(site, labels::only(Permission::Email, sync.level()));
        Self {
            layout: Layout::new(site),
            frame: Frame::new(site, session, "company"),
            notice,
            seen: state.last_sequence.0,
            is_full: state.email_sync == EmailSync::Full,
            consent: company
                .consent()
                .map(|(recorded, granted)| ConsentView::new(recorded, granted, count)),
            withdrawn: withdrawn.map(|found| Withdrawn::new(&found, count)),
            count: count.map(in_words),
            items: Vec::from([
                item(Permission::Calendar, dialog.permissions.calendar),
                item(Permission::Contacts, dialog.permissions.contacts),
            ]),
            dialog,
            obstacle: match mailboxes {
                Mailboxes::OnPremisesOnly => Some(messages::for_code("on_premises_exchange")),
                Mailboxes::NothingAgainst => None,
            },
            email_scopes: EmailScopes {
                full: email(EmailSync::Full),
                limited: email(EmailSync::Limited),
            },
            links,
            history: history::entries(company.history.events(), &session.session.user, &[], before),
        }
    }
}

/// What the dialog begins with: what is in force, or all of it.
pub(super) fn dialog_of(company: &Account) -> Dialog {
    let consent = company.state.consent();
    Dialog::with_permissions(
        consent.map_or(PermissionSet::EVERYTHING, |consent| consent.permissions),
    )
}

impl ConsentView {
    fn new(
        recorded: &RecordedEvent,
        granted: &AdminConsentGranted,
        count: Option<HeadCount>,
    ) -> Self {
        let roles = granted.verification.roles.iter().map(|role| {
            format!(
                "Microsoft's sign-in showed the role {}",
                labels::role(*role)
            )
        });
        let grant = granted
            .verification
            .tenant_wide_grant
            .then(|| "Microsoft Graph lists the consent for the whole organisation".to_owned());
        let scopes: Vec<_> = granted
            .scopes
            .iter()
            .map(|scope| scope.0.as_str())
            .collect();
        Self {
            permissions: labels::list(granted.permissions),
            email: labels::level(granted.permissions.email),
            scopes: scopes.join(" "),
            requested_by: granted.requested_by.to_string(),
            accepted_by: granted.granted_by.0.to_string(),
            tenant: granted.tenant.id.0.to_string(),
            at: When(recorded.decoded.metadata.time),
            verified_by: roles.chain(grant).collect::<Vec<_>>().join("; "),
            signed_in: count.map(signed_in),
        }
    }
}

fn scopes(site: &Site, permissions: PermissionSet) -> String {
    site.scopes.scopes_for(permissions).join(" ")
}

/// "2 have so far, 1 has not yet (of the users known here)."
fn signed_in(count: HeadCount) -> String {
    let have = |number: usize| if number == 1 { "has" } else { "have" };
    let (some, others) = (count.connected, count.users - count.connected);
    let more = if count.is_partial { "more than " } else { "" };
    format!(
        "{some} {} so far, {more}{others} {} not yet (of the users known here).",
        have(some),
        have(others)
    )
}

/// "It concerns 3 users known here: 1 user is still connected, until Microsoft is asked about them, within the hour."
fn concerned(count: HeadCount) -> String {
    let more = if count.is_partial { "more than " } else { "" };
    let concerns = format!(
        "It concerns {more}{} known here",
        labels::users(count.users)
    );
    if count.connected == 0 {
        return format!("{concerns}. Nothing is on any more for any of them.");
    }
    let are = if count.connected == 1 { "is" } else { "are" };
    format!(
        "{concerns}: {} {are} still connected, until Microsoft is asked about each, usually within the hour.",
        labels::users(count.connected)
    )
}

/// "3 users are connected: 2 with Calendar, 1 with Contacts, 3 with Email (1 of them full)".
fn in_words(count: HeadCount) -> String {
    if count.connected == 0 {
        return "Nobody is connected at the moment.".to_owned();
    }
    let more = if count.is_partial { "More than " } else { "" };
    let are = if count.connected == 1 { "is" } else { "are" };
    format!(
        "{more}{} {are} connected: {} with Calendar, {} with Contacts, {} with Email ({} of them with Full sync).",
        labels::users(count.connected),
        count.calendar,
        count.contacts,
        count.email,
        count.full_email
    )
}

/// Asks before something ends for others.
#[derive(Template)]
#[template(path = "company_change.html")]
pub(super) struct ChangePage<'a> {
    pub(super) layout: Layout<'a>,
    pub(super) frame: Frame<'a>,
    pub(super) seen: u64,
    pub(super) change: Change,
    /// Whom it concerns.
    pub(super) concerns: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    ToLimitedSync,
    ToUsers,
}

impl Change {
    /// How many users lose what by it.
    pub(super) fn concerns(self, count: HeadCount) -> String {
        let more = if count.is_partial { "more than " } else { "" };
        match self {
            Self::ToLimitedSync => format!(
                "At the moment this concerns {more}{} whose replies are synced.",
                labels::users(count.full_email)
            ),
            Self::ToUsers if count.connected == 0 => {
                "At the moment nobody loses anything by it.".to_owned()
            }
            Self::ToUsers => format!(
                "At the moment {more}{} would lose what they have: {} lose Calendar, {} Contacts, {} Email.",
                labels::users(count.connected),
                count.calendar,
                count.contacts,
                count.email
            ),
        }
    }
}
