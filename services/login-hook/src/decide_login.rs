//! The use case: somebody signed in to the host application.

mod connect;

use assent_contract::command::{
    BeginUserConsent, ExpectedIdentity, RecordAutomaticGrant, Sensitive,
};
use assent_contract::problem::ErrorCode;
use assent_contract::query::UserQuery;
use assent_contract::values::kinds_to_list;
use assent_domain::ids::{ConsentId, MicrosoftIdentity, ObjectId, Tenant, TenantId};
use assent_domain::login::{
    Decision, ProceedReason, PromptReason, ReauthenticateReason, SignIn, UnavailableReason, decide,
    effective_for, is_of_another_mailbox, still_given,
};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{IdTokenError, LoginHint, Membership, VerifiedIdentity};
use assent_service_kit::error_chain::with_sources;

use crate::answer::{DecisionKind, LoginAnswer, Reason};
use crate::clouds::Clouds;
use crate::custody::Custody;
use crate::gateway::{CommandError, Gateway};
use crate::login_facts::{LoginFacts, attainable};
use crate::projection::{ProjectedUser, Projection};
use crate::sign_in::{SignIns, Unverified};
use connect::ConnectionOffer;

/// The refusal by which the gateway keeps a login from sending somebody into a dead end.
const ADMINISTRATOR_APPROVAL_REQUIRED: &str = Refusal::AdministratorApprovalRequired.code();

/// The refusal by which it holds back what would rest on a dead consent.
const CONSENT_WITHDRAWN: &str = Refusal::ConsentWithdrawn.code();

/// The error by which it says that there is nothing to ask.
const ALREADY_ANSWERED: &str = ErrorCode::AlreadyAnswered.as_str();

/// What the use case works with. Shared by all logins, never changed.
#[derive(Debug)]
pub(crate) struct LoginHook {
    pub(crate) sign_ins: SignIns,
    pub(crate) clouds: Clouds,
    pub(crate) projection: Projection,
    pub(crate) gateway: Gateway,
    pub(crate) custody: Custody,
}

/// A login to decide about. It holds an ID token, so it has no `Debug`.
pub(crate) struct Login {
    pub(crate) query: UserQuery,
    /// Of a sign-in through Microsoft.
    pub(crate) id_token: Option<String>,
    /// What came with it, to look where the mailbox is after an automatic grant.
    pub(crate) access_token: Option<Sensitive>,
    /// What came with it, for the token broker.
    pub(crate) refresh_token: Option<Sensitive>,
    /// By what name Microsoft's sign-in page knows whoever signed in, once that is verified.
    pub(crate) hint: Option<LoginHint>,
    pub(crate) wanted: PermissionSet,
    pub(crate) return_to: Option<String>,
}

impl LoginHook {
    /// Decides, and has recorded or begun what follows from it before it answers.
    pub(crate) async fn decide_login(&self, mut login: Login) -> Result<LoginAnswer, IdTokenError> {
        let verified = match &login.id_token {
            None => None,
            Some(id_token) => match self.sign_ins.verify(id_token).await {
                Ok(verified) => Some(verified),
                Err(Unverified::Refused(error)) => return Err(error),
                // A token that can't be verified proves nothing: not even who to ask for.
                Err(Unverified::KeysUnavailable) => {
                    return Ok(LoginAnswer::unknown(
                        Reason::MicrosoftKeysUnavailable,
                        login.wanted,
                    ));
                }
            },
        };
        login.hint = verified
            .as_ref()
            .and_then(|verified| verified.login_hint.clone());
        let (sign_in, known) = tokio::join!(
            self.sign_in(verified),
            self.projection.login_state(&login.query)
        );
        Ok(match known {
            Err(unknown) => LoginAnswer::unknown(unknown.reason(), login.wanted),
            Ok(ProjectedUser::Blocked { method, sequence }) => LoginAnswer {
                method: Some(method),
                sequence: Some(sequence),
                ..LoginAnswer::unknown(Reason::Blocked, login.wanted)
            },
            Ok(ProjectedUser::State {
                account,
                user,
                sequence,
            }) => {
                let decision = decide(&account, &user, login.wanted, sign_in);
                if is_of_another_mailbox(&account, &user, sign_in) {
                    tracing::warn!(
                        security_event = "another_mailbox",
                        account.id = %login.query.account_id,
                        user.id = %login.query.user_id,
                        "a user signed in as another Microsoft identity than their grants are of"
                    );
                }
                let facts = LoginFacts {
                    method: account.method().into(),
                    attainable: attainable(&account, login.wanted),
                    still_given: still_given(&account, &user, login.wanted, sign_in),
                    effective: effective_for(&account, &user, sign_in),
                    is_their_mailbox: sign_in.identity().is_some()
                        && sign_in.identity() == user.mailbox(account.epoch),
                    consent: account.consent().map(|consent| consent.id),
                    consents_tenant: account.consent().map(|consent| consent.tenant.id.0),
                    sequence,
                };
                let offer = ConnectionOffer::new(&mut login, sign_in, &account, &user);
                let answer = self.carry_out(decision, facts, sign_in, login).await;
                self.offer_connection(answer, offer).await
            }
        })
    }

