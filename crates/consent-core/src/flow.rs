//! Flows: what was begun here, goes through Microsoft, and comes back in a browser.
//!
//! A flow is kept in a key-value bucket with expiry and changed by compare-and-swap, so any
//! gateway can take any callback, once. If a gateway dies while it redeems a code, the flow
//! is given up after a short time: nothing is half recorded, and the person starts again.

mod flow_secret;
mod microsoft_refusal;
mod open;
mod outcome;
mod store;
mod verified_consent;
mod visits;

use assent_domain::ids::{AccountId, Epoch, MicrosoftIdentity, Sequence, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_token_vault::TokenRecord;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use assent_contract::command::ConnectionPurpose;
use assent_contract::values::{Identity, PermissionSet as WirePermissionSet, Tenant, text};

use crate::cutoff::Generation;
use crate::messages;
use crate::names::Names;
use crate::observations::Mailbox;
use crate::secrets::Digest;

pub use crate::flow_state::FlowState;
pub(crate) use crate::flow_state::{OutcomeDetails, RefusalDetails};
pub(crate) use assent_contract::words::FlowFailure;
pub use flow_secret::FlowSecret;
pub(crate) use microsoft_refusal::ErrorSource;
use microsoft_refusal::MicrosoftRefusal;
pub(crate) use outcome::{CompletionNotes, FlowOutcome};
pub use store::FlowStore;
pub(crate) use verified_consent::RequestedConsent;
pub use verified_consent::VerifiedConsent;
pub(crate) use visits::SignInAttempt;

/// How long somebody has at Microsoft.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How long a grant, or an administrator's consent, waits for its confirmation.
pub(crate) const CONFIRMATION_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a flow can be asked about.
pub const KEPT_FOR: std::time::Duration = std::time::Duration::from_hours(24);

/// One flow, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// The flow's id, which the host application and the browser are told.
    pub id: Uuid,
    /// Whose account it is about.
    #[serde(with = "text")]
    pub account: AccountId,
    /// The user of the host application who began it.
    #[serde(with = "text")]
    pub started_by: UserId,
    /// That user's generation. The store notes it, and lets what is of another one be over.
    #[serde(flatten)]
    pub(crate) generation: Generation,
    /// The browser session that it was begun in, if it was begun on our own pages.
    #[serde(default)]
    pub(crate) session: Option<Digest>,
    /// The browser that came back with the first of two callbacks.
    #[serde(default)]
    pub(crate) browser: Option<Digest>,
    /// How often an administrator was led through Microsoft's sign-in page again, because their consent was not effective
    /// yet.
    #[serde(default)]
    pub(crate) asked_again: u8,
    /// Where the browser goes in the end; `None` for our own page.
    pub return_to: Option<Url>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// What it asks Microsoft for.
    pub purpose: Purpose,
    /// The digests of the `state` values that were given out, one for each callback.
    pub(crate) states: States,
    pub(crate) stage: FlowStage,
}

/// What it is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An administrator's consent for everyone.
    AdministratorConsent {
        /// What the administrator is asked to consent to.
        permissions: WirePermissionSet,
        /// The epoch that it ends with. A flow that names none was begun by a release that noted none, and is over.
        #[serde(default)]
        begun_in: Option<u64>,
        /// The tenant asked of, where it is known.
        tenant: Option<Tenant>,
        /// The domain that the tenant was found by.
        #[serde(default)]
        tenant_domain: Option<String>,
        /// How the administrator came here.
        route: Route,
        /// Who asks, and for whom.
        #[serde(default)]
        names: Names,
    },
    /// A user's own consent.
    OwnConsent {
        /// What the user is asked to consent to.
        asked: WirePermissionSet,
        /// The account's epoch when it began: a flow of an earlier epoch grants nothing.
        begun_in: u64,
        /// The user's last event by then: what they say no to afterwards is not granted by it. A flow that names none
        /// was begun by a release that noted none, and so before any no.
        #[serde(default)]
        begun_after: u64,
        /// Who has to finish it, where that is known.
        expected: Option<Identity>,
        /// Whether that needs no confirmation.
        #[serde(default)]
        vouched: bool,
    },
    /// A passage through Microsoft that shows no page. Nobody is asked anything by it.
    Connection {
        /// What it is for.
        is_for: ConnectionPurpose,
        /// What Microsoft is asked for: what was granted already, or what the consent gives.
        asked: WirePermissionSet,
        /// The epoch that it ends with.
        begun_in: u64,
        /// Who has to come back.
        expected: Identity,
    },
}

impl Purpose {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::AdministratorConsent { .. } => "administrator_consent",
            Self::OwnConsent { .. } => "own_consent",
            Self::Connection { .. } => "connection",
        }
    }
}

/// How an administrator came to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// From the company's settings, as the Super Admin.
    Direct,
    /// By a link that somebody forwarded.
    HandOff {
        /// The hand-off.
        id: Uuid,
        /// What the administrator is asked to do.
        #[serde(rename = "aim")]
        purpose: HandOffPurpose,
    },
}

