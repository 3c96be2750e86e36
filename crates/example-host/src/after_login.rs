//! What Hirely does about Assent's decision at a login. Whatever it is, the person is in: Assent decides about
//! mailboxes, not about who may use Hirely.

use url::Url;
use uuid::Uuid;

use crate::assent::login_decision::{Decision, LoginDecision};
use crate::assent::permissions::Permissions;
use crate::notice::{Notice, Offer};

/// What Hirely does when somebody has signed in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AfterLogin {
    /// Where the browser goes now; to our own home page if nowhere else.
    pub(crate) go_to: Option<Url>,
    /// The person is not to notice: nothing is asked there, and nothing is said about how it ended.
    pub(crate) is_silent: bool,
    /// What to tell the person.
    pub(crate) notices: Vec<Notice>,
    /// The position in Assent's log that all we show from now on has to reflect.
    pub(crate) at_least: Option<u64>,
}

/// Derives what to do from Assent's decision; `None` where Assent gave none.
pub(crate) fn after_login(decision: Option<&LoginDecision>) -> AfterLogin {
    let Some(decision) = decision else {
        // The login goes on without Assent. What may be synced is asked anew each time, so nothing else is to be done.
        return AfterLogin {
            go_to: None,
            is_silent: false,
            notices: vec![assent_away()],
            at_least: None,
        };
    };
    let mut go_to = None;
    let notice = match decision.decision {
        Decision::Proceed => None,
        // The address is of use for 15 minutes, and for this person only. It is missing where no consent could be
        // asked for just now; the settings still offer it.
        Decision::Prompt => {
            go_to.clone_from(&decision.authorize_url);
            None
        }
        Decision::AutoGrant => Some(Notice {
            title: "Your administrator has connected Microsoft 365 for you",
            text: format!("From now on Hirely may use: {}.", decision.effective),
            offer: None,
        }),
        Decision::Reauthenticate => {
            go_to.clone_from(&decision.authorize_url);
            Some(sign_in_again(&decision.reason, decision.tenant_id))
        }
        Decision::Unavailable => Some(unavailable(&decision.reason)),
    };
    let degraded = decision.degraded.then(assent_away);
    let approval = decision.needs_approval.map(needs_approval);
    let is_silent = go_to.is_none() && decision.connect_url.is_some();
    AfterLogin {
        go_to: go_to.or_else(|| decision.connect_url.clone()),
        is_silent,
        notices: [notice, degraded, approval].into_iter().flatten().collect(),
        at_least: decision.sequence,
    }
}

fn sign_in_again(reason: &str, tenant: Option<Uuid>) -> Notice {
    let text = match reason {
        "another_tenant" => {
            "Your company's administrator has connected Microsoft 365 of another organisation than the one you signed \
             in with. Sign in with your account there, or go on without sync."
        }
        "consent_withdrawn" => {
            "Your company's consent was withdrawn at Microsoft, so nothing is synced. Your administrator can give it again; \
             then sign in once more, and all is as before."
        }
        _ => {
            "Your company's administrator has connected Microsoft 365 for everyone. Sign in through Microsoft once to \
             have it, or go on without sync."
        }
    };
    Notice {
        title: "Sign in through Microsoft to sync",
        text: text.to_owned(),
        offer: Some(Offer::SignInThroughMicrosoft { tenant }),
    }
}

fn unavailable(reason: &str) -> Notice {
    let own_account = Some(Offer::SignInThroughMicrosoft { tenant: None });
    let (text, offer) = match reason {
        "guest" => (
            "You signed in as a guest of an organisation, and guests have no mailbox there. Sign in with the account of \
             your own organisation, or go on without sync.",
            own_account,
        ),
        "personal_account" => (
            "You signed in with a personal Microsoft account, and Hirely syncs with mailboxes of organisations only. Sign \
             in with your work account, or go on without sync.",
            own_account,
        ),
        "unsupported_cloud" => (
            "Your organisation's Microsoft 365 is in a national cloud that Hirely does not reach. Everything else works.",
            None,
        ),
        _ => (
            "There is no mailbox that Hirely could sync with. Everything else works.",
            None,
        ),
    };
    Notice {
        title: "Microsoft 365 cannot be connected",
        text: text.to_owned(),
        offer,
    }
}

fn needs_approval(missing: Permissions) -> Notice {
    Notice {
        title: "Some of it needs your IT department",
        text: format!(
            "Your organisation lets only an administrator approve: {missing}. In your settings you get a link to \
             forward to them."
        ),
        offer: Some(Offer::MyAccountSettings),
    }
}

