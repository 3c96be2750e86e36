//! Passages through Microsoft that show no page: offered with a decision, and never part of it.

use assent_contract::command::{BeginConnection, ConnectionPurpose, Sensitive};
use assent_contract::values::{PermissionSet, PersonId};
use assent_domain::account::AccountState;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::login::SignIn;
use assent_domain::permissions::PermissionSet as DomainPermissionSet;
use assent_domain::user::UserState;
use assent_microsoft_identity::LoginHint;
use assent_service_kit::error_chain::with_sources;

use crate::answer::{LoginAnswer, Reason};
use crate::decide_login::{Login, LoginHook};
use crate::login_facts::LoginFacts;
use crate::whose::{HeldFor, Whose};

/// What a passage for a refresh token takes, kept while the decision is carried out.
pub(super) struct ConnectionOffer {
    account: AccountId,
    user: UserId,
    /// Whose mailbox it would be: a member of a tenant who signed in through Microsoft.
    held_for: Option<HeldFor>,
    hint: Option<Sensitive>,
    return_to: Option<String>,
    refresh_token: Option<Sensitive>,
}

impl ConnectionOffer {
    /// Takes the refresh token out of the login: nobody else gets it.
    pub(super) fn new(
        login: &mut Login,
        sign_in: SignIn,
        account: &AccountState,
        user: &UserState,
    ) -> Self {
        let held_for = member(sign_in).map(|person| HeldFor {
            person,
            account_sequence: account.last_sequence.0,
            user_sequence: user.last_sequence.0,
        });
        Self {
            account: login.query.account_id.clone(),
            user: login.query.user_id.clone(),
            held_for,
            hint: login.hint.as_ref().map(sensitive),
            return_to: login.return_to.clone(),
            refresh_token: login.refresh_token.take(),
        }
    }
}

impl LoginHook {
    /// Where something is effective for whoever signed in, the token broker gets the refresh token that came along; or the
    /// browser is offered a passage that brings one, if the broker lacks it.
    pub(super) async fn offer_connection(
        &self,
        answer: LoginAnswer,
        offer: ConnectionOffer,
    ) -> LoginAnswer {
        // What is effective for a sign-in is of the mailbox of who signed in.
        let nothing = PermissionSet::from(DomainPermissionSet::NOTHING);
        let Some(held_for) = offer.held_for.filter(|_| answer.effective != nothing) else {
            return answer;
        };
        let whose = Whose {
            account: offer.account,
            user: offer.user,
            held_for,
        };
        if let Some(token) = offer.refresh_token {
            match self.custody.deposit(&whose, token, answer.sequence).await {
                // Taken, or as good as: nobody waits to hear it.
                Some(true) | None => return answer,
                Some(false) => {}
            }
        }
        // One way to Microsoft at a time; that one brings a token, too.
        if answer.authorize_url.is_some() {
            return answer;
        }
        let offers = self.custody.offers();
        if let Some(offered) = offers.find(&whose, offer.return_to.as_deref()) {
            return LoginAnswer {
                connect_url: Some(offered),
                ..answer
            };
        }
        if !self.custody.lacks(&whose).await {
            return answer;
        }
        let heard = offers.heard();
        let command = BeginConnection {
            account_id: whose.account.clone(),
            user_id: whose.user.clone(),
            purpose: ConnectionPurpose::Custody,
            microsoft_identity: held_for.person,
            login_hint: offer.hint,
            return_to: offer.return_to,
        };
        match self.gateway.begin_connection(&command).await {
            Ok(begun) => {
                let address = begun.authorize_url;
                offers.note(&whose, command.return_to, address.clone(), heard);
                LoginAnswer {
                    connect_url: Some(address),
                    ..answer
                }
            }
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "no passage for a refresh token was begun");
                answer
            }
        }
    }

    /// Something that is wanted rests on a consent that Microsoft has said to be withdrawn.
    pub(super) async fn offer_restoration(
        &self,
        facts: LoginFacts,
        sign_in: SignIn,
        login: Login,
    ) -> LoginAnswer {
        let answer = facts.reauthenticate(Reason::ConsentWithdrawn);
        let (Some(person), Some(consent)) = (member(sign_in), facts.consent) else {
            return answer;
        };
        let command = BeginConnection {
            account_id: login.query.account_id,
            user_id: login.query.user_id,
            purpose: ConnectionPurpose::Restoration {
                consent_id: consent.0,
                permissions: login.wanted.into(),
            },
            microsoft_identity: person,
            login_hint: login.hint.as_ref().map(sensitive),
            return_to: login.return_to,
        };
        match self.gateway.begin_connection(&command).await {
            Ok(begun) => LoginAnswer {
                authorize_url: Some(begun.authorize_url),
                ..answer
            },
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "no passage under a withdrawn consent was begun");
                LoginAnswer {
                    degraded: true,
                    ..answer
                }
            }
        }
    }
}

fn member(sign_in: SignIn) -> Option<PersonId> {
    match sign_in {
        SignIn::Microsoft(identity) => Some(identity.into()),
        SignIn::MicrosoftGuest(_) | SignIn::PersonalAccount | SignIn::Other => None,
    }
}

fn sensitive(hint: &LoginHint) -> Sensitive {
    Sensitive(hint.expose().to_owned())
}