    async fn sign_in(&self, verified: Option<VerifiedIdentity>) -> SignIn {
        let Some(verified) = verified else {
            return SignIn::Other;
        };
        if verified.membership == Membership::PersonalAccount {
            return SignIn::PersonalAccount;
        }
        let identity = MicrosoftIdentity {
            tenant: Tenant {
                cloud: self.clouds.cloud_of(verified.tenant_id).await,
                id: TenantId(verified.tenant_id),
            },
            object_id: ObjectId(verified.object_id),
        };
        match verified.membership {
            Membership::Guest => SignIn::MicrosoftGuest(identity),
            Membership::Member | Membership::PersonalAccount => SignIn::Microsoft(identity),
        }
    }

    async fn carry_out(
        &self,
        decision: Decision,
        facts: LoginFacts,
        sign_in: SignIn,
        login: Login,
    ) -> LoginAnswer {
        match decision {
            // Of what the log says is answered it does not always say by which account.
            Decision::Proceed(ProceedReason::AlreadyAnswered)
                if matches!(sign_in, SignIn::Microsoft(_)) =>
            {
                self.prompt_unless_answered(facts, sign_in, login).await
            }
            Decision::Proceed(reason) => facts.answer(DecisionKind::Proceed, proceeding(reason)),
            Decision::Reauthenticate(ReauthenticateReason::ConsentWithdrawn) => {
                let facts = self.grant_what_lives(facts, sign_in, &login).await;
                self.offer_restoration(facts, sign_in, login).await
            }
            Decision::Reauthenticate(reason) => facts.reauthenticate(reauthenticating(reason)),
            Decision::Unavailable(reason) => {
                facts.answer(DecisionKind::Unavailable, unavailable(reason))
            }
            Decision::AutoGrant { consent, .. } => self.grant(consent, facts, sign_in, login).await,
            Decision::Prompt { missing, reason } => {
                let question = (missing, prompting(reason));
                self.prompt(question, facts, sign_in, login).await
            }
        }
    }