fn assent_away() -> Notice {
    Notice {
        title: "Microsoft 365 could not be asked about just now",
        text: "You can go on working. What was not confirmed is not synced until it is.".to_owned(),
        offer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assent::permissions::EmailLevel;

    fn decided(decision: Decision) -> LoginDecision {
        LoginDecision {
            decision,
            reason: "any".to_owned(),
            effective: Permissions::NOTHING,
            needs_approval: None,
            authorize_url: None,
            connect_url: None,
            tenant_id: None,
            degraded: false,
            sequence: Some(7),
        }
    }

    fn titles(after: &AfterLogin) -> Vec<&str> {
        after.notices.iter().map(|notice| notice.title).collect()
    }

    #[test]
    fn proceeding_says_nothing() {
        let after = after_login(Some(&decided(Decision::Proceed)));

        assert_eq!((after.go_to, after.notices.len()), (None, 0));
        assert_eq!(after.at_least, Some(7));
    }

    #[test]
    fn a_prompt_sends_the_browser_on() {
        let consent_page = Url::parse("https://login.example/authorize").unwrap();
        let after = after_login(Some(&LoginDecision {
            authorize_url: Some(consent_page.clone()),
            ..decided(Decision::Prompt)
        }));

        assert_eq!((after.go_to, after.notices.len()), (Some(consent_page), 0));
    }

    #[test]
    fn a_prompt_without_an_address_goes_on_and_says_so() {
        let after = after_login(Some(&LoginDecision {
            degraded: true,
            ..decided(Decision::Prompt)
        }));

        assert_eq!(after.go_to, None);
        assert_eq!(titles(&after), [assent_away().title]);
    }

    #[test]
    fn an_automatic_grant_is_told_with_what_was_applied() {
        let after = after_login(Some(&LoginDecision {
            effective: Permissions {
                calendar: true,
                contacts: false,
                email: EmailLevel::Limited,
            },
            ..decided(Decision::AutoGrant)
        }));

        assert!(
            after.notices[0]
                .text
                .contains("calendar, e-mail (sending only)")
        );
    }

    #[test]
    fn who_has_to_sign_in_again_may_go_on_without() {
        let of = |reason: &str| {
            after_login(Some(&LoginDecision {
                reason: reason.to_owned(),
                tenant_id: Some(Uuid::nil()),
                ..decided(Decision::Reauthenticate)
            }))
        };

        let at_the_tenant = Offer::SignInThroughMicrosoft {
            tenant: Some(Uuid::nil()),
        };
        for reason in ["not_through_microsoft", "another_tenant"] {
            let after = of(reason);
            assert_eq!(after.go_to, None);
            assert_eq!(after.notices[0].offer, Some(at_the_tenant));
        }
        assert_ne!(of("not_through_microsoft"), of("another_tenant"));
    }

    #[test]
    fn what_is_permitted_and_has_no_token_is_connected_without_a_word() {
        let (connect, prompt) = ["https://login.example/none", "https://login.example/"]
            .map(|address| Some(Url::parse(address).unwrap()))
            .into();
        let permitted = LoginDecision {
            connect_url: connect.clone(),
            ..decided(Decision::Proceed)
        };

        let after = after_login(Some(&permitted));
        assert_eq!((after.go_to, after.is_silent), (connect, true));
        assert!(after.notices.is_empty());

        let asks = LoginDecision {
            authorize_url: prompt.clone(),
            decision: Decision::Prompt,
            ..permitted
        };
        let after = after_login(Some(&asks));
        assert_eq!((after.go_to, after.is_silent), (prompt, false));
    }

    #[test]
    fn a_dead_consent_is_told_and_tried() {
        let tries = Some(Url::parse("https://login.example/none").unwrap());
        let after = after_login(Some(&LoginDecision {
            reason: "consent_withdrawn".to_owned(),
            authorize_url: tries.clone(),
            ..decided(Decision::Reauthenticate)
        }));

        assert_eq!((after.go_to, after.is_silent), (tries, false));
        assert!(after.notices[0].text.contains("withdrawn at Microsoft"));
    }

    #[test]
    fn who_has_no_mailbox_that_could_be_had_is_told_why_and_where_to_go() {
        let of = |reason: &str| {
            after_login(Some(&LoginDecision {
                reason: reason.to_owned(),
                ..decided(Decision::Unavailable)
            }))
        };
        let own_account = Some(Offer::SignInThroughMicrosoft { tenant: None });
        for (reason, says, offer) in [
            ("guest", "as a guest", own_account),
            (
                "personal_account",
                "personal Microsoft account",
                own_account,
            ),
            ("unsupported_cloud", "national cloud", None),
            ("something_new", "Everything else works", None),
        ] {
            let after = of(reason);
            assert_eq!(titles(&after), ["Microsoft 365 cannot be connected"]);
            let notice = &after.notices[0];
            assert!(notice.text.contains(says), "{}", notice.text);
            assert_eq!(notice.offer, offer, "{reason}");
        }
    }

    #[test]
    fn what_needs_approval_is_offered_in_the_settings_beside_the_prompt() {
        let after = after_login(Some(&LoginDecision {
            authorize_url: Some(Url::parse("https://login.example/").unwrap()),
            needs_approval: Some(Permissions {
                calendar: true,
                ..Permissions::NOTHING
            }),
            ..decided(Decision::Prompt)
        }));

        assert!(after.go_to.is_some());
        assert_eq!(after.notices[0].offer, Some(Offer::MyAccountSettings));
    }

    #[test]
    fn no_answer_holds_nobody_up_and_permits_nothing() {
        let after = after_login(None);

        assert_eq!((after.go_to.as_ref(), after.at_least), (None, None));
        assert_eq!(titles(&after), [assent_away().title]);
    }
}
