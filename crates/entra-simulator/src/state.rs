//! Everything that changes while the simulator runs, behind one lock.

use serde::{Deserialize, Serialize};

use crate::authority::Authority;
use crate::bounded::Bounded;
use crate::clock::{Clock, Moment};
use crate::directory::Directory;
use crate::faults::Faults;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::keys::KeyRing;
use crate::mailboxes::Mailboxes;
use crate::refreshes::{Meter, Refreshes, Throttle};
use crate::scopes::ScopeRequest;
use crate::screen::Interaction;

/// So many codes, open pages and browsers are remembered; beyond that the oldest go.
const CAPACITY: usize = 10_000;
/// And so many tokens of each kind: every use of a refresh token makes one more.
const TOKENS: usize = 200_000;

/// How permissions are written in a token response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeNames {
    /// `Mail.Read`.
    #[default]
    Short,
    /// `https://graph.microsoft.com/Mail.Read`.
    Full,
}

/// Which permissions a token response lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenScopes {
    /// All that were ever granted: Entra adds former consents to a new token.
    #[default]
    AllGranted,
    /// Of those granted, the ones asked for.
    Requested,
}

/// How Autodiscover answers for a mailbox that is not in Exchange Online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Elsewhere {
    /// With where it is, or that it is nowhere.
    #[default]
    Answers,
    /// With a redirect to somebody who knows better.
    Redirects,
}

/// What a request that may show no page is told where consent is missing. Both were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SilentConsent {
    #[default]
    InteractionRequired,
    ConsentRequired,
}

/// Behaviour that tests may change.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Options {
    pub(crate) scope_names: ScopeNames,
    pub(crate) token_scopes: TokenScopes,
    pub(crate) autodiscover: Elsewhere,
    pub(crate) silent_consent: SilentConsent,
    /// How long an access token lives, if nothing was said about challenges.
    pub(crate) access_token_seconds: u32,
    /// `None`: nobody is throttled.
    pub(crate) throttle: Option<Throttle>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope_names: ScopeNames::default(),
            token_scopes: TokenScopes::default(),
            autodiscover: Elsewhere::default(),
            silent_consent: SilentConsent::default(),
            access_token_seconds: 3_599,
            throttle: None,
        }
    }
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) client: ClientId,
    pub(crate) redirect_uri: String,
    pub(crate) authority: Authority,
    pub(crate) tenant: TenantId,
    pub(crate) user: ObjectId,
    pub(crate) signed_in: Moment,
    pub(crate) asked: ScopeRequest,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) expires_at: i64,
    pub(crate) redeemed: bool,
}

/// A refresh token. It stays good after use.
#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    pub(crate) client: ClientId,
    pub(crate) tenant: TenantId,
    pub(crate) user: ObjectId,
    pub(crate) asked: ScopeRequest,
    pub(crate) issued: Moment,
    /// When the person signed in from whom it descends.
    pub(crate) signed_in: Moment,
}

/// Somebody is signed in in a browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserSession {
    pub(crate) user: ObjectId,
    pub(crate) signed_in: Moment,
}

/// An access token for Microsoft Graph.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) tenant: TenantId,
    /// `None`: the application itself.
    pub(crate) user: Option<ObjectId>,
    /// Delegated permissions, or application permissions where there is no user.
    pub(crate) permissions: std::collections::BTreeSet<String>,
    /// Whether Graph looks at it again whenever something happens to the user.
    pub(crate) continuous: bool,
    pub(crate) issued: Moment,
    pub(crate) expires_at: i64,
}

/// All state.
#[derive(Debug)]
pub(crate) struct SimulatedState {
    pub(crate) clock: Clock,
    pub(crate) directory: Directory,
    pub(crate) keys: KeyRing,
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) codes: Bounded<Code>,
    pub(crate) refresh_tokens: Bounded<RefreshToken>,
    pub(crate) access_tokens: Bounded<AccessToken>,
    pub(crate) interactions: Bounded<Interaction>,
    /// Who is signed in, by browser.
    pub(crate) sessions: Bounded<BrowserSession>,
    pub(crate) refreshes: Refreshes,
    pub(crate) meter: Meter,
    pub(crate) mailboxes: Mailboxes,
}

impl SimulatedState {
    pub(crate) fn new(directory: Directory, keys: KeyRing) -> Self {
        Self {
            clock: Clock::default(),
            directory,
            keys,
            options: Options::default(),
            faults: Faults::default(),
            codes: Bounded::new(CAPACITY),
            refresh_tokens: Bounded::new(TOKENS),
            access_tokens: Bounded::new(TOKENS),
            interactions: Bounded::new(CAPACITY),
            sessions: Bounded::new(CAPACITY),
            refreshes: Refreshes::default(),
            meter: Meter::default(),
            mailboxes: Mailboxes::default(),
        }
    }

    /// Begins again with another directory. Keys are kept: making them takes longest, and nothing depends on them.
    pub(crate) fn reset(&mut self, directory: Directory) {
        self.clock = Clock::default();
        self.directory = directory;
        self.options = Options::default();
        self.faults = Faults::default();
        self.codes = Bounded::new(CAPACITY);
        self.refresh_tokens = Bounded::new(TOKENS);
        self.access_tokens = Bounded::new(TOKENS);
        self.interactions = Bounded::new(CAPACITY);
        self.sessions = Bounded::new(CAPACITY);
        self.refreshes = Refreshes::default();
        self.meter = Meter::default();
        self.mailboxes = Mailboxes::default();
    }
}