    async fn grant(
        &self,
        consent: ConsentId,
        facts: LoginFacts,
        sign_in: SignIn,
        login: Login,
    ) -> LoginAnswer {
        // The domain grants automatically for sign-ins through Microsoft only.
        let SignIn::Microsoft(identity) = sign_in else {
            return facts.reauthenticate(Reason::NotThroughMicrosoft);
        };
        let command = automatic_grant(consent, identity, &login);
        match self.gateway.record_automatic_grant(&command).await {
            Ok(recorded) => {
                let facts = facts.after(&recorded);
                if facts.attainable.is_within(facts.effective) {
                    facts.answer(DecisionKind::AutoGrant, Reason::AdministratorConsented)
                } else {
                    // The rest is noted to be dead: Microsoft shows whether it is.
                    self.offer_restoration(facts, sign_in, login).await
                }
            }
            // Of this user nothing says so; the gateway has noted it of the consent.
            Err(CommandError::Refused(code)) if code == CONSENT_WITHDRAWN => {
                self.offer_restoration(facts, sign_in, login).await
            }
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "not granted automatically");
                let reason = match error {
                    CommandError::Refused(_) => Reason::AutomaticGrantRefused,
                    CommandError::Request(_) | CommandError::Unreadable(_) => {
                        Reason::AutomaticGrantFailed
                    }
                };
                LoginAnswer {
                    degraded: true,
                    ..facts.answer(DecisionKind::Proceed, reason)
                }
            }
        }
    }

    /// Something of the administrator's consent is dead for this user; what lives is granted all the same.
    async fn grant_what_lives(
        &self,
        facts: LoginFacts,
        sign_in: SignIn,
        login: &Login,
    ) -> LoginFacts {
        let (SignIn::Microsoft(identity), Some(consent)) = (sign_in, facts.consent) else {
            return facts;
        };
        if facts.still_given.is_nothing() {
            return facts;
        }
        let command = automatic_grant(consent, identity, login);
        match self.gateway.record_automatic_grant(&command).await {
            Ok(recorded) => facts.after(&recorded),
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "what lives of a consent is not granted");
                facts
            }
        }
    }

    /// The user has answered, if need be as somebody else: then whoever signed in now is asked, too. Where that can't be
    /// known nobody is asked twice.
    async fn prompt_unless_answered(
        &self,
        facts: LoginFacts,
        sign_in: SignIn,
        login: Login,
    ) -> LoginAnswer {
        let missing = facts.attainable.missing_from(facts.effective);
        let command = BeginUserConsent {
            unless_answered: true,
            ..command(missing, sign_in, login)
        };
        match self.gateway.begin_user_consent(&command).await {
            Ok(begun) => {
                let reason = if facts.is_their_mailbox {
                    Reason::ConsentMissing
                } else {
                    Reason::AnotherMailbox
                };
                facts.prompt((missing, reason), begun)
            }
            Err(CommandError::Refused(code)) if code == ADMINISTRATOR_APPROVAL_REQUIRED => {
                facts.needing_approval(missing)
            }
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "nobody else has answered, as far as is known");
                facts.answer(DecisionKind::Proceed, Reason::AlreadyAnswered)
            }
        }
    }

    async fn prompt(
        &self,
        (missing, reason): (PermissionSet, Reason),
        facts: LoginFacts,
        sign_in: SignIn,
        login: Login,
    ) -> LoginAnswer {
        // What is answered by the log may have been answered by another account; the gateway leaves out what this one did.
        let asked = if matches!(sign_in, SignIn::Microsoft(_)) {
            facts.attainable.missing_from(facts.effective)
        } else {
            missing
        };
        let command = command(asked, sign_in, login);
        match self.gateway.begin_user_consent(&command).await {
            Ok(begun) => facts.prompt((asked, reason), begun),
            Err(CommandError::Refused(code)) if code == ALREADY_ANSWERED => {
                facts.answer(DecisionKind::Proceed, Reason::AlreadyAnswered)
            }
            Err(CommandError::Refused(code)) if code == ADMINISTRATOR_APPROVAL_REQUIRED => {
                facts.needing_approval(missing)
            }
            // The host application can still offer its settings page later.
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "no flow was begun");
                LoginAnswer {
                    missing: missing.into(),
                    degraded: true,
                    ..facts.answer(DecisionKind::Prompt, reason)
                }
            }
        }
    }
}

fn automatic_grant(
    consent: ConsentId,
    identity: MicrosoftIdentity,
    login: &Login,
) -> RecordAutomaticGrant {
    RecordAutomaticGrant {
        account_id: login.query.account_id.clone(),
        user_id: login.query.user_id.clone(),
        consent_id: consent.0,
        permissions: login.wanted.into(),
        tenant: identity.tenant.into(),
        object_id: identity.object_id.0,
        is_guest: false,
        graph_token: login.access_token.clone(),
    }
}

fn command(missing: PermissionSet, sign_in: SignIn, login: Login) -> BeginUserConsent {
    BeginUserConsent {
        account_id: login.query.account_id,
        user_id: login.query.user_id,
        permissions: kinds_to_list(missing.kinds()),
        microsoft_identity: expected(sign_in),
        login_hint: login.hint.map(|hint| Sensitive(hint.expose().to_owned())),
        unless_answered: false,
        return_to: login.return_to,
    }
}

/// The person who signed in is the one whom Microsoft has to meet in the flow.
fn expected(sign_in: SignIn) -> Option<ExpectedIdentity> {
    sign_in.identity().map(ExpectedIdentity::from)
}

const fn proceeding(reason: ProceedReason) -> Reason {
    match reason {
        ProceedReason::NothingWanted => Reason::NothingWanted,
        ProceedReason::AllEffective => Reason::AllEffective,
        ProceedReason::AlreadyAnswered => Reason::AlreadyAnswered,
    }
}

const fn prompting(reason: PromptReason) -> Reason {
    match reason {
        PromptReason::ConsentMissing => Reason::ConsentMissing,
        PromptReason::AnotherMailbox => Reason::AnotherMailbox,
    }
}

const fn unavailable(reason: UnavailableReason) -> Reason {
    match reason {
        UnavailableReason::UnsupportedCloud => Reason::UnsupportedCloud,
        UnavailableReason::Guest => Reason::Guest,
        UnavailableReason::PersonalAccount => Reason::PersonalAccount,
    }
}

const fn reauthenticating(reason: ReauthenticateReason) -> Reason {
    match reason {
        ReauthenticateReason::NotThroughMicrosoft => Reason::NotThroughMicrosoft,
        ReauthenticateReason::AnotherTenant => Reason::AnotherTenant,
        ReauthenticateReason::ConsentWithdrawn => Reason::ConsentWithdrawn,
    }
}