impl Route {
    /// What the consent is for.
    pub const fn purpose(self) -> HandOffPurpose {
        match self {
            Self::Direct => HandOffPurpose::AdministratorConsent,
            Self::HandOff { purpose, .. } => purpose,
        }
    }
}

/// What an administrator's consent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandOffPurpose {
    /// The administrator decides for everyone in the company: its authorization method changes.
    AdministratorConsent,
    /// Users may go on deciding for themselves; Microsoft just lets them.
    Approval,
}

/// The `state` values by callback. They stay when a stage is over, so that a second use
/// can be told from a forged one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct States {
    pub(crate) admin_consent: Option<Digest>,
    pub(crate) authorize: Option<Digest>,
    /// Not a `state`, but the same kind of value: it leads to the administrator's page.
    #[serde(default)]
    pub(crate) administrator_page: Option<Digest>,
    /// Other ways to the second callback than the present one, the oldest first.
    #[serde(default)]
    pub(crate) ways: Vec<SignInAttempt>,
    /// The code that came with the callback that was taken.
    #[serde(default)]
    pub(crate) code: Option<Digest>,
    /// What else the grant can be confirmed with, and the page be found by, than the newest.
    #[serde(default)]
    pub(crate) confirms: Vec<Digest>,
    #[serde(default)]
    pub(crate) pages: Vec<Digest>,
}

/// How far it got.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlowStage {
    /// The administrator is at Microsoft's consent page.
    AtAdminConsent,
    /// Somebody is at Microsoft's sign-in page.
    AtAuthorize {
        /// The tenant whose path the code is acquired on; `organizations` if none.
        tenant: Option<Tenant>,
        nonce: String,
        pkce_verifier: String,
    },
    /// A callback was taken. Whoever took it is redeeming the code, and has until `expires_at` to say how it went.
    Redeeming,
    /// The grant waits for the session that began it.
    AwaitingConfirmation {
        confirm: Digest,
        held: WirePermissionSet,
        scopes: Vec<String>,
        identity: Identity,
        /// Where the mailbox was seen, while there was a token to look with.
        mailbox: Option<Mailbox>,
        /// The refresh token, sealed, until there is a grant that it may be kept for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealed_token: Option<Box<TokenRecord>>,
    },
    /// An administrator is proved, and has not confirmed yet on our page what their consent is for.
    AwaitingAdministrator {
        answer: VerifiedConsent,
        /// Since when somebody is recording it.
        taken_at: Option<Timestamp>,
    },
    /// The flow has ended, with this outcome.
    Ended {
        state: FlowState,
        code: Option<String>,
        #[serde(default)]
        details: OutcomeDetails,
        /// The sentence that an earlier release stored in place of the details.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

/// What `GET /v1/flows/{flow}` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Flow)]
pub struct FlowView {
    /// How it stands.
    pub state: FlowState,
    /// Why, as one of the codes of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// Why, as a sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// A flow came to where only flows of the other purpose go. Nothing that somebody sends leads there.
#[derive(Debug, thiserror::Error)]
#[error("the flow has another purpose than what is done with it")]
pub(crate) struct AnotherPurpose;

impl Flow {
    /// Whether it is over without an answer.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        !self.has_ended() && self.expires_at <= now
    }

    /// Whether it has had its answer.
    pub(crate) const fn has_ended(&self) -> bool {
        match self.stage {
            FlowStage::Ended { .. } => true,
            FlowStage::AtAdminConsent
            | FlowStage::AtAuthorize { .. }
            | FlowStage::Redeeming
            | FlowStage::AwaitingConfirmation { .. }
            | FlowStage::AwaitingAdministrator { .. } => false,
        }
    }

    /// Its time is over before it was: what it stood on is gone.
    pub(crate) fn cut_short(&mut self) {
        self.expires_at = Timestamp::MIN;
    }

    fn is_cut_short(&self) -> bool {
        self.expires_at == Timestamp::MIN
    }

    /// The flow as others see it.
    pub fn view(&self, now: Timestamp) -> FlowView {
        if self.is_given_up(now) {
            return FlowOutcome::Failed(FlowFailure::Interrupted).into();
        }
        if self.is_expired(now) {
            return FlowOutcome::Refused(Refusal::FlowExpired).into();
        }
        let plain = |state| FlowView {
            state,
            code: None,
            detail: None,
        };
        match &self.stage {
            FlowStage::AtAdminConsent | FlowStage::AtAuthorize { .. } | FlowStage::Redeeming => {
                plain(FlowState::Pending)
            }
            FlowStage::AwaitingConfirmation { .. } | FlowStage::AwaitingAdministrator { .. } => {
                plain(FlowState::AwaitingConfirmation)
            }
            FlowStage::Ended {
                state,
                code,
                details,
                detail,
            } => FlowView {
                state: *state,
                code: code.clone(),
                detail: detail
                    .clone()
                    .or_else(|| messages::for_outcome(code.as_deref(), details)),
            },
        }
    }
}

/// What a user's own consent was begun with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnConsent {
    pub(crate) asked: PermissionSet,
    pub(crate) begun_in: Epoch,
    pub(crate) begun_after: Sequence,
    pub(crate) expected: Option<MicrosoftIdentity>,
    pub(crate) vouched: bool,
}
